import type { Clock } from '../../../kernel/index.ts'
import type { Database, SqlValue } from '../../../storage/index.ts'
import type { ClaimRequest } from '../../engine.ts'
import type { ClaimedJob } from '../../job.ts'
import { toClaimed } from './rows.ts'
import { type ClaimCare, SQL, claimSql } from './sql.ts'

const statements = new Map<string, string>()

function statementFor(queues: number, care: ClaimCare): string {
  const name = `${queues} ${care.groups} ${care.crashes}`
  let text = statements.get(name)
  if (text === undefined) statements.set(name, (text = claimSql(queues, care)))
  return text
}

/** Whether a claim of these queues could take work that somebody pays for. */
export function paidWaits(db: Database, queues: readonly string[]): boolean {
  return queues.some((queue) => db.get(SQL.paidWaits, queue) !== undefined)
}

const payloadOf = (db: Database, seq: SqlValue): SqlValue => db.values(SQL.payload, seq)[0]![0]!

/** In order of priority and arrival. Inside the caller's transaction. */
export function claimJobs(db: Database, clock: Clock, request: ClaimRequest): ClaimedJob[] {
  const now = clock.now()
  const care = { groups: db.get(SQL.hasGroups) !== undefined, crashes: db.get(SQL.hasCrashed) !== undefined }
  const values: Record<string, SqlValue> = {
    now,
    kinds: JSON.stringify(request.kinds),
    limit: request.limit,
    leaseUntil: now + request.leaseMs,
    leaseMs: request.leaseMs,
    worker: request.workerId,
  }
  request.queues.forEach((queue, index) => (values[`q${index}`] = queue))
  const rows = db.values(statementFor(request.queues.length, care), values) as number[][]
  // by priority, then by arrival
  return rows.sort((a, b) => a[4]! - b[4]! || a[0]! - b[0]!).map((row) => toClaimed(row, payloadOf(db, row[0]!), now, request))
}

export function claimOne(db: Database, clock: Clock, id: string, claim: { workerId: string; leaseMs: number }): ClaimedJob | null {
  const now = clock.now()
  const values = { id, now, leaseUntil: now + claim.leaseMs, leaseMs: claim.leaseMs, worker: claim.workerId }
  const [row] = db.values(SQL.claimOne, values)
  return row ? toClaimed(row, payloadOf(db, row[0]!), now, claim) : null
}
