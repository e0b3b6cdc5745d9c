import { type Clock, SingularityError } from '../../../kernel/index.ts'
import type { Database } from '../../../storage/index.ts'
import type { EnqueueResult, JobStatus, NewJob } from '../../job.ts'
import { demandJson, withDefaults } from '../defaults.ts'
import { SQL } from './sql.ts'

/**
 * As long as what a claim writes into a row: lease, worker and moment. Where the row grew instead, every page of a batch would be full
 * and be split.
 */
const ROOM = ' '.repeat(50)

export type OwnClaim = { workerId: string; leaseMs: number }

/** Inserts one job, inside the caller's transaction, which ends with whatever is thrown. @throws ID_CONFLICT, REQUEST_INVALID */
export function insertJob(db: Database, clock: Clock, job: NewJob, claim?: OwnClaim): EnqueueResult {
  if (job.uniqueKey !== undefined) {
    const known = findSame(db, job) ?? db.get<Known>(SQL.living, job.queue, job.uniqueKey)
    if (known) return { id: known.id, status: known.status, deduped: true }
  }
  const now = clock.now()
  const given = withDefaults(job)
  // by position: looking up twenty-six names costs as much as the row
  const inserted = db.run(
    SQL.insert,
    job.id,
    job.queue,
    job.kind,
    claim ? 'running' : 'available',
    given.priority,
    job.runAt === undefined || job.runAt <= now ? 0 : job.runAt,
    claim ? 1 : 0,
    given.maxAttempts,
    claim ? 1 : 0,
    claim ? now + claim.leaseMs : null,
    claim?.leaseMs ?? null,
    claim?.workerId ?? null,
    given.uniqueKey,
    given.group,
    given.parentId,
    given.agentId,
    given.taskType,
    given.complexity,
    given.paid ? 1 : 0,
    given.lifetime,
    given.deadlineAt,
    now,
    now,
    claim ? now : null,
    now,
    claim ? null : ROOM,
  )
  if (inserted === 0) return { id: job.id, status: findSame(db, job)!.status, deduped: true }
  demandJson(job.payload, `The payload of ${job.id}`)
  db.run(SQL.insertData, job.payload)
  return { id: job.id, status: claim ? 'processing' : 'pending', deduped: false }
}

type Known = { id: string; status: JobStatus }

/** The job that has this id already. @throws ID_CONFLICT where it asks for something else */
function findSame(db: Database, job: NewJob): Known | undefined {
  const same = db.get<Known & { queue: string; kind: string; payload: string | null }>(SQL.same, job.id)
  if (same && (same.queue !== job.queue || same.kind !== job.kind || same.payload !== job.payload))
    throw new SingularityError('ID_CONFLICT', `Another request has the id ${job.id}.`, { data: { id: job.id } })
  return same
}
