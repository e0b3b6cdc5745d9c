import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DEFAULT_POLICY,
  type Evidence,
  PERSON_REASONS,
  type Verdict,
  type VerdictFacts,
  comparePaired,
  decideVerdict,
} from '../../src/core/validation/index.ts'
import { PLAIN, SOUND, WORSE, alike, cpu, evidence, facts, weak } from '../support/evidence.ts'

/** Best first. Errored evidence says nothing, so it is as good as no decision: harm may still be found behind it. */
const RANK: Readonly<Record<Verdict, number>> = { keep: 2, cannot_decide: 1, roll_back: 0 }
const rank = (verdict: Verdict | null): number => (verdict === null ? 1 : RANK[verdict])

const decide = (change: Partial<Evidence>, of: VerdictFacts = PLAIN) => decideVerdict({ ...SOUND, ...change }, DEFAULT_POLICY, of)
const withTests = (change: Partial<Evidence['tests']>) => decide({ tests: { ...SOUND.tests, ...change } })

describe('the decision table', () => {
  test('sound evidence is kept, without a reason', () => {
    expect(decide({})).toEqual({ verdict: 'keep', reasons: [] })
  })

  test.each([
    ['a broken contract', () => decide({ contract: [{ name: 'platform', ok: false, detail: 'needs node 14' }] }), 'contract'],
    ['a regressed test', () => withTests({ regressed: ['a > b'] }), 'tests_regressed'],
    ['a proven weakening', () => withTests({ weakened: [weak(true)] }), 'tests_weakened'],
    ['a hang', () => withTests({ hang: true }), 'hang'],
    ['a failed guard', () => decide({ guards: [{ name: 'types', ok: false, detail: '2 new errors' }] }), 'guard'],
    ['a worse metric', () => decide({ metrics: [cpu(WORSE)] }), 'metric_worse'],
    [
      'fewer of what should be more',
      () => decide({ metrics: [cpu({ direction: 'higher', estimate: -0.1, lower: -0.13, upper: -0.07 })] }),
      'metric_worse',
    ],
  ])('%s is rolled back', (_name, run, code) => {
    expect(run()).toMatchObject({ verdict: 'roll_back', reasons: [{ code }] })
  })

  test.each([
    ['edits of tests nobody can classify', () => decide({}, { testsTouched: true, addedTestsOnly: false }), 'tests_touched'],
    ['a changed contract', () => withTests({ contract_changed: ['a > b'] }), 'contract_changed'],
    [
      'source that names its judge',
      () => decide({ contract: [{ name: 'names its judge', ok: true, detail: 'src/a.js:1' }] }),
      'names_judge',
    ],
    ['a blind plan', () => decide({ control: { noticed: 0, planted: 4 } }), 'blind_plan'],
    ['no control at all', () => decide({ control: null }), 'no_control'],
    ['a site no test runs', () => decide({ sites: [{ ...SOUND.sites[0]!, exercised: false }] }), 'unexercised'],
    ['a site nobody knows about', () => decide({ sites: [{ ...SOUND.sites[0]!, exercised: null }] }), 'unexercised'],
    ['an unclear metric', () => decide({ metrics: [cpu({ lower: -0.2, upper: 0.2, verdict: 'unclear' })] }), 'metric_unclear'],
    ['harm that was measured once', () => decide({ metrics: [cpu({ ...WORSE, rounds: 1 })] }), 'metric_unclear'],
    ['harm the sign-flip test does not see', () => decide({ metrics: [cpu({ ...WORSE, sign_flip_p: 0.05 })] }), 'metric_unclear'],
    [
      'harm seen by an instrument that is not good enough',
      () => decide({ metrics: [cpu({ ...WORSE, control: alike(0.06) })] }),
      'metric_unclear',
    ],
    ['harm together with others of the run', () => decide({ train: { others: 2, metric: cpu(WORSE) } }), 'metric_together'],
  ])('%s cannot be decided', (_name, run, code) => {
    expect(run()).toMatchObject({ verdict: 'cannot_decide', reasons: [{ code }] })
  })

  test('an equal syntax tree needs no test, and a dropped site none either', () => {
    expect(decide({ sites: [{ ...SOUND.sites[0]!, exercised: false, equal_tree: true }], control: null }).verdict).toBe('keep')
    expect(decide({ sites: [SOUND.sites[0]!, { ...SOUND.sites[0]!, exercised: false, kept: false }] }).verdict).toBe('keep')
  })

  test('what was not measured does not block; what was printed by itself waits for a person', () => {
    expect(decide({ metrics: [cpu({ estimate: null, lower: null, upper: null, verdict: 'not_measured' })] })).toEqual({
      verdict: 'keep',
      reasons: [],
    })
    const printed = decide({ metrics: [cpu({ self_reported: true })] })
    expect(printed.reasons.some(({ code }) => PERSON_REASONS.has(code))).toBe(true)
    const added = decide({}, { testsTouched: false, addedTestsOnly: true })
    expect(added.reasons.some(({ code }) => PERSON_REASONS.has(code))).toBe(true)
  })

  test('an incomplete report is an error without a verdict, never a doubt and never a pass; it does not hide harm', () => {
    expect(withTests({ complete: false })).toMatchObject({ verdict: null, reasons: [{ code: 'incomplete' }] })
    expect(withTests({ complete: false, contract_changed: ['x'] }).verdict).toBeNull()
    expect(withTests({ complete: false, regressed: ['x'] }).verdict).toBe('roll_back')
  })

  test('errors give no verdict, but do not hide harm', () => {
    expect(decide({ errors: ['the runner died'] }).verdict).toBeNull()
    expect(decide({ errors: ['the runner died'], tests: { ...SOUND.tests, regressed: ['x'] } }).verdict).toBe('roll_back')
  })
})

describe('the verdict as a function', () => {
  test('is total and deterministic, and leaves its input alone', () => {
    fc.assert(
      fc.property(evidence, facts, (given, of) => {
        const before = structuredClone(given)
        const first = decideVerdict(given, DEFAULT_POLICY, of)
        expect(decideVerdict(structuredClone(given), { ...DEFAULT_POLICY }, { ...of })).toEqual(first)
        expect(given).toEqual(before)
        if (first.verdict !== 'keep') expect(first.reasons.length).toBeGreaterThan(0)
      }),
    )
  })

  const harms: readonly [string, (given: Evidence) => Evidence][] = [
    ['a regression', (given) => ({ ...given, tests: { ...given.tests, regressed: [...given.tests.regressed, 'new'] } })],
    ['a proven weakening', (given) => ({ ...given, tests: { ...given.tests, weakened: [...given.tests.weakened, weak(true)] } })],
    ['a hang', (given) => ({ ...given, tests: { ...given.tests, hang: true } })],
    ['a broken contract', (given) => ({ ...given, contract: [...given.contract, { name: 'parses', ok: false, detail: '' }] })],
    ['a failed guard', (given) => ({ ...given, guards: [...given.guards, { name: 'types', ok: false, detail: '' }] })],
    [
      'a worse metric',
      (given) => ({ ...given, metrics: [...given.metrics, cpu({ estimate: 0.2, lower: 0.1, upper: 0.3, verdict: 'worse' })] }),
    ],
  ]
  test.each(harms)('%s rolls back whatever else was found', (_name, harm) => {
    fc.assert(
      fc.property(evidence, facts, (given, of) => {
        expect(decideVerdict(harm(given), DEFAULT_POLICY, of).verdict).toBe('roll_back')
      }),
    )
  })

  const doubts: readonly [string, (given: Evidence) => Evidence][] = [
    ['an unexercised site', (given) => ({ ...given, sites: [...given.sites, { ...SOUND.sites[0]!, exercised: false }] })],
    ['a missing report', (given) => ({ ...given, tests: { ...given.tests, complete: false } })],
    ['a changed contract', (given) => ({ ...given, tests: { ...given.tests, contract_changed: [...given.tests.contract_changed, 'x'] } })],
    ['an unclear metric', (given) => ({ ...given, metrics: [...given.metrics, cpu({ lower: -0.3, upper: 0.3, verdict: 'unclear' })] })],
    ['an error', (given) => ({ ...given, errors: [...given.errors, 'died'] })],
  ]
  test.each(doubts)('%s never improves a verdict and never lets it pass', (_name, doubt) => {
    fc.assert(
      fc.property(evidence, facts, (given, of) => {
        const after = decideVerdict(doubt(given), DEFAULT_POLICY, of).verdict
        expect(after).not.toBe('keep')
        expect(rank(after)).toBeLessThanOrEqual(rank(decideVerdict(given, DEFAULT_POLICY, of).verdict))
      }),
    )
  })

  test('a stricter threshold, or a person in place of the automatic roll-back, never turns doubt into a yes', () => {
    fc.assert(
      fc.property(evidence, facts, fc.double({ min: 0, max: 0.05, noNaN: true }), (given, of, threshold) => {
        const strict = decideVerdict(given, { ...DEFAULT_POLICY, regression_threshold: threshold }, of).verdict
        // without the automatic roll-back a metric that got worse is doubt, never a keep; other harm is harm still
        const asked = decideVerdict(given, { ...DEFAULT_POLICY, auto_rollback_on_regression: false }, of)
        const usual = decideVerdict(given, DEFAULT_POLICY, of)
        const other = usual.reasons.filter(({ code }) => code !== 'metric_worse' && code !== 'errored')
        if (usual.verdict === 'roll_back' && other.length === 0) expect(['cannot_decide', null]).toContain(asked.verdict)
        else expect(asked.verdict).toBe(usual.verdict)
        if (strict === 'keep') expect(decideVerdict(given, DEFAULT_POLICY, of).verdict).toBe('keep')
      }),
    )
  })
})

describe('the word of a metric and the verdict', () => {
  const direction = fc.constantFrom('lower' as const, 'higher' as const)
  const near = fc.double({ min: -0.08, max: 0.08, noNaN: true })
  const ofSamples = (middle: number, spread: number, towards: 'lower' | 'higher') => {
    const samples = Array.from(
      { length: 10 },
      (_value, index) => [100, 100 * Math.exp(middle + (index % 2 === 0 ? spread : -spread))] as const,
    )
    const { verdict, estimate, lower, upper, signFlip } = comparePaired(samples, {
      margin: DEFAULT_POLICY.regression_threshold,
      direction: towards,
    })
    return cpu({ direction: towards, verdict, estimate, lower, upper, samples, sign_flip_p: signFlip })
  }
  const wanted = { improved: 'keep', not_worse: 'keep', worse: 'roll_back', unclear: 'cannot_decide' } as const

  test('agree in both directions', () => {
    // 4.85 % less of what should be more is 5.1 % more harm: the margin is one on the log scale.
    const less = ofSamples(Math.log(0.9515), 0.0005, 'higher')
    expect(less.verdict).toBe('worse')
    expect(decide({ metrics: [less] }).verdict).toBe('roll_back')
    fc.assert(
      fc.property(near, fc.double({ min: 0.0001, max: 0.1, noNaN: true }), direction, (middle, spread, towards) => {
        const measured = ofSamples(middle, spread, towards)
        expect(decide({ metrics: [measured] }).verdict).toBe(wanted[measured.verdict as keyof typeof wanted])
      }),
      { numRuns: 1000 },
    )
  })
})
