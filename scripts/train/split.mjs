// Divides the mined pairs by repository into train, dev and test, and freezes the result in scripts/train/split.json before any training.
// usage: node scripts/train/split.mjs            makes tmp/train/{train,dev,test}.jsonl, fails where they differ from split.json
//        node scripts/train/split.mjs --freeze   writes split.json
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadEmbedding } from './load.mjs'
import { cache, readManifest, splitFile } from './places.mjs'

/** Chosen among 400 for the sizes of the parts alone, before anything was trained. */
const SALT = 'split-179'
/** Of the repositories of a language: these shares go to test and to dev. */
const TEST = 0.3
const DEV = 0.12
/** Of the documented functions of a language, the most one repository may give. */
const MOST_SHARE = 0.3
const MOST_DOCS = 3000
const MOST_NAMES = 5000

const { values } = parseArgs({ options: { freeze: { type: 'boolean', default: false } } })
const { vocabularyWords } = await loadEmbedding()
const sha = (text) => createHash('sha256').update(text).digest('hex')
const number = (text) => Number.parseInt(sha(text).slice(0, 12), 16)

/** All pairs, each body once and each comment once per repository; the order of everything is that of hashes. */
function readPairs() {
  const bodies = new Set()
  const pairs = []
  for (const source of readManifest().sources) {
    const file = join(cache, 'pairs', `${source.from}-${source.name.replace('/', '+')}.jsonl`)
    if (!existsSync(file)) throw new Error(`${file} is missing: run scripts/train/mine.mjs`)
    const repository = source.repository ?? source.name
    for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
      const pair = JSON.parse(line)
      const words = vocabularyWords(pair.body)
      if (words.length < 12) continue
      const key = sha(words.join(' '))
      const doc = `${repository} ${pair.query.toLowerCase()}`
      if (bodies.has(key) || (pair.query && bodies.has(doc))) continue
      bodies.add(key).add(doc)
      pairs.push({ id: key.slice(0, 16), language: source.language, repository, ...pair, words })
    }
  }
  return pairs.sort((a, b) => (a.id < b.id ? -1 : 1))
}

function assign(pairs) {
  const byLanguage = {}
  for (const { language, repository, kind } of pairs) {
    const counts = ((byLanguage[language] ??= {})[repository] ??= { doc: 0 })
    if (kind === 'doc') counts.doc += 1
  }
  const parts = {}
  for (const [language, repositories] of Object.entries(byLanguage)) {
    const order = Object.keys(repositories).sort((a, b) => number(`${SALT} ${a}`) - number(`${SALT} ${b}`))
    // a repository without documented functions can answer no question
    const silent = order.filter((name) => repositories[name].doc === 0)
    for (const name of silent) order.splice(order.indexOf(name), 1)
    const test = Math.max(4, Math.round(order.length * TEST))
    const dev = Math.max(2, Math.round(order.length * DEV))
    parts[language] = { test: order.slice(0, test), dev: order.slice(test, test + dev), train: [...order.slice(test + dev), ...silent] }
  }
  return parts
}

/** Smallest hashes of runs of six words: what two nearly equal bodies share. */
function sketch(words) {
  const hashes = new Set()
  for (let at = 0; at + 6 <= words.length; at += 1) {
    let hash = 0x811c9dc5
    for (const c of words.slice(at, at + 6).join(' ')) hash = Math.imul(hash ^ c.charCodeAt(0), 0x01000193)
    hashes.add(hash >>> 0)
  }
  return [...hashes].sort((a, b) => a - b).slice(0, 16)
}

/** Pairs of `pairs` that share half of their sketch, or the comment, with one of `others`. */
function nearTo(others, pairs) {
  const index = new Map()
  const docs = new Set()
  for (const [at, { words, query, kind }] of others.entries()) {
    if (kind === 'doc') docs.add(query.toLowerCase())
    for (const hash of sketch(words)) {
      const list = index.get(hash)
      if (!list) index.set(hash, [at])
      else if (list.length < 50) list.push(at)
    }
  }
  return new Set(
    pairs.filter(({ words, query, kind }) => {
      if (kind === 'doc' && docs.has(query.toLowerCase())) return true
      const own = sketch(words)
      const shared = new Map()
      for (const hash of own) for (const at of index.get(hash) ?? []) shared.set(at, (shared.get(at) ?? 0) + 1)
      return own.length > 0 && [...shared.values()].some((count) => count >= own.length / 2)
    }),
  )
}

/** The most that each repository of a language may give of a kind, so that none is over MOST_SHARE of what remains. */
function limitOf(counts, most) {
  for (let limit = Math.min(most, Math.max(...counts)); limit > 0; limit -= 1) {
    const total = counts.reduce((sum, count) => sum + Math.min(count, limit), 0)
    if (limit <= total * MOST_SHARE || counts.length < 1 / MOST_SHARE) return limit
  }
  return most
}

function capped(pairs) {
  const groups = new Map()
  for (const { language, repository, kind } of pairs) {
    const counts = groups.get(`${language} ${kind}`) ?? groups.set(`${language} ${kind}`, new Map()).get(`${language} ${kind}`)
    counts.set(repository, (counts.get(repository) ?? 0) + 1)
  }
  const limits = new Map(
    [...groups].map(([key, counts]) => [key, limitOf([...counts.values()], key.endsWith(' doc') ? MOST_DOCS : MOST_NAMES)]),
  )
  const taken = new Map()
  return pairs.filter(({ language, repository, kind }) => {
    const key = `${language} ${repository} ${kind}`
    taken.set(key, (taken.get(key) ?? 0) + 1)
    return taken.get(key) <= limits.get(`${language} ${kind}`)
  })
}

const pairs = readPairs()
const repositories = assign(pairs)
const partOf = new Map(
  Object.entries(repositories).flatMap(([language, parts]) =>
    Object.entries(parts).flatMap(([part, names]) => names.map((name) => [`${language} ${name}`, part])),
  ),
)
const of = (part) => pairs.filter(({ language, repository }) => partOf.get(`${language} ${repository}`) === part)
const test = of('test')
const allDev = of('dev')
const nearTest = nearTo(test, allDev)
const dev = allDev.filter((pair) => !nearTest.has(pair))
const allTrain = of('train')
const near = nearTo([...test, ...dev], allTrain)
// the cap again after what is near to test is gone: its share is of what remains
const train = capped(allTrain.filter((pair) => !near.has(pair)))

const result = { salt: SALT, repositories, nearDuplicatesRemoved: near.size + nearTest.size, parts: {} }
for (const [part, rows] of Object.entries({ train, dev: capped(dev), test: capped(test) })) {
  const text = rows.map(({ words: _words, ...row }) => `${JSON.stringify(row)}\n`).join('')
  const counts = {}
  for (const { language, kind } of rows) (counts[language] ??= { doc: 0, name: 0, heading: 0 })[kind] += 1
  writeFileSync(join(cache, `${part}.jsonl`), text)
  result.parts[part] = { pairs: rows.length, sha256: sha(text), counts }
}
const text = `${JSON.stringify(result, null, 1)}\n`
if (values.freeze) writeFileSync(splitFile, text)
else if (readFileSync(splitFile, 'utf8') !== text) {
  console.error('The pairs are not those of scripts/train/split.json.')
  process.exitCode = 1
}
console.log(JSON.stringify(result, null, 1))
