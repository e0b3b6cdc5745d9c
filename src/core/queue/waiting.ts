import type { Clock } from '../kernel/index.ts'
import type { QueueEngine } from './engine.ts'
import { type JobDetail, STATUS_OF } from './job.ts'

/** Where no bell reaches us the answer is seen this late, ms. */
const FALLBACK_MS = 1000

export const hasEnded = ({ state }: JobDetail): boolean => ['completed', 'failed'].includes(STATUS_OF[state])

/**
 * Waits until all of these jobs have ended, the time is up (ms) or the signal aborts, and answers them as they are then; ids that
 * do not exist are left out. Deadlines that pass meanwhile are noticed here too: there may be no worker.
 */
export async function waitForJobs(
  { engine, clock }: { engine: QueueEngine; clock: Clock },
  ids: readonly string[],
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<JobDetail[]> {
  const until = clock.monotonic() + timeoutMs
  let woken = (): void => {}
  const wake = (): void => woken()
  // armed before the first look: what ends in between still rings
  const unsubscribe = await engine.subscribe([], wake)
  signal.addEventListener('abort', wake)
  const ended = new Map<string, JobDetail>()
  try {
    for (;;) {
      const bell = new Promise<void>((resolve) => (woken = resolve))
      const open: JobDetail[] = []
      for (const id of ids) {
        const job = ended.get(id) ?? (await engine.get(id))
        if (!job) continue
        if (hasEnded(job)) ended.set(id, job)
        else open.push(job)
      }
      const left = until - clock.monotonic()
      if (open.length === 0 || left <= 0 || signal.aborted) {
        const found = new Map([...ended, ...open.map((job) => [job.id, job] as const)])
        return ids.flatMap((id) => found.get(id) ?? [])
      }
      const overdue = open.some(({ deadlineAt, state }) => state === 'available' && deadlineAt !== null && deadlineAt <= clock.now())
      if (overdue && (await engine.reap()).ended.length > 0) continue
      let timer: ReturnType<typeof setTimeout> | undefined
      await Promise.race([bell, new Promise<void>((resolve) => (timer = setTimeout(resolve, Math.min(FALLBACK_MS, left))))])
      clearTimeout(timer)
    }
  } finally {
    signal.removeEventListener('abort', wake)
    unsubscribe()
  }
}
