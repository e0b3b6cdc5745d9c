// Search (a): the comment of a function finds it among 999 others of its language, in repositories the model was not trained on.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { rank, summarise } from '../scripts/train/evaluate.mjs'
import { loadEmbedding } from '../scripts/train/load.mjs'
import { cache } from '../scripts/train/places.mjs'
import { readPart } from '../scripts/train/corpus.mjs'
import { modelFolder } from '../scripts/train/write-model.mjs'
import { median, round } from './common.mjs'

export async function measureRetrieval({ quick }) {
  if (!existsSync(join(cache, 'test.jsonl')))
    throw new Error('the held-out repositories are not here: node scripts/train/fetch.mjs, then mine.mjs and split.mjs (docs/embedding.md)')
  const embedding = await loadEmbedding()
  const vectors = embedding.openBundledEmbedder(modelFolder)
  const { perLanguage, ...macro } = summarise(rank('test', embedding, { vectors, poolsPerLanguage: quick ? 1 : 3 }))
  const figures = Object.fromEntries(Object.entries(macro).map(([name, value]) => [name, round(value, 4)]))
  return {
    model: vectors.id,
    ...figures,
    perLanguage: perLanguage.map((row) => ({
      ...row,
      lexical: round(row.lexical, 3),
      vector: round(row.vector, 3),
      hybrid: round(row.hybrid, 3),
    })),
    speed: measureSpeed(embedding, quick ? 3 : 9),
  }
}

function measureSpeed({ openBundledEmbedder }, rounds) {
  const pairs = readPart('test')
    .filter(({ kind, body }) => kind === 'doc' && body.length < 2000)
    .slice(0, 6000)
  const chunks = pairs.map(({ name, body }) => ({ name, text: body }))
  const turns = Array.from({ length: rounds }, () => {
    const times = [performance.now()]
    const vectors = openBundledEmbedder(modelFolder)
    times.push(performance.now())
    for (const chunk of chunks) vectors.embedDocument(chunk)
    times.push(performance.now())
    for (const { query } of pairs) vectors.embedQuery(query)
    times.push(performance.now())
    return times.slice(1).map((time, at) => time - times[at])
  })
  const [load, documents, queries] = [0, 1, 2].map((at) => median(turns.map((turn) => turn[at])))
  return {
    rounds,
    loadMs: round(load, 1),
    chunksPerSecond: Math.round((chunks.length / documents) * 1000),
    charactersPerChunk: Math.round(chunks.reduce((sum, { text }) => sum + text.length, 0) / chunks.length),
    queryMicroseconds: round((queries / pairs.length) * 1000, 1),
  }
}
