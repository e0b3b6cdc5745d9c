import { type Clock, SingularityError } from '../../../kernel/index.ts'
import { type Message, NAMED_QUEUES, type NewMessage } from '../../job.ts'
import { demandJson } from '../defaults.ts'

export type StoredMessage = Message & { queue: string; key: string | null; visibleAt: number; acked: boolean }

/** The queues of other programs. What changes them runs inside the caller's transaction: `all` is what it keeps a copy of. */
export function createMessages(clock: Clock) {
  const named = new Set<string>(NAMED_QUEUES)
  const all: StoredMessage[] = []

  function demandNamed(queue: string): void {
    if (!named.has(queue)) throw new SingularityError('NOT_FOUND', `There is no queue '${queue}'.`)
  }

  return {
    all,
    insert({ queue, body, key = null }: Omit<NewMessage, 'key'> & { key?: string | null }): number {
      demandJson(body, 'The message')
      demandNamed(queue)
      const same = key === null ? undefined : all.find((one) => one.queue === queue && one.key === key)
      if (same) return same.id
      const id = all.length + 1
      all.push({ id, queue, body, key, readCount: 0, enqueuedAt: clock.now(), visibleAt: 0, acked: false })
      return id
    },
    names: (): Iterable<string> => named,
    ensure: (names: readonly string[]) => names.forEach((name) => named.add(name)),
    read(queue: string, limit: number, visibilityMs: number): Message[] {
      demandNamed(queue)
      const now = clock.now()
      const found = all.filter((one) => one.queue === queue && !one.acked && one.visibleAt <= now).slice(0, limit)
      return found.map((one) => {
        one.readCount++
        one.visibleAt = now + visibilityMs
        return { id: one.id, readCount: one.readCount, enqueuedAt: one.enqueuedAt, body: one.body }
      })
    },
    ack(queue: string, ids: readonly number[]): number {
      demandNamed(queue)
      const found = all.filter((one) => one.queue === queue && ids.includes(one.id) && !one.acked)
      for (const one of found) one.acked = true
      return found.length
    },
    waiting: (queues: readonly string[]): string[] =>
      queues.filter((queue) => all.some((one) => one.queue === queue && !one.acked && one.visibleAt <= clock.now())),
    /** What waits in each queue, for the statistics. */
    backlogs(isPaused: (queue: string) => boolean) {
      const now = clock.now()
      return [...named].toSorted().map((queue) => {
        const open = all.filter((one) => one.queue === queue && !one.acked)
        const oldest_ms = open.length === 0 ? null : Math.max(0, now - Math.min(...open.map(({ enqueuedAt }) => enqueuedAt)))
        return { queue, waiting: open.length, oldest_ms, paused: isPaused(queue) }
      })
    },
  }
}
