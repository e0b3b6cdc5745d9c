import type { Clock } from '../../../kernel/index.ts'
import type { ProcessInfo } from '../../../process/index.ts'
import type { LeaseKeeper, LeaseReport, ReapReport, WorkerRow } from '../../engine.ts'
import type { Lease } from '../../job.ts'
import type { Entry, Table } from './table.ts'

type Sighting = { token: number; leaseUntil: number | null; at: number }

/** Renewing leases, and taking them from owners that are gone. */
export function createLeases(deps: {
  clock: Clock
  processes: ProcessInfo
  table: Table
  workers: Map<string, Omit<WorkerRow, 'running'>>
}) {
  const { clock, processes, table, workers } = deps
  const sightings = new Map<string, Sighting>()

  function overdue(entry: Entry): boolean {
    const seen = sightings.get(entry.id)
    if (seen?.token === entry.token && seen.leaseUntil === entry.leaseUntil) return clock.monotonic() - seen.at >= entry.leaseMs
    const now = clock.now()
    if (entry.leaseUntil! <= now || entry.leaseUntil! > now + entry.leaseMs)
      sightings.set(entry.id, { token: entry.token, leaseUntil: entry.leaseUntil, at: clock.monotonic() })
    else sightings.delete(entry.id)
    return false
  }

  function heartbeat(workerId: string, held: readonly Lease[], leaseMs: number): LeaseReport {
    const report: LeaseReport = { lost: [], cancelled: [] }
    for (const { id, token } of held) {
      const entry = table.owned(id, token)
      if (!entry || entry.worker !== workerId) report.lost.push(id)
      else {
        entry.leaseUntil = clock.now() + leaseMs
        if (entry.cancelReason !== null) report.cancelled.push(id)
      }
    }
    return report
  }

  function reap(): ReapReport {
    const report = { released: [] as string[], dead: [] as string[], ended: [] as string[], orphans: [] as Lease[] }
    const gone = new Set([...workers.values()].filter((worker) => !processes.isAlive(worker)).map(({ id }) => id))
    for (const entry of table.jobs.values()) {
      if (entry.state === 'running' && (gone.has(entry.worker!) || overdue(entry))) {
        report.orphans.push({ id: entry.id, token: entry.token })
        table.steal(entry)
        report[
          (entry.state as Entry['state']) === 'available' ? 'released' : (entry.state as Entry['state']) === 'dead' ? 'dead' : 'ended'
        ].push(entry.id)
      } else if (entry.state === 'available' && entry.lifetime === 'with_owner' && entry.worker !== null) {
        if (workers.has(entry.worker) && !gone.has(entry.worker)) continue
        table.leave(entry, 'cancelled', 'owner_gone', entry.errorMessage)
        report.ended.push(entry.id)
      } else if (entry.state === 'available' && entry.deadlineAt !== null && entry.deadlineAt <= clock.now()) {
        table.leave(entry, 'dead', 'deadline', entry.errorMessage)
        report.ended.push(entry.id)
      }
    }
    for (const id of gone) workers.delete(id)
    return report
  }

  function keepLeases(options: { workerId: string; leaseMs: number; onReport: (report: LeaseReport) => void }): LeaseKeeper {
    const held = new Map<string, Lease>()
    const told = new Set<string>()
    const beat = (): void => {
      const { lost, cancelled } = heartbeat(options.workerId, [...held.values()], options.leaseMs)
      for (const id of lost) held.delete(id)
      const fresh = cancelled.filter((id) => !told.has(id))
      for (const id of fresh) told.add(id)
      if (lost.length > 0 || fresh.length > 0) options.onReport({ lost, cancelled: fresh })
    }
    const timer = setInterval(beat, options.leaseMs / 3).unref()
    return {
      hold(lease) {
        held.set(lease.id, lease)
        told.delete(lease.id)
      },
      drop: ({ id, token }) => void (held.get(id)?.token === token && held.delete(id)),
      check: beat,
      stop: async () => clearInterval(timer),
    }
  }

  return { heartbeat, reap, keep: keepLeases }
}
