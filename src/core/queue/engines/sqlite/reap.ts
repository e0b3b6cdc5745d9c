import type { Clock } from '../../../kernel/index.ts'
import type { ProcessInfo } from '../../../process/index.ts'
import type { Database } from '../../../storage/index.ts'
import type { ReapReport } from '../../engine.ts'
import type { JobState, Lease } from '../../job.ts'
import { reportEnds } from './report.ts'
import type { StoredWorker } from './rows.ts'
import { SQL } from './sql.ts'

type Held = Lease & { worker: string; leaseUntil: number; leaseMs: number }
type Sighting = { token: number; leaseUntil: number; at: number }

export type Reaper = (db: Database) => ReapReport

/** Only of a process that numbers its neighbours as we do can be said that it is gone. */
export function isGone(worker: StoredWorker, processes: ProcessInfo): boolean {
  const comparable = worker.bootId === processes.self.bootId && worker.pidNamespace === (processes.pidNamespace ?? '')
  return comparable && !processes.isAlive(worker)
}

/**
 * Takes claims from owners that are gone: at once where the process is seen to be dead, else only after a lease was seen overdue
 * and then unchanged for its whole length on the monotonic clock, so that neither a suspended machine nor a jumping clock takes
 * work from the living. Runs inside the caller's transaction.
 */
export function createReaper(clock: Clock, processes: ProcessInfo): Reaper {
  const sightings = new Map<string, Sighting>()

  function overdue(claim: Held): boolean {
    const now = clock.now()
    const seen = sightings.get(claim.id)
    const same = seen?.token === claim.token && seen.leaseUntil === claim.leaseUntil
    // a lease that ends later than any lease could was given by a clock that is ahead of ours
    const suspect = claim.leaseUntil <= now || claim.leaseUntil > now + claim.leaseMs
    if (same) return clock.monotonic() - seen.at >= claim.leaseMs
    if (suspect) sightings.set(claim.id, { token: claim.token, leaseUntil: claim.leaseUntil, at: clock.monotonic() })
    else sightings.delete(claim.id)
    return false
  }

  return (db) => {
    const now = clock.now()
    const workers = db.all<StoredWorker>(SQL.workers)
    const dead = new Set(workers.filter((worker) => isGone(worker, processes)).map(({ id }) => id))
    const known = new Set(workers.map(({ id }) => id))
    const report = { released: [] as string[], dead: [] as string[], ended: [] as string[], orphans: [] as Lease[] }
    const over: number[] = []
    const claims = db.all<Held>(SQL.claimsHeld)
    for (const id of sightings.keys()) if (!claims.some((claim) => claim.id === id)) sightings.delete(id)
    for (const claim of claims) {
      if (!dead.has(claim.worker) && !overdue(claim)) continue
      const stolen = db.get<{ seq: number; state: JobState }>(SQL.steal, { id: claim.id, token: claim.token, now })
      if (!stolen) continue
      sightings.delete(claim.id)
      db.run(SQL.outcomeUnknown, stolen.seq, claim.token)
      report.orphans.push({ id: claim.id, token: claim.token })
      if (stolen.state !== 'available') over.push(stolen.seq)
      report[stolen.state === 'available' ? 'released' : stolen.state === 'dead' ? 'dead' : 'ended'].push(claim.id)
    }
    for (const { seq, worker } of db.all<{ seq: number; worker: string }>(SQL.ownedWaiting))
      if (!known.has(worker) || dead.has(worker)) {
        report.ended.push(db.get<{ id: string }>(SQL.endOwned, { seq, now })!.id)
        over.push(seq)
      }
    for (const { id, seq } of db.all<{ id: string; seq: number }>(SQL.missDeadline, { now })) {
      report.ended.push(id)
      over.push(seq)
    }
    reportEnds(db, clock, over)
    for (const id of dead) db.run(SQL.removeWorker, id)
    return report
  }
}
