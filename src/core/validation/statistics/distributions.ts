/** ln Gamma(x) for x > 0: Lanczos' approximation (g = 7, n = 9), relative error below 1e-13. */
export function logGamma(x: number): number {
  const coefficients = [
    0.999_999_999_999_809_93, 676.520_368_121_885_1, -1259.139_216_722_402_8, 771.323_428_777_653_13, -176.615_029_162_140_59,
    12.507_343_278_686_905, -0.138_571_095_265_720_12, 9.984_369_578_019_571_6e-6, 1.505_632_735_149_311_6e-7,
  ]
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  const shifted = x - 1
  const t = shifted + 7.5
  let sum = coefficients[0]!
  for (let index = 1; index < 9; index++) sum += coefficients[index]! / (shifted + index)
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(sum)
}

/** Regularised incomplete beta I_x(a, b) by Lentz' continued fraction (Numerical Recipes, 3rd ed., 6.4). */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a)
  const tiny = 1e-300
  let c = 1
  let d = 1 / Math.max(1 - ((a + b) * x) / (a + 1), tiny)
  let fraction = d
  for (let m = 1; m <= 300; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / (1 + even * d || tiny)
    c = 1 + even / c || tiny
    fraction *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / (1 + odd * d || tiny)
    c = 1 + odd / c || tiny
    fraction *= d * c
    if (Math.abs(d * c - 1) < 1e-15) break
  }
  return (front * fraction) / a
}

/** P(T <= t) of Student's distribution with `df` degrees of freedom. */
export function studentCdf(t: number, df: number): number {
  const tail = 0.5 * incompleteBeta(df / (df + t * t), df / 2, 0.5)
  return t > 0 ? 1 - tail : tail
}

/** The t with P(T <= t) = p, by bisection (the function is monotonic; 80 halvings of [-1e4, 1e4]). */
export function studentQuantile(p: number, df: number): number {
  let [low, high] = [-1e4, 1e4]
  for (let step = 0; step < 80; step++) {
    const middle = (low + high) / 2
    if (studentCdf(middle, df) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** One-sided Wilson bounds of a proportion (Wilson 1927); z = 1.645 is 95 % on each side. */
export function wilsonInterval(successes: number, trials: number, z = 1.645): { lower: number; upper: number } {
  if (trials === 0) return { lower: 0, upper: 1 }
  const p = successes / trials
  const center = p + (z * z) / (2 * trials)
  const spread = z * Math.sqrt((p * (1 - p)) / trials + (z * z) / (4 * trials * trials))
  const scale = 1 + (z * z) / trials
  return { lower: (center - spread) / scale, upper: (center + spread) / scale }
}

/**
 * One-sided upper bound of a proportion that holds for every true value (Clopper and Pearson 1934): the p with
 * P(at most `successes` of `trials` | p) = 1 - confidence. 0 of 299 gives 0.00997 at 95 %.
 */
export function clopperPearsonUpper(successes: number, trials: number, confidence = 0.95): number {
  if (trials === 0 || successes >= trials) return 1
  let [low, high] = [successes / trials, 1]
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (incompleteBeta(middle, successes + 1, trials - successes) < confidence) low = middle
    else high = middle
  }
  return high
}
