import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { whyUnmeasured } from '../../src/core/improvement/measure.ts'
import { type Playground, GOOD_PATCH, TINY, candidateOf, createPlayground, judge, patchAdding, patchOf } from '../cli/playground.ts'

const SUM = [
  "import { spin } from './spin.js'",
  '',
  'export function sum(list) {',
  '  return list.reduce((total, item) => total + item, spin(100))',
  '}',
  '',
].join('\n')

/** A suite whose time is its work: about 200 ms of arithmetic that answers zero. */
const BUSY = {
  'package.json': TINY['package.json']!,
  'src/spin.js': [
    '/** Works for so many million rounds, and answers 0. */',
    'export function spin(million) {',
    '  let state = 1',
    '  for (let round = 0; round < million * 1e6; round++) state = Math.imul(state ^ round, 2654435761)',
    '  return state & 0',
    '}',
    '',
  ].join('\n'),
  'src/sum.js': SUM,
  'src/list.js': TINY['src/list.js']!,
  'test/all.test.js': [
    "import assert from 'node:assert/strict'",
    "import { test } from 'node:test'",
    "import { has, last } from '../src/list.js'",
    "import { sum } from '../src/sum.js'",
    "test('sum', () => assert.equal(sum([1, 2, 4]), 7))",
    "test('sum of nothing', () => assert.equal(sum([]), 0))",
    "test('last', () => assert.equal(last([1, 2]), 2))",
    "test('has', () => assert.equal(has([1], 1), true))",
    "test('has not', () => assert.equal(has([1], 2), false))",
    '',
  ].join('\n'),
}
const change = (from: string, to: string): string => patchOf('src/sum.js', SUM, (text) => text.replace(from, to))
// A fault that loops for ever is ended soon.
const ENV = { SINGULARITY_PLAN_TIMEOUT: '6s' }

// oxlint-disable-next-line typescript/no-explicit-any -- a test reads whatever the machine output holds
type Read = any

const cpuOf = (candidate: Read): Read => candidate.evidence.metrics.find(({ name }: { name: string }) => name === 'cpu')

/** Not measured only for the one reason a busy machine may have: that the base does not even compare equal with itself. */
function expectUntold(metric: Read): void {
  expect(metric).toMatchObject({ verdict: 'not_measured', control: { equivalent: false } })
  expect(metric.detail).toContain('does not compare equal with itself')
}

describe('CPU time through the program', () => {
  let place: Playground
  let checked: string | undefined
  beforeAll(() => {
    place = createPlayground(BUSY, { measured: true })
  })
  afterAll(() => place.cleanup())

  it('a patch that costs a third more is not kept', async () => {
    const answer = await judge(place, change('spin(100)', 'spin(150)'), [], { env: ENV })
    const candidate = candidateOf(answer)
    const cpu = cpuOf(candidate)
    // It is not kept either way: a warning from an instrument that is off today is for a person to weigh.
    if (cpu.control?.equivalent === false && cpu.verdict === 'unclear') return expect(candidate.verdict).toBe('cannot_decide')
    if (cpu.verdict === 'not_measured') return expectUntold(cpu)
    expect(cpu.control).toMatchObject({ equivalent: true })
    checked = cpu.control.measured_at
    expect(cpu.control.pairs).toBeGreaterThanOrEqual(10)
    expect(candidate.verdict, JSON.stringify(candidate.evidence.metrics)).not.toBe('keep')
    if (candidate.verdict !== 'roll_back') return
    expect(candidate.reasons).toMatchObject([{ code: 'metric_worse' }])
    expect(cpu).toMatchObject({ verdict: 'worse', rounds: 2 })
    expect(cpu.sign_flip_p).toBeLessThan(0.0464)
    const shown = await place.run(['show', candidate.id])
    expect(cpuOf(shown.json.data.candidate)).toEqual(cpu)
    const replayed = await place.run(['replay', answer.json.data.run.id])
    expect(replayed.json.data).toMatchObject({ ok: true, verdicts: [{ recorded: 'roll_back', now: 'roll_back' }] })
    const lenient = await place.run(['replay', answer.json.data.run.id, '--set', 'regression_threshold=2'])
    expect(lenient.json.data.verdicts[0].now).toBe('keep')
  })

  it('a patch that changes nothing but names is never rolled back for its time', async () => {
    const answer = await judge(place, change('(total, item) => total + item', '(so, item) => so + item'), [], { env: ENV })
    const candidate = candidateOf(answer)
    expect(candidate.verdict, JSON.stringify(candidate.reasons)).not.toBe('roll_back')
    if (cpuOf(candidate).verdict === 'not_measured') expectUntold(cpuOf(candidate))
    // the base is the same as before, and so is its check
    else expect(cpuOf(candidate)).toMatchObject({ control: { equivalent: true, ...(checked && { measured_at: checked }) } })
  })
})

describe("a metric of the user's own", () => {
  const size = ['--metric', 'size[bytes,lower]=wc -c < src/list.js']

  it.each([
    ['improved', 'keep', GOOD_PATCH],
    [
      'worse',
      'roll_back',
      patchOf('src/list.js', String(TINY['src/list.js']), (text) => text.replace('return list[', 'const of = list\n  return of[')),
    ],
  ])('%s is measured twice before it counts', async (verdict, decided, patch) => {
    const place = createPlayground(TINY)
    try {
      const candidate = candidateOf(await judge(place, patch, size))
      const metric = candidate.evidence.metrics.find(({ name }: { name: string }) => name === 'size')
      expect(metric).toMatchObject({ verdict, rounds: 2, self_reported: true, control: null, sign_flip_p: 2 / 2 ** 20 })
      expect(candidate.verdict, JSON.stringify(candidate.reasons)).toBe(decided)
    } finally {
      place.cleanup()
    }
  })
})

describe('a train that is too slow as a whole', () => {
  const rule = {
    id: 'own/more-rounds',
    version: 1,
    languages: ['javascript'],
    title: 'More rounds',
    reason: 'A rule whose sites cost time.',
    reference: 'https://example.org/rounds',
    literals: ['spin('],
    rule: { kind: 'call_expression', pattern: 'spin(100)' },
    fix: 'spin(400)',
    safety: 'safe',
    requires: {},
    value: 1,
    invalid: [{ before: 'spin(100)', after: 'spin(400)' }],
    valid: ['spin(400)'],
  }

  it('loses the one that carries the cost; the others are validated again and stay', async () => {
    const place = createPlayground(
      { ...BUSY, '.singularity/rules/own.json': JSON.stringify({ pack: 'own', rules: [rule] }) },
      { measured: true },
    )
    try {
      const answer = await place.run(['improve', '--rule', 'own/more-rounds', '--rule', 'js/prefer-includes', '--dry-run'], {
        // a wide margin is decided after ten pairs: what this is about is who leaves the train
        env: { ...ENV, SINGULARITY_REGRESSION_THRESHOLD: '0.3' },
      })
      const by = (id: string): Read => answer.json.data.candidates.find(({ source }: Read) => source.id === id)
      const [slow, fine] = [by('own/more-rounds'), by('js/prefer-includes')]
      expect(slow && fine, answer.stdout.slice(0, 3000) + answer.stderr.slice(0, 3000)).toBeTruthy()
      if (cpuOf(slow).verdict === 'not_measured') return expectUntold(cpuOf(slow))
      expect(slow.verdict, JSON.stringify(slow.evidence.metrics)).not.toBe('keep')
      expect(fine.verdict, JSON.stringify(fine.reasons)).not.toBe('roll_back')
      if (slow.verdict !== 'roll_back') return
      expect(cpuOf(slow).estimate).toBeGreaterThan(0.3)
      // measured without the slow one, against the same base
      expect(cpuOf(fine)).not.toEqual(cpuOf(slow))
      expect(fine.evidence.tests.candidate.pass).toBe(5)
      expect(cpuOf(fine).estimate).toBeLessThan(cpuOf(slow).estimate / 2)
    } finally {
      place.cleanup()
    }
  }, 480_000)
})

describe('what is not measured says why, passes nothing and blocks nothing', () => {
  const LEFTOVER = "import { spawn } from 'node:child_process'\nspawn('sleep', ['30'], { detached: true, stdio: 'ignore' }).unref()\n"
  const within = async (files: typeof TINY, patch: string, why: RegExp): Promise<Read> => {
    const place = createPlayground(files, { measured: true })
    try {
      const candidate = candidateOf(await judge(place, patch))
      expect(cpuOf(candidate)).toMatchObject({ verdict: 'not_measured', estimate: null, detail: expect.stringMatching(why) })
      const guard = candidate.evidence.guards.find(({ name }: { name: string }) => name === 'cpu')
      expect(guard).toMatchObject({ ok: null, detail: expect.stringMatching(why) })
      expect(candidate.reasons.map(({ code }: { code: string }) => code)).not.toContain('metric_unclear')
      return candidate
    } finally {
      place.cleanup()
    }
  }

  it('the base leaves processes behind', async () => {
    expect(
      (await within({ ...TINY, 'test/list.test.js': LEFTOVER + String(TINY['test/list.test.js']) }, GOOD_PATCH, /processes are left over/))
        .verdict,
    ).toBe('keep')
  })

  it('the candidate leaves processes behind', () =>
    within(
      TINY,
      patchOf('src/list.js', String(TINY['src/list.js']), (text) => LEFTOVER + text),
      /processes were left over/,
    ))

  it('the candidate has other tests than the base', () => {
    const text = "import assert from 'node:assert/strict'\nimport { test } from 'node:test'\ntest('more', () => assert.ok(true))\n"
    return within(TINY, patchAdding('test/more.test.js', text), /not the same tests/)
  })

  it('one run costs more than 30 s of CPU time', () => {
    expect(whyUnmeasured([29_000])).toBeNull()
    expect(whyUnmeasured([20_000, 10_001])).toMatch(/30 s of CPU time, more than 30 s.*--metric/)
    expect(whyUnmeasured([null])).toMatch(/cannot be read/)
    expect(whyUnmeasured([])).toMatch(/cannot be read/)
  })
})
