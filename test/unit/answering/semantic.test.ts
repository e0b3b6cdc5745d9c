import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  type AnswerCache,
  type ModelCall,
  createAnswerCache,
  createAnswering,
  createPrompts,
  createRuleTier,
  createSemanticTier,
  loadLexicon,
  openCacheFile,
  readStatistics,
  readSuspects,
} from '../../../src/core/answering/index.ts'
import { systemClock } from '../../../src/core/kernel/index.ts'
import type { Embedder, StoredResult } from '../../../src/core/llm/index.ts'
import { storedResult } from '../../support/stored-result.ts'

const DATA = join(import.meta.dirname, '..', '..', '..', 'templates_data')
const lexicon = loadLexicon(DATA)
let folder: string
let cache: AnswerCache
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'singularity-semantic-'))
  cache = createAnswerCache({ db: openCacheFile(join(folder, 'cache.db'))!, clock: systemClock })
})
afterEach(() => {
  cache.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Says 1.0 of everything: only the gates are left. */
const blind: Embedder = { name: 'blind', mayAnswer: true, embed: async (texts) => texts.map(() => Float32Array.of(1, 0)) }

const says = (response: string, more: Partial<StoredResult> = {}) =>
  vi.fn<ModelCall>(async () => ({ id: 'row', result: storedResult(response, more), bytes: 9 }))

type Choice = { embedder?: Embedder; random?: () => number; mayServe?: boolean }
function room(callModel: ModelCall, { embedder = blind, random = () => 0.5, mayServe = true }: Choice = {}) {
  const semantic = createSemanticTier({ db: cache.db, clock: systemClock, embedder, lexicon, random, mayServe })
  const rules = createRuleTier({ answerers: [], facts: async () => undefined, cache, clock: systemClock, random })
  return createAnswering({ clock: systemClock, rules, rulesVersion: '1', cache, semantic, prompts: createPrompts(DATA), callModel })
}

/** As if so many hits had been compared before. */
function audited(right: number, wrong = 0, taskType = 'ask', at = Date.now()): void {
  cache.db.transaction(() => {
    for (let n = 0; n < right + wrong; n++)
      cache.db.run(
        "INSERT INTO cache_audits (at, task_type, entry, similarity, mode, right, comparator, prompt) VALUES (?, ?, 0, 1, 'shadow', ?, 'words', '')",
        at,
        taskType,
        n < right ? 1 : 0,
      )
  })
}

const FIRST = { prompt: 'Why is the build failing on CI?' }
const SAME = { prompt: 'What makes the build fail on CI?' }
const OTHER = { prompt: 'What makes the build pass on CI?' }

test('in shadow a hit is compared, never served', async () => {
  await room(says('No disk.')).answer(FIRST)
  const model = says('no disk.')
  expect(await room(model).answer(SAME)).toMatchObject({ source: 'llm', tier: null })
  expect(model).toHaveBeenCalledOnce()
  expect(readStatistics(cache.db).semantic).toMatchObject([{ task_type: 'ask', state: 'shadow', audits: 1, wrong: 0, needed: 298 }])
  await expect(room(model).answer({ prompt: 'Tell me why the build fails on CI' }, { useModel: false })).rejects.toMatchObject({
    code: 'NO_ANSWER',
  })
})

test('after 299 audits without an error it answers, with its bound as confidence, and one error ends that', async () => {
  await room(says('No disk.')).answer(FIRST)
  audited(298)
  expect((await room(says('no disk.')).answer({ prompt: 'Tell me why the build fails on CI' })).source).toBe('llm')
  const never = vi.fn<ModelCall>()
  const served = await room(never).answer(SAME)
  expect(served).toMatchObject({
    answer: expect.stringMatching(/^no disk\.$/i),
    source: 'cache',
    tier: 'semantic',
    cost_nusd: 0,
    confidence_n: 299,
  })
  expect(served.similarity).toBeCloseTo(1)
  expect(served.confidence).toBeGreaterThanOrEqual(0.99)
  expect(never).not.toHaveBeenCalled()
  expect(readSuspects(cache.db)).toEqual([])

  // one in twenty is still checked: it disagrees
  expect(
    await room(says('A typo.'), { random: () => 0.01 }).answer({ prompt: 'What is the reason that the build fails on CI?' }),
  ).toMatchObject({ source: 'llm' })
  expect(readStatistics(cache.db).semantic).toMatchObject([{ state: 'shadow', audits: 300, wrong: 1, needed: 173 }])
  expect(readSuspects(cache.db)).toMatchObject([{ prompt: SAME.prompt, reason: 'wrong', similarity: 1 }])
  expect((await room(says('No disk.')).answer(SAME)).source).toBe('llm')
})

test('however live: the first twenty hits of a week are checked', async () => {
  await room(says('No disk.')).answer(FIRST)
  audited(400, 0, 'ask', Date.now() - 8 * 86_400_000)
  audited(19)
  const model = says('no disk.')
  expect((await room(model).answer(SAME)).source).toBe('llm')
  expect((await room(vi.fn<ModelCall>()).answer({ prompt: 'Tell me why the build fails on CI' })).tier).toBe('semantic')
  expect(model).toHaveBeenCalledOnce()
})

test('where only shadow is wanted, nothing is served', async () => {
  await room(says('No disk.')).answer(FIRST)
  audited(400)
  const model = says('no disk.')
  expect((await room(model, { mayServe: false }).answer(SAME)).source).toBe('llm')
})

test('another meaning is a miss that says which gate refused, whatever the similarity', async () => {
  await room(says('No disk.')).answer(FIRST)
  audited(400)
  expect((await room(says('Luck.')).answer(OTHER)).answer).toBe('Luck.')
  expect(readStatistics(cache.db).misses).toEqual([{ gate: 'polarity', n: 1 }])
})

test('an embedder that only hashes words never answers', async () => {
  await room(says('No disk.')).answer(FIRST)
  audited(400)
  const model = says('no disk.')
  await room(model, { embedder: { ...blind, mayAnswer: false } }).answer(SAME)
  expect(model).toHaveBeenCalledOnce()
})

test('vectors of another embedder, another task, schema or file, and answers that had to be repaired are not compared', async () => {
  const schema = { type: 'string' }
  const file = { path: 'a.ts', text: '1' }
  await room(says('No disk.')).answer(FIRST)
  await room(says('"x"', { repaired: true, parsed_response: 'x' })).answer({ ...FIRST, schema })
  audited(400)
  audited(400, 0, 'review')
  const cases: [string, object, Embedder?][] = [
    ['embedder', SAME, { ...blind, name: 'another' }],
    ['task', { ...SAME, taskType: 'review' }],
    ['file', { ...SAME, files: [file] }],
    ['repaired', { ...SAME, schema }],
  ]
  for (const [name, question, embedder = blind] of cases) {
    const model = says('asked')
    await room(model, { embedder }).answer(question as typeof SAME)
    expect({ name, calls: model.mock.calls.length }).toEqual({ name, calls: 1 })
  }
})

const errorsOf = () => cache.db.get('SELECT errors, quarantined, round(threshold, 3) AS threshold FROM cached_results WHERE id = 1')
const WHY = { prompt: 'What is the reason that the build fails on CI?' }

test('an entry that was wrong demands more than the similarity it was wrong at', async () => {
  const vectors: Record<string, [number, number]> = { [FIRST.prompt]: [1, 0], [SAME.prompt]: [0.96, 0.28], [WHY.prompt]: [0.96, -0.28] }
  const near: Embedder = { ...blind, embed: async ([text = '']) => [Float32Array.from(vectors[text]!)] }
  await room(says('No disk.'), { embedder: near }).answer(FIRST)
  await room(says('A typo.'), { embedder: near }).answer(SAME)
  expect(errorsOf()).toEqual({ errors: 1, quarantined: 0, threshold: 0.965 })
  audited(2_000)
  expect((await room(says('Luck.'), { embedder: near }).answer(WHY)).answer).toBe('Luck.')
  expect(readStatistics(cache.db).misses).toEqual([{ gate: 'similarity', n: 1 }])
})

test('an entry that was wrong twice never answers again', async () => {
  await room(says('No disk.')).answer(FIRST)
  for (const question of [SAME, WHY]) {
    await room(says('A typo.')).answer(question)
    cache.db.run('DELETE FROM cached_results WHERE id > 1')
  }
  expect(errorsOf()).toEqual({ errors: 2, quarantined: 1, threshold: 1 })
  audited(2_000)
  expect((await room(says('Luck.')).answer({ prompt: 'Tell me why the build fails on CI' })).answer).toBe('Luck.')
  expect(readStatistics(cache.db)).toMatchObject({ misses: [{ gate: 'quarantine', n: 1 }], quarantined: 1 })
})

test('a broken embedder is a miss, not a failure', async () => {
  const broken: Embedder = { ...blind, embed: async () => Promise.reject(new Error('down')) }
  expect(await room(says('No disk.'), { embedder: broken }).answer(FIRST)).toMatchObject({ answer: 'No disk.', source: 'llm' })
})

test('the statistics are the observed split, the times and the money saved', async () => {
  await room(says('No disk.')).answer(FIRST)
  for (let n = 0; n < 3; n++) await room(says('')).answer(FIRST)
  const { tiers, ...all } = readStatistics(cache.db)
  expect(all).toMatchObject({ answers: 4, without_llm: 0.75, entries: 1, spent_nusd: 4_000, saved_nusd: 12_000 })
  expect(tiers).toMatchObject([
    { tier: 'rule', answers: 0, p50_ms: null },
    { tier: 'exact', answers: 3, share: 0.75, p50_ms: expect.any(Number), p95_ms: expect.any(Number) },
    { tier: 'semantic', answers: 0 },
    { tier: 'llm', answers: 1, cost_nusd: 4_000 },
  ])
})
