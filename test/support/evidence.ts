import fc from 'fast-check'
import type { Evidence, InstrumentEvidence, MetricEvidence, VerdictFacts, Weakening } from '../../src/core/validation/index.ts'

const ids = fc.array(fc.string({ minLength: 1, maxLength: 12 }), { maxLength: 3 })
const counts = fc.record({ pass: fc.nat(50), fail: fc.nat(5), skip: fc.nat(5), todo: fc.nat(2), error: fc.nat(2) })
const weakening: fc.Arbitrary<Weakening> = fc.record({
  file: fc.constant('a.test.ts'),
  line: fc.option(fc.nat(90)),
  kind: fc.constantFrom('test_lost' as const, 'fewer_assertions' as const, 'unclassified' as const),
  detail: fc.string({ maxLength: 10 }),
  proven: fc.boolean(),
})

const UNMEASURED = { estimate: null, lower: null, upper: null, sign_flip_p: null, rounds: 0, control: null, detail: 'too long' }
const instrument: fc.Arbitrary<InstrumentEvidence> = fc.double({ min: 0.001, max: 0.08, noNaN: true }).map((spread) => alike(spread))
/** The base compared with itself, as far apart as this. */
export function alike(spread: number): InstrumentEvidence {
  return { estimate: 0, lower: -spread, upper: spread, equivalent: spread < 0.047, pairs: 10, measured_at: '2026-11-21T00:00:00.000Z' }
}

const metric: fc.Arbitrary<MetricEvidence> = fc
  .record({
    direction: fc.constantFrom('lower' as const, 'higher' as const),
    estimate: fc.double({ min: -0.3, max: 0.3, noNaN: true }),
    spread: fc.double({ min: 0.001, max: 0.2, noNaN: true }),
    measured: fc.boolean(),
    self_reported: fc.boolean(),
    rounds: fc.constantFrom(1, 2, 2),
    control: fc.option(instrument),
    sign_flip_p: fc.constantFrom(0.002, 0.01, 0.2),
  })
  .map(({ direction, estimate, spread, measured, self_reported, rounds, control, sign_flip_p }) => ({
    name: 'cpu',
    unit: 'ms',
    direction,
    self_reported,
    samples: [],
    ...(measured
      ? {
          estimate,
          lower: estimate - spread,
          upper: estimate + spread,
          verdict: 'unclear' as const,
          rounds,
          control,
          sign_flip_p,
          detail: null,
        }
      : { ...UNMEASURED, verdict: 'not_measured' as const }),
  }))

export const evidence: fc.Arbitrary<Evidence> = fc.record({
  tests: fc.record({
    baseline: counts,
    candidate: counts,
    regressed: fc.oneof({ weight: 3, arbitrary: fc.constant<string[]>([]) }, { weight: 1, arbitrary: ids }),
    weakened: fc.oneof(
      { weight: 3, arbitrary: fc.constant<Weakening[]>([]) },
      { weight: 1, arbitrary: fc.array(weakening, { maxLength: 2 }) },
    ),
    fixed: ids,
    flaky: ids,
    contract_changed: fc.oneof({ weight: 3, arbitrary: fc.constant<string[]>([]) }, { weight: 1, arbitrary: ids }),
    complete: fc.boolean(),
    coarse: fc.boolean(),
    hang: fc.constantFrom(false, false, false, true),
  }),
  metrics: fc.array(metric, { maxLength: 2 }),
  guards: fc.array(fc.record({ name: fc.constant('lines'), ok: fc.constantFrom(true, null, true, false), detail: fc.constant('1 -> 2') }), {
    maxLength: 2,
  }),
  sites: fc.array(
    fc.record({
      file: fc.constant('src/a.ts'),
      line: fc.nat(99),
      exercised: fc.option(fc.boolean()),
      equal_tree: fc.boolean(),
      kept: fc.boolean(),
      reason: fc.constant(null),
    }),
    { maxLength: 3 },
  ),
  contract: fc.array(fc.record({ name: fc.constant('parses'), ok: fc.constantFrom(true, true, true, false), detail: fc.constant('x') }), {
    maxLength: 2,
  }),
  control: fc.option(fc.record({ noticed: fc.nat(5), planted: fc.nat(5) })),
  train: fc.option(fc.record({ others: fc.nat(3), metric })),
  errors: fc.oneof({ weight: 4, arbitrary: fc.constant<string[]>([]) }, { weight: 1, arbitrary: ids }),
})

export const facts: fc.Arbitrary<VerdictFacts> = fc.record({ testsTouched: fc.boolean(), addedTestsOnly: fc.boolean() })

export const SOUND: Evidence = {
  tests: {
    baseline: { pass: 3, fail: 0, skip: 0, todo: 0, error: 0 },
    candidate: { pass: 3, fail: 0, skip: 0, todo: 0, error: 0 },
    regressed: [],
    weakened: [],
    fixed: [],
    flaky: [],
    contract_changed: [],
    complete: true,
    coarse: false,
    hang: false,
  },
  metrics: [],
  guards: [],
  sites: [{ file: 'src/a.ts', line: 3, exercised: true, equal_tree: false, kept: true, reason: null }],
  contract: [{ name: 'parses', ok: true, detail: '' }],
  control: { noticed: 3, planted: 3 },
  train: null,
  errors: [],
}
export const PLAIN: VerdictFacts = { testsTouched: false, addedTestsOnly: false }

export const cpu = (change: Partial<MetricEvidence>): MetricEvidence => ({
  name: 'cpu',
  unit: 'ms',
  direction: 'lower',
  estimate: 0,
  lower: -0.01,
  upper: 0.01,
  verdict: 'not_worse',
  sign_flip_p: 0.002,
  rounds: 2,
  control: alike(0.01),
  detail: null,
  self_reported: false,
  samples: [],
  ...change,
})
export const WORSE = { estimate: 0.1, lower: 0.07, upper: 0.13, verdict: 'worse' as const }
export const weak = (proven: boolean): Weakening => ({
  file: 'a.test.ts',
  line: 4,
  kind: 'looser_assertion',
  detail: 'toEqual -> toBeDefined',
  proven,
})
