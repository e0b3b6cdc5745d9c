import type { Clock } from '../kernel/index.ts'

const GAP_MS = 30_000

/**
 * A machine that was suspended shows as wall-clock time the monotonic clock does not know. Ask it now and then: it answers how many
 * milliseconds are missing since the last question, 0 where it is less than `gapMs` (30 s: time servers correct less).
 */
export function createSleepDetector(clock: Clock, gapMs: number = GAP_MS): { slept(): number } {
  const distance = (): number => clock.now() - clock.monotonic()
  let known = distance()
  return {
    slept() {
      const gap = distance() - known
      known += gap
      return gap > gapMs ? gap : 0
    },
  }
}

const LOOK_MS = 1000

/** For whoever has no chores of its own: looks every second, until the returned function is called. */
export function watchForSleep(clock: Clock, onSlept: () => void): () => void {
  const detector = createSleepDetector(clock)
  const timer = setInterval(() => {
    if (detector.slept() > 0) onSlept()
  }, LOOK_MS)
  return () => clearInterval(timer)
}
