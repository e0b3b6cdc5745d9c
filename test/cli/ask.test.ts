import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPlayground, PROGRAM, refuses, type Playground } from './playground.ts'

let place: Playground
beforeAll(() => {
  place = createPlayground()
})
afterAll(() => place.cleanup())

test('a rule answers without a key and says that nothing was sent', async () => {
  const before = place.frozen()
  const { exitCode, json } = await place.run(['ask', 'What is the test command?', '--no-llm'])
  expect(exitCode).toBe(0)
  expect(json).toMatchObject({
    schema: 'singularity.ask/1',
    data: {
      answer: 'npm test (runs: node --test)',
      parsed: 'npm test',
      source: 'rule',
      tier: null,
      confidence: 1,
      cost_nusd: 0,
      sent: { provider: null, files: [], bytes: 0 },
    },
  })
  expect(place.frozen()).toEqual(before)
})

test('for people the answer stands on stdout, the talk on stderr', () => {
  const ask = (...more: string[]) =>
    spawnSync(process.execPath, [PROGRAM, 'ask', '-', ...more], {
      cwd: place.root,
      env: place.env,
      input: 'Which branch am I on?\n',
      encoding: 'utf8',
    })
  expect(ask()).toMatchObject({
    status: 0,
    stdout: 'work\n',
    stderr: expect.stringMatching(/^A rule of this repository \(.*\)\. Nothing was sent, nothing was spent\.\n$/),
  })
  expect(ask('--quiet')).toMatchObject({ status: 0, stdout: 'work\n', stderr: '' })
})

test('what no rule knows: exit 3 where no model may be asked, exit 7 with three ways out where none is configured', async () => {
  await refuses(place, ['ask', 'Explain monads', '--no-llm'], 'NO_ANSWER', 3)
  // a rule never speaks about files that were handed in
  await refuses(place, ['ask', 'What is the test command?', '--no-llm', '--file', 'package.json'], 'NO_ANSWER', 3)
  const { json } = await refuses(place, ['ask', 'Explain monads'], 'LLM_NOT_CONFIGURED', 7)
  expect(json.error?.hints).toHaveLength(3)
})

test('outside a repository, and next to a damaged cache, it says what it knows', async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'singularity-ask-'))
  try {
    const { exitCode, json } = await place.run(['ask', 'What is the test command?', '--no-llm'], { cwd: elsewhere })
    expect({ exitCode, code: json.error?.code }).toEqual({ exitCode: 3, code: 'NO_ANSWER' })
  } finally {
    rmSync(elsewhere, { recursive: true })
  }
  const cache = join(place.root, '.git', 'singularity', 'cache.db')
  expect(existsSync(cache)).toBe(true)
  for (const suffix of ['-wal', '-shm']) rmSync(cache + suffix, { force: true })
  writeFileSync(cache, 'damaged '.repeat(2000))
  expect((await place.run(['ask', 'What is the current branch?'])).json.data?.answer).toBe('work')
})

test.each([
  ['nothing to ask', ['ask', '  '], 'USAGE'],
  ['a file that is not there', ['ask', 'Why?', '--file', 'missing.ts'], 'USAGE'],
  ['a schema that is not JSON', ['ask', 'Why?', '--schema', 'src/list.js'], 'REQUEST_INVALID'],
  ['a budget that is no amount', ['ask', 'Why?', '--budget', 'cheap'], 'USAGE'],
  ['a time-out that is no duration', ['ask', 'Why?', '--timeout', 'soon'], 'USAGE'],
  ['an unknown complexity', ['ask', 'Why?', '--complexity', 'hard'], 'USAGE'],
])('%s: exit 2', async (_name, args, code) => {
  await refuses(place, args, code, 2)
})

test('what was asked is counted; cached answers can be forgotten', async () => {
  const own = createPlayground()
  try {
    await own.run(['ask', 'What is the test command?'])
    await own.run(['ask', 'Which branch am I on?'])
    const { json } = await own.run(['cache', 'stats'])
    expect(json.data).toMatchObject({ answers: 2, without_llm: 1, entries: 0, saved_nusd: 0 })
    expect(json.data.tiers[0]).toMatchObject({ tier: 'rule', answers: 2, share: 1, p50_ms: expect.any(Number) })
    const { lookup_p50_ms: matching, read_p50_ms: reading } = json.data.tiers[0]
    expect(matching).toBeGreaterThan(0)
    expect(reading).toBeGreaterThan(0)
    expect((await own.run(['cache', 'suspects'])).json.data).toEqual({ suspects: [] })
    expect((await own.run(['cache', 'clear', '--dry-run'])).json.data).toEqual({ cleared: 0, task: null, dry_run: true })
    expect((await own.run(['cache', 'clear', '--task', 'ask'])).json.data).toEqual({ cleared: 0, task: 'ask', dry_run: false })
  } finally {
    own.cleanup()
  }
})
