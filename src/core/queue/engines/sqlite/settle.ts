import { SingularityError } from '../../../kernel/index.ts'
import type { Clock } from '../../../kernel/index.ts'
import type { Database } from '../../../storage/index.ts'
import { LLM_QUEUE, type NewMessage, type SettleResult, type Settlement } from '../../job.ts'
import { demandJson } from '../defaults.ts'
import { insertJob } from './enqueue.ts'
import { reportEnds } from './report.ts'
import { SQL } from './sql.ts'

/** Writes one message, inside the caller's transaction. @throws NOT_FOUND */
export function insertMessage(db: Database, clock: Clock, message: NewMessage): number {
  demandJson(message.body, 'The message')
  demandNamed(db, message.queue)
  const sent = db.get<{ id: number }>(SQL.send, message.queue, message.body, message.key ?? null, clock.now())
  return sent?.id ?? db.get<{ id: number }>(SQL.sent, message.queue, message.key ?? null)!.id
}

export function demandNamed(db: Database, queue: string): void {
  if (!db.get(SQL.named, queue))
    throw new SingularityError('NOT_FOUND', `There is no queue '${queue}'.`, { hints: [`singularity queue ensure ${queue}`] })
}

/** A row of `heldMany`. */
type Held = [index: number, seq: number, token: number, queue: string]

type Completed = Extract<Settlement, { to: 'completed' }>

/** From so many on, one statement for all of them is cheaper than one for each. */
const MANY = 4

/** Ends claims, inside the caller's transaction; the answers stand in the order of the settlements. */
export function settleAll(db: Database, clock: Clock, settlements: readonly Settlement[]): SettleResult[] {
  const plain = settlements.filter((one): one is Completed => one.to === 'completed' && !one.messages && !one.jobs)
  const distinct = new Set(settlements.map(({ id }) => id)).size === settlements.length
  if (plain.length < MANY || !distinct) return settlements.map((one) => settleOne(db, clock, one))
  const now = clock.now()
  const applied = new Set<Settlement>()
  const seqs: number[] = []
  const results: string[] = []
  // looking for what is to be told costs as much as ending the batch: requests to models publish by themselves
  const told: number[] = []
  for (const [index, seq, token, queue] of db.values(SQL.heldMany, JSON.stringify(plain.map(({ id }) => id))) as Held[]) {
    const one = plain[index]!
    if (token !== one.token) continue
    applied.add(one)
    seqs.push(seq)
    results.push(`"${seq}":${JSON.stringify(one.result)}`)
    if (queue !== LLM_QUEUE) told.push(seq)
  }
  db.run(SQL.completeMany, { seqs: JSON.stringify(seqs), now })
  // put together by hand: an object with such keys is a table of hashes to V8, and costs as much as writing the results
  db.run(SQL.setResults, `{${results.join(',')}}`)
  reportEnds(db, clock, told)
  // the others, and what was found to be somebody else's
  return settlements.map((one) => (applied.has(one) ? 'applied' : settleOne(db, clock, one)))
}

/** Ends one claim, inside the caller's transaction: state, result, messages and follow-up jobs stand or fall together. */
function settleOne(db: Database, clock: Clock, settlement: Settlement): SettleResult {
  const now = clock.now()
  const changed = change(db, settlement, now)
  const result = 'result' in settlement ? (settlement.result ?? null) : null
  if (!changed) {
    const reason = 'reason' in settlement ? settlement.reason : null
    db.run(SQL.keepOrphan, settlement.id, settlement.token, settlement.to, result, reason, now)
    return 'fenced'
  }
  if (result !== null) db.run(SQL.setResult, changed.seq, result)
  reportEnds(db, clock, [changed.seq])
  for (const message of settlement.messages ?? []) insertMessage(db, clock, message)
  for (const job of settlement.jobs ?? []) insertJob(db, clock, job)
  return 'applied'
}

function change(db: Database, settlement: Settlement, now: number): { seq: number } | undefined {
  const { id, token } = settlement
  switch (settlement.to) {
    case 'completed':
      return db.get(SQL.complete, { id, token, now })
    case 'available':
      return db.get(SQL.putBack, {
        id,
        token,
        now,
        counts: settlement.counts ? 1 : 0,
        runAt: settlement.runAt <= now ? 0 : settlement.runAt,
        reason: settlement.reason,
        errorMessage: settlement.errorMessage ?? null,
      })
    case 'dead':
      return db.get(SQL.end, { id, token, now, state: 'dead', reason: settlement.reason, errorMessage: settlement.errorMessage })
    case 'cancelled':
      return db.get(SQL.end, { id, token, now, state: 'cancelled', reason: settlement.reason, errorMessage: null })
  }
}
