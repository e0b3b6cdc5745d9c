import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  type AnswerCache,
  type Answerer,
  type AnsweringDeps,
  type ModelCall,
  type RuleChange,
  createAnswerCache,
  createAnswering,
  createPrompts,
  createRuleTier,
  isKeepable,
  openCacheFile,
} from '../../../src/core/answering/index.ts'
import { systemClock } from '../../../src/core/kernel/index.ts'
import type { StoredResult } from '../../../src/core/llm/index.ts'
import { createProcessInfo } from '../../../src/core/process/index.ts'
import { createMemoryQueue, createOutbox, relayWaiting } from '../../../src/core/queue/index.ts'
import { STATE_MIGRATIONS, openDatabase } from '../../../src/core/storage/index.ts'
import { storedResult } from '../../support/stored-result.ts'

const DATA = join(import.meta.dirname, '..', '..', '..', 'templates_data')
let folder: string
let cache: AnswerCache
let now = 1_800_000_000_000
const clock = { now: () => now, monotonic: () => systemClock.monotonic() }

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'singularity-answering-'))
  cache = createAnswerCache({ db: openCacheFile(join(folder, 'cache.db'))!, clock })
})
afterEach(() => {
  cache.close()
  rmSync(folder, { recursive: true, force: true })
})

const resultOf = (response: string, more: Partial<StoredResult> = {}): StoredResult =>
  storedResult(response, { usage: { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 }, ...more })

const modelSays = (result: StoredResult = resultOf('forty-two')): ReturnType<typeof vi.fn<ModelCall>> =>
  vi.fn<ModelCall>(async () => ({ id: 'row', result, bytes: 300 }))
const never: ModelCall = () => {
  throw new Error('a model was called')
}

function room(callModel: ModelCall | null, more: Partial<AnsweringDeps> & { answerers?: Answerer[]; random?: () => number } = {}) {
  const { answerers = [], random = () => 0.5, ...deps } = more
  const rules = createRuleTier({ answerers, facts: async () => ({}) as never, cache, clock, random })
  return createAnswering({ clock, rules, rulesVersion: 'r1', cache, prompts: createPrompts(DATA), callModel, ...deps })
}

const FILE = { path: 'src/a.ts', text: 'export const a = 1\n' }

test('without a rule and without a cached answer a model is asked, and what was sent is told', async () => {
  const model = modelSays()
  const answer = await room(model).answer({ prompt: 'What does it do?', files: [FILE] })
  expect(answer).toMatchObject({
    id: 'row',
    answer: 'forty-two',
    source: 'llm',
    tier: null,
    cost_nusd: 4_000,
    cost_source: 'computed',
    model: 'openai/small',
    sent: { provider: 'openai', files: ['src/a.ts'], bytes: 300 },
  })
  const { messages } = model.mock.calls[0]![0].request
  expect(messages.map(({ role }) => role)).toEqual(['system', 'user'])
  expect(messages[1]!.content).toBe('File "src/a.ts":\n```\nexport const a = 1\n```\n\nWhat does it do?')
})

test('the same question is answered from the cache, for nothing', async () => {
  await room(modelSays()).answer({ prompt: 'What  does it do?\n', files: [FILE] })
  const again = await room(never).answer({ prompt: 'What does it do?', files: [FILE] }, { useModel: false })
  expect(again).toMatchObject({
    answer: 'forty-two',
    source: 'cache',
    tier: 'exact',
    cost_nusd: 0,
    sent: { provider: null, files: [], bytes: 0 },
  })
})

test('another file content, schema, task, model, complexity, temperature, set of rules or template of words is another question', async () => {
  const question = { prompt: 'What does it do?', files: [FILE] }
  await room(modelSays()).answer(question)
  const others: [string, Parameters<ReturnType<typeof room>['answer']>, Partial<AnsweringDeps>?][] = [
    ['file content', [{ ...question, files: [{ ...FILE, text: 'export const a = 2\n' }] }]],
    ['file name', [{ ...question, files: [{ ...FILE, path: 'src/b.ts' }] }]],
    ['schema', [{ ...question, schema: { type: 'string' } }]],
    ['task', [{ ...question, taskType: 'review' }]],
    ['model', [question, { model: 'openai/large' }]],
    ['complexity', [{ ...question, complexity: 'complex' }]],
    ['temperature', [{ ...question, temperature: 0 }]],
    ['rules', [question], { rulesVersion: 'r2' }],
    ['words', [{ ...question, prompt: 'What does it not do?' }]],
    ['no cache', [question, { useCache: false }]],
  ]
  for (const [name, call, deps] of others) {
    const model = modelSays()
    await room(model, deps).answer(...call)
    expect({ name, calls: model.mock.calls.length }).toEqual({ name, calls: 1 })
  }
})

test('white space inside a code fence is part of the question', async () => {
  const ask = (code: string) => ({ prompt: `Why?\n\`\`\`py\n${code}\n\`\`\`` })
  await room(modelSays()).answer(ask('if a:\n  b'))
  const model = modelSays()
  await room(model).answer(ask('if a:\n    b'))
  expect(model).toHaveBeenCalledOnce()
})

test('white space inside of quotes is part of the question, outside it is not', async () => {
  await room(modelSays()).answer({ prompt: "Split  it at 'a b'" })
  const [same, other] = [modelSays(), modelSays()]
  await room(same).answer({ prompt: "Split it at 'a b'" })
  await room(other).answer({ prompt: "Split it at 'a  b'" })
  expect([same, other].map(({ mock }) => mock.calls.length)).toEqual([0, 1])
})

test('what depends on the moment, on chance or on tools is never cached', async () => {
  for (const question of [
    { prompt: 'What should I do now?' },
    { prompt: 'Give me a random name.' },
    { prompt: 'Name it.', temperature: 0.9 },
    { prompt: 'Name it.', cacheable: false },
    { prompt: 'Name it.', tools: [{ name: 'run', description: 'runs', parameters: {} }] },
  ]) {
    const model = modelSays()
    await room(model).answer(question)
    await room(model).answer(question)
    expect({ question, calls: model.mock.calls.length }).toEqual({ question, calls: 2 })
    expect(model.mock.calls[0]![0].uniqueKey).toBeNull()
  }
})

test('answers that were cut, empty or of the wrong form are not kept', () => {
  expect(isKeepable(resultOf('yes'))).toBe(true)
  for (const bad of [
    resultOf('ye', { stop: 'length' }),
    resultOf('  '),
    resultOf('{}', { validation_errors: [{ path: '/a' }] }),
    resultOf('no', { stop: 'refusal' }),
  ])
    expect(isKeepable(bad)).toBe(false)
})

test('a cached answer grows old', async () => {
  await room(modelSays()).answer({ prompt: 'How?' })
  now += 31 * 86_400_000
  await expect(room(never).answer({ prompt: 'How?' }, { useModel: false })).rejects.toMatchObject({ code: 'NO_ANSWER', exitCode: 3 })
})

test('--no-llm never reaches a model', async () => {
  await expect(room(never).answer({ prompt: 'How?' }, { useModel: false })).rejects.toMatchObject({ code: 'NO_ANSWER', exitCode: 3 })
})

test('without a model the three ways out are named', async () => {
  await expect(room(null).answer({ prompt: 'How?' })).rejects.toMatchObject({
    code: 'LLM_NOT_CONFIGURED',
    exitCode: 7,
    hints: { length: 3 },
  })
})

test('equal requests on their way share one call; when it is stopped the other goes on alone', async () => {
  const stops: ((how: 'answer' | 'stop') => void)[] = []
  const model = vi.fn<ModelCall>(
    () =>
      new Promise((resolve, reject) =>
        stops.push((how) => (how === 'answer' ? resolve({ id: 'row', result: resultOf('once'), bytes: 1 }) : reject(new Error('stopped')))),
      ),
  )
  const { answer } = room(model)
  const both = [answer({ prompt: 'How?' }), answer({ prompt: 'How?' })]
  await vi.waitFor(() => expect(stops).toHaveLength(1))
  stops[0]!('answer')
  const [first, second] = await Promise.all(both)
  expect([first!.source, first!.cost_nusd, second!.source, second!.cost_nusd]).toEqual(['llm', 4_000, 'cache', 0])

  const third = answer({ prompt: 'Why?' })
  const fourth = answer({ prompt: 'Why?' })
  const failed = expect(third).rejects.toThrow('stopped')
  await vi.waitFor(() => expect(stops).toHaveLength(2))
  stops[1]!('stop')
  await failed
  await vi.waitFor(() => expect(stops).toHaveLength(3))
  stops[2]!('answer')
  expect((await fourth).answer).toBe('once')
  expect(model).toHaveBeenCalledTimes(3)
})

test('a late answer is kept for the next who asks', async () => {
  const question = { prompt: 'How?' }
  expect(await room(null).put(question, {}, resultOf('late'))).toBe(true)
  expect(await room(never).answer(question)).toMatchObject({ answer: 'late', source: 'cache', tier: 'exact' })
})

const learned: Answerer = {
  id: 'guess',
  kind: 'learned',
  match: (question) => (question === 'Tabs or spaces?' ? {} : undefined),
  answer: async () => ({ text: 'spaces', value: 'spaces', origin: 'habit' }),
  examples: 0,
}

test('a learned rule watches until its record is sure, then answers with that bound', async () => {
  const question = { prompt: 'Tabs or spaces?' }
  const model = modelSays(resultOf('Spaces.'))
  for (let asked = 0; asked < 25; asked++) await room(model, { answerers: [learned] }).answer(question, { useCache: false })
  expect(model).toHaveBeenCalledTimes(25)
  const answer = await room(never, { answerers: [learned] }).answer(question, { useModel: false })
  expect(answer).toMatchObject({ answer: 'spaces', source: 'rule', confidence_n: 25, tier: null })
  expect(answer.confidence).toBeGreaterThan(0.9)
  // one in twenty is still checked; a rule that turned wrong stops answering
  const wrong = modelSays(resultOf('tabs'))
  for (let asked = 0; asked < 3; asked++)
    await room(wrong, { answerers: [learned], random: () => 0.01 }).answer(question, { useCache: false })
  await expect(room(never, { answerers: [learned] }).answer(question, { useModel: false })).rejects.toMatchObject({ code: 'NO_ANSWER' })
})

test('a learned rule that begins to answer, or stops, is told to other programs once', async () => {
  const db = openDatabase({ path: join(folder, 'state.db'), applicationId: 1, migrations: STATE_MIGRATIONS })
  const outbox = createOutbox({ db, clock })
  const onRuleChange = async ({ ...change }: RuleChange): Promise<void> =>
    outbox.add('genesis_rule_updates', `${change.rule_id}@${change.version}:${change.state}:${change.trials}`, change)
  const ask = async (response: string, times: number): Promise<void> => {
    const watching = room(modelSays(resultOf(response)), { answerers: [learned], random: () => 0.01, onRuleChange })
    for (let asked = 0; asked < times; asked++) await watching.answer({ prompt: 'Tabs or spaces?' }, { useCache: false })
  }
  await ask('spaces', 60)
  await ask('tabs', 6)
  const engine = createMemoryQueue({ clock, processes: createProcessInfo() })
  expect(await relayWaiting(outbox, engine)).toBe(2)
  expect(await relayWaiting(outbox, engine)).toBe(0)
  const messages = await engine.read('genesis_rule_updates', 10, 1000)
  const [begun, ended] = messages.map(({ body }) => JSON.parse(body) as RuleChange)
  expect(begun).toMatchObject({ rule_id: 'guess', version: 'r1', state: 'active', agreed: begun!.trials })
  expect(begun!.confidence).toBeGreaterThan(0.9)
  expect(ended).toMatchObject({ rule_id: 'guess', state: 'shadow', agreed: 60 })
  expect(ended!.confidence).toBeLessThanOrEqual(0.9)
  expect(db.all('SELECT message_id, body FROM outbox ORDER BY id')).toEqual(
    messages.map(({ id }) => ({ message_id: String(id), body: null })),
  )
  db.close()
})

test('a rule does not answer what has files, a schema or a conversation with it', async () => {
  const fact: Answerer = { ...learned, id: 'fact', kind: 'deterministic', examples: 4 }
  const prompt = 'Tabs or spaces?'
  const deps = { answerers: [fact] }
  expect(await room(never, deps).answer({ prompt })).toMatchObject({ source: 'rule', confidence: 1, confidence_n: 4 })
  for (const more of [{ files: [FILE] }, { schema: { type: 'object' } }, { messages: [{ role: 'user' as const, content: prompt }] }])
    expect(await room(modelSays(), deps).answer({ prompt, ...more })).toMatchObject({ source: 'llm' })
})

test('a damaged cache file is made anew, next to a newer one we work without', () => {
  cache.close()
  const path = join(folder, 'cache.db')
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true })
  writeFileSync(path, 'not a database at all, only some words that fill a page'.repeat(100))
  const db = openCacheFile(path)!
  expect(db.get('SELECT count(*) AS n FROM cached_results')).toEqual({ n: 0 })
  db.run('PRAGMA user_version = 99')
  db.close()
  expect(openCacheFile(path)).toBeUndefined()
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
  cache = createAnswerCache({ db: openCacheFile(path)!, clock })
})

test('credentials in a question are not kept in clear', async () => {
  await room(modelSays()).answer({ prompt: 'Is sk-abcdefghijklmnopqrstuv a key?' })
  const kept = cache.db.all<{ prompt: string }>('SELECT prompt FROM cached_results UNION ALL SELECT prompt FROM served')
  expect(kept).toHaveLength(2)
  for (const { prompt } of kept) expect(prompt).not.toContain('abcdefghij')
})

test('what a rule waits for is not its own time, and rules that do not match wait for nothing', async () => {
  let time = 0
  let reads = 0
  const rule = (id: string, fits: boolean): Answerer => ({
    id,
    kind: 'deterministic',
    examples: 3,
    match: () => {
      time += 1
      return fits ? {} : undefined
    },
    answer: async () => {
      time += 30
      return { text: 'yes', value: true, origin: 'here' }
    },
  })
  const facts = async () => {
    reads++
    time += 10
    return {} as never
  }
  const tier = (answerers: Answerer[]) =>
    createRuleTier({ answerers, facts, cache, clock: { monotonic: () => time }, random: () => 0.5 }).ask('Is it so?', false)
  expect(await tier([rule('a', false), rule('b', true)])).toMatchObject({ answer: { fact: { text: 'yes' } }, lookupMs: 2, readMs: 40 })
  expect(reads).toBe(1)
  expect(await tier([rule('a', false)])).toMatchObject({ answer: undefined, lookupMs: 1, readMs: 0 })
  expect(reads).toBe(1)
})
