import { CLOCK_SLACK_MS } from '../defaults.ts'
import { JOB_COLUMNS } from './rows.ts'

const PAYLOAD = '(SELECT payload FROM job_data WHERE job_data.seq = job.seq) AS payload'
const RESULT = '(SELECT result FROM job_result WHERE job_result.seq = job.seq) AS result'

const runnable = (kinds: number): string => `state = 'available' AND run_at <= @now AND (deadline_at IS NULL OR deadline_at > @now)
  AND lifetime = 'durable' AND kind IN (${Array.from({ length: kinds }, (_, index) => `@k${index}`).join(', ')})`

/** How many of a queue may start: none while it is paused, never more than its concurrency leaves. */
const slotsOf = (queue: string): string => `coalesce((SELECT CASE WHEN paused = 1 THEN 0 WHEN concurrency IS NULL THEN @limit
  ELSE max(0, min(@limit, concurrency - (SELECT count(*) FROM job WHERE state = 'running' AND queue = ${queue}))) END
  FROM queue WHERE name = ${queue}), @limit)`

/** The first runnable jobs of one queue, straight from `job_claim_index`. */
const firstOf = (rule: string, queue: string, more: string): string =>
  `WHERE ${rule} AND queue = ${queue}${more} ORDER BY priority, job.seq LIMIT ${slotsOf(queue)}`

const TAKE = `UPDATE job SET state = 'running', attempt = attempt + 1, token = token + 1, lease_until = @leaseUntil, lease_ms = @leaseMs,
  worker = @worker, started_at = @now, updated_at = @now, cancel_reason = NULL, room = NULL`

/**
 * What a claim reads of jobs before it takes them: SQLite would keep a copy of what an update returns, and a query for each payload
 * costs as much as the payload. What the claim itself says (`known`) is not asked, and the rest of a claimed job follows from it. The
 * order is that of `toClaimed`.
 */
const taken = (known: { queue?: boolean; kind?: boolean; durable?: boolean }): string => `SELECT job.seq, id,
  ${known.queue ? 'NULL' : 'queue'}, ${known.kind ? 'NULL' : 'kind'}, job.priority, iif(run_at = 0, created_at, run_at), attempt,
  max_attempts, job.crashes, token, unique_key, group_key, parent_id, agent_id, task_type, complexity, paid,
  ${known.durable ? 'NULL' : 'lifetime'}, deadline_at, reason, error_message, created_at, payload`
/** The order of the joins is given: what is taken is few, and chosen by its place in the queue. */
const WITH_PAYLOAD = 'job CROSS JOIN job_data USING (seq)'

/** A group at its limit lets others pass. */
const groupsOf = (rule: string, names: readonly string[]): string => `WITH free_in_group AS (
  SELECT seq FROM (SELECT job.seq, row_number() OVER (PARTITION BY group_key ORDER BY priority, job.seq) AS nth,
    concurrency - (SELECT count(*) FROM job r WHERE r.state = 'running' AND r.group_key = group_limit.name) AS free
    FROM group_limit JOIN job ON group_key = group_limit.name WHERE ${rule} AND queue IN (${names.join(', ')}))
  WHERE nth <= free) `
const IN_GROUP = ` AND (group_key IS NULL OR group_key NOT IN (SELECT name FROM group_limit) OR seq IN (SELECT seq FROM free_in_group))`

/**
 * A job that has crashed a worker runs alone: it is taken only as the first of an idle worker, and whoever runs it takes nothing
 * beside it.
 */
const alone = (jobs: string): string => `SELECT seq FROM (SELECT seq, row_number() OVER inOrder AS nth,
    sum(crashes > 0) OVER inOrder AS poison FROM (${jobs}) WINDOW inOrder AS (ORDER BY priority, seq))
  WHERE (poison = 0 OR (nth = 1 AND NOT EXISTS (SELECT 1 FROM job WHERE state = 'running' AND worker = @worker)))
    AND NOT EXISTS (SELECT 1 FROM job WHERE state = 'running' AND worker = @worker AND crashes > 0)`

/** What a claim has to mind beside priorities: both are rare, and cost the others nothing. */
export type ClaimCare = { groups: boolean; crashes: boolean }

/**
 * The + before the name of a queue: where a parameter is compared with a column of a partial index (`queue = 'llm_requests'`), SQLite
 * compiles the statement again at every execution, as the value might choose the index. Behind a sign it is a value like others.
 *
 * What a claim takes, in no order. Parameters: now, limit, worker for `alone`, q0 ... for the queues, k0 ... for
 * the kinds.
 */
export function claimSql(queues: number, kinds: number, care: ClaimCare): string {
  const rule = runnable(kinds)
  const columns = taken({ queue: queues === 1, kind: kinds === 1, durable: true })
  const names = Array.from({ length: queues }, (_, index) => `+@q${index}`)
  const groups = care.groups ? groupsOf(rule, names) : ''
  const first = names.map((name) => firstOf(rule, name, care.groups ? IN_GROUP : ''))
  if (first.length === 1 && !care.crashes) return `${groups}${columns} FROM ${WITH_PAYLOAD} ${first[0]}`
  const each = first.map((rule) => `SELECT * FROM (SELECT seq, priority, crashes FROM job ${rule})`)
  const jobs = `SELECT * FROM (${each.join(' UNION ALL ')}) ORDER BY priority, seq LIMIT @limit`
  const chosen = care.crashes ? alone(jobs) : `SELECT seq FROM (${jobs})`
  return `${groups}${columns} FROM (${chosen}) CROSS JOIN job USING (seq) CROSS JOIN job_data USING (seq)`
}

export const SQL = {
  insert: `INSERT INTO job (id, queue, kind, state, priority, run_at, attempt, max_attempts, token, lease_until, lease_ms, worker,
    unique_key, group_key, parent_id, agent_id, task_type, complexity, paid, lifetime, deadline_at, published_at, created_at,
    started_at, updated_at, room)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
  /** Of the job just inserted. */
  insertData: 'INSERT INTO job_data (seq, payload) VALUES (last_insert_rowid(), ?)',
  same: `SELECT id, queue, kind, status, ${PAYLOAD} FROM job WHERE id = ?`,
  living: `SELECT id, status FROM job WHERE queue = +? AND unique_key = ? AND unique_key IS NOT NULL AND state IN ('available', 'running')`,
  paidWaits: `SELECT 1 FROM job WHERE state = 'available' AND paid = 1 AND queue = +? LIMIT 1`,
  claimOne: `${taken({})} FROM ${WITH_PAYLOAD} WHERE id = @id AND state = 'available' AND run_at <= @now
    AND (deadline_at IS NULL OR deadline_at > @now)`,
  takeOne: `${TAKE} WHERE seq = @seqs`,
  takeMany: `${TAKE} WHERE seq IN (SELECT value FROM json_each(@seqs))`,
  care: `SELECT EXISTS (SELECT 1 FROM group_limit), EXISTS (SELECT 1 FROM job WHERE crashes > 0 AND state IN ('available', 'running'))`,
  one: `SELECT ${JOB_COLUMNS}, ${PAYLOAD}, ${RESULT}, published_at AS publishedAt FROM job WHERE id = ?`,

  complete: `UPDATE job SET state = 'completed', lease_until = NULL, lease_ms = NULL, reason = NULL, error_message = NULL,
    cancel_reason = NULL, finished_at = @now, updated_at = @now WHERE id = @id AND token = @token AND state = 'running' RETURNING seq`,
  /** An exhausted or cancelled job does not wait again. One that dies with its owner keeps it. */
  putBack: `UPDATE job SET
    state = CASE WHEN cancel_reason IS NOT NULL THEN 'cancelled' WHEN @counts = 1 AND attempt >= max_attempts THEN 'dead' ELSE 'available' END,
    finished_at = iif(cancel_reason IS NOT NULL OR (@counts = 1 AND attempt >= max_attempts), @now, NULL),
    reason = coalesce(cancel_reason, @reason), error_message = @errorMessage, attempt = attempt - iif(@counts = 1, 0, 1), run_at = @runAt,
    lease_until = NULL, lease_ms = NULL, worker = iif(lifetime = 'with_owner', worker, NULL), cancel_reason = NULL, updated_at = @now
    WHERE id = @id AND token = @token AND state = 'running' RETURNING seq`,
  end: `UPDATE job SET state = @state, reason = iif(@state = 'cancelled', coalesce(cancel_reason, @reason), @reason), error_message = @errorMessage, lease_until = NULL, lease_ms = NULL,
    cancel_reason = NULL, finished_at = @now, updated_at = @now WHERE id = @id AND token = @token AND state = 'running' RETURNING seq`,
  heldMany: `SELECT key, seq, token, queue FROM json_each(?) JOIN job ON job.id = value WHERE state = 'running'`,
  completeMany: `UPDATE job SET state = 'completed', lease_until = NULL, lease_ms = NULL, reason = NULL, error_message = NULL,
    cancel_reason = NULL, finished_at = @now, updated_at = @now WHERE seq IN (SELECT value FROM json_each(@seqs))`,
  /** An object by `seq`. */
  setResults: `INSERT INTO job_result (seq, result) SELECT CAST(key AS INTEGER), value FROM json_each(?) WHERE true
    ON CONFLICT (seq) DO UPDATE SET result = excluded.result`,
  setResult: 'INSERT INTO job_result (seq, result) VALUES (?, ?) ON CONFLICT (seq) DO UPDATE SET result = excluded.result',
  /** Jobs of models publish their answers by themselves. What is no JSON goes out as text. */
  reportEnds: `INSERT INTO message (queue, body, enqueued_at) SELECT 'job_results', json_object('workflow', r.workflow,
    'instance_id', r.instance_id, 'job_id', r.job_id, 'input', iif(json_valid(r.input), json(r.input), r.input),
    'output', iif(json_valid(r.output), json(r.output), r.output), 'tokens_used', r.tokens_used, 'cost_cents', r.cost_cents,
    'duration_ms', r.duration_ms, 'status', r.status), @now FROM job JOIN job_results AS r ON r.job_id = job.id
    WHERE job.seq IN (SELECT value FROM json_each(@seqs)) AND job.queue <> 'llm_requests' ORDER BY job.seq`,
  dropResult: 'DELETE FROM job_result WHERE seq = ?',
  keepOrphan: 'INSERT INTO orphan_result (job_id, token, outcome, result, reason, at) VALUES (?, ?, ?, ?, ?, ?)',

  renew: `UPDATE job SET lease_until = @until, lease_ms = @leaseMs WHERE id = @id AND token = @token AND state = 'running' AND worker = @worker
    RETURNING cancel_reason AS cancelReason`,
  seen: 'UPDATE worker SET seen_at = ? WHERE id = ?',

  claimsHeld: `SELECT id, token, worker, lease_until AS leaseUntil, lease_ms AS leaseMs FROM job WHERE state = 'running'`,
  steal: `UPDATE job SET
    state = CASE WHEN cancel_reason IS NOT NULL OR lifetime = 'with_owner' THEN 'cancelled' WHEN attempt >= max_attempts THEN 'dead' ELSE 'available' END,
    finished_at = iif(cancel_reason IS NOT NULL OR lifetime = 'with_owner' OR attempt >= max_attempts, @now, NULL),
    reason = CASE WHEN cancel_reason IS NOT NULL THEN cancel_reason WHEN lifetime = 'with_owner' THEN 'owner_gone'
      WHEN attempt >= max_attempts THEN 'crashed' ELSE 'owner_lost' END,
    crashes = crashes + 1, token = token + 1, run_at = 0, lease_until = NULL, lease_ms = NULL, worker = NULL, cancel_reason = NULL,
    updated_at = @now WHERE id = @id AND token = @token AND state = 'running' RETURNING seq, state`,
  outcomeUnknown: `UPDATE attempt SET phase = 'unknown' WHERE seq = ? AND token = ? AND phase = 'calling'`,
  /** What was put back by a clock ahead of ours waits as long as it was told to, by ours. */
  redate: `UPDATE job SET run_at = @now + run_at - updated_at, updated_at = @now
    WHERE state = 'available' AND run_at > 0 AND reason IS NOT NULL AND updated_at > @now + ${CLOCK_SLACK_MS}`,
  missDeadline: `UPDATE job SET state = 'dead', reason = 'deadline', finished_at = @now, updated_at = @now
    WHERE state = 'available' AND deadline_at IS NOT NULL AND deadline_at <= @now RETURNING id, seq`,
  ownedWaiting: `SELECT seq, worker FROM job WHERE state = 'available' AND lifetime = 'with_owner' AND worker IS NOT NULL`,
  endOwned: `UPDATE job SET state = 'cancelled', reason = 'owner_gone', finished_at = @now, updated_at = @now WHERE seq = @seq RETURNING id`,

  redrive: `UPDATE job SET state = 'available', attempt = 0, crashes = 0, run_at = 0, deadline_at = NULL, reason = NULL, error_message = NULL,
    worker = NULL, finished_at = NULL, started_at = NULL, updated_at = @now WHERE id = @id AND state IN ('dead', 'cancelled') RETURNING seq`,
  cancelWaiting: `UPDATE job SET state = 'cancelled', reason = @reason, finished_at = @now, updated_at = @now WHERE id = @id AND state = 'available' RETURNING seq`,
  cancelRunning: `UPDATE job SET cancel_reason = @reason, updated_at = @now WHERE id = @id AND state = 'running'`,
  wake: `UPDATE job SET run_at = 0, updated_at = @now WHERE id = @id AND state = 'available' AND run_at > @now`,
  children: `WITH RECURSIVE below (id, state) AS (SELECT id, state FROM job WHERE parent_id = ?
    UNION SELECT job.id, job.state FROM job JOIN below ON job.parent_id = below.id)
    SELECT id FROM below WHERE state IN ('available', 'running')`,

  openAttempt: `INSERT INTO attempt (seq, n, token, step, provider, model, phase, kind, reason, http_status, usage, cost_nusd, cost_source, ms,
    skipped, dropped_params, started_at)
    SELECT seq, 1 + coalesce((SELECT max(n) FROM attempt WHERE attempt.seq = job.seq), 0), token, @step, @provider, @model, @phase, @kind,
    @reason, @httpStatus, @usage, @costNusd, @costSource, @ms, @skipped, @droppedParams, @now FROM job
    WHERE id = @id AND token = @token AND state = 'running' RETURNING n`,
  attempts: `SELECT n, step, provider, model, phase, kind, reason, http_status AS httpStatus, usage, cost_nusd AS costNusd,
    cost_source AS costSource, ms, skipped, dropped_params AS droppedParams, started_at AS startedAt,
    started_at < coalesce((SELECT max(at) FROM job_event WHERE job = attempt.seq AND type = 'retried'), 0) AS beforeRetry
    FROM attempt WHERE seq = (SELECT seq FROM job WHERE id = ?) ORDER BY n`,

  queues: `SELECT name FROM queue UNION SELECT queue FROM job ORDER BY 1`,
  control: 'SELECT paused, concurrency FROM queue WHERE name = ?',
  ensureQueue: 'INSERT INTO queue (name) VALUES (?) ON CONFLICT DO NOTHING',
  pause: 'UPDATE queue SET paused = ? WHERE name = ?',
  limitQueue: 'UPDATE queue SET concurrency = ? WHERE name = ?',
  limitGroup:
    'INSERT INTO group_limit (name, concurrency) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET concurrency = excluded.concurrency',
  freeGroup: 'DELETE FROM group_limit WHERE name = ?',

  ensureNamed: 'INSERT INTO queue (name, named) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET named = 1 WHERE named = 0',
  named: 'SELECT 1 FROM queue WHERE name = ? AND named = 1',
  send: 'INSERT INTO message (queue, body, key, enqueued_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id',
  sent: 'SELECT id FROM message WHERE queue = ? AND key = ? AND key IS NOT NULL',
  read: `UPDATE message SET read_count = read_count + 1, visible_at = @until WHERE id IN (SELECT id FROM message
    WHERE queue = @queue AND acked_at IS NULL AND visible_at <= @now ORDER BY id LIMIT @limit)
    RETURNING id, read_count AS readCount, enqueued_at AS enqueuedAt, body`,
  someWait: `SELECT value AS queue FROM json_each(?) WHERE EXISTS
    (SELECT 1 FROM message WHERE queue = value AND acked_at IS NULL AND visible_at <= ?)`,
  ack: 'UPDATE message SET acked_at = ? WHERE queue = ? AND id = ? AND acked_at IS NULL',

  addWorker: `INSERT INTO worker (id, pid, pid_start, boot_id, pid_namespace, queues, version, role, started_at, seen_at)
    VALUES (@id, @pid, @pidStart, @bootId, @pidNamespace, @queues, @version, @role, @startedAt, @now)
    ON CONFLICT (id) DO UPDATE SET queues = excluded.queues, version = excluded.version, seen_at = excluded.seen_at`,
  removeWorker: 'DELETE FROM worker WHERE id = ?',
  workers: `SELECT id, pid, pid_start AS pidStart, boot_id AS bootId, pid_namespace AS pidNamespace, queues, version, role,
    started_at AS startedAt, seen_at AS seenAt, stopping,
    (SELECT count(*) FROM job WHERE state = 'running' AND job.worker = worker.id) AS running FROM worker ORDER BY started_at, id`,
  stopWorkers: 'UPDATE worker SET stopping = 1 WHERE (? IS NULL OR id = ?) AND stopping = 0',

  /** Moments that have just passed count too: a claim a moment ago has not seen them. */
  nextDue: `SELECT min(at) AS at FROM (
    SELECT min(run_at) AS at FROM job WHERE state = 'available' AND run_at > @just AND queue IN (SELECT value FROM json_each(@queues))
    UNION ALL SELECT min(deadline_at) FROM job WHERE state = 'available' AND deadline_at IS NOT NULL AND deadline_at > @just
    UNION ALL SELECT min(lease_until) FROM job WHERE state = 'running' AND lease_until > @just)`,
  events: `SELECT job_event.seq, at, type, job.id, detail FROM job_event JOIN job ON job.seq = job_event.job WHERE job_event.seq > ?
    ORDER BY job_event.seq LIMIT ?`,
  lastEvent: 'SELECT coalesce(max(seq), 0) AS seq FROM job_event',
} as const
