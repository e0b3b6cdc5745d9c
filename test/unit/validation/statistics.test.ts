import { describe, expect, test } from 'vitest'
import type { InstrumentEvidence, MetricEvidence } from '../../../src/core/validation/evidence.ts'
import {
  type Pair,
  comparePaired,
  compared,
  incompleteBeta,
  isEquivalent,
  measureClaim,
  measureInstrument,
  measurePaired,
  notMeasured,
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
    seed: String(options.seed),
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

  test('a claim needs the interval and the sign-flip test', () => {
    // one outlier hides ten small differences of the same sign from the interval: no claim
    const outlier: Pair[] = [...pairs(1.1, 0.001, 9), [100, 250]]
    expect(comparePaired(outlier, { margin: 0.05, direction: 'lower' })).toMatchObject({ verdict: 'unclear', signFlip: 2 / 1024 })
    // four equal pairs leave the interval no width, but a coin would fall so one time in eight
    const few = comparePaired(pairs(1.2, 0, 4), { margin: 0.05, direction: 'lower' })
    expect(few.lower).toBeGreaterThan(0.19)
    expect(few).toMatchObject({ verdict: 'unclear', signFlip: 2 / 16 })
    expect(comparePaired(pairs(0.8, 0, 4), { margin: 0.05, direction: 'lower' }).verdict).toBe('not_worse')
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

describe('the sign-flip test', () => {
  /** Every pattern, one by one. */
  const counted = (values: readonly number[]): number => {
    const observed = Math.abs(values.reduce((sum, value) => sum + value, 0))
    let extreme = 0
    for (let pattern = 0; pattern < 2 ** values.length; pattern++) {
      const sum = values.reduce((so, value, index) => so + ((pattern >> index) & 1 ? value : -value), 0)
      if (Math.abs(sum) >= observed - 1e-9) extreme++
    }
    return extreme / 2 ** values.length
  }

  test('knows small cases by heart', () => {
    expect(signFlipTest([1, 1, 1, 1, 1])).toBe(2 / 32)
    expect(signFlipTest([1, -1, 1, -1])).toBe(1)
    expect(signFlipTest([0.3])).toBe(1)
    expect(signFlipTest([])).toBe(1)
  })

  test('gives the share of all patterns', () => {
    const normal = generator(5)
    for (let size = 2; size <= 15; size++) {
      const values = Array.from({ length: size }, () => normal() + 0.4)
      expect(signFlipTest(values)).toBeCloseTo(counted(values), 12)
      const rough = values.map((value) => Math.round(value * 2)) // many equal sums
      expect(signFlipTest(rough)).toBeCloseTo(counted(rough), 12)
    }
  })

  test('is exact at 30 pairs: binomial where all differences are of one size', () => {
    const values = Array.from({ length: 30 }, (_value, index) => (index < 22 ? 0.01 : -0.01))
    let tail = 0
    for (let ways = 1, k = 30; k >= 22; ways = (ways * k) / (31 - k), k--) tail += ways // C(30, k) from k = 30 down
    expect(signFlipTest(values)).toBeCloseTo((2 * tail) / 2 ** 30, 12)
    expect(signFlipTest(Array.from({ length: 30 }, () => 0.2))).toBe(2 / 2 ** 30)
  })

  test('beyond 30 pairs is close to exact, and never too small', () => {
    const values = Array.from({ length: 60 }, (_value, index) => (index < 39 ? 0.01 : -0.01))
    let tail = 0
    for (let ways = 1, k = 60; k >= 39; ways = (ways * k) / (61 - k), k--) tail += ways
    const exact = (2 * tail) / 2 ** 60
    expect(signFlipTest(values)).toBeGreaterThanOrEqual(exact)
    expect(signFlipTest(values)).toBeLessThan(exact * 2.5) // the next pattern counts as well
    const normal = generator(11)
    const mixed = Array.from({ length: 30 }, () => normal() + 0.3)
    expect(signFlipTest([...mixed, 1e-9])).toBeGreaterThanOrEqual(signFlipTest(mixed) - 1e-12)
    expect(signFlipTest([...mixed, 1e-9])).toBeLessThan(signFlipTest(mixed) * 1.04)
  })
})

describe('a claim', () => {
  const round = (estimate: number, spread = 0.004): MetricEvidence => ({
    name: 'cpu',
    unit: 'ms',
    direction: 'lower',
    control: null,
    detail: null,
    self_reported: false,
    rounds: 1,
    ...compared(
      Array.from({ length: 10 }, (_value, index) => [100, 100 * (1 + estimate + (index % 2 === 0 ? spread : -spread))] as const),
      { margin: 0.05, direction: 'lower' },
    ),
  })
  const instrument = (spread: number): InstrumentEvidence => {
    const at = '2026-11-21T00:00:00.000Z'
    return { estimate: 0, lower: -spread, upper: spread, equivalent: spread < 0.04, pairs: 10, measured_at: at }
  }
  const of = async (rounds: readonly MetricEvidence[], control: InstrumentEvidence | null = instrument(0.01)) => {
    const asked: number[] = []
    const measure = async (number: number): Promise<MetricEvidence> => (asked.push(number), rounds[number - 1]!)
    return { metric: await measureClaim({ margin: 0.05, measure, control: async () => control }), asked }
  }

  test('that nothing happened is measured once, and carries its control', async () => {
    const { metric, asked } = await of([round(0)])
    expect(asked).toEqual([1])
    expect(metric).toMatchObject({ verdict: 'not_worse', rounds: 1, control: { equivalent: true, pairs: 10 } })
  })

  test.each([
    ['worse', 0.2],
    ['improved', -0.2],
  ])('of %s is measured twice, and both rounds are judged together', async (verdict, effect) => {
    const { metric, asked } = await of([round(effect), round(effect)])
    expect(asked).toEqual([1, 2])
    expect(metric).toMatchObject({ verdict, rounds: 2 })
    expect(metric.samples).toHaveLength(20)
    expect((await of([round(effect), round(0)])).metric.verdict).not.toBe(effect > 0 ? 'improved' : 'worse')
  })

  test('of gain that does not come again is none', async () => {
    const { metric } = await of([round(-0.03), round(0.03)])
    expect(metric).toMatchObject({ verdict: 'not_worse', rounds: 2 })
  })

  test('without its second round is doubt', async () => {
    const { metric } = await of([round(0.2), notMeasured(round(0), 'it was stopped')])
    expect(metric).toMatchObject({ verdict: 'unclear', rounds: 1, detail: 'the second round was not measured: it was stopped' })
  })

  test.each([
    ['not alike', instrument(0.06)],
    ['not to be had', null],
  ])('does not count with a control that is %s', async (_name, control) => {
    const harm = await of([round(0.2)], control)
    expect(harm.metric).toMatchObject({ verdict: 'unclear', rounds: 1, control, detail: expect.stringContaining('the unchanged code') })
    for (const effect of [0, -0.2]) {
      const { metric, asked } = await of([round(effect)], control)
      expect(asked).toEqual([1])
      expect(metric).toMatchObject({ verdict: 'not_measured', estimate: null, sign_flip_p: null, rounds: 0, control })
      expect(metric.detail).toContain('the unchanged code')
    }
  })

  test('the base against itself: equivalent where it is the same, not where one side is 20 % slower', async () => {
    const machine = (factor: number, normal: () => number) => async () => ({ value: 1000 * factor * Math.exp(0.02 * normal()) })
    const normal = generator(3)
    const check = (factor: number) =>
      measureInstrument({
        base: machine(1, normal),
        candidate: machine(factor, normal),
        margin: 0.05,
        seed: 'a',
        at: '2026-11-21T00:00:00.000Z',
        mayContinue: () => true,
      })
    expect(await check(1)).toMatchObject({ equivalent: true })
    expect(await check(1.2)).toMatchObject({ equivalent: false })
    expect(await check(0.8)).toMatchObject({ equivalent: false })
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
      candidate: async () => ({ value: null, why: 'a run did not end in time' }),
      seed: 'a',
      mayContinue: () => true,
    })
    expect(metric).toMatchObject({ verdict: 'not_measured', estimate: null, detail: 'a run did not end in time' })
  })

  test('pairs are interleaved, in an order that is drawn anew per pair and the same for a seed', async () => {
    const orderOf = async (seed: string): Promise<string[]> => {
      const order: string[] = []
      const normal = generator(1)
      const sampler = (name: string) => async () => (order.push(name), { value: 10 * Math.exp(0.05 * normal()) })
      const options = { name: 'x', unit: '', direction: 'lower' as const, margin: 0.001, mayContinue: () => true }
      await measurePaired({ ...options, base: sampler('B'), candidate: sampler('C'), seed })
      return order.join('').match(/../g)!.slice(1)
    }
    const [first, again, other] = [await orderOf('a'), await orderOf('a'), await orderOf('b')]
    expect(again).toEqual(first)
    expect(other).not.toEqual(first)
    for (const order of [first, other]) {
      expect(new Set(order)).toEqual(new Set(['BC', 'CB']))
      expect(order.filter((pair) => pair === 'BC').length).toBeGreaterThan(order.length / 10)
    }
    // over many pairs the coin is fair
    let turned = 0
    for (let seed = 0; seed < 100; seed++) turned += (await orderOf(`s${seed}`)).slice(0, 10).filter((pair) => pair === 'CB').length
    expect(turned).toBeGreaterThan(430)
    expect(turned).toBeLessThan(570)
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
