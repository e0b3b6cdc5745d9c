import type { Row, SqlValue } from '../../../storage/index.ts'
import type { WorkerRow } from '../../engine.ts'
import type { Attempt, ClaimedJob, Job, JobDetail } from '../../job.ts'

/** The columns of `job` as the port names them; a `run_at` of 0 (at once) is told as the moment it came. */
export const JOB_COLUMNS = `seq, id, queue, kind, state, priority, iif(run_at = 0, created_at, run_at) AS runAt, attempt,
  max_attempts AS maxAttempts, crashes, token, lease_until AS leaseUntil, worker, unique_key AS uniqueKey, group_key AS "group",
  parent_id AS parentId, agent_id AS agentId, task_type AS taskType, complexity, paid, lifetime, deadline_at AS deadlineAt, reason,
  error_message AS errorMessage, created_at AS createdAt, started_at AS startedAt, finished_at AS finishedAt, updated_at AS updatedAt`

export type JobRow = Omit<Job, 'paid'> & { seq: number; paid: number }

export function toJob(row: JobRow): Job {
  const { seq: _seq, paid, ...rest } = row
  return { ...rest, paid: paid === 1 }
}

/** A job as a claim found it (by position: `taken` in sql.ts) and as the claim leaves it. `claim` says what was not asked. */
export function toClaimed(
  row: readonly SqlValue[],
  now: number,
  claim: { workerId: string; leaseMs: number; queues?: readonly string[]; kinds?: readonly string[] },
): ClaimedJob {
  return {
    id: row[1] as string,
    queue: (row[2] as string | null) ?? claim.queues![0]!,
    kind: (row[3] as string | null) ?? claim.kinds![0]!,
    state: 'running',
    priority: row[4] as number,
    runAt: row[5] as number,
    attempt: (row[6] as number) + 1,
    maxAttempts: row[7] as number,
    crashes: row[8] as number,
    token: (row[9] as number) + 1,
    leaseUntil: now + claim.leaseMs,
    worker: claim.workerId,
    uniqueKey: row[10] as string | null,
    group: row[11] as string | null,
    parentId: row[12] as string | null,
    agentId: row[13] as string,
    taskType: row[14] as string,
    complexity: row[15] as ClaimedJob['complexity'],
    paid: row[16] === 1,
    lifetime: (row[17] as ClaimedJob['lifetime'] | null) ?? 'durable',
    deadlineAt: row[18] as number | null,
    reason: row[19] as string | null,
    errorMessage: row[20] as string | null,
    createdAt: row[21] as number,
    startedAt: now,
    finishedAt: null,
    updatedAt: now,
    payload: row[22] as string,
  }
}

export function toDetail(row: JobRow & { payload: string | null; result: string | null; publishedAt: number | null }): JobDetail {
  return { ...toJob(row), payload: row.payload ?? 'null', result: row.result, publishedAt: row.publishedAt }
}

type AttemptRow = Omit<Attempt, 'usage' | 'skipped' | 'droppedParams'> & { usage: string | null; skipped: string; droppedParams: string }

export function toAttempt(row: AttemptRow): Attempt {
  const { usage, skipped, droppedParams, ...rest } = row
  return {
    ...rest,
    usage: usage === null ? null : (JSON.parse(usage) as Attempt['usage']),
    skipped: JSON.parse(skipped) as Attempt['skipped'],
    droppedParams: JSON.parse(droppedParams) as Attempt['droppedParams'],
  }
}

/** The columns of an attempt by the field that is stored in it. */
export const ATTEMPT_COLUMNS = {
  step: 'step',
  provider: 'provider',
  model: 'model',
  phase: 'phase',
  kind: 'kind',
  reason: 'reason',
  httpStatus: 'http_status',
  usage: 'usage',
  costNusd: 'cost_nusd',
  costSource: 'cost_source',
  ms: 'ms',
  skipped: 'skipped',
  droppedParams: 'dropped_params',
  startedAt: 'started_at',
} as const satisfies Record<keyof Omit<Attempt, 'n'>, string>

export function attemptValue(value: unknown): string | number | null {
  return value !== null && typeof value === 'object' ? JSON.stringify(value) : (value as string | number | null)
}

export type StoredWorker = Row & {
  id: string
  pid: number
  pidStart: string
  bootId: string
  pidNamespace: string
  queues: string
  version: string
  role: 'worker' | 'caller'
  startedAt: number
  seenAt: number
  stopping: number
  running: number
}

export function toWorker({ pidNamespace: _namespace, ...row }: StoredWorker): WorkerRow {
  return { ...row, queues: JSON.parse(row.queues) as string[], stopping: row.stopping === 1 }
}
