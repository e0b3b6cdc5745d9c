import { sha256 } from '../../kernel/index.ts'
import type { InstrumentEvidence, MetricEvidence } from '../evidence.ts'
import { LOOKS, type Pair, comparePaired, isEquivalent, pairsNeeded } from './paired.ts'

/** One measured run; `null` voids it (left-over processes, a timer that failed, another set of tests). */
export type Sample = { value: number | null; why?: string; selfReported?: boolean }

export type PairOptions = {
  base: () => Promise<Sample>
  candidate: () => Promise<Sample>
  /** Draws the order within each pair; the same seed gives the same order. */
  seed: string
  mayContinue: () => boolean
  onPair?: (done: number, of: number) => void
}

export type MeasureOptions = PairOptions & { name: string; unit: string; direction: 'lower' | 'higher'; margin: number }

type Collected = { pairs: Pair[]; selfReported: boolean; /** Why there is no answer. */ why: string | null }

const MAX_VOID_SHARE = 0.2

/** Base first or candidate first: one fair coin per pair. */
function isTurned(seed: string, pair: number): boolean {
  return Number.parseInt(sha256(`${seed}:${pair}`).slice(0, 2), 16) % 2 === 1
}

/**
 * Measures pairs in random order (one discarded warm-up pair first), looks after 10, 20 and 30 and stops at the first
 * clear answer, or at once when the pilot says that more than 30 pairs would be needed.
 *
 * Why random and not AB BA AB BA: runs that follow each other resemble each other, and in a fixed order so do the
 * differences of neighbouring pairs (at an autocorrelation r of the runs their covariance is r(1 - r)^2), which makes
 * the interval too short: 6.5 to 7.3 % instead of 5 % of the changes on the margin passed. A fair coin per pair makes
 * the differences uncorrelated whatever the machine does, and the sign-flip test a randomisation test (Fisher 1935, The
 * Design of Experiments; for computers Abedi & Brecht 2017, randomised multiple interleaved trials).
 */
async function collectPairs(
  options: PairOptions,
  isClear: (pairs: readonly Pair[]) => boolean,
  isHopeless: (pilot: readonly Pair[]) => boolean,
): Promise<Collected> {
  const found: Collected = { pairs: [], selfReported: false, why: null }
  const { pairs } = found
  let voids = 0
  let why = ''
  const one = async (sampler: () => Promise<Sample>): Promise<number | null> => {
    const sample = await sampler()
    if (sample.selfReported) found.selfReported = true
    if (sample.value === null) why = sample.why ?? 'a run gave no number'
    return sample.value
  }
  if ((await one(options.base)) === null || (await one(options.candidate)) === null) voids++
  for (const look of LOOKS) {
    for (let drawn = pairs.length + voids; pairs.length < look; drawn++) {
      if (!options.mayContinue()) return { ...found, why: 'it was stopped' }
      if (voids > Math.max(2, MAX_VOID_SHARE * look)) return { ...found, why }
      const turned = isTurned(options.seed, drawn)
      const first = await one(turned ? options.candidate : options.base)
      const second = await one(turned ? options.base : options.candidate)
      if (first === null || second === null) voids++
      else if (first <= 0 || second <= 0) [voids, why] = [voids + 1, 'a run measured zero or less']
      else pairs.push(turned ? [second, first] : [first, second])
      options.onPair?.(pairs.length, look)
    }
    if (isClear(pairs) || (look === LOOKS[0] && isHopeless(pairs))) break
  }
  return found
}

/** Base against candidate, one round. */
export async function measurePaired(options: MeasureOptions): Promise<MetricEvidence> {
  const { name, unit, direction, margin } = options
  const policy = { margin, direction }
  const { pairs, selfReported, why } = await collectPairs(
    options,
    (seen) => comparePaired(seen, policy).verdict !== 'unclear',
    (pilot) => pairsNeeded(pilot, margin) > LOOKS[2],
  )
  const empty = notMeasured({ name, unit, direction }, why ?? '')
  if (why !== null) return { ...empty, self_reported: selfReported, samples: pairs }
  return { ...empty, ...compared(pairs, policy), rounds: 1, detail: null, self_reported: selfReported }
}

/** What the pairs say, as it is stored. */
export function compared(
  pairs: readonly Pair[],
  policy: { margin: number; direction: 'lower' | 'higher' },
): Pick<MetricEvidence, 'estimate' | 'lower' | 'upper' | 'verdict' | 'sign_flip_p' | 'samples'> {
  const { estimate, lower, upper, verdict, signFlip } = comparePaired(pairs, policy)
  return { estimate, lower, upper, verdict, sign_flip_p: signFlip, samples: pairs }
}

/** A metric without a number, and why. */
export function notMeasured(metric: Pick<MetricEvidence, 'name' | 'unit' | 'direction'>, detail: string): MetricEvidence {
  const none = { estimate: null, lower: null, upper: null, sign_flip_p: null, control: null }
  return { ...metric, ...none, verdict: 'not_measured', rounds: 0, detail, self_reported: false, samples: [] }
}

/**
 * Base against base; null where runs failed or it was stopped. One slow run in the pilot makes its forecast poor, and a
 * check that is given up leaves a whole run unmeasured: it goes on while the forecast is up to twice of what will be done.
 */
export async function measureInstrument(options: PairOptions & { margin: number; at: string }): Promise<InstrumentEvidence | null> {
  const { margin } = options
  const { pairs, why } = await collectPairs(
    options,
    (seen) => isEquivalent(seen, margin),
    (pilot) => pairsNeeded(pilot, margin) > 2 * LOOKS[2],
  )
  if (why !== null) return null
  const { estimate, lower, upper } = comparePaired(pairs, { margin, direction: 'lower' })
  return { estimate, lower, upper, equivalent: isEquivalent(pairs, margin), pairs: pairs.length, measured_at: options.at }
}

/** `NAME[unit,lower|higher]=CMD`; the bracket may be left out (`unit` '', lower is better). `undefined` where it is not of that form. */
export function parseMetric(text: string): { name: string; unit: string; direction: 'lower' | 'higher'; command: string } | undefined {
  const match = text.match(/^([\w .-]+?)(?:\[([^,\]]*)(?:,\s*(lower|higher))?\])?=(.+)$/s)
  if (!match) return undefined
  const [, name, unit = '', direction = 'lower', command] = match
  return { name: name!.trim(), unit: unit.trim(), direction: direction as 'lower' | 'higher', command: command!.trim() }
}

/** The number on the last printed line, or `undefined` when it is none. */
export function printedNumber(output: string): number | undefined {
  const last = output.trimEnd().split('\n').at(-1)?.trim() ?? ''
  return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(last) ? Number(last) : undefined
}
