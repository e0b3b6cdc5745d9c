/** Marks account.db as ours ("Sacc" in ASCII). */
export const ACCOUNT_APPLICATION_ID = 0x53_61_63_63

/** account.db: append-only from the first release on. Amounts are nano-dollars, times wall-clock ms. */
export const ACCOUNT_MIGRATIONS: readonly string[] = [
  `
CREATE TABLE reservation (
  repository TEXT NOT NULL, request TEXT NOT NULL, token INTEGER NOT NULL, attempt INTEGER NOT NULL,
  phase TEXT NOT NULL CHECK (phase IN ('reserved','calling','settled','released','counted')),
  bound_nusd INTEGER NOT NULL CHECK (bound_nusd >= 0),
  spent_nusd INTEGER NOT NULL DEFAULT 0, source TEXT,
  provider TEXT NOT NULL, model TEXT NOT NULL, task_type TEXT NOT NULL,
  balances TEXT NOT NULL,            -- JSON: ids of the balances it counts in
  pid INTEGER NOT NULL, pid_start TEXT NOT NULL, boot_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (repository, request, token, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX reservation_open ON reservation (pid) WHERE phase IN ('reserved','calling');
CREATE INDEX reservation_at ON reservation (at);

-- one row per cap and period: the sums of its reservations
CREATE TABLE balance (
  id INTEGER PRIMARY KEY, scope TEXT NOT NULL, key TEXT NOT NULL, period TEXT NOT NULL,
  spent_nusd INTEGER NOT NULL DEFAULT 0, reserved_nusd INTEGER NOT NULL DEFAULT 0, at INTEGER NOT NULL,
  UNIQUE (scope, key, period)
) STRICT;

CREATE TABLE user_cap (scope TEXT PRIMARY KEY CHECK (scope IN ('day','month')), cap_nusd INTEGER NOT NULL) STRICT;
CREATE TABLE block (provider TEXT PRIMARY KEY, reason TEXT NOT NULL, credential TEXT, since INTEGER NOT NULL) STRICT;

CREATE TABLE breaker (
  provider TEXT NOT NULL, model TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('closed','open','half_open')),
  failures INTEGER NOT NULL, recent TEXT NOT NULL,       -- the last 20, '1' for a failure
  opened_at INTEGER NOT NULL, backoff_ms INTEGER NOT NULL,
  burnt_nusd INTEGER NOT NULL, burnt_since INTEGER NOT NULL,
  pid INTEGER, pid_start TEXT, boot_id TEXT, probe_at INTEGER,
  PRIMARY KEY (provider, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE bucket (
  provider TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('rpm','tpm')), level REAL NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (provider, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE closed (provider TEXT PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL) STRICT;
CREATE TABLE retries (provider TEXT PRIMARY KEY, recent TEXT NOT NULL) STRICT;   -- 'c' a call, 'r' a retry that was allowed

CREATE TABLE ledger (id INTEGER PRIMARY KEY CHECK (id = 1), created_at INTEGER NOT NULL, seen_at INTEGER NOT NULL) STRICT;
`,
  `
CREATE TABLE calibration (model TEXT PRIMARY KEY, bytes_per_token REAL NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE notice (
  provider TEXT NOT NULL, model TEXT NOT NULL, reason TEXT NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (provider, model)
) STRICT, WITHOUT ROWID;
`,
  // when a row was written by the clock that processes of one boot share; and what a mended ledger does not know any more
  `
ALTER TABLE bucket ADD COLUMN boot_id TEXT NOT NULL DEFAULT '';
ALTER TABLE bucket ADD COLUMN uptime REAL NOT NULL DEFAULT 0;
ALTER TABLE closed ADD COLUMN boot_id TEXT NOT NULL DEFAULT '';
ALTER TABLE closed ADD COLUMN uptime REAL NOT NULL DEFAULT 0;
ALTER TABLE ledger ADD COLUMN doubt TEXT;
`,
]

const KEY = 'repository = ? AND request = ? AND token = ? AND attempt = ?'

export const SQL = {
  ledger: 'SELECT created_at, seen_at, doubt FROM ledger',
  confirm: 'UPDATE ledger SET doubt = NULL',
  createLedger: 'INSERT OR IGNORE INTO ledger (id, created_at, seen_at) VALUES (1, ?, ?)',
  see: 'UPDATE ledger SET seen_at = ?',

  find: `SELECT phase, bound_nusd, spent_nusd, balances FROM reservation WHERE ${KEY}`,
  insert: `INSERT INTO reservation (repository, request, token, attempt, phase, bound_nusd, provider, model, task_type, balances, pid, pid_start, boot_id, at)
    VALUES (?, ?, ?, ?, 'reserved', ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  setPhase: `UPDATE reservation SET phase = ?, spent_nusd = ?, source = ? WHERE ${KEY}`,
  open: `SELECT repository, request, token, attempt, phase, bound_nusd, spent_nusd, balances, pid, pid_start, boot_id
    FROM reservation WHERE phase IN ('reserved','calling')`,
  prune: `DELETE FROM reservation WHERE (repository, request, token, attempt) IN
    (SELECT repository, request, token, attempt FROM reservation WHERE at < ? AND phase NOT IN ('reserved','calling') LIMIT 500)`,
  pruneBalances: `DELETE FROM balance WHERE id IN (SELECT id FROM balance WHERE at < ? AND reserved_nusd = 0 LIMIT 500)`,

  balance: 'SELECT id, spent_nusd, reserved_nusd FROM balance WHERE scope = ? AND key = ? AND period = ?',
  addBalance: 'INSERT INTO balance (scope, key, period, at) VALUES (?, ?, ?, ?)',
  change: 'UPDATE balance SET reserved_nusd = reserved_nusd + ?, spent_nusd = spent_nusd + ? WHERE id IN (SELECT value FROM json_each(?))',

  userCaps: 'SELECT scope, cap_nusd FROM user_cap',
  setUserCap: 'INSERT INTO user_cap (scope, cap_nusd) VALUES (?, ?) ON CONFLICT (scope) DO UPDATE SET cap_nusd = excluded.cap_nusd',

  overruns: `SELECT request, attempt, model, bound_nusd, spent_nusd FROM reservation WHERE spent_nusd > bound_nusd`,
  wrongBalances: `SELECT balance.id, scope, key, period, balance.spent_nusd, balance.reserved_nusd,
      coalesce(sum(reservation.spent_nusd), 0) AS spent,
      coalesce(sum(CASE WHEN phase IN ('reserved','calling') THEN bound_nusd ELSE 0 END), 0) AS reserved
    FROM balance LEFT JOIN reservation ON EXISTS (SELECT 1 FROM json_each(reservation.balances) WHERE value = balance.id)
    WHERE balance.at >= ? GROUP BY balance.id HAVING spent <> balance.spent_nusd OR reserved <> balance.reserved_nusd`,

  blocked: 'SELECT reason, credential, since FROM block WHERE provider = ?',
  block: `INSERT INTO block (provider, reason, credential, since) VALUES (?, ?, ?, ?)
    ON CONFLICT (provider) DO UPDATE SET reason = excluded.reason, credential = excluded.credential`,
  unblock: 'DELETE FROM block WHERE provider = ?',

  breaker: 'SELECT * FROM breaker WHERE provider = ? AND model = ?',
  breakers: 'SELECT * FROM breaker ORDER BY provider, model',
  putBreaker: `INSERT OR REPLACE INTO breaker
    (provider, model, state, failures, recent, opened_at, backoff_ms, burnt_nusd, burnt_since, pid, pid_start, boot_id, probe_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,

  bucket: 'SELECT level, at, boot_id, uptime FROM bucket WHERE provider = ? AND kind = ?',
  putBucket: 'INSERT OR REPLACE INTO bucket (provider, kind, level, at, boot_id, uptime) VALUES (?, ?, ?, ?, ?, ?)',
  closed: 'SELECT since AS at, until, boot_id, uptime FROM closed WHERE provider = ?',
  close: 'INSERT OR REPLACE INTO closed (provider, since, until, boot_id, uptime) VALUES (?, ?, ?, ?, ?)',

  retries: 'SELECT recent FROM retries WHERE provider = ?',
  putRetries: 'INSERT OR REPLACE INTO retries (provider, recent) VALUES (?, ?)',

  calibration: 'SELECT bytes_per_token FROM calibration WHERE model = ?',
  putCalibration: `INSERT INTO calibration (model, bytes_per_token, n, at) VALUES (?, ?, 1, ?)
    ON CONFLICT (model) DO UPDATE SET bytes_per_token = excluded.bytes_per_token, n = n + 1, at = excluded.at`,
  notices: 'SELECT provider, model, reason, since FROM notice ORDER BY provider, model',
  noticeOf: 'SELECT 1 AS found FROM notice WHERE provider = ? AND model = ?',
  putNotice: `INSERT INTO notice (provider, model, reason, since) VALUES (?, ?, ?, ?)
    ON CONFLICT (provider, model) DO UPDATE SET reason = excluded.reason`,
  clearNotice: 'DELETE FROM notice WHERE provider = ? AND model = ?',
} as const

const SUM = `(SELECT coalesce(sum(spent_nusd), 0) FROM reservation WHERE EXISTS (SELECT 1 FROM json_each(balances) WHERE value = balance.id))`
const OPEN = `(SELECT coalesce(sum(bound_nusd), 0) FROM reservation WHERE phase IN ('reserved','calling')
  AND EXISTS (SELECT 1 FROM json_each(balances) WHERE value = balance.id))`

/** Brings a ledger of which rows were lost in order. */
export const MEND = {
  raiseSums: `UPDATE balance SET spent_nusd = max(spent_nusd, ${SUM})`,
  setReserved: `UPDATE balance SET reserved_nusd = ${OPEN}`,
  rowsForSums: `INSERT INTO reservation (repository, request, token, attempt, phase, bound_nusd, spent_nusd, source, provider, model, task_type,
      balances, pid, pid_start, boot_id, at)
    SELECT '', 'lost ' || ? || ' ' || id, 0, 0, 'counted', spent_nusd - ${SUM}, spent_nusd - ${SUM}, 'unknown', '', '', '', '[' || id || ']', 0, '', '', at
    FROM balance WHERE spent_nusd > ${SUM}`,
  doubt: `INSERT INTO ledger (id, created_at, seen_at, doubt) VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET doubt = excluded.doubt`,
} as const
