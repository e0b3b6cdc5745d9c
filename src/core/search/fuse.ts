import type { LegHit, CandidateRow, Definition, Rows } from './candidates.ts'
import { byPlace } from './candidates.ts'
import type { Query, QueryClass } from './query.ts'
import { splitIdentifiers } from '../embedding/index.ts'

/** Names of the legs as `--explain` prints them. */
export type LegName = 'symbol' | 'words' | 'vector'
export type Legs = Partial<Record<LegName, readonly LegHit[]>>

/** What each leg counts for each kind of query; shared out again among the legs that answered. */
const WEIGHTS: Readonly<Record<QueryClass, Readonly<Record<LegName, number>>>> = {
  symbol: { symbol: 0.6, words: 0.35, vector: 0.05 },
  path: { symbol: 0.05, words: 0.9, vector: 0.05 },
  quoted: { symbol: 0.05, words: 0.9, vector: 0.05 },
  error: { symbol: 0.1, words: 0.75, vector: 0.15 },
  natural: { symbol: 0.23, words: 0.47, vector: 0.3 },
}

/** Hits of one file beyond these come after those of others. */
const PER_FILE = 3

/** Files without code: what is asked in words is rarely about them. */
const DATA = /\.(?:json[5cl]?|ya?ml|toml|ini|txt|csv|tsv|svg|xml|lock|snap|log|patch|diff)$/i

export type Factor = { name: string; factor: number }
export type Scored = {
  row: CandidateRow
  score: number
  legs: Partial<Record<LegName, { rank: number; score: number }>>
  factors: Factor[]
  definition: Definition | undefined
}

/** Weighted sum of the legs, words scaled to their own candidates, times bounded factors; at most three of a file in front. */
export function fuse(query: Query, legs: Legs, rows: Rows): Scored[] {
  const present = (Object.keys(legs) as LegName[]).filter((name) => legs[name]!.length > 0)
  // what is asked for as it is written is ordered by its letters; the meaning adds what they do not find, behind the best of them
  const literal = query.class !== 'natural' && present.some((name) => name !== 'vector')
  const total = present.filter((name) => !literal || name !== 'vector').reduce((sum, name) => sum + WEIGHTS[query.class][name], 0)
  const found = new Map<number, Scored>()
  for (const name of present) {
    const hits = legs[name]!
    const [most, least] = [hits[0]!.score, hits.at(-1)!.score]
    for (const [rank, { doc, score, definition }] of hits.entries()) {
      let entry = found.get(doc)
      if (entry === undefined) found.set(doc, (entry = { row: rows(doc), score: 0, legs: {}, factors: [], definition: undefined }))
      // the last of a leg is still found: it gets a tenth
      // a similarity is calibrated as it is: scaled to its own hundred, nearly equal ones would count as far apart
      const scaled = name !== 'words' ? score : most === least ? 1 : 0.1 + (0.9 * (score - least)) / (most - least)
      if (name !== 'vector' || !literal || Object.keys(entry.legs).length === 0)
        entry.score += (WEIGHTS[query.class][name] / total) * scaled
      entry.legs[name] = { rank: rank + 1, score }
      if (definition !== undefined) entry.definition = definition
    }
  }
  const scored = [...found.values()]
  const perFile = new Map<string, number>()
  for (const { row, legs: own } of scored) if (!literal || own.words || own.symbol) perFile.set(row.path, (perFile.get(row.path) ?? 0) + 1)
  const asked = new Set(query.words)
  for (const entry of scored) {
    entry.factors = factorsOf(entry, query, asked, perFile.get(entry.row.path) ?? 0)
    for (const { factor } of entry.factors) entry.score *= factor
  }
  return capFiles(scored.sort((a, b) => b.score - a.score || byPlace(a.row, b.row)))
}

/** Each is bounded: no factor makes a weak hit a strong one. */
function factorsOf({ row }: Scored, query: Query, asked: ReadonlySet<string>, hits: number): Factor[] {
  const factors: Factor[] = []
  const names = row.symbol === null ? [] : [...new Set(splitIdentifiers(row.name ?? row.symbol))]
  const named = names.filter((word) => asked.has(word)).length
  if (named > 0) factors.push({ name: 'definition', factor: 1 + (0.15 * named) / Math.max(names.length, Math.min(asked.size, 3)) })
  const path = new Set(splitIdentifiers(row.path))
  const inPath = [...asked].filter((word) => path.has(word)).length
  if (inPath > 0) factors.push({ name: 'path', factor: 1 + Math.min(0.1, 0.04 * inPath) })
  if (hits > 1) factors.push({ name: 'same file', factor: 1 + Math.min(0.06, 0.02 * (hits - 1)) })
  if (row.class === 'test' && !['test', 'tests', 'spec'].some((word) => asked.has(word))) factors.push({ name: 'test', factor: 0.8 })
  if (/\.d\.[cm]?ts$/.test(row.path)) factors.push({ name: 'declarations', factor: 0.85 })
  else if (query.class !== 'path' && DATA.test(row.path)) factors.push({ name: 'data', factor: 0.7 })
  if (query.class === 'path' && row.path.toLowerCase().endsWith(query.text.toLowerCase().replace(/^(?:\.{0,2}\/)+/, '')))
    factors.push({ name: 'is the path', factor: 2 })
  return factors
}

function capFiles(sorted: readonly Scored[]): Scored[] {
  const seen = new Map<string, number>()
  const [front, back] = [[] as Scored[], [] as Scored[]]
  for (const entry of sorted) {
    const count = (seen.get(entry.row.path) ?? 0) + 1
    seen.set(entry.row.path, count)
    ;(count <= PER_FILE ? front : back).push(entry)
  }
  return [...front, ...back]
}
