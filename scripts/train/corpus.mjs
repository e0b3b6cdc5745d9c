// The frozen pairs as bags of tokens of the program's own tokenizer.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache, splitFile } from './places.mjs'

/** @param part train, dev or test; refuses pairs that are not the frozen ones */
export function readPart(part) {
  const text = readFileSync(join(cache, `${part}.jsonl`))
  const { sha256 } = JSON.parse(readFileSync(splitFile, 'utf8')).parts[part]
  if (createHash('sha256').update(text).digest('hex') !== sha256)
    throw new Error(`tmp/train/${part}.jsonl is not the frozen one: run split.mjs`)
  return text
    .toString('utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

/** The function without its own name: what a masked pair shows. */
const withoutName = ({ body, name }) => (name ? body.replace(new RegExp(`(?<![\\w$])${name.replaceAll('$', '\\$')}(?![\\w$])`), ' ') : body)

/** Words by number of pairs they occur in, each language counting the same; the most common `most` of them. */
export function makeVocabulary(pairs, vocabularyWords, most) {
  const perLanguage = new Map()
  const seen = new Map()
  for (const { language, query, body, name } of pairs) {
    const counts = perLanguage.get(language) ?? perLanguage.set(language, { pairs: 0, words: new Map() }).get(language)
    counts.pairs += 1
    for (const word of new Set(vocabularyWords(`${query} ${name} ${body}`))) {
      counts.words.set(word, (counts.words.get(word) ?? 0) + 1)
      seen.set(word, (seen.get(word) ?? 0) + 1)
    }
  }
  const score = (word) =>
    [...perLanguage.values()].reduce((sum, { pairs, words }) => sum + (words.get(word) ?? 0) / Math.max(pairs, 5000), 0)
  return [...seen]
    .filter(([word, count]) => count >= 3 && word.length < 32)
    .map(([word]) => [word, score(word)])
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, most)
    .map(([word]) => word)
}

/** Bags of each pair. A function without a comment asks by its name, if that says something, and its body does not tell the name. */
export function bagPairs(pairs, tokenizer) {
  const repeated = new Map()
  return pairs.flatMap((pair) => {
    if (pair.kind === 'name') {
      const count = (repeated.get(pair.name) ?? 0) + 1
      repeated.set(pair.name, count)
      if (count > 4 || tokenizer.bag(pair.name).words < 2) return []
    }
    const { kind, language, repository, name } = pair
    return [
      {
        kind,
        language: kind === 'heading' ? 'prose' : language,
        repository,
        query: tokenizer.bag(kind === 'name' ? name : pair.query),
        body: tokenizer.bag(withoutName(pair)),
        name: tokenizer.bag(name),
      },
    ]
  })
}

/** ln(pairs / pairs with the token), scaled so that the greatest is 1; tokens never seen get 1. */
export function inverseFrequencies(bags, size) {
  const counts = new Float64Array(size)
  for (const { query, body, name } of bags) for (const id of new Set([...query.ids, ...body.ids, ...name.ids])) counts[id] += 1
  const most = Math.log(bags.length + 1)
  return counts.map((count) => Math.max(0.05, Math.log((bags.length + 1) / (count + 1)) / most))
}
