import type { MetricVerdict } from '../evidence.ts'
import { studentQuantile } from './distributions.ts'
import { signFlipTest } from './sign-flip.ts'

export type Pair = readonly [base: number, candidate: number]

/** Looks at 10, 20 and 30 pairs. */
export const LOOKS = [10, 20, 30] as const

/**
 * Nominal one-sided level per look so that three looks together keep 5 %: Pocock's constant for K = 3 and alpha = 0.05
 * one-sided is z = 1.992 (Jennison & Turnbull 2000, table 2.1 with alpha = 0.10 two-sided), a nominal level of 0.0232.
 */
export const NOMINAL_LEVEL = 0.0232

/** The largest two-sided sign-flip p-value with which a claim holds: one look's level on each side. */
export const SIGN_FLIP_LIMIT = 2 * NOMINAL_LEVEL

export type Comparison = {
  verdict: Exclude<MetricVerdict, 'not_measured'>
  /** Candidate over base as a ratio minus one. */
  estimate: number
  lower: number
  upper: number
  pairs: number
  /** Sign-flip p-value for "no difference", two-sided: a second opinion without a distribution. */
  signFlip: number
}

const quantiles = new Map<number, number>()

/** Student's quantile at one look's level, which is asked for again and again. */
function quantileOf(df: number): number {
  const known = quantiles.get(df) ?? studentQuantile(1 - NOMINAL_LEVEL, df)
  quantiles.set(df, known)
  return known
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
 * Non-inferiority of the candidate by the paired t interval on log ratios, one-sided at `NOMINAL_LEVEL` per look
 * (margin ln(1 + margin); CONSORT extension for non-inferiority, Piaggio et al. 2012). For `higher is better` the
 * ratios are turned round, so that "worse" always means harm; estimate and bounds stay candidate over base.
 * improved: the whole interval is on the good side; not_worse: it is below the margin; worse: it excludes "no change"
 * and the estimate is beyond the margin; otherwise unclear. Both claims, improved and worse, also need the sign-flip
 * test at the same level: what only one of the two sees is no claim.
 */
export function comparePaired(pairs: readonly Pair[], options: { margin: number; direction: 'lower' | 'higher' }): Comparison {
  const ratios = logRatios(pairs)
  const k = ratios.length
  const middle = mean(ratios)
  const spread = k < 2 ? Number.POSITIVE_INFINITY : (quantileOf(k - 1) * deviation(ratios)) / Math.sqrt(k)
  const [lower, upper] = [middle - spread, middle + spread]
  const harm = options.direction === 'lower' ? { middle, least: lower, most: upper } : { middle: -middle, least: -upper, most: -lower }
  const limit = Math.log1p(options.margin)
  const signFlip = signFlipTest(ratios)
  const claimed = signFlip <= SIGN_FLIP_LIMIT
  const verdict =
    harm.most < 0 && claimed
      ? 'improved'
      : harm.most < limit
        ? 'not_worse'
        : harm.least > 0 && harm.middle > limit && claimed
          ? 'worse'
          : 'unclear'
  return {
    verdict,
    estimate: Math.expm1(middle),
    lower: Math.expm1(lower),
    upper: Math.expm1(upper),
    pairs: k,
    signFlip,
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
