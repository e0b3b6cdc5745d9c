import type { Clock } from '../../../kernel/index.ts'
import type { Database, SqlValue } from '../../../storage/index.ts'
import type { ClaimRequest } from '../../engine.ts'
import type { ClaimedJob } from '../../job.ts'
import { type JobRow, toClaimed } from './rows.ts'
import { SQL, claimSql } from './sql.ts'

type ClaimedRow = JobRow & { payload: string }

const statements = new Map<number, string>()

function statementFor(queues: number): string {
  let text = statements.get(queues)
  if (text === undefined) statements.set(queues, (text = claimSql(queues)))
  return text
}

/** Whether a claim of these queues could take work that somebody pays for. */
export function paidWaits(db: Database, queues: readonly string[]): boolean {
  return queues.some((queue) => db.get(SQL.paidWaits, queue) !== undefined)
}

/** One statement; in order of priority and arrival. */
export function claimJobs(db: Database, clock: Clock, request: ClaimRequest): ClaimedJob[] {
  const now = clock.now()
  const values: Record<string, SqlValue> = {
    now,
    kinds: JSON.stringify(request.kinds),
    limit: request.limit,
    leaseUntil: now + request.leaseMs,
    leaseMs: request.leaseMs,
    worker: request.workerId,
  }
  request.queues.forEach((queue, index) => (values[`q${index}`] = queue))
  const rows = db.all<ClaimedRow>(statementFor(request.queues.length), values)
  return rows.sort((a, b) => a.priority - b.priority || a.seq - b.seq).map(toClaimed)
}

export function claimOne(db: Database, clock: Clock, id: string, claim: { workerId: string; leaseMs: number }): ClaimedJob | null {
  const now = clock.now()
  const values = { id, now, leaseUntil: now + claim.leaseMs, leaseMs: claim.leaseMs, worker: claim.workerId }
  const row = db.get<ClaimedRow>(SQL.claimOne, values)
  return row ? toClaimed(row) : null
}
