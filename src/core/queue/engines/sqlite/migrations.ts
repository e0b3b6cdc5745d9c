import { NAMED_QUEUES } from '../../job.ts'
import { REQUESTS_BY_STATUS, VIEWS } from './views.ts'

/** Marks queue.db as ours ("SinQ" in ASCII). */
export const QUEUE_APPLICATION_ID = 0x53_69_6e_51

/**
 * `job` is narrow: claims and searches never touch a payload. `seq` is the order of arrival. A `run_at` of 0 means at once, so that
 * a process whose clock is behind takes it too; the same holds for `message.visible_at`. The indexes named by the seeds serve the
 * view of the models' requests and cost the other queues nothing. What happens to a job is written by triggers: no statement can
 * forget it.
 */
const TABLES = `
CREATE TABLE job (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  queue TEXT NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('available', 'running', 'completed', 'dead', 'cancelled')),
  status TEXT GENERATED ALWAYS AS (CASE state WHEN 'available' THEN 'pending' WHEN 'running' THEN 'processing'
    WHEN 'completed' THEN 'completed' ELSE 'failed' END) VIRTUAL,
  priority INTEGER NOT NULL,
  run_at INTEGER NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0,
  max_attempts INTEGER NOT NULL,
  crashes INTEGER NOT NULL DEFAULT 0,
  token INTEGER NOT NULL DEFAULT 0,
  lease_until INTEGER,
  lease_ms INTEGER,
  worker TEXT,
  unique_key TEXT,
  group_key TEXT,
  parent_id TEXT,
  agent_id TEXT NOT NULL,
  task_type TEXT NOT NULL,
  complexity TEXT NOT NULL,
  paid INTEGER NOT NULL,
  lifetime TEXT NOT NULL,
  deadline_at INTEGER,
  cancel_reason TEXT,
  reason TEXT,
  error_message TEXT,
  published_at INTEGER,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  finished_at INTEGER,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX job_claim_index ON job (queue, priority, seq, run_at) WHERE state = 'available';
CREATE INDEX job_running_index ON job (queue, worker, lease_until) WHERE state = 'running';
CREATE INDEX job_scheduled_index ON job (run_at) WHERE state = 'available' AND run_at > 0;
CREATE INDEX job_deadline_index ON job (deadline_at) WHERE state = 'available' AND deadline_at IS NOT NULL;
CREATE INDEX job_owned_index ON job (worker) WHERE state = 'available' AND lifetime = 'with_owner';
CREATE INDEX job_paid_index ON job (queue) WHERE state = 'available' AND paid = 1;
CREATE INDEX job_crashed_index ON job (queue) WHERE crashes > 0 AND state IN ('available', 'running');
CREATE INDEX job_group_waiting_index ON job (group_key, priority, seq) WHERE state = 'available' AND group_key IS NOT NULL;
CREATE INDEX job_group_running_index ON job (group_key) WHERE state = 'running' AND group_key IS NOT NULL;
CREATE INDEX job_finished_index ON job (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX job_parent_index ON job (parent_id) WHERE parent_id IS NOT NULL;
CREATE UNIQUE INDEX job_unique_index ON job (queue, unique_key) WHERE unique_key IS NOT NULL AND state IN ('available', 'running');
CREATE INDEX llm_requests_status_created_at_index ON job (created_at) WHERE status = 'pending' AND queue = 'llm_requests';
CREATE INDEX llm_requests_agent_id_index ON job (agent_id) WHERE queue = 'llm_requests';
CREATE INDEX llm_requests_task_type_index ON job (task_type) WHERE queue = 'llm_requests';
CREATE INDEX llm_requests_status_agent_created_index ON job (status, agent_id, created_at) WHERE queue = 'llm_requests';
CREATE INDEX llm_requests_status_updated_at_index ON job (status, updated_at) WHERE queue = 'llm_requests';

CREATE TABLE job_data (
  seq INTEGER PRIMARY KEY REFERENCES job (seq) ON DELETE CASCADE,
  payload TEXT NOT NULL
) STRICT;
CREATE TABLE job_result (
  seq INTEGER PRIMARY KEY REFERENCES job (seq) ON DELETE CASCADE,
  result TEXT NOT NULL CHECK (json_valid(result))
) STRICT;

CREATE TABLE attempt (
  seq INTEGER NOT NULL REFERENCES job (seq) ON DELETE CASCADE,
  n INTEGER NOT NULL,
  token INTEGER NOT NULL,
  step TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  phase TEXT NOT NULL,
  kind TEXT,
  reason TEXT,
  http_status INTEGER,
  usage TEXT,
  cost_nusd INTEGER NOT NULL,
  cost_source TEXT NOT NULL,
  ms INTEGER NOT NULL,
  skipped TEXT NOT NULL,
  dropped_params TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  PRIMARY KEY (seq, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE orphan_result (
  id INTEGER PRIMARY KEY,
  job_id TEXT NOT NULL,
  token INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  result TEXT,
  reason TEXT,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX orphan_result_job_index ON orphan_result (job_id);

CREATE TABLE queue (
  name TEXT PRIMARY KEY,
  named INTEGER NOT NULL DEFAULT 0,
  paused INTEGER NOT NULL DEFAULT 0,
  concurrency INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO queue (name, named) VALUES ${NAMED_QUEUES.map((name) => `('${name}', 1)`).join(', ')};
CREATE TABLE group_limit (name TEXT PRIMARY KEY, concurrency INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE message (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  queue TEXT NOT NULL REFERENCES queue (name),
  body TEXT NOT NULL,
  key TEXT,
  read_count INTEGER NOT NULL DEFAULT 0,
  enqueued_at INTEGER NOT NULL,
  visible_at INTEGER NOT NULL DEFAULT 0,
  acked_at INTEGER
) STRICT;
CREATE INDEX message_waiting_index ON message (queue, id) WHERE acked_at IS NULL;
CREATE INDEX message_acked_index ON message (acked_at) WHERE acked_at IS NOT NULL;
CREATE UNIQUE INDEX message_key_index ON message (queue, key) WHERE key IS NOT NULL;

CREATE TABLE worker (
  id TEXT PRIMARY KEY,
  pid INTEGER NOT NULL,
  pid_start TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  pid_namespace TEXT NOT NULL,
  queues TEXT NOT NULL,
  version TEXT NOT NULL,
  role TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  stopping INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE job_event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  type TEXT NOT NULL,
  job INTEGER NOT NULL,
  detail TEXT
) STRICT;

CREATE TABLE chore (name TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TRIGGER job_came AFTER INSERT ON job BEGIN
  INSERT INTO job_event (at, type, job, detail)
  VALUES (new.created_at, CASE new.state WHEN 'running' THEN 'claimed' ELSE 'enqueued' END, new.seq, new.worker);
END;
CREATE TRIGGER job_moved AFTER UPDATE OF state ON job WHEN old.state <> new.state BEGIN
  INSERT INTO job_event (at, type, job, detail)
  VALUES (new.updated_at, CASE new.state WHEN 'running' THEN 'claimed'
    WHEN 'available' THEN CASE old.state WHEN 'running' THEN 'released' ELSE 'retried' END ELSE new.state END, new.seq,
    CASE new.state WHEN 'running' THEN new.worker ELSE new.reason END);
END;
`

/**
 * Events are numbered by the table itself. AUTOINCREMENT keeps the last number in a table of SQLite's own, a page more to read and
 * write in every change of a state; here the newest event is never pruned instead. Where all of them were pruned already, a row that
 * is no job's stands for the last number, so that who follows from a number misses nothing.
 */
const EVENTS_NUMBER_THEMSELVES = `
CREATE TABLE event (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  type TEXT NOT NULL,
  job INTEGER NOT NULL,
  detail TEXT
) STRICT;
INSERT INTO event SELECT seq, at, type, job, detail FROM job_event ORDER BY seq;
INSERT OR IGNORE INTO event SELECT seq, 0, 'pruned', 0, NULL FROM sqlite_sequence WHERE name = 'job_event' AND seq > 0;
DROP TRIGGER job_came;
DROP TRIGGER job_moved;
DROP TABLE job_event;
ALTER TABLE event RENAME TO job_event;
CREATE TRIGGER job_came AFTER INSERT ON job BEGIN
  INSERT INTO job_event (at, type, job, detail)
  VALUES (new.created_at, CASE new.state WHEN 'running' THEN 'claimed' ELSE 'enqueued' END, new.seq, new.worker);
END;
CREATE TRIGGER job_moved AFTER UPDATE OF state ON job WHEN old.state <> new.state BEGIN
  INSERT INTO job_event (at, type, job, detail)
  VALUES (new.updated_at, CASE new.state WHEN 'running' THEN 'claimed'
    WHEN 'available' THEN CASE old.state WHEN 'running' THEN 'released' ELSE 'retried' END ELSE new.state END, new.seq,
    CASE new.state WHEN 'running' THEN new.worker ELSE new.reason END);
END;
`

/**
 * What an index is about is asked first: of nearly every job it is not so, and the state is not looked at. Every change of a state
 * asks all of them.
 */
const RARE_FIRST = `
DROP INDEX job_scheduled_index;
DROP INDEX job_deadline_index;
DROP INDEX job_owned_index;
DROP INDEX job_paid_index;
DROP INDEX job_group_waiting_index;
DROP INDEX job_group_running_index;
DROP INDEX llm_requests_status_created_at_index;
CREATE INDEX job_scheduled_index ON job (run_at) WHERE run_at > 0 AND state = 'available';
CREATE INDEX job_deadline_index ON job (deadline_at) WHERE deadline_at IS NOT NULL AND state = 'available';
CREATE INDEX job_owned_index ON job (worker) WHERE lifetime = 'with_owner' AND state = 'available';
CREATE INDEX job_paid_index ON job (queue) WHERE paid = 1 AND state = 'available';
CREATE INDEX job_group_waiting_index ON job (group_key, priority, seq) WHERE group_key IS NOT NULL AND state = 'available';
CREATE INDEX job_group_running_index ON job (group_key) WHERE group_key IS NOT NULL AND state = 'running';
CREATE INDEX llm_requests_status_created_at_index ON job (created_at) WHERE queue = 'llm_requests' AND status = 'pending';
`

/**
 * `room` is what a row keeps free for its claim. A request enters the indexes of what has ended once, when it ends: every claim and
 * every end had moved it in two that hold all of them. They know the state, not the status, which is worked out anew for each index that
 * asks. What has ended is in one index by its time: requests to models in theirs (`updated_at` is then the moment of the end), the rest
 * in `job_finished_index`.
 */
const REQUESTS_ENTER_ONCE = `
ALTER TABLE job ADD COLUMN room TEXT;
DROP INDEX llm_requests_status_created_at_index;
DROP INDEX llm_requests_status_agent_created_index;
DROP INDEX llm_requests_status_updated_at_index;
DROP INDEX job_finished_index;
CREATE INDEX llm_requests_status_created_at_index ON job (created_at) WHERE queue = 'llm_requests' AND state = 'available';
CREATE INDEX llm_requests_status_agent_created_index ON job (state, agent_id, created_at)
  WHERE finished_at IS NOT NULL AND queue = 'llm_requests';
CREATE INDEX llm_requests_status_updated_at_index ON job (state, updated_at) WHERE finished_at IS NOT NULL AND queue = 'llm_requests';
CREATE INDEX job_finished_index ON job (finished_at) WHERE finished_at IS NOT NULL AND queue <> 'llm_requests';
`

/**
 * The same constraint in words that cost nothing: of a list of more than two values SQLite makes a table, for every row that is written.
 * No row is touched, so the text is all there is to change; the statements after it make others read it again.
 */
const STATES_ONE_BY_ONE = `
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'state IN (''available'', ''running'', ''completed'', ''dead'', ''cancelled'')',
  'state = ''available'' OR state = ''running'' OR state = ''completed'' OR state = ''dead'' OR state = ''cancelled''')
  WHERE type = 'table' AND name = 'job';
PRAGMA writable_schema = RESET;
`

/** Only ever added to. */
export const QUEUE_MIGRATIONS: readonly string[] = [
  TABLES + VIEWS,
  EVENTS_NUMBER_THEMSELVES + RARE_FIRST,
  STATES_ONE_BY_ONE + REQUESTS_ENTER_ONCE + REQUESTS_BY_STATUS,
]
