import type { Clock } from '../../../kernel/index.ts'
import type { Database, SqlValue } from '../../../storage/index.ts'
import type { ClaimRequest } from '../../engine.ts'
import type { ClaimedJob } from '../../job.ts'
import { toClaimed } from './rows.ts'
import { type ClaimCare, SQL, claimSql } from './sql.ts'

const statements = new Map<string, string>()

function statementFor(queues: number, kinds: number, care: ClaimCare): string {
  const name = `${queues} ${kinds} ${care.groups} ${care.crashes}`
  let text = statements.get(name)
  if (text === undefined) statements.set(name, (text = claimSql(queues, kinds, care)))
  return text
}

/** Whether a claim of these queues could take work that somebody pays for. */
export function paidWaits(db: Database, queues: readonly string[]): boolean {
  return queues.some((queue) => db.get(SQL.paidWaits, queue) !== undefined)
}

type Claim = { workerId: string; leaseMs: number }

/** In order of priority and arrival. Inside the caller's transaction. */
export function claimJobs(db: Database, clock: Clock, request: ClaimRequest): ClaimedJob[] {
  const now = clock.now()
  const [groups, crashes] = db.values(SQL.care)[0]!
  const care = { groups: groups === 1, crashes: crashes === 1 }
  const { queues, kinds } = request
  const values: Record<string, SqlValue> = { now, limit: request.limit }
  if (care.crashes) values.worker = request.workerId
  queues.forEach((queue, index) => (values[`q${index}`] = queue))
  kinds.forEach((kind, index) => (values[`k${index}`] = kind))
  const rows = db.values(statementFor(queues.length, kinds.length, care), values) as number[][]
  // by priority, then by arrival
  rows.sort((a, b) => a[4]! - b[4]! || a[0]! - b[0]!)
  return take(db, rows, now, request)
}

export function claimOne(db: Database, clock: Clock, id: string, claim: Claim): ClaimedJob | null {
  const now = clock.now()
  return take(db, db.values(SQL.claimOne, { id, now }), now, claim)[0] ?? null
}

/** Nobody comes between the look and this: the transaction has the right to write from its beginning. */
function take(db: Database, rows: readonly (readonly SqlValue[])[], now: number, claim: Claim): ClaimedJob[] {
  if (rows.length === 0) return []
  const lease = { now, leaseUntil: now + claim.leaseMs, leaseMs: claim.leaseMs, worker: claim.workerId }
  if (rows.length === 1) db.run(SQL.takeOne, { ...lease, seqs: rows[0]![0]! })
  else db.run(SQL.takeMany, { ...lease, seqs: JSON.stringify(rows.map(([seq]) => seq)) })
  return rows.map((row) => toClaimed(row, now, claim))
}
