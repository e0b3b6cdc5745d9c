import { formatDuration, plural } from '../kernel/index.ts'
import type { Baseline } from '../validation/index.ts'
import { type Session, lookTimeLeft } from './session.ts'

/** Ten pairs and one to warm up, of base against tip and of base against base. */
export const MEASURING_RUNS = 44

/** What the work of a run is estimated from, in milliseconds. `measured`: its CPU time will be compared. */
export type Times = { suiteMs: number; stepsMs: number; measured: boolean }

export function timesOf(baseline: Baseline): Times {
  return {
    suiteMs: baseline.entries.reduce((sum, { wallMs }) => sum + wallMs, 0),
    stepsMs: baseline.steps.reduce((sum, { wallMs }) => sum + wallMs, 0),
    measured: baseline.entries.every(({ cpuMs }) => cpuMs !== null && cpuMs < 30_000),
  }
}

/** What a run will cost, told before the long work. `fresh`: the baseline is still to be measured. */
export function estimate(
  session: Session,
  { suiteMs, stepsMs, measured }: Times,
  candidates: number,
  fresh: boolean,
): { detail: string; ms: number } {
  const one = `one run of the tests takes ${formatDuration(suiteMs)}`
  const left = lookTimeLeft(session)
  if (left !== undefined) return { detail: `${one}: the look ends within ${formatDuration(Math.max(0, left))}`, ms: Math.max(0, left) }
  const total =
    candidates * suiteMs * 0.6 +
    2 * (suiteMs + stepsMs) +
    (measured && session.deps.settings.measureCpu ? MEASURING_RUNS * suiteMs : 0) +
    Math.min(8, 60_000 / Math.max(1, suiteMs)) * suiteMs +
    (fresh ? 3 * suiteMs : 0)
  const most = session.request.timeLimitMs
  return {
    detail: `${plural(candidates, 'candidate')}, ${one}: about ${formatDuration(total)}, at most ${formatDuration(most)}${fresh ? ' after the baseline' : ''}`,
    ms: Math.min(total, most),
  }
}
