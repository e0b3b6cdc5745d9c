/** Up to so many values every pattern of signs is counted. */
const EXACT = 30
/** Cells of the grid for more values. */
const CELLS = 2 ** 13

/** The sums of all 2^n sign patterns, in rising order: each value doubles the list, whose two halves are merged. */
function allSums(values: readonly number[]): Float64Array {
  let sums = Float64Array.of(0)
  for (const value of values) {
    const step = Math.abs(value)
    const next = new Float64Array(2 * sums.length)
    let [less, more] = [0, 0]
    for (let at = 0; at < next.length; at++)
      next[at] = less < sums.length && sums[less]! - step <= sums[more]! + step ? sums[less++]! - step : sums[more++]! + step
    sums = next
  }
  return sums
}

/**
 * Share of the sign patterns whose sum is at least `bound`, by meeting in the middle (Horowitz & Sahni 1974; for
 * permutation tests Pagano & Tritchler 1983): the sums of each half are sorted, then counted against each other.
 */
function exactTail(values: readonly number[], bound: number): number {
  const half = values.length >> 1
  const [low, high] = [allSums(values.slice(0, half)), allSums(values.slice(half))]
  let count = 0
  let enough = high.length // high[enough..] are large enough for the present low sum
  for (const sum of low) {
    while (enough > 0 && sum + high[enough - 1]! >= bound) enough--
    count += high.length - enough
  }
  return count / 2 ** values.length
}

/**
 * The same over sums rounded to a grid, by convolution (Pagano & Tritchler 1983). Rounding moves a sum by at most half
 * a cell per value; the bound is lowered by twice that, so that the answer is never too small.
 */
function roundedTail(values: readonly number[], bound: number): number {
  const total = values.reduce((sum, value) => sum + Math.abs(value), 0)
  const cell = total / CELLS
  const steps = values.map((value) => Math.round(Math.abs(value) / cell))
  const most = steps.reduce((sum, step) => sum + step, 0)
  let chances = new Float64Array(2 * most + 1)
  chances[most] = 1
  let reach = 0
  for (const step of steps) {
    const next = new Float64Array(chances.length)
    for (let at = most - reach; at <= most + reach; at++) {
      const share = chances[at]! / 2
      next[at - step]! += share
      next[at + step]! += share
    }
    chances = next
    reach += step
  }
  let tail = 0
  for (let at = Math.max(0, most + Math.floor(bound / cell) - steps.length); at < chances.length; at++) tail += chances[at]!
  return tail
}

/**
 * Sign-flip test of a zero mean (Fisher 1935), two-sided: the share of all 2^k sign patterns whose sum is at least as
 * far from zero as the one seen. Exact up to 30 values; beyond that over rounded sums, never too small.
 */
export function signFlipTest(values: readonly number[]): number {
  const observed = Math.abs(values.reduce((sum, value) => sum + value, 0))
  // sums that differ by rounding only are equal
  const bound = observed - 1e-12 * values.reduce((sum, value) => sum + Math.abs(value), 0)
  if (bound <= 0) return 1
  // the patterns are symmetric about zero
  return Math.min(1, 2 * (values.length <= EXACT ? exactTail(values, bound) : roundedTail(values, bound)))
}
