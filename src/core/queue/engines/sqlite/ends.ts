import { type Clock, SingularityError } from '../../../kernel/index.ts'
import type { Database } from '../../../storage/index.ts'
import type { JobDetail } from '../../job.ts'
import { reportEnds } from './report.ts'
import { type JobRow, toDetail } from './rows.ts'
import { SQL } from './sql.ts'

type DetailRow = JobRow & { payload: string | null; result: string | null; publishedAt: number | null }

export function getJob(db: Database, id: string): JobDetail | null {
  const row = db.get<DetailRow>(SQL.one, id)
  return row ? toDetail(row) : null
}

function demandJob(db: Database, id: string): DetailRow {
  const row = db.get<DetailRow>(SQL.one, id)
  if (!row) throw new SingularityError('NOT_FOUND', `There is no request ${id}.`, { hints: ['singularity queue list'] })
  return row
}

/** Inside the caller's transaction. @throws STATE_CONFLICT, NOT_FOUND */
export function retryJob(db: Database, clock: Clock, id: string): void {
  const job = demandJob(db, id)
  if (job.state !== 'dead' && job.state !== 'cancelled')
    throw new SingularityError('STATE_CONFLICT', `${id} is ${job.state}: only what has failed can be tried again.`)
  if (job.payload === null) throw new SingularityError('STATE_CONFLICT', `What ${id} asked for was pruned.`)
  const living = job.uniqueKey === null ? undefined : db.get<{ id: string }>(SQL.living, job.queue, job.uniqueKey)
  if (living) throw new SingularityError('STATE_CONFLICT', `${living.id} does the same work now.`)
  db.get(SQL.redrive, { id, now: clock.now() })
  db.run(SQL.dropResult, job.seq)
}

/** What waits for a moment is due now; everything else stays as it is. Inside the caller's transaction. */
export function wakeJobs(db: Database, clock: Clock, ids: readonly string[]): void {
  for (const id of ids) db.run(SQL.wake, { id, now: clock.now() })
}

/** Children go with their parent. Inside the caller's transaction. @throws STATE_CONFLICT, NOT_FOUND */
export function cancelJob(db: Database, clock: Clock, id: string, reason: string): 'cancelled' | 'asked' {
  const job = demandJob(db, id)
  if (job.state !== 'available' && job.state !== 'running') throw new SingularityError('STATE_CONFLICT', `${id} is ${job.state} already.`)
  const now = clock.now()
  const stop = (one: string, why: string): boolean => {
    const waited = db.get<{ seq: number }>(SQL.cancelWaiting, { id: one, reason: why, now })
    if (waited) {
      reportEnds(db, clock, [waited.seq])
      return true
    }
    db.run(SQL.cancelRunning, { id: one, reason: why, now })
    return false
  }
  const ended = stop(id, reason)
  for (const child of db.all<{ id: string }>(SQL.children, id)) stop(child.id, 'parent_cancelled')
  return ended ? 'cancelled' : 'asked'
}
