import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createAnswerCache, createSemanticTier, loadLexicon, openCacheFile } from '../../src/core/answering/index.ts'
import { systemClock } from '../../src/core/kernel/index.ts'
import type { StoredResult } from '../../src/core/llm/index.ts'
import { type MockModels, startMockModels } from '../support/models.ts'
import { type Playground, createPlayground } from './playground.ts'

const EMBEDDER = 'openai/text-embedding-3-small'
const DATA = join(import.meta.dirname, '..', '..', 'templates_data')
/** The same question, five times. */
const WAYS = [
  'Why is the build failing on CI?',
  'What makes the build fail on CI?',
  'Tell me why the build fails on CI',
  'What is the reason that the build fails on CI?',
  'Explain why the build is failing on CI',
  'What causes the build to fail on CI?',
] as const
const REQUEST = { task_type: 'ask', messages: [] }

let place: Playground
let mock: MockModels
let embedded: string[][]
beforeEach(async () => {
  place = createPlayground(null)
  embedded = []
  mock = await startMockModels({
    fallback: { text: 'No disk.' },
    // all questions are alike; order is heard
    handle: ({ path, raw }) => {
      if (path !== '/v1/embeddings') return undefined
      const { input } = JSON.parse(raw) as { input: string[] }
      embedded.push(input)
      const vector = (text: string): number[] => [/over the second/.test(text) ? 1 : 0, /over the first/.test(text) ? 1 : 0, 0.001]
      const data = input.map((text, index) => ({ index, embedding: vector(text) }))
      return { body: { data, usage: { prompt_tokens: 40, total_tokens: 40 } } }
    },
  })
  Object.assign(place.env, {
    OPENAI_BASE_URL: mock.baseUrl('responses'),
    OPENAI_API_KEY: 'key-of-the-test',
    SINGULARITY_CACHE_SEMANTIC: 'on',
    EMBEDDING_MODEL: EMBEDDER,
  })
})
afterEach(async () => {
  await mock.close()
  place.cleanup()
})

const ask = async (prompt: string, env: Record<string, string> = {}) => {
  const { json, stdout, stderr } = await place.run(['ask', prompt], { env })
  expect(json.data, stdout + stderr).toBeTruthy()
  return json.data
}
const semantic = async () => (await place.run(['cache', 'stats'])).json.data.semantic
const spent = async (): Promise<number> =>
  (await place.run(['llm', 'budget'])).json.data.caps.find(({ scope }: { scope: string }) => scope === 'day').spent_nusd

/** As if so many hits had been compared with what a model said. */
function audit(count: number, said: string): void {
  const cache = createAnswerCache({ db: openCacheFile(join(place.root, '.git', 'singularity', 'cache.db'))!, clock: systemClock })
  const never = { name: EMBEDDER, mayAnswer: true, embed: () => Promise.reject(new Error('not asked')) }
  const tier = createSemanticTier({ db: cache.db, clock: systemClock, embedder: never, lexicon: loadLexicon(DATA), random: Math.random })
  const row = cache.db.get<{ id: number; result: string }>('SELECT id, result FROM cached_results ORDER BY id')!
  const result = JSON.parse(row.result) as StoredResult
  const hit = { entry: row.id, result, similarity: 1, costNusd: 0 }
  for (let n = 0; n < count; n++) tier.audit(hit, REQUEST, WAYS[0], { ...result, response: said })
  cache.close()
}

test('shadow first, then it answers, and one error ends that; every comparison is paid for', async () => {
  expect(await ask(WAYS[0])).toMatchObject({ source: 'llm', tier: null })
  expect(await ask(WAYS[1])).toMatchObject({ source: 'llm', tier: null, answer: 'No disk.' })
  expect(mock.requests).toHaveLength(2)
  // the first texts of a process bring the two that show whether order is heard
  expect(embedded.map(([first, ...probes]) => [first, probes.length])).toEqual([
    [WAYS[0], 2],
    [WAYS[1], 2],
  ])
  expect(await semantic()).toMatchObject([{ task_type: 'ask', state: 'shadow', audits: 1, wrong: 0, needed: 298 }])

  audit(298, 'no disk.')
  expect(await semantic()).toMatchObject([{ state: 'live', audits: 299, wrong: 0, needed: 0 }])
  const before = await spent()
  expect(await ask(WAYS[2], { SINGULARITY_CACHE_SEMANTIC: 'shadow' })).toMatchObject({ source: 'llm' })
  expect(mock.requests).toHaveLength(3)

  // one in twenty is checked all the same: another way to ask is served then
  let served
  const calls = { before: 0, spent: 0 }
  for (const way of WAYS.slice(3, 5)) {
    Object.assign(calls, { before: mock.requests.length, spent: await spent() })
    served = await ask(way)
    if (served.source === 'cache') break
  }
  expect(served).toMatchObject({
    answer: 'No disk.',
    source: 'cache',
    tier: 'semantic',
    cost_nusd: 0,
    sent: { provider: 'openai', files: [], bytes: expect.any(Number) },
  })
  expect(served.similarity).toBeCloseTo(1)
  expect(served.confidence).toBeGreaterThanOrEqual(0.99)
  expect(mock.requests).toHaveLength(calls.before)
  // 40 tokens at 0.02 dollars per million
  expect((await spent()) - calls.spent).toBe(800)
  expect(before).toBeGreaterThan(1_600)
  expect((await place.run(['cache', 'suspects'])).json.data.suspects).toEqual([])

  audit(1, 'A typo.')
  expect(await semantic()).toMatchObject([{ state: 'shadow', wrong: 1 }])
  expect(await ask(WAYS[5])).toMatchObject({ source: 'llm' })
  expect((await place.run(['cache', 'suspects'])).json.data.suspects).toMatchObject([
    { similarity: expect.closeTo(1), reason: expect.any(String) },
  ])
})

test.each([
  ['a model of no provider', { EMBEDDING_MODEL: 'microsoft/codebert-base' }, 'does not start with a provider'],
  ['a model nobody knows', { EMBEDDING_MODEL: 'openrouter/some-embedder' }, 'not in the table'],
  ['no model', { EMBEDDING_MODEL: '' }, 'names no model'],
  ['vectors of another length', { EMBEDDING_DIMENSIONS: '768' }, 'of 768 numbers'],
])('%s: no comparison, the answer comes all the same, the log says why', async (_name, env, why) => {
  expect(await ask(WAYS[0], env)).toMatchObject({ source: 'llm', answer: 'No disk.' })
  const logs = join(place.root, '.git', 'singularity', 'logs')
  const file = readdirSync(logs).find((name) => name.startsWith('answering'))
  expect(file && readFileSync(join(logs, file), 'utf8')).toContain(why)
})
