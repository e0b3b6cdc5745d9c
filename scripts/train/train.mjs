// npm run train:embed: from the frozen pairs to templates_data/models/<id>. Plain JavaScript with a fixed seed: the same pairs give the
// same bytes wherever Node computes with IEEE doubles. Bring the pairs first: fetch.mjs, mine.mjs, split.mjs (docs/embedding.md).
// usage: npm run train:embed [-- --quick] [--set epochs=3 ...] [--dry-run]
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bagPairs, inverseFrequencies, makeVocabulary, readPart } from './corpus.mjs'
import { floatEmbedder } from './float.mjs'
import { loadEmbedding } from './load.mjs'
import { cache } from './places.mjs'
import { makePools, mean, reciprocalRank } from './retrieval.mjs'
import { DEFAULTS, train } from './trainer.mjs'
import { writeModel } from './write-model.mjs'

const WORDS = 16_384
const BUCKETS = 3584

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
    set: { type: 'string', multiple: true, default: [] },
  },
})
const options = {
  ...DEFAULTS,
  ...Object.fromEntries(values.set.map((each) => each.split('=')).map(([name, value]) => [name, Number(value)])),
}
const embedding = await loadEmbedding()
const started = performance.now()
const say = (text) => console.error(`${((performance.now() - started) / 1000).toFixed(0)} s  ${text}`)

const pairs = readPart('train').filter((_pair, at) => !values.quick || at % 4 === 0)
const vocabulary = makeVocabulary(pairs, embedding.vocabularyWords, WORDS)
say(`${pairs.length} pairs, ${vocabulary.length} words`)
const tokenizer = embedding.createTokenizer(vocabulary, BUCKETS)
const bags = bagPairs(pairs, tokenizer)
say(`${bags.length} pairs used, ${(bags.reduce((sum, { body }) => sum + body.ids.length, 0) / bags.length).toFixed(0)} tokens in a body`)
const idf = inverseFrequencies(bags, tokenizer.size)

const devPools = makePools(readPart('dev'), 1000, 1).map(({ language, pairs: list }) => ({
  language,
  queries: list.map(({ query }) => tokenizer.bag(query)),
  documents: list.map(({ name, body }) => tokenizer.bag(body, name, embedding.NAME_COUNT)),
}))

/** Mean reciprocal rank of a sample of dev questions, by language. */
function rateDev({ rows, queryWeights, documentWeights }) {
  const D = options.dimensions
  const embed = floatEmbedder(rows, D)
  const perLanguage = {}
  for (const { language, queries, documents } of devPools) {
    if (perLanguage[language]) continue
    const vectors = documents.map((bag) => embed(bag, documentWeights))
    const step = Math.max(1, Math.floor(queries.length / 300))
    const ranks = []
    for (let at = 0; at < queries.length; at += step) {
      const query = embed(queries[at], queryWeights)
      ranks.push(
        reciprocalRank(
          vectors.map((vector) => {
            let sum = 0
            for (let d = 0; d < D; d += 1) sum += vector[d] * query[d]
            return sum
          }),
          at,
        ),
      )
    }
    perLanguage[language] = mean(ranks)
  }
  return perLanguage
}

const trained = train(bags, tokenizer.size, idf, options, (epoch, loss, state) => {
  const rated = rateDev(state)
  const list = Object.entries(rated).map(([language, mrr]) => `${language} ${mrr.toFixed(3)}`)
  say(`epoch ${epoch + 1}: loss ${loss.toFixed(3)}, dev MRR ${mean(Object.values(rated)).toFixed(4)} (${list.join(', ')})`)
})
if (!values['dry-run']) {
  for (const [name, numbers] of Object.entries(trained)) writeFileSync(join(cache, `float-${name}.bin`), new Uint8Array(numbers.buffer))
  writeFileSync(join(cache, 'float-vocabulary.json'), JSON.stringify({ vocabulary, buckets: BUCKETS, options, pairs: bags.length }))
  say(await writeModel(embedding))
}
