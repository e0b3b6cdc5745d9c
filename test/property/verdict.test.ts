import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { type RunRecord, readRecord, writeRecord } from '../../src/core/improvement/record.ts'
import { replayRecord } from '../../src/core/improvement/replay.ts'
import {
  DEFAULT_POLICY,
  type Evidence,
  type InstrumentEvidence,
  type MetricEvidence,
  PERSON_REASONS,
  type Verdict,
  type VerdictFacts,
  type Weakening,
  comparePaired,
  decideVerdict,
} from '../../src/core/validation/index.ts'

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
function alike(spread: number): InstrumentEvidence {
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

const evidence: fc.Arbitrary<Evidence> = fc.record({
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

const facts: fc.Arbitrary<VerdictFacts> = fc.record({ testsTouched: fc.boolean(), addedTestsOnly: fc.boolean() })

/** Best first. Errored evidence says nothing, so it is as good as no decision: harm may still be found behind it. */
const RANK: Readonly<Record<Verdict, number>> = { keep: 2, cannot_decide: 1, roll_back: 0 }
const rank = (verdict: Verdict | null): number => (verdict === null ? 1 : RANK[verdict])

const SOUND: Evidence = {
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
const PLAIN: VerdictFacts = { testsTouched: false, addedTestsOnly: false }

const decide = (change: Partial<Evidence>, of: VerdictFacts = PLAIN) => decideVerdict({ ...SOUND, ...change }, DEFAULT_POLICY, of)
const withTests = (change: Partial<Evidence['tests']>) => decide({ tests: { ...SOUND.tests, ...change } })
const cpu = (change: Partial<MetricEvidence>): MetricEvidence => ({
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
const WORSE = { estimate: 0.1, lower: 0.07, upper: 0.13, verdict: 'worse' as const }
const weak = (proven: boolean): Weakening => ({
  file: 'a.test.ts',
  line: 4,
  kind: 'looser_assertion',
  detail: 'toEqual -> toBeDefined',
  proven,
})

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

describe('records', () => {
  const folder = mkdtempSync(join(tmpdir(), 'singularity-records-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const record = fc.array(fc.tuple(evidence, facts), { minLength: 1, maxLength: 4 }).map((members): RunRecord => ({
    schema: 'singularity.record/1',
    run: {
      id: 'r1',
      base: 'b',
      baseTree: 't',
      branch: null,
      startedAt: '2026-01-01T00:00:00.000Z',
      finishedAt: '2026-01-01T00:01:00.000Z',
    },
    versions: { node: 'v20' },
    isolation: 'bubblewrap',
    request: {},
    plan: null,
    baseline: null,
    policy: DEFAULT_POLICY,
    candidates: members.map(([given, of], index) => ({
      id: `c${index}`,
      parent: null,
      title: 't',
      source: { kind: 'rules', id: 'x' },
      base: 'b',
      commit: null,
      tree: null,
      diffHash: null,
      evidence: given,
      facts: of,
      ...decideVerdict(given, DEFAULT_POLICY, of),
    })),
  }))

  test('100 records written, read and decided again give the same verdicts and reasons', () => {
    let number = 0
    fc.assert(
      fc.property(record, (given) => {
        const path = writeRecord(join(folder, `${number++}.json.gz`), given)
        const read = readRecord(path)
        const { ok, verdicts } = replayRecord(read, {})
        expect(ok).toBe(true)
        expect(verdicts.map(({ now, reasons }) => ({ now, reasons }))).toEqual(
          given.candidates.map(({ verdict, reasons }) => ({ now: verdict, reasons })),
        )
      }),
      { numRuns: 100 },
    )
    expect(number).toBeGreaterThanOrEqual(100)
  })

  const one = (change: Partial<Evidence>): RunRecord => {
    const given = { ...SOUND, ...change }
    const [sample] = fc.sample(record, { numRuns: 1, seed: 1 })
    return {
      ...sample!,
      candidates: [{ ...sample!.candidates[0]!, evidence: given, facts: PLAIN, ...decideVerdict(given, DEFAULT_POLICY, PLAIN) }],
    }
  }

  test('another threshold changes the verdicts that hang on it, and only those', () => {
    const slower = one({ metrics: [cpu({ estimate: 0.03, lower: 0.02, upper: 0.04 })] })
    expect(replayRecord(slower, {}).verdicts[0]).toMatchObject({ recorded: 'keep', now: 'keep', changed: false })
    expect(replayRecord(slower, { regression_threshold: '0.02' }).verdicts[0]).toMatchObject({ now: 'roll_back', changed: true })
    const coarse = one({ metrics: [cpu({ estimate: 0.03, lower: 0.02, upper: 0.04, control: alike(0.03) })] })
    expect(replayRecord(coarse, { regression_threshold: '0.02' }).verdicts[0]).toMatchObject({ now: 'cannot_decide', changed: true })
    expect(replayRecord(one({}), { regression_threshold: '0.02' }).verdicts[0]).toMatchObject({ now: 'keep', changed: false })
    expect(() => replayRecord(slower, { regression_threshold: 'much' })).toThrow(expect.objectContaining({ code: 'USAGE' }))
    expect(() => replayRecord(slower, { colour: 'red' })).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  test('an altered verdict is seen by the digest, and by the replay where the digest was made to fit', () => {
    const path = writeRecord(join(folder, 'altered.json.gz'), one({ tests: { ...SOUND.tests, regressed: ['x'] } }))
    const text = gunzipSync(readFileSync(path)).toString('utf8')
    writeFileSync(path, gzipSync(text.replace('"verdict":"roll_back"', '"verdict":"keep"')))
    expect(() => readRecord(path)).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }))
    const forged = one({ tests: { ...SOUND.tests, regressed: ['x'] } })
    const again = writeRecord(path, { ...forged, candidates: [{ ...forged.candidates[0]!, verdict: 'keep' }] })
    expect(replayRecord(readRecord(again), {})).toMatchObject({ ok: false, verdicts: [{ recorded: 'keep', now: 'roll_back' }] })
  })

  test('cut off, missing and foreign files are refused', () => {
    const path = writeRecord(join(folder, 'cut.json.gz'), one({}))
    writeFileSync(path, readFileSync(path).subarray(0, 100))
    for (const bad of [path, join(folder, 'none.json.gz')])
      expect(() => readRecord(bad)).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }))
  })
})
