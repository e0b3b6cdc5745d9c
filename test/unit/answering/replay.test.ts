import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  type ModelCall,
  createAnswerCache,
  createAnswering,
  createPrompts,
  createRuleTier,
  createSemanticTier,
  loadLexicon,
  openCacheFile,
} from '../../../src/core/answering/index.ts'
import { systemClock } from '../../../src/core/kernel/index.ts'
import type { Embedder, StoredResult } from '../../../src/core/llm/index.ts'
import { mutations, paraphrases } from '../../support/request-pairs.ts'

const DATA = join(import.meta.dirname, '..', '..', '..', 'templates_data')
const blind: Embedder = { name: 'blind', mayAnswer: true, embed: async (texts) => texts.map(() => Float32Array.of(1)) }

/** Every pair is asked one after the other, so that the second finds the first. A recorded answer says which question it is for. */
async function replay(cached: boolean): Promise<{ answers: Map<string, string>; calls: number }> {
  const recorded = new Map<string, string>()
  const pairs = [...paraphrases('tuning').same.filter((_pair, at) => at % 16 === 0), ...mutations().filter((_pair, at) => at % 24 === 0)]
  for (const { kind, a, b } of pairs) {
    if (!recorded.has(a)) recorded.set(a, a)
    if (!recorded.has(b)) recorded.set(b, kind === 'same' ? recorded.get(a)! : b)
  }
  let calls = 0
  const callModel: ModelCall = async ({ request }) => {
    calls++
    const response = recorded.get(request.messages.at(-1)!.content)!
    return {
      id: 'row',
      result: { response, parsed_response: null, stop: 'end', cost_nusd: 1, model: 'm', provider: 'p' } as StoredResult,
      bytes: 1,
    }
  }
  const folder = mkdtempSync(join(tmpdir(), 'singularity-replay-'))
  const cache = createAnswerCache({ db: openCacheFile(join(folder, 'cache.db'))!, clock: systemClock })
  try {
    const semantic = createSemanticTier({
      db: cache.db,
      clock: systemClock,
      embedder: blind,
      lexicon: loadLexicon(DATA),
      random: () => 0.5,
    })
    // its audits have made it live
    cache.db.transaction(() => {
      for (let n = 0; n < 299; n++)
        cache.db.run(
          "INSERT INTO cache_audits (at, task_type, entry, similarity, mode, right, comparator, prompt) VALUES (?, 'ask', 0, 1, 'shadow', 1, 'words', '')",
          Date.now(),
        )
    })
    const rules = createRuleTier({ answerers: [], facts: async () => undefined, cache, clock: systemClock, random: () => 0.5 })
    const room = createAnswering({ clock: systemClock, rules, rulesVersion: '1', cache, semantic, prompts: createPrompts(DATA), callModel })
    const answers = new Map<string, string>()
    for (const { a, b } of pairs)
      for (const prompt of [a, b]) answers.set(prompt, (await room.answer({ prompt }, { useCache: cached })).answer)
    return { answers, calls }
  } finally {
    cache.close()
    rmSync(folder, { recursive: true })
  }
}

test('recorded answers, replayed without and with the cache: fewer calls, and not one answer differs', async () => {
  const [off, on] = [await replay(false), await replay(true)]
  expect([...on.answers].filter(([prompt, answer]) => answer !== off.answers.get(prompt))).toEqual([])
  expect(on.calls).toBeLessThan(off.calls * 0.95)
})
