import type { MetricVerdict } from '../evidence.ts'
import { studentQuantile } from './distributions.ts'

export type Pair = readonly [base: number, candidate: number]

/** Looks at 10, 20 and 30 pairs. */
export const LOOKS = [10, 20, 30] as const

/**
 * Nominal one-sided level per look so that three looks together keep 5 %: Pocock's constant for K = 3 and alpha = 0.05
 * one-sided is z = 1.992 (Jennison & Turnbull 2000, table 2.1 with alpha = 0.10 two-sided), a nominal level of 0.0232.
 */
export const NOMINAL_LEVEL = 0.0232

export type Comparison = {
  verdict: Exclude<MetricVerdict, 'not_measured'>
  /** Candidate over base as a ratio minus one. */
  estimate: number
  lower: number
  upper: number
  pairs: number
  /** Exact sign-flip p-value for "no difference", two-sided: a second opinion without a distribution. */
  signFlip: number
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

function deviation(values: readonly number[]): number {
  const middle = mean(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1))
}

/** ln(candidate / base) per pair. */
export function logRatios(pairs: readonly Pair[]): number[] {
  return pairs.map(([base, candidate]) => Math.log(candidate / base))
}

/**
 * Sign-flip permutation test of a zero mean (Fisher 1935): exact over all 2^k sign patterns up to k = 16, else 20,000
 * patterns of a fixed linear congruential sequence, so that a record gives the same value again.
 */
export function signFlipTest(values: readonly number[]): number {
  const observed = Math.abs(values.reduce((sum, value) => sum + value, 0)) - 1e-12
  const k = values.length
  let extreme = 0
  if (k <= 16) {
    const total = 2 ** k
    for (let pattern = 0; pattern < total; pattern++) {
      let sum = 0
      for (let index = 0; index < k; index++) sum += (pattern >> index) & 1 ? values[index]! : -values[index]!
      if (Math.abs(sum) >= observed) extreme++
    }
    return extreme / total
  }
  const total = 20_000
  let state = 12_345
  for (let draw = 0; draw < total; draw++) {
    let sum = 0
    for (const value of values) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      sum += state & 0x8000_0000 ? value : -value
    }
    if (Math.abs(sum) >= observed) extreme++
  }
  return (extreme + 1) / (total + 1)
}

/**
 * Non-inferiority of the candidate by the paired t interval on log ratios, one-sided at `NOMINAL_LEVEL` per look
 * (margin ln(1 + margin); CONSORT extension for non-inferiority, Piaggio et al. 2012). For `higher is better` the
 * ratios are turned round, so that "worse" always means harm; estimate and bounds stay candidate over base.
 * improved: the whole interval is on the good side; not_worse: it is below the margin; worse: it excludes "no change"
 * and the estimate is beyond the margin; otherwise unclear.
 */
export function comparePaired(pairs: readonly Pair[], options: { margin: number; direction: 'lower' | 'higher' }): Comparison {
  const ratios = logRatios(pairs)
  const k = ratios.length
  const middle = mean(ratios)
  const spread = k < 2 ? Number.POSITIVE_INFINITY : (studentQuantile(1 - NOMINAL_LEVEL, k - 1) * deviation(ratios)) / Math.sqrt(k)
  const [lower, upper] = [middle - spread, middle + spread]
  const harm = options.direction === 'lower' ? { middle, least: lower, most: upper } : { middle: -middle, least: -upper, most: -lower }
  const limit = Math.log1p(options.margin)
  const verdict = harm.most < 0 ? 'improved' : harm.most < limit ? 'not_worse' : harm.least > 0 && harm.middle > limit ? 'worse' : 'unclear'
  return {
    verdict,
    estimate: Math.expm1(middle),
    lower: Math.expm1(lower),
    upper: Math.expm1(upper),
    pairs: k,
    signFlip: signFlipTest(ratios),
  }
}

/**
 * Pairs needed to show non-inferiority with 90 % power when there is no difference:
 * k = ((z(0.95) + z(0.90)) * sd / ln(1 + margin))^2, z = 1.645 and 1.282.
 */
export function pairsNeeded(pilot: readonly Pair[], margin: number): number {
  return Math.ceil((((1.645 + 1.282) * deviation(logRatios(pilot))) / Math.log1p(margin)) ** 2)
}

/** A/A check of the instrument: equivalence, the whole interval within +-ln(1 + margin) (Schuirmann 1987, two one-sided tests). */
export function isEquivalent(pairs: readonly Pair[], margin: number): boolean {
  const { lower, upper } = comparePaired(pairs, { margin, direction: 'lower' })
  return Math.log1p(upper) < Math.log1p(margin) && Math.log1p(lower) > -Math.log1p(margin)
}
