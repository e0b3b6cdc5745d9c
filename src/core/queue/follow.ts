import type { JobEvent, QueueEngine } from './engine.ts'

const AT_ONCE = 500
/** Looked at again after this long at the latest, also where no bell is heard, ms. */
const LONGEST_MS = 1000

/**
 * Tells every event after the one of that number, in order, until the signal aborts. Batches never overlap; `tell` may take its time.
 */
export async function followEvents(
  engine: QueueEngine,
  after: number,
  tell: (events: readonly JobEvent[]) => void | Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let last = after
  let wake = (): void => {}
  const onWake = (): void => wake()
  // armed before the first look: what happens in between still rings
  const release = await engine.subscribe([], onWake)
  signal.addEventListener('abort', onWake)
  try {
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => (wake = resolve))
      const events = await engine.events(last, AT_ONCE)
      if (events.length > 0) await tell(events)
      last = events.at(-1)?.seq ?? last
      if (events.length === AT_ONCE || signal.aborted) continue
      const timer = setTimeout(wake, LONGEST_MS)
      await woken
      clearTimeout(timer)
    }
  } finally {
    signal.removeEventListener('abort', onWake)
    release()
  }
}
