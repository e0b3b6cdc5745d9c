import type { Clock } from '../kernel/index.ts'
import type { QueueEngine } from './engine.ts'

/** Looked at again after this long at the latest, also where no bell is heard, ms. */
const LONGEST_MS = 1000

/**
 * Until a look says yes: at every ring of the bell, and once a second. Answers whether it did before the time was over or the signal
 * aborted.
 * @param timeoutMs null waits for ever
 */
export async function waitUntil(
  engine: Pick<QueueEngine, 'subscribe'>,
  clock: Clock,
  look: () => boolean | Promise<boolean>,
  { timeoutMs, signal }: { timeoutMs: number | null; signal: AbortSignal },
): Promise<boolean> {
  const end = timeoutMs === null ? Number.POSITIVE_INFINITY : clock.monotonic() + timeoutMs
  let wake = (): void => {}
  const onWake = (): void => wake()
  // armed before the first look: what happens in between still rings
  const release = await engine.subscribe([], onWake)
  signal.addEventListener('abort', onWake)
  try {
    for (;;) {
      const woken = new Promise<void>((resolve) => (wake = resolve))
      if (await look()) return true
      const left = end - clock.monotonic()
      if (left <= 0 || signal.aborted) return false
      const timer = setTimeout(wake, Math.min(LONGEST_MS, left))
      await woken
      clearTimeout(timer)
    }
  } finally {
    signal.removeEventListener('abort', onWake)
    release()
  }
}
