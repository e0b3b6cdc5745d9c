import { PassThrough } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import { askForCandidates } from '../../src/commands/_cli/ask.ts'
import { wantsJson } from '../../src/commands/_cli/command-line.ts'
import { setColor } from '../../src/commands/_cli/paint.ts'
import { presentCandidate } from '../../src/commands/_present/candidate.ts'
import { presentDiff } from '../../src/commands/_present/diff.ts'
import { presentInbox } from '../../src/commands/_present/inbox.ts'
import { presentRun } from '../../src/commands/_present/run.ts'
import { presentCandidateSummary } from '../../src/commands/_present/summary.ts'
import type { ImproveOutcome } from '../../src/core/improvement/index.ts'
import { type WaitingBench, createWaiting } from '../support/waiting.ts'

const columns = process.stdout.columns
let bench: WaitingBench | undefined
afterEach(async () => {
  process.stdout.columns = columns
  setColor('auto')
  await bench?.close()
  bench = undefined
})

/** Ids differ from run to run. */
const stable = (text: string): string => text.replace(/\b([crq])[0-9a-z]{11}\b/g, '$1-id').replace(/\bat [0-9a-f]{10}\b/, 'at base')

async function outcomeOf({ service, store }: WaitingBench, id: string): Promise<ImproveOutcome> {
  const shown = await service.show(store.candidate(id).runId)
  if (shown.kind !== 'run') throw new Error('a run was asked for')
  return { data: shown.data, exitCode: 4 }
}

test.each([80, 120])('presenters at %i columns without colour', async (width) => {
  setColor('never')
  process.stdout.columns = width
  bench = await createWaiting()
  const { id } = await bench.add('a.txt', { title: `A long title ${'that goes on '.repeat(12)}` })
  const shown = await bench.service.show(id)
  const texts = [
    presentRun((await outcomeOf(bench, id)).data),
    presentInbox(await bench.service.waiting()),
    shown.kind === 'candidate' ? presentCandidate(shown.data).replace(/.*title.*\n/, '') : '',
  ]
  for (const line of texts.join('\n').split('\n')) expect(line.length).toBeLessThanOrEqual(width)
  expect(stable(texts.join('\n----\n'))).toMatchSnapshot()
})

test('a metric is shown with what it rests on, in the terminal and in Markdown', async () => {
  setColor('never')
  bench = await createWaiting()
  const { id } = await bench.add('a.txt')
  const shown = await bench.service.show(id)
  if (shown.kind !== 'candidate') throw new Error('a candidate was asked for')
  const control = { estimate: 0, lower: -0.004, upper: 0.0061, equivalent: true, pairs: 10, measured_at: '2026-11-21T00:00:00.000Z' }
  const cpu = { name: 'cpu', unit: 'ms', estimate: 0.212, lower: 0.2, upper: 0.224, self_reported: false, detail: null, control }
  const { evidence } = shown.data.candidate
  evidence.metrics = [
    { ...cpu, verdict: 'worse', sign_flip_p: 0.000_002, rounds: 2 },
    { ...cpu, name: 'parse', unit: '', verdict: 'not_worse', sign_flip_p: 0.25, rounds: 1, control: null, self_reported: true },
    {
      ...cpu,
      name: 'size',
      estimate: null,
      lower: null,
      upper: null,
      sign_flip_p: null,
      rounds: 0,
      verdict: 'not_measured',
      detail: 'the command ended with exit code 3',
      control: { ...control, equivalent: false },
    },
  ]
  evidence.guards = [{ name: 'size', ok: null, detail: 'not measured: the command ended with exit code 3' }]
  for (const text of [presentCandidate(shown.data), presentCandidateSummary(shown.data).replaceAll('\\', '')]) {
    expect(text).toMatch(/cpu.*\+21\.2 %, between \+20\.0 % and \+22\.4 %: worse(?:; |\n +)sign flip p < 0\.001, measured 2 times/)
    expect(text).toContain('base against itself between -0.4 % and +0.6 %, 10 pairs')
    expect(text).toMatch(/parse: .*not worse \(self-reported\)(?:; |\n +)sign flip p = 0\.250/)
    expect(text).toMatch(/size.*: not measured: the command ended with exit code 3(?:; |\n +)base against itself .*: not equal/)
    expect(text.match(/exit code 3/g)).toHaveLength(1)
  }
})

test('no presenter prints an escape sequence or a line break from a title', async () => {
  setColor('never')
  bench = await createWaiting()
  const { id } = await bench.add('a.txt', { title: 'evil \u001b[2J\u009b31m\u202e\nlanded c-fake' })
  const shown = await bench.service.show(id)
  const texts = [presentRun((await outcomeOf(bench, id)).data), presentInbox(await bench.service.waiting())]
  if (shown.kind === 'candidate') texts.push(presentCandidate(shown.data))
  for (const text of texts) {
    // oxlint-disable-next-line no-control-regex -- looking for control characters is the purpose
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
    expect(text).not.toMatch(/^landed c-fake/m)
  }
  expect(presentDiff('+a \u001b[2J\u202e b')).toBe('+a  b')
})

const answering = () => ({ input: new PassThrough(), output: new PassThrough() })

test('the end of the input stops the asking with the code of a signal', async () => {
  bench = await createWaiting()
  const { id } = await bench.add('a.txt')
  const streams = answering()
  const asked = askForCandidates(bench.service, await outcomeOf(bench, id), streams)
  streams.input.end()
  expect((await asked).exitCode).toBe(130)
  expect(bench.store.candidate(id).state).toBe('awaiting_approval')
})

test('a landing that failed leaves exit code 4, and the data tells what landed', async () => {
  bench = await createWaiting()
  const [first, second] = [await bench.add('a.txt'), await bench.add('b.txt')]
  bench.repository.write({ 'a.txt': 'work that is not committed\n' })
  const streams = answering()
  const asked = askForCandidates(bench.service, await outcomeOf(bench, first.id), streams)
  streams.input.write('a\n')
  const { data, exitCode } = await asked
  expect(exitCode).toBe(4)
  expect(data.candidates.map(({ id, state }) => [id, state])).toEqual([
    [first.id, 'approved'],
    [second.id, expect.stringMatching(/landed|approved/)],
  ])
})

test('quit leaves what is open, with exit code 4', async () => {
  bench = await createWaiting()
  const { id } = await bench.add('a.txt')
  const streams = answering()
  const asked = askForCandidates(bench.service, await outcomeOf(bench, id), streams)
  streams.input.write('q\n')
  expect((await asked).exitCode).toBe(4)
})

test.each(['1', 'true', 'TRUE', 'yes', 'y'])('SINGULARITY_JSON=%s asks for JSON', (value) => {
  expect(wantsJson([], { SINGULARITY_JSON: value })).toBe(true)
})
