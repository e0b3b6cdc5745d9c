import { uptime } from 'node:os'

/** Time as a value, so that the core never reads the clock by itself. */
export type Clock = {
  /** Wall-clock milliseconds since 1970. */
  now(): number
  /** Monotonic milliseconds; survives clock jumps. */
  monotonic(): number
  /**
   * Milliseconds since the machine was started, suspended time included: the same for all processes of one boot, whatever their wall
   * clocks say. To the hundredth of a second; where it is missing only the wall clock can be asked.
   */
  uptime?(): number
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now(), uptime: () => uptime() * 1000 }

/** ISO 8601 in UTC with milliseconds. */
export function isoTime(clock: Clock): string {
  return new Date(clock.now()).toISOString()
}
