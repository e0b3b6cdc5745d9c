// Doc -> function with 999 distractors of the same language, on repositories the model has never seen.
// usage: node scripts/train/evaluate.mjs [--part dev|test] [--json] [--float]
import { parseArgs } from 'node:util'
import { readPart } from './corpus.mjs'
import { floatVectors } from './float.mjs'
import { loadEmbedding } from './load.mjs'
import { bootstrap, createLexicalIndex, fuse, makePools, mean, reciprocalRank } from './retrieval.mjs'
import { modelFolder } from './write-model.mjs'

/** Weight of the vector side in min-max fusion: the best of 0.3 to 0.9 on dev. */
export const FUSION = 0.7

/**
 * Ranks of every question by each way of searching.
 * @returns {{language, repository, lexical, vector, hybrid: Record<number, number>}[]} reciprocal ranks
 */
export function rank(part, embedding, { vectors, weights = [FUSION], poolsPerLanguage = 3, size = 1000 } = {}) {
  const distance = vectors.distance ?? embedding.distance
  const seen = new Map()
  return makePools(readPart(part), size, 1).flatMap(({ language, pairs }) => {
    seen.set(language, (seen.get(language) ?? 0) + 1)
    if (seen.get(language) > poolsPerLanguage) return []
    const documents = pairs.map(({ name, body }) => ({ name, text: body }))
    const embedded = documents.map((document) => vectors.embedDocument(document))
    const search = createLexicalIndex(documents, embedding.vocabularyWords)
    return pairs.map(({ query, repository }, right) => {
      const lexical = search(query)
      const { vector, abstains } = vectors.embedQuery(query)
      const similar = Float64Array.from(embedded, (each) => -distance(vector, each))
      const hybrid = Object.fromEntries(
        weights.map((weight) => [weight, reciprocalRank(abstains ? lexical : fuse(similar, lexical, weight), right)]),
      )
      return {
        language,
        repository,
        pool: pairs.length,
        lexical: reciprocalRank(lexical, right),
        vector: abstains ? 0 : reciprocalRank(similar, right),
        hybrid,
      }
    })
  })
}

export function summarise(rows, weight = FUSION) {
  const languages = [...new Set(rows.map(({ language }) => language))].sort()
  const of = (value, list = rows) => mean(list.map(value))
  const perLanguage = languages.map((language) => {
    const list = rows.filter((row) => row.language === language)
    return {
      language,
      questions: list.length,
      repositories: new Set(list.map(({ repository }) => repository)).size,
      lexical: of(({ lexical }) => lexical, list),
      vector: of(({ vector }) => vector, list),
      hybrid: of(({ hybrid }) => hybrid[weight], list),
    }
  })
  const macro = (name) => mean(perLanguage.map((each) => each[name]))
  const gain = bootstrap(
    rows.map(({ language, repository, lexical, hybrid }) => ({ language, repository, difference: hybrid[weight] - lexical })),
  )
  return {
    perLanguage,
    lexical: macro('lexical'),
    vector: macro('vector'),
    hybrid: macro('hybrid'),
    gain: macro('hybrid') - macro('lexical'),
    low: gain.low,
    high: gain.high,
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      part: { type: 'string', default: 'test' },
      json: { type: 'boolean', default: false },
      float: { type: 'boolean', default: false },
    },
  })
  const embedding = await loadEmbedding()
  const vectors = values.float ? floatVectors(embedding) : embedding.openBundledEmbedder(modelFolder)
  const weights = values.part === 'dev' ? [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] : [FUSION]
  const rows = rank(values.part, embedding, { vectors, weights })
  for (const weight of weights) {
    const result = summarise(rows, weight)
    if (values.json) console.log(JSON.stringify({ weight, ...result }))
    else {
      if (weight === FUSION)
        console.table(
          result.perLanguage.map((each) =>
            Object.fromEntries(
              Object.entries(each).map(([name, value]) => [name, typeof value === 'number' ? Number(value.toFixed(3)) : value]),
            ),
          ),
        )
      console.log(
        `weight ${weight}: macro MRR lexical ${result.lexical.toFixed(4)}, vector ${result.vector.toFixed(4)}, hybrid ${result.hybrid.toFixed(4)}, gain ${result.gain.toFixed(4)} (95 % by repository ${result.low.toFixed(4)} to ${result.high.toFixed(4)})`,
      )
    }
  }
}
if (process.argv[1] === import.meta.filename) await main()
