import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  type AnswerCache,
  type ModelCall,
  type Question,
  createAnswerCache,
  createAnswering,
  createPrompts,
  createRuleTier,
  openCacheFile,
} from '../../../src/core/answering/index.ts'
import { systemClock } from '../../../src/core/kernel/index.ts'
import { type RequestHints, type StoredRequest, createRequestJob, withoutSecrets } from '../../../src/core/llm/index.ts'
import { storedResult } from '../../support/stored-result.ts'

const DATA = join(import.meta.dirname, '..', '..', '..', 'templates_data')
const KNOWN = ['correct-horse-battery']
let folder: string
let cache: AnswerCache
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'singularity-late-'))
  cache = createAnswerCache({ db: openCacheFile(join(folder, 'cache.db'))!, clock: systemClock })
})
afterEach(() => {
  cache.close()
  rmSync(folder, { recursive: true, force: true })
})

const LATE = storedResult('late, but paid')

function room(callModel: ModelCall | null) {
  const rules = createRuleTier({ answerers: [], facts: async () => undefined, cache, clock: systemClock, random: () => 0.5 })
  return createAnswering({
    clock: systemClock,
    rules,
    rulesVersion: 'r1',
    cache,
    prompts: createPrompts(DATA),
    callModel,
    withoutSecrets: async (request) => withoutSecrets(request, KNOWN),
  })
}

/** What the queue has of a question whose asker was killed before the answer came. */
async function storedOf(question: Question, model?: string, hints: RequestHints = {}): Promise<StoredRequest> {
  let stored: StoredRequest | undefined
  const killed: ModelCall = async ({ request, model: wanted }) => {
    const all = { ...hints, ...(wanted !== undefined && { model: wanted }) }
    stored = JSON.parse((await createRequestJob(request, { clock: systemClock, tasks: {}, known: KNOWN }, all)).payload) as StoredRequest
    throw new Error('killed')
  }
  await expect(room(killed).answer(question, model === undefined ? {} : { model })).rejects.toThrow('killed')
  return stored!
}

test.each<[string, Question, string?]>([
  ['a plain question', { prompt: 'Why is  it slow?' }],
  ['credentials', { prompt: 'Why is sk-abcdefghijklmnopqrstuv refused?', files: [{ path: 'a.env', text: `pass=${KNOWN[0]}\n` }] }],
  ['a schema and files', { prompt: 'Why?', schema: { type: 'string' }, files: [{ path: 'a.ts', text: 'const a = 1\n' }] }],
  ['temperature and length', { prompt: 'Why?', temperature: 0.2, maxTokens: 50 }],
  ['a task and a model', { prompt: 'Why?', taskType: 'review' }, 'openai/large'],
])('%s: what came too late is the exact answer to the next who asks', async (_name, question, model) => {
  const stored = await storedOf(question, model)
  expect(JSON.stringify(stored)).not.toContain(KNOWN[0])
  expect(room(null).putRequest(stored, LATE)).toBe(true)
  const options = { useModel: false, ...(model !== undefined && { model }) }
  expect(await room(null).answer(question, options)).toMatchObject({
    answer: 'late, but paid',
    source: 'cache',
    tier: 'exact',
    cost_nusd: 0,
  })
})

test('what must not be kept is not: no cache wanted, tools, an answer that broke off', async () => {
  const stored = await storedOf({ prompt: 'Why?' })
  expect(room(null).putRequest({ ...stored, no_cache: true }, LATE)).toBe(false)
  expect(room(null).putRequest({ ...stored, tools: [{ name: 'read' }] }, LATE)).toBe(false)
  expect(room(null).putRequest(stored, { ...LATE, stop: 'length' })).toBe(false)
  await expect(room(null).answer({ prompt: 'Why?' }, { useModel: false })).rejects.toMatchObject({ code: 'NO_ANSWER' })
})

test('a cache that fails does not fail who pays', async () => {
  const stored = await storedOf({ prompt: 'Why?' })
  cache.db.run('DROP TABLE cached_results')
  expect(room(null).putRequest(stored, LATE)).toBe(false)
})
