// Ranking measures, pools of candidates and the lexical baseline.
import { createRandom, shuffle } from './matrix.mjs'

/** BM25 over split, stemmed words as a full-text index has it; the name counts three times. k1 and b are those of SQLite's FTS5. */
export function createLexicalIndex(documents, vocabularyWords, { k1 = 1.2, b = 0.75, nameCount = 3 } = {}) {
  const postings = new Map()
  const lengths = new Float64Array(documents.length)
  for (const [at, { name, text }] of documents.entries()) {
    const counts = new Map()
    for (const word of vocabularyWords(text)) counts.set(word, (counts.get(word) ?? 0) + 1)
    for (const word of vocabularyWords(name)) counts.set(word, (counts.get(word) ?? 0) + nameCount)
    for (const [word, count] of counts) {
      lengths[at] += count
      ;(postings.get(word) ?? postings.set(word, []).get(word)).push([at, count])
    }
  }
  const average = lengths.reduce((sum, each) => sum + each, 0) / documents.length
  return (query) => {
    const scores = new Float64Array(documents.length)
    for (const word of new Set(vocabularyWords(query))) {
      const list = postings.get(word)
      if (!list) continue
      const idf = Math.max(1e-6, Math.log((documents.length - list.length + 0.5) / (list.length + 0.5)))
      for (const [at, count] of list) scores[at] += (idf * count * (k1 + 1)) / (count + k1 * (1 - b + (b * lengths[at]) / average))
    }
    return scores
  }
}

/** Scores of each list stretched to [0, 1], then weighed and added. */
export function fuse(vector, lexical, weight) {
  const a = stretch(vector)
  const b = stretch(lexical)
  return a.map((score, at) => weight * score + (1 - weight) * b[at])
}

function stretch(scores) {
  let least = Infinity
  let most = -Infinity
  for (const score of scores) {
    if (score < least) least = score
    if (score > most) most = score
  }
  return most > least ? scores.map((score) => (score - least) / (most - least)) : scores.map(() => 0)
}

/** 1 / rank of the right one; those that score the same share their places. */
export function reciprocalRank(scores, right) {
  let before = 0
  let same = 0
  for (let at = 0; at < scores.length; at += 1) {
    if (scores[at] > scores[right]) before += 1
    else if (scores[at] === scores[right]) same += 1
  }
  return 1 / (before + (same + 1) / 2)
}

/** The documented functions of one language in pools of `size`: each is asked for among the others of its pool. */
export function makePools(pairs, size, seed) {
  const byLanguage = new Map()
  for (const pair of pairs)
    if (pair.kind === 'doc') (byLanguage.get(pair.language) ?? byLanguage.set(pair.language, []).get(pair.language)).push(pair)
  return [...byLanguage].flatMap(([language, list]) => {
    const order = shuffle([...list], createRandom(seed))
    const pools = []
    for (let at = 0; at + size <= order.length; at += size) pools.push({ language, pairs: order.slice(at, at + size) })
    return pools.length > 0 ? pools : [{ language, pairs: order }]
  })
}

export const mean = (values) => values.reduce((sum, each) => sum + each, 0) / values.length

/**
 * Paired bootstrap: repositories are drawn with replacement within each language, the macro mean over languages is taken.
 * @param rows {language, repository, difference}[]
 */
export function bootstrap(rows, { draws = 2000, seed = 7 } = {}) {
  const random = createRandom(seed)
  const byLanguage = new Map()
  for (const { language, repository, difference } of rows) {
    const repositories = byLanguage.get(language) ?? byLanguage.set(language, new Map()).get(language)
    const sums = repositories.get(repository) ?? repositories.set(repository, [0, 0]).get(repository)
    sums[0] += difference
    sums[1] += 1
  }
  const results = []
  for (let draw = 0; draw < draws; draw += 1) {
    const languages = [...byLanguage.values()].map((repositories) => {
      const list = [...repositories.values()]
      let sum = 0
      let count = 0
      for (let at = 0; at < list.length; at += 1) {
        const [part, size] = list[Math.floor(random() * list.length)]
        sum += part
        count += size
      }
      return sum / count
    })
    results.push(mean(languages))
  }
  results.sort((a, b) => a - b)
  return { low: results[Math.floor(draws * 0.025)], high: results[Math.floor(draws * 0.975)] }
}
