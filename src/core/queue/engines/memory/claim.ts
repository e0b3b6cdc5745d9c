import type { ClaimRequest, QueueControl } from '../../engine.ts'
import type { Entry } from './table.ts'

/**
 * Which jobs a claim takes, in order of priority and arrival: the reference for what the SQL of other engines has to answer. A job
 * that has crashed a worker runs alone.
 */
export function choose(
  jobs: Iterable<Entry>,
  request: ClaimRequest,
  now: number,
  controls: ReadonlyMap<string, QueueControl>,
  groups: ReadonlyMap<string, number>,
): Entry[] {
  const all = [...jobs]
  const running = all.filter(({ state }) => state === 'running')
  const mine = running.filter(({ worker }) => worker === request.workerId)
  if (mine.some(({ crashes }) => crashes > 0)) return []
  const room = (limit: number | null | undefined, taken: (entry: Entry) => boolean): number =>
    limit === null || limit === undefined ? Number.POSITIVE_INFINITY : limit - running.filter(taken).length
  const queueRoom = new Map(
    request.queues.map((queue) => {
      const control = controls.get(queue)
      return [queue, control?.paused ? 0 : room(control?.concurrency, (entry) => entry.queue === queue)]
    }),
  )
  const groupRoom = new Map([...groups].map(([name, limit]) => [name, room(limit, ({ group }) => group === name)]))
  const waiting = all
    .filter((entry) => entry.state === 'available' && entry.runAt <= now && (entry.deadlineAt === null || entry.deadlineAt > now))
    .filter((entry) => entry.lifetime === 'durable' && queueRoom.has(entry.queue) && request.kinds.includes(entry.kind))
    .sort((a, b) => a.priority - b.priority || a.seq - b.seq)
  const chosen: Entry[] = []
  for (const entry of waiting) {
    if (chosen.length >= request.limit) break
    const inQueue = queueRoom.get(entry.queue)!
    const inGroup = entry.group === null ? undefined : groupRoom.get(entry.group)
    // a full queue or group lets others pass
    if (inGroup !== undefined && inGroup <= 0) continue
    if (entry.group !== null && inGroup !== undefined) groupRoom.set(entry.group, inGroup - 1)
    if (inQueue <= 0) continue
    queueRoom.set(entry.queue, inQueue - 1)
    if (entry.crashes > 0) return chosen.length === 0 && mine.length === 0 ? [entry] : chosen
    chosen.push(entry)
  }
  return chosen
}
