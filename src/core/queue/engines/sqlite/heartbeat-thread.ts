import type { Lease } from '../../job.ts'

export type ThreadTask = {
  library: string
  path: string
  synchronous: 'FULL' | 'NORMAL'
  workerId: string
  leaseMs: number
  startedAt: number
  renew: string
  seen: string
}
/** With tokens: a report may cross the settling of the claim it is about, and the next claim of the same job. */
export type ThreadReport = { lost: Lease[]; cancelled: Lease[] }
export type ThreadOrder = { hold: Lease } | { drop: Lease } | { check: true } | { stop: true }

type Statement = { get(values?: unknown): unknown; pluck(): Statement; run(...values: unknown[]): unknown }
type Native = {
  prepare(sql: string): Statement
  pragma(text: string): unknown
  close(): void
  transaction(body: () => void): { immediate(): void }
}
type Port = { on(name: 'message', listener: (order: ThreadOrder) => void): void; postMessage(value: unknown): void; close(): void }

/**
 * The whole program of the heartbeat thread. Its text is what the thread is started with, so it may use nothing but its
 * parameters: that way it runs from the source and from the bundle alike.
 */
export function heartbeatThread(task: ThreadTask, port: Port, open: (path: string, options: { timeout: number }) => Native): void {
  const native = open(task.path, { timeout: 25 })
  native.pragma(`synchronous = ${task.synchronous}`)
  const renew = native.prepare(task.renew)
  const seen = native.prepare(task.seen)
  // the clock of the library, moved to where the clock of the owner stands
  const wall = native.prepare("SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)").pluck()
  const offset = task.startedAt - (wall.get() as number)
  const held = new Map<string, Lease>()
  const told = new Set<string>()
  let next: NodeJS.Timeout | undefined

  function beat(): void {
    clearTimeout(next)
    if (held.size === 0) return
    const lost: Lease[] = []
    const cancelled: Lease[] = []
    try {
      native
        .transaction(() => {
          lost.length = 0
          cancelled.length = 0
          const now = (wall.get() as number) + offset
          for (const { id, token } of held.values()) {
            const values = { id, token, worker: task.workerId, until: now + task.leaseMs, leaseMs: task.leaseMs }
            const row = renew.get(values) as { cancelReason: string | null } | undefined
            if (!row) lost.push({ id, token })
            else if (row.cancelReason !== null) cancelled.push({ id, token })
          }
          seen.run(now, task.workerId)
        })
        .immediate()
    } catch {
      // locked, full or gone: soon again, the lease has two more thirds
      next = setTimeout(beat, Math.min(200, task.leaseMs / 12))
      return
    }
    const fresh: ThreadReport = {
      lost: lost.filter(({ id }) => !told.has(`-${id}`)),
      cancelled: cancelled.filter(({ id }) => !told.has(id)),
    }
    for (const { id } of lost) {
      held.delete(id)
      told.add(`-${id}`)
    }
    for (const { id } of cancelled) told.add(id)
    if (fresh.lost.length > 0 || fresh.cancelled.length > 0) port.postMessage(fresh)
    next = setTimeout(beat, task.leaseMs / 3)
  }

  port.on('message', (order) => {
    if ('hold' in order) {
      const idle = held.size === 0
      held.set(order.hold.id, order.hold)
      told.delete(order.hold.id)
      told.delete(`-${order.hold.id}`)
      if (idle) {
        clearTimeout(next)
        next = setTimeout(beat, task.leaseMs / 3)
      }
    } else if ('drop' in order) {
      if (held.get(order.drop.id)?.token === order.drop.token) held.delete(order.drop.id)
      if (held.size === 0) clearTimeout(next)
    } else if ('check' in order) beat()
    else {
      clearTimeout(next)
      native.close()
      port.close()
    }
  })
}
