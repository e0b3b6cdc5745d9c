import { describe, expect, test } from 'vitest'
import {
  type Pair,
  comparePaired,
  incompleteBeta,
  isEquivalent,
  measurePaired,
  pairsNeeded,
  parseMetric,
  printedNumber,
  signFlipTest,
  studentCdf,
  studentQuantile,
  wilsonInterval,
} from '../../../src/core/validation/statistics/index.ts'

/** A fixed normal generator (mulberry32 and Box-Muller), so that every run sees the same numbers. */
function generator(seed: number): () => number {
  let state = seed
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
}

/** A machine with drift and first-order autocorrelation 0.5, on which two programs run in turn. */
async function simulate(options: { effect: number; noise: number; seed: number; drift?: number }): Promise<string> {
  const normal = generator(options.seed)
  let state = 0
  let step = 0
  const run = (factor: number) => async () => {
    state = 0.5 * state + normal() * options.noise * Math.sqrt(1 - 0.25)
    step++
    return { value: 1000 * factor * Math.exp(state + (options.drift ?? 0) * step) }
  }
  const { verdict } = await measurePaired({
    name: 'cpu',
    unit: 'ms',
    direction: 'lower',
    margin: 0.05,
    base: run(1),
    candidate: run(1 + options.effect),
    mayContinue: () => true,
  })
  return verdict
}

async function share(runs: number, options: { effect: number; noise: number; drift?: number }, wanted: string): Promise<number> {
  let count = 0
  for (let seed = 1; seed <= runs; seed++) if ((await simulate({ ...options, seed: seed * 7919 })) === wanted) count++
  return count / runs
}

describe('distributions', () => {
  test('agree with published tables', () => {
    expect(studentQuantile(0.95, 4)).toBeCloseTo(2.1318, 3)
    expect(studentQuantile(0.95, 9)).toBeCloseTo(1.8331, 3)
    expect(studentQuantile(0.975, 14)).toBeCloseTo(2.1448, 3)
    expect(studentCdf(0, 5)).toBeCloseTo(0.5, 12)
    expect(incompleteBeta(0.5, 2, 3)).toBeCloseTo(0.6875, 10)
    expect(wilsonInterval(10, 10).lower).toBeCloseTo(0.787, 3)
    expect(wilsonInterval(9, 10).lower).toBeLessThan(0.7)
  })
})

describe('paired comparison', () => {
  const pairs = (ratio: number, spread: number, count: number): Pair[] =>
    Array.from({ length: count }, (_value, index) => [100, 100 * ratio * Math.exp(spread * (index % 2 === 0 ? 1 : -1))] as const)

  test('knows better, no worse, worse and unclear', () => {
    expect(comparePaired(pairs(0.8, 0.01, 10), { margin: 0.05, direction: 'lower' }).verdict).toBe('improved')
    expect(comparePaired(pairs(1, 0.01, 10), { margin: 0.05, direction: 'lower' }).verdict).toBe('not_worse')
    expect(comparePaired(pairs(1.2, 0.01, 10), { margin: 0.05, direction: 'lower' }).verdict).toBe('worse')
    expect(comparePaired(pairs(1.2, 0.01, 10), { margin: 0.05, direction: 'higher' }).verdict).toBe('improved')
    expect(comparePaired(pairs(1, 0.3, 10), { margin: 0.05, direction: 'lower' }).verdict).toBe('unclear')
  })

  test('the sign-flip test is exact', () => {
    expect(signFlipTest([1, 1, 1, 1, 1])).toBe(2 / 32)
    expect(signFlipTest([1, -1, 1, -1])).toBe(1)
  })

  test('the instrument check asks for equivalence, not for a missing difference', () => {
    expect(isEquivalent(pairs(1, 0.01, 10), 0.05)).toBe(true)
    expect(isEquivalent(pairs(1, 0.3, 10), 0.05)).toBe(false)
    expect(isEquivalent(pairs(1.2, 0.01, 10), 0.05)).toBe(false)
  })

  test('needs about as many pairs as the power formula says', () => {
    expect(pairsNeeded(pairs(1, 0.04, 10), 0.05)).toBeGreaterThan(4)
    expect(pairsNeeded(pairs(1, 0.23, 10), 0.05)).toBeGreaterThan(150)
  })
})

describe('error rates on simulated CPU times (2.8 % noise, drift, autocorrelation 0.5)', () => {
  test('an identical program is called worse in at most 5 % of 200 experiments', async () => {
    expect(await share(200, { effect: 0, noise: 0.028, drift: 0.002 }, 'worse')).toBeLessThanOrEqual(0.05)
  })

  test('a program that is 10 % slower is found in at least 90 %, and never passes', async () => {
    expect(await share(200, { effect: 0.1, noise: 0.028, drift: 0.002 }, 'worse')).toBeGreaterThanOrEqual(0.9)
    expect(await share(200, { effect: 0.1, noise: 0.028 }, 'not_worse')).toBeLessThanOrEqual(0.05)
  })

  test('a program that is 10 % faster is recognised', async () => {
    expect(await share(200, { effect: -0.1, noise: 0.028 }, 'improved')).toBeGreaterThanOrEqual(0.9)
  })

  test('wall-clock noise (16 %) stops after the pilot instead of running on', async () => {
    expect(await share(50, { effect: 0, noise: 0.165 }, 'unclear')).toBeGreaterThanOrEqual(0.6)
  })
})

describe('measuring', () => {
  test('a time-out has no score', async () => {
    const metric = await measurePaired({
      name: 'x',
      unit: '',
      direction: 'lower',
      margin: 0.05,
      base: async () => ({ value: 1 }),
      candidate: async () => ({ value: null }),
      mayContinue: () => true,
    })
    expect(metric).toMatchObject({ verdict: 'not_measured', estimate: null })
  })

  test('pairs are interleaved AB BA', async () => {
    const order: string[] = []
    const sampler = (name: string) => async () => (order.push(name), { value: 10 })
    await measurePaired({
      name: 'x',
      unit: '',
      direction: 'lower',
      margin: 0.05,
      base: sampler('B'),
      candidate: sampler('C'),
      mayContinue: () => true,
    })
    expect(order.slice(2, 10).join('')).toBe('BCCBBCCB')
  })

  test('reads metric definitions and printed numbers', () => {
    expect(parseMetric('size[bytes,lower]=wc -c < a')).toEqual({ name: 'size', unit: 'bytes', direction: 'lower', command: 'wc -c < a' })
    expect(parseMetric('speed[op/s,higher]=node b.js')).toMatchObject({ direction: 'higher' })
    expect(parseMetric('x=y')).toEqual({ name: 'x', unit: '', direction: 'lower', command: 'y' })
    expect(parseMetric('no command')).toBeUndefined()
    expect(printedNumber('a\n12.5\n')).toBe(12.5)
    expect(printedNumber('12 apples')).toBeUndefined()
  })
})
