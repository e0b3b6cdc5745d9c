/** state.db: append-only from the first release on. One statement batch per version; `user_version` counts them. */
export const STATE_MIGRATIONS: readonly string[] = [
  `
CREATE TABLE run (
  id TEXT PRIMARY KEY,
  status TEXT NOT NULL CHECK (status IN ('running','finished','interrupted')),
  started_at TEXT NOT NULL, finished_at TEXT,
  base TEXT NOT NULL, base_tree TEXT NOT NULL, branch TEXT,
  request TEXT NOT NULL,            -- JSON: the ImproveRequest
  summary TEXT,                     -- JSON: ImproveData without candidates, once known
  record_path TEXT, exit_code INTEGER,
  pid INTEGER, pid_start TEXT, boot_id TEXT
) STRICT;
CREATE INDEX run_started ON run (started_at DESC);

CREATE TABLE candidate (
  id TEXT PRIMARY KEY, run_id TEXT NOT NULL REFERENCES run (id), parent TEXT,
  ordinal INTEGER NOT NULL, title TEXT NOT NULL,
  source_kind TEXT NOT NULL, source_id TEXT NOT NULL, fingerprint TEXT NOT NULL,
  risk TEXT NOT NULL, state TEXT NOT NULL, verdict TEXT, reasons TEXT NOT NULL DEFAULT '[]',
  base_oid TEXT, commit_oid TEXT, tree_oid TEXT, diff_hash TEXT, landed_oid TEXT, undo_oid TEXT, target_ref TEXT,
  files TEXT NOT NULL DEFAULT '[]', sites TEXT NOT NULL DEFAULT '{}', evidence TEXT NOT NULL DEFAULT '{}',
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX candidate_run ON candidate (run_id, ordinal);
CREATE INDEX candidate_state ON candidate (state);
CREATE INDEX candidate_fingerprint ON candidate (fingerprint, updated_at);

CREATE TABLE event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, name TEXT NOT NULL,
  run_id TEXT, candidate_id TEXT, data TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX event_candidate ON event (candidate_id, seq);

CREATE TABLE approval (
  id TEXT PRIMARY KEY, candidate_id TEXT NOT NULL REFERENCES candidate (id),
  status TEXT NOT NULL CHECK (status IN ('open','approved','rejected','expired','void')),
  token_hash TEXT NOT NULL, diff_hash TEXT NOT NULL, evidence_hash TEXT NOT NULL,
  requested_at TEXT NOT NULL, expires_at TEXT NOT NULL,
  decided_at TEXT, decided_by TEXT, via TEXT, reason TEXT, overrides INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX approval_open ON approval (candidate_id) WHERE status = 'open';
CREATE INDEX approval_status ON approval (status, requested_at);

CREATE TABLE question (
  id TEXT PRIMARY KEY, candidate_id TEXT NOT NULL REFERENCES candidate (id),
  text TEXT NOT NULL, asked_by TEXT NOT NULL, asked_at TEXT NOT NULL,
  answer TEXT, answered_by TEXT, answered_at TEXT
) STRICT;
CREATE INDEX question_open ON question (asked_at) WHERE answered_at IS NULL;

CREATE TABLE op (
  id TEXT PRIMARY KEY, candidate_id TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('land','undo')),
  state TEXT NOT NULL CHECK (state IN ('intent','done','rolled_back','needs_attention')),
  target_ref TEXT NOT NULL, old_oid TEXT NOT NULL, new_oid TEXT NOT NULL,
  checkout_path TEXT, paths TEXT NOT NULL DEFAULT '[]', locks TEXT NOT NULL DEFAULT '[]',
  detail TEXT, pid INTEGER NOT NULL, pid_start TEXT NOT NULL, boot_id TEXT NOT NULL,
  started_at TEXT NOT NULL, finished_at TEXT
) STRICT;
CREATE INDEX op_intent ON op (started_at) WHERE state = 'intent';

CREATE TABLE sandbox (
  id TEXT PRIMARY KEY, run_id TEXT, path TEXT NOT NULL, admin_path TEXT NOT NULL, purpose TEXT NOT NULL,
  pid INTEGER NOT NULL, pid_start TEXT NOT NULL, boot_id TEXT NOT NULL, created_at TEXT NOT NULL
) STRICT;

CREATE TABLE declined (
  fingerprint TEXT PRIMARY KEY, candidate_id TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT, at TEXT NOT NULL
) STRICT;

CREATE TABLE measurement_cache (
  key TEXT PRIMARY KEY, kind TEXT NOT NULL, data TEXT NOT NULL, created_at TEXT NOT NULL
) STRICT;

CREATE TABLE consent (name TEXT PRIMARY KEY, granted_by TEXT NOT NULL, granted_at TEXT NOT NULL, detail TEXT) STRICT;
CREATE TABLE lease (name TEXT PRIMARY KEY, owner TEXT NOT NULL, pid INTEGER NOT NULL, pid_start TEXT NOT NULL, boot_id TEXT NOT NULL, at TEXT NOT NULL) STRICT;
`,
  // What another database is to publish: written with the row it tells of, sent under its key, then emptied.
  `
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY, queue TEXT NOT NULL, key TEXT NOT NULL UNIQUE, body TEXT, created_at TEXT NOT NULL,
  message_id TEXT, published_at TEXT
) STRICT;
CREATE INDEX outbox_waiting ON outbox (id) WHERE published_at IS NULL;
  `,
  `
CREATE TABLE agent_session (
  id TEXT PRIMARY KEY, run_id TEXT NOT NULL,
  group_id TEXT NOT NULL,             -- attempts that share one budget: the run they began in
  task_key TEXT NOT NULL,             -- the same goal on the same base, attempt by attempt
  goal TEXT NOT NULL, base TEXT NOT NULL, ordinal INTEGER NOT NULL,
  opening TEXT NOT NULL,              -- JSON: the messages before the first turn
  state TEXT NOT NULL CHECK (state IN ('open','done','stopped')),
  stop TEXT, summary TEXT, tree_oid TEXT,
  pid INTEGER NOT NULL, pid_start TEXT NOT NULL, boot_id TEXT NOT NULL,
  started_at TEXT NOT NULL, finished_at TEXT
) STRICT;
CREATE INDEX agent_session_task ON agent_session (task_key, ordinal);

CREATE TABLE agent_turn (
  session_id TEXT NOT NULL REFERENCES agent_session (id), turn INTEGER NOT NULL,
  request_id TEXT NOT NULL, request_hash TEXT NOT NULL,
  answer TEXT NOT NULL,               -- JSON: StoredResult
  results TEXT NOT NULL,              -- JSON: what the tools answered
  note TEXT,                          -- said to the model where it called no tool
  reads TEXT NOT NULL,                -- JSON: hash of each file as the model saw it last
  checkpoint TEXT,                    -- commit that holds the tree after this turn
  at TEXT NOT NULL,
  PRIMARY KEY (session_id, turn)
) STRICT;

CREATE TABLE paid_edit (
  candidate_id TEXT NOT NULL, path TEXT NOT NULL, language TEXT,
  before_text TEXT, after_text TEXT,  -- null: the file was not there
  goal TEXT NOT NULL, model TEXT NOT NULL, cost_nusd INTEGER NOT NULL, at TEXT NOT NULL,
  PRIMARY KEY (candidate_id, path)
) STRICT;
`,
  // Runs that a durable job asked for; questions of a conversation, which has no candidate yet.
  `
ALTER TABLE run ADD COLUMN job_id TEXT;
CREATE INDEX run_job ON run (job_id) WHERE job_id IS NOT NULL;

CREATE TABLE question_of (
  id TEXT PRIMARY KEY,
  candidate_id TEXT REFERENCES candidate (id),
  run_id TEXT REFERENCES run (id),    -- the run whose conversation asked
  session_id TEXT, turn INTEGER, call_id TEXT,
  token_hash TEXT,                    -- who answers by a message has to know the token
  text TEXT NOT NULL, asked_by TEXT NOT NULL, asked_at TEXT NOT NULL,
  answer TEXT, answered_by TEXT, answered_at TEXT,
  CHECK (candidate_id IS NOT NULL OR run_id IS NOT NULL)
) STRICT;
INSERT INTO question_of (id, candidate_id, text, asked_by, asked_at, answer, answered_by, answered_at)
  SELECT id, candidate_id, text, asked_by, asked_at, answer, answered_by, answered_at FROM question;
DROP TABLE question;
ALTER TABLE question_of RENAME TO question;
CREATE INDEX question_open ON question (asked_at) WHERE answered_at IS NULL;
CREATE UNIQUE INDEX question_call ON question (session_id, turn, call_id) WHERE session_id IS NOT NULL;
`,
  // Pieces of the repository that went to another machine, to be made vectors of.
  `
CREATE TABLE sent_text (
  host TEXT NOT NULL, model TEXT NOT NULL, purpose TEXT NOT NULL CHECK (purpose IN ('index','query')),
  pieces INTEGER NOT NULL, bytes INTEGER NOT NULL, first_at TEXT NOT NULL, last_at TEXT NOT NULL,
  PRIMARY KEY (host, model, purpose)
) STRICT;
`,
]
