import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AskBench, expectFailure, openAskBench } from '../support/asking.ts'

let bench: AskBench
let tape: string
beforeAll(async () => {
  bench = await openAskBench()
  tape = join(bench.place.folder, 'tape.jsonl')
  await record('What does it do?', 'It looks things up.', '--file', 'src/list.js')
  await record('Is it fast?', 'Fast enough.')
})
afterAll(() => bench.close())

async function record(prompt: string, text: string, ...more: string[]): Promise<void> {
  const { json, stdout } = await bench.ask([prompt, ...more, '--record', tape], [{ text }])
  expect(json.data, stdout).toMatchObject({ answer: text, source: 'llm' })
}

/** Without keys, and with a proxy that is not there: whoever reached for the network would fail otherwise. */
const replay = (...args: string[]) =>
  bench.ask([...args, '--replay', tape], [], { env: { OPENAI_API_KEY: '', HTTPS_PROXY: 'http://127.0.0.1:9', SINGULARITY_OFFLINE: '1' } })

it('a recording is a line per request, for its owner only', () => {
  const lines = readFileSync(tape, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(lines).toHaveLength(2)
  for (const line of lines) {
    expect(line).toMatchObject({ schema: 'singularity.exchange/1', hash: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(Object.keys(line).sort()).toEqual(['hash', 'request', 'result', 'schema'])
  }
  expect(statSync(tape).mode & 0o077).toBe(0)
})

it('answers without a key, a network or a row, for nothing', async () => {
  const rows = (await bench.place.run(['queue', 'list'])).json.data.requests.length as number
  const answer = await replay('What does it do?', '--file', 'src/list.js')
  expect(answer.json.data).toMatchObject({
    answer: 'It looks things up.',
    source: 'cache',
    tier: 'exact',
    cost_nusd: 0,
    sent: { provider: null, files: [], bytes: 0 },
  })
  expect(answer.seen).toEqual([])
  expect((await bench.place.run(['queue', 'list'])).json.data.requests).toHaveLength(rows)
})

it('another prompt, or another content of a file, misses: exit 7, names the nearest request', async () => {
  const other = expectFailure(await replay('Is it fast enough?'), 'REPLAY_MISS', 7)
  expect(other.message).toContain('The nearest is request 2')
  expect(other.data).toMatchObject({ nearest: { name: 'request 2', difference: expect.stringContaining('Is it fast enough?') } })
  const source = join(bench.place.root, 'src/list.js')
  const text = readFileSync(source, 'utf8')
  try {
    writeFileSync(source, text.replace('indexOf', 'lastIndexOf'))
    const changed = await replay('What does it do?', '--file', 'src/list.js')
    expect(expectFailure(changed, 'REPLAY_MISS', 7).message).toMatch(/The nearest is request 1; it differs first in: .*lastIndexOf/)
    expect(changed.seen).toEqual([])
  } finally {
    writeFileSync(source, text)
  }
  // a schema, a task or a model that was not recorded is another request, too
  expectFailure(await replay('Is it fast?', '--task', 'review'), 'REPLAY_MISS', 7)
  expectFailure(await replay('Is it fast?', '--model', 'openai/gpt-6-luna'), 'REPLAY_MISS', 7)
})

it('the cache does not answer instead, and --budget and --timeout are no part of a request', async () => {
  // asked and cached, never recorded
  await bench.ask(['Is it known?'], [{ text: 'yes' }])
  expect((await bench.ask(['Is it known?'])).json.data).toMatchObject({ source: 'cache' })
  expectFailure(await replay('Is it known?'), 'REPLAY_MISS', 7)
  expect((await replay('Is it fast?', '--budget', '0', '--timeout', '9s')).json.data.answer).toBe('Fast enough.')
})

it('of equal requests the one recorded last counts', async () => {
  await record('Is it fast?', 'Not any more.')
  expect((await replay('Is it fast?')).json.data.answer).toBe('Not any more.')
})

it('a rule still answers first', async () => {
  expect((await replay('What is the test command?')).json.data).toMatchObject({ source: 'rule' })
})

it.each([
  ['is not there', null, 'USAGE', 2],
  ['is empty', '', 'REPLAY_MISS', 7],
  ['is no recording', '{"a":1}\n', 'RECORD_INVALID', 1],
  ['is no text', '\u0000\u0001', 'RECORD_INVALID', 1],
])('a recording that %s', async (_name, text, code, exitCode) => {
  const path = join(bench.place.folder, `bad-${code}.jsonl`)
  if (text !== null) writeFileSync(path, text)
  expectFailure(await bench.ask(['Is it fast?', '--replay', path]), code, exitCode)
})

it('a recording that was altered is refused', async () => {
  const path = join(bench.place.folder, 'altered.jsonl')
  writeFileSync(path, readFileSync(tape, 'utf8').replace('Is it fast?', 'Is it slow?'))
  const { message, data } = expectFailure(await bench.ask(['Is it slow?', '--replay', path]), 'RECORD_INVALID', 1)
  expect(message).toContain('was altered')
  expect(data).toEqual({ line: 2 })
})

it('what cannot be recorded is not paid for', async () => {
  const answer = await bench.ask(['Worth keeping?', '--record', bench.place.folder])
  expectFailure(answer, 'USAGE', 2)
  expect(answer.seen).toEqual([])
})
