import { chunkFile } from '../analysis/index.ts'
import type { Git } from '../git/index.ts'
import { textOf } from './analyze.ts'
import { classifyBytes, classifyPath, isSearched, mostBytes } from './file-class.ts'
import type { FactReader } from './fact-reader.ts'
import { readBytes, statOf } from './listing.ts'
import { type Query, isForeign } from './query.ts'
import type { SearchHit } from './result.ts'
import { splitIdentifiers } from '../embedding/index.ts'

/** Words that git is asked for, the longest first: each is one pass over the repository. */
const ASKED_WORDS = 6
/** Files that are read to the end. */
const READ_FILES = 40

export type TextDeps = { git: Git; reader: Pick<FactReader, 'detect'>; included: (path: string) => boolean }
export type PathFilter = (path: string, language: string) => boolean

/** Answers without an index: git looks for the words, the best files are cut into pieces and ranked. Always fresh. */
export async function searchText(
  { git, reader, included }: TextDeps,
  query: Query,
  wanted: PathFilter,
  limit: number,
): Promise<SearchHit[]> {
  const literal = query.words.length === 0 || query.quoted.length > 0
  const asked = literal
    ? (query.quoted.length > 0 ? query.quoted : [query.text.split('\n', 1)[0]!.slice(0, 500)]).slice(0, ASKED_WORDS)
    : query.words.toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1)).slice(0, ASKED_WORDS)
  const scores = new Map<string, number>()
  const lists = await Promise.all(asked.map((word) => filesWith(git, word)))
  if (!literal && isForeign({ ...query, words: asked }, (word) => lists[asked.indexOf(word)]!.length > 0)) return []
  for (const paths of lists) {
    // rarer words tell more; one that is everywhere still counts a little
    const weight = 1 / Math.log2(2 + paths.length)
    for (const path of paths) scores.set(path, (scores.get(path) ?? 0) + weight)
  }
  const words = new Set(query.words)
  const ranked = [...scores]
    .filter(([path]) => isSearched(classifyPath(path, {}, included(path)).class))
    .map(([path, score]) => {
      const inPath = splitIdentifiers(path).filter((word) => words.has(word)).length
      return { path, score: score * (1 + 0.2 * Math.min(3, inPath)) * (classifyPath(path).class === 'test' ? 0.8 : 1) }
    })
    .sort((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1))
  return searchFiles(
    { git, reader, included },
    query,
    ranked.slice(0, READ_FILES).map(({ path }) => path),
    wanted,
    limit,
  )
}

async function filesWith(git: Git, text: string): Promise<string[]> {
  const args = ['--no-optional-locks', 'grep', '-z', '-l', '-i', '-I', '-F', '--untracked', '--no-color', '-e', text]
  const { text: output } = await git.run(args, { accept: [0, 1] })
  return output.split('\0').filter((path) => path !== '')
}

/** Ranks pieces of the given files, as they lie here now. */
export async function searchFiles(
  { git, reader, included }: TextDeps,
  query: Query,
  paths: readonly string[],
  wanted: PathFilter,
  limit: number,
): Promise<SearchHit[]> {
  const { root } = git.repository
  const pieces: { hit: SearchHit; counts: Map<string, number>; length: number }[] = []
  const literals = (query.quoted.length > 0 ? query.quoted : query.words.length === 0 ? [query.text] : []).map((text) => text.toLowerCase())
  for (const path of paths) {
    const isIncluded = included(path)
    const { class: name } = classifyPath(path, {}, isIncluded)
    if (!isSearched(name) || (statOf(root, path)?.size ?? Infinity) > mostBytes(isIncluded)) continue
    const bytes = readBytes(root, path)
    if (bytes === undefined || classifyBytes(bytes, isIncluded) !== null) continue
    const language = await reader.detect(path, Buffer.from(bytes.subarray(0, 200)).toString('latin1').split('\n', 1)[0]!)
    if (!wanted(path, language)) continue
    for (const chunk of chunkFile(bytes, null, { language })) {
      const content = textOf(bytes, chunk)
      if (literals.length > 0 && !literals.every((text) => content.toLowerCase().includes(text))) continue
      const found = splitIdentifiers(content)
      const counts = new Map<string, number>()
      for (const word of query.words) counts.set(word, 0)
      for (const word of found) if (counts.has(word)) counts.set(word, counts.get(word)! + 1)
      if (query.words.length > 0 && ![...counts.values()].some((count) => count > 0)) continue
      const hit: SearchHit = {
        id: chunk.hash,
        path,
        line: chunk.lineStart,
        lineEnd: chunk.lineEnd,
        symbol: null,
        kind: chunk.kind,
        language,
        content,
        similarity: null,
        lexical: null,
        score: 0,
        explain: null,
      }
      pieces.push({ hit, counts, length: found.length })
    }
  }
  return rank(query, pieces).slice(0, limit)
}

type Piece = { hit: SearchHit; counts: ReadonlyMap<string, number>; length: number }

/** BM25 (k1 1.2, b 0.75) over these pieces alone, scaled so that the best has 1. */
function rank(query: Query, pieces: readonly Piece[]): SearchHit[] {
  const average = pieces.reduce((sum, { length }) => sum + length, 0) / Math.max(1, pieces.length)
  const scored = pieces.map((piece) => {
    let score = query.words.length === 0 ? 1 : 0
    for (const word of query.words) {
      const count = piece.counts.get(word)!
      if (count === 0) continue
      const holders = pieces.filter(({ counts }) => counts.get(word)! > 0).length
      const idf = Math.log(1 + (pieces.length - holders + 0.5) / (holders + 0.5))
      score += (idf * count * 2.2) / (count + 1.2 * (0.25 + (0.75 * piece.length) / average))
    }
    const factor = (classifyPath(piece.hit.path).class === 'test' ? 0.8 : 1) * (defines(piece.hit.content, query) ? 2 : 1)
    return { ...piece.hit, score: score * factor, lexical: score }
  })
  const most = Math.max(...scored.map(({ score }) => score), Number.MIN_VALUE)
  return scored
    .map((hit) => ({ ...hit, score: hit.score / most }))
    .sort((a, b) => b.score - a.score || (a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line))
}

const WORDS_BEFORE = String.raw`\b(?:function\*?|def|defp|defmodule|class|fn|func|fun|const|let|var|type|interface|struct|enum|trait|module|sub|proc|package)\s+`

/** Without a syntax tree: a word that opens definitions in many languages stands before the name. */
function defines(content: string, { symbols }: Query): boolean {
  return symbols.some(({ name }) =>
    new RegExp(`${WORDS_BEFORE}${name.replace(/[^\p{L}\p{N}_]/gu, String.raw`\$&`)}(?![\\p{L}\\p{N}_])`, 'u').test(content),
  )
}

/** Hits of files that changed stand beside those of the index by their place in each list. */
export function mergeHits(indexed: readonly SearchHit[], texts: readonly SearchHit[], limit: number): SearchHit[] {
  const most = Math.max(...indexed.map(({ score }) => score), 0) || 1
  return [...indexed, ...texts.map((hit) => ({ ...hit, score: hit.score * most }))]
    .sort((a, b) => b.score - a.score || (a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line))
    .slice(0, limit)
}
