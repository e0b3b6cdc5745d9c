/** Time as a value, so that the core never reads the clock by itself. */
export type Clock = {
  /** Wall-clock milliseconds since 1970. */
  now(): number
  /** Monotonic milliseconds; survives clock jumps. */
  monotonic(): number
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }

/** ISO 8601 in UTC with milliseconds. */
export function isoTime(clock: Clock): string {
  return new Date(clock.now()).toISOString()
}
