/** Marks cache.db as ours ("SgCa" in ASCII). */
export const CACHE_APPLICATION_ID = 0x53_67_43_61

/** cache.db may be deleted at any time: it holds copies of answers and what was counted about them. */
export const CACHE_MIGRATIONS: readonly string[] = [
  `
CREATE TABLE cached_results (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,         -- exact-key.ts
  partition TEXT NOT NULL,          -- digest of everything but the words
  task_type TEXT NOT NULL,
  prompt TEXT NOT NULL,             -- the person's words, credentials taken out
  result TEXT NOT NULL,             -- JSON: StoredResult
  embedding BLOB, embedder TEXT,    -- float32, little endian; where the semantic tier is on
  validated INTEGER NOT NULL,       -- 1: met its schema without repair, ended by itself
  cost_nusd INTEGER NOT NULL,       -- what the answer cost when it was made
  threshold REAL NOT NULL,          -- similarity an audited error taught us to demand
  errors INTEGER NOT NULL DEFAULT 0,
  quarantined INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX cached_partition ON cached_results (partition, embedder);
CREATE INDEX cached_expires ON cached_results (expires_at);

CREATE TABLE served (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL,                 -- of the answer
  at INTEGER NOT NULL, task_type TEXT NOT NULL, prompt TEXT NOT NULL,
  source TEXT NOT NULL, tier TEXT,
  entry INTEGER, rule TEXT, similarity REAL,
  miss_gate TEXT,                   -- why the semantic tier did not answer
  latency_us INTEGER NOT NULL, cost_nusd INTEGER NOT NULL, saved_nusd INTEGER NOT NULL
) STRICT;
CREATE INDEX served_at ON served (at);
CREATE INDEX served_entry ON served (entry) WHERE entry IS NOT NULL;

CREATE TABLE cache_audits (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL, task_type TEXT NOT NULL, entry INTEGER NOT NULL, similarity REAL NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('shadow', 'live')),
  right INTEGER NOT NULL, comparator TEXT NOT NULL, prompt TEXT NOT NULL
) STRICT;
CREATE INDEX audits_task ON cache_audits (task_type, id);
CREATE INDEX audits_entry ON cache_audits (entry);

CREATE TABLE rule_record (
  rule TEXT PRIMARY KEY, agreed INTEGER NOT NULL, trials INTEGER NOT NULL
) STRICT;
`,
  // of latency_us: the tier's own work, and what it waited for (the repository, vectors); NULL before they were told apart
  `
ALTER TABLE served ADD COLUMN lookup_us INTEGER;
ALTER TABLE served ADD COLUMN read_us INTEGER;
`,
]

export const SQL = {
  byKey: 'SELECT * FROM cached_results WHERE key = ? AND expires_at > ?',
  put: `INSERT INTO cached_results (key, partition, task_type, prompt, result, embedding, embedder, validated, cost_nusd, threshold, created_at, expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET result = excluded.result, validated = excluded.validated, cost_nusd = excluded.cost_nusd,
      prompt = iif(excluded.embedding IS NULL, prompt, excluded.prompt), embedding = coalesce(excluded.embedding, embedding), embedder = coalesce(excluded.embedder, embedder),
      errors = 0, quarantined = 0, threshold = excluded.threshold, created_at = excluded.created_at, expires_at = excluded.expires_at`,
  served: `INSERT INTO served (id, at, task_type, prompt, source, tier, entry, rule, similarity, miss_gate, latency_us, lookup_us, read_us, cost_nusd, saved_nusd)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  expired: 'DELETE FROM cached_results WHERE id IN (SELECT id FROM cached_results WHERE expires_at <= ? LIMIT 100)',
  oldServed: 'DELETE FROM served WHERE id IN (SELECT id FROM served WHERE at <= ? LIMIT 100)',
  ruleRecord: 'SELECT agreed, trials FROM rule_record WHERE rule = ?',
  ruleRecords: 'SELECT rule, agreed, trials FROM rule_record',
  judgeRule: `INSERT INTO rule_record (rule, agreed, trials) VALUES (?, ?, 1)
    ON CONFLICT (rule) DO UPDATE SET agreed = agreed + excluded.agreed, trials = trials + 1`,
  candidates: `SELECT id, prompt, result, embedding, validated, cost_nusd, threshold, quarantined FROM cached_results
    WHERE partition = ? AND embedder = ? AND expires_at > ? ORDER BY id DESC LIMIT 2000`,
  audit: 'INSERT INTO cache_audits (at, task_type, entry, similarity, mode, right, comparator, prompt) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  // two audited errors and the entry never answers again; one, and it demands more than the similarity that was wrong
  blame: `UPDATE cached_results SET errors = errors + 1, quarantined = max(quarantined, errors + 1 >= 2), threshold = max(threshold, ?)
    WHERE id = ?`,
  auditsOf: 'SELECT right FROM cache_audits WHERE task_type = ? ORDER BY id DESC LIMIT ?',
  auditsSince: 'SELECT count(*) AS n FROM cache_audits WHERE task_type = ? AND at > ?',
  auditedTasks: 'SELECT DISTINCT task_type FROM cache_audits ORDER BY task_type',
  split: 'SELECT source, tier, count(*) AS n, sum(cost_nusd) AS cost, sum(saved_nusd) AS saved FROM served GROUP BY source, tier',
  latencies: 'SELECT latency_us, lookup_us, read_us FROM served WHERE source = ? AND tier IS ?',
  misses: 'SELECT miss_gate AS gate, count(*) AS n FROM served WHERE miss_gate IS NOT NULL GROUP BY miss_gate ORDER BY n DESC, gate',
  entries: 'SELECT count(*) AS n, coalesce(sum(quarantined), 0) AS quarantined FROM cached_results',
  // what a semantic hit served although its entry was found wrong, or its kind of task is no longer trusted
  suspects: `SELECT s.id, s.at, s.task_type, s.prompt, s.similarity, s.entry, c.prompt AS entry_prompt,
      coalesce(c.errors, 0) AS errors, coalesce(c.quarantined, 0) AS quarantined,
      EXISTS (SELECT 1 FROM cache_audits a WHERE a.entry = s.entry AND a.right = 0) AS wrong
    FROM served s LEFT JOIN cached_results c ON c.id = s.entry WHERE s.tier = 'semantic' ORDER BY s.seq DESC LIMIT 1000`,
  clearable: 'SELECT count(*) AS n FROM cached_results WHERE task_type = coalesce(?, task_type)',
  clear: 'DELETE FROM cached_results WHERE task_type = coalesce(?, task_type)',
} as const
