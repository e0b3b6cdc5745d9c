import { type Clock, SingularityError } from '../../../kernel/index.ts'
import type { Database } from '../../../storage/index.ts'
import type { EnqueueResult, JobStatus, NewJob } from '../../job.ts'
import { demandJson, withDefaults } from '../defaults.ts'
import { SQL } from './sql.ts'

export type OwnClaim = { workerId: string; leaseMs: number }

/** Inserts one job, inside the caller's transaction. @throws ID_CONFLICT */
export function insertJob(db: Database, clock: Clock, job: NewJob, claim?: OwnClaim): EnqueueResult {
  const same = db.get<{ queue: string; kind: string; status: JobStatus; payload: string | null }>(SQL.same, job.id)
  if (same) {
    if (same.queue !== job.queue || same.kind !== job.kind || same.payload !== job.payload)
      throw new SingularityError('ID_CONFLICT', `Another request has the id ${job.id}.`, { data: { id: job.id } })
    return { id: job.id, status: same.status, deduped: true }
  }
  const living = job.uniqueKey === undefined ? undefined : db.get<{ id: string; status: JobStatus }>(SQL.living, job.queue, job.uniqueKey)
  if (living) return { ...living, deduped: true }
  demandJson(job.payload, `The payload of ${job.id}`)
  const now = clock.now()
  const given = withDefaults(job)
  const { seq } = db.get<{ seq: number }>(SQL.insert, {
    id: job.id,
    queue: job.queue,
    kind: job.kind,
    state: claim ? 'running' : 'available',
    runAt: job.runAt === undefined || job.runAt <= now ? 0 : job.runAt,
    attempt: claim ? 1 : 0,
    token: claim ? 1 : 0,
    leaseUntil: claim ? now + claim.leaseMs : null,
    leaseMs: claim?.leaseMs ?? null,
    worker: claim?.workerId ?? null,
    ...given,
    paid: given.paid ? 1 : 0,
    now,
    startedAt: claim ? now : null,
  })!
  db.run(SQL.insertData, seq, job.payload)
  return { id: job.id, status: claim ? 'processing' : 'pending', deduped: false }
}
