import type { Database } from '../storage/index.ts'
import { type Query, matchText, phraseText } from './query.ts'
import { SQL, fts } from './sql.ts'
import { readTotals } from './totals.ts'
import { splitIdentifiers } from '../embedding/index.ts'

export type CandidateRow = {
  id: number
  file: number
  chunk: number
  blob: number
  path: string
  class: string
  oid: string
  language: string
  line: number
  lineEnd: number
  start: number
  end: number
  symbol: string | null
  name: string | null
  kind: string
  hash: string
}

/** What a leg says of a chunk: its raw score (more is better) and, for the symbol leg, the definition that was found. */
export type LegHit = { doc: number; score: number; definition?: Definition }
export type Definition = { name: string; kind: string; container: string | null; line: number; lineEnd: number }

/** The pieces that a search is about, where it is not about all of them. */
export type Narrow = {
  allows(doc: number): boolean
  /** All of them where there are no more than `most`; `null` else. */
  few(most: number): readonly number[] | null
}

/** Candidates of a leg. */
export const MOST = 100

/** A leg's best, independent of the order of insertion: ties at the end are all looked at. */
export type Rows = (doc: number) => CandidateRow

export function createRows(db: Database): Rows {
  const known = new Map<number, CandidateRow>()
  return (doc) => {
    let row = known.get(doc)
    if (row === undefined) known.set(doc, (row = db.get<CandidateRow>(SQL.candidates, doc)!))
    return row
  }
}

/** Texts and places decide, never the number of a row. */
export function byPlace(a: CandidateRow, b: CandidateRow): number {
  return compare(a.hash, b.hash) || compare(a.path, b.path) || a.line - b.line || a.start - b.start
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** `wanted`: which files. Remembers those that pass or those that do not, whichever are fewer. */
export function createNarrow(db: Database, worktree: number, wanted: (path: string, language: string) => boolean): Narrow {
  const [passing, others]: [number[], number[]] = [[], []]
  for (const [file, path, language] of db.values(SQL.searchedFiles, worktree) as [number, string, string][])
    (wanted(path, language) ? passing : others).push(file)
  const fewer = passing.length <= others.length
  const docs = new Set((fewer ? passing : others).flatMap((file) => db.values(SQL.docsOf, file).map(([doc]) => doc as number)))
  return {
    allows: (doc) => docs.has(doc) === fewer,
    few: (most) => (fewer && docs.size <= most ? [...docs] : null),
  }
}

export function bestHits(hits: readonly LegHit[], rows: Rows, most = MOST): LegHit[] {
  return hits.toSorted((a, b) => b.score - a.score || byPlace(rows(a.doc), rows(b.doc))).slice(0, most)
}

/** Definitions by their exact name; another case counts less, a container that does not fit much less. */
export function symbolLeg(db: Database, worktree: number, query: Query, rows: Rows, narrow: Narrow | null): LegHit[] {
  const best = new Map<number, LegHit>()
  for (const { name, container } of query.symbols) {
    const found = db.all<Definition & { chunk: number; file: number }>(SQL.symbolHits, { folded: name.toLowerCase(), worktree })
    for (const { chunk, file, ...definition } of found) {
      const doc = db.get<{ id: number }>(
        'SELECT doc.id FROM doc JOIN chunk ON chunk.id = doc.chunk WHERE doc.file = ? AND chunk.place = ?',
        file,
        chunk,
      )
      if (doc === undefined || narrow?.allows(doc.id) === false) continue
      const fits = container === null || (definition.container ?? '').toLowerCase().endsWith(container.toLowerCase())
      const score = (definition.name === name ? 1 : 0.8) * (fits ? 1 : 0.5)
      const known = best.get(doc.id)
      if (known === undefined || known.score < score || (known.score === score && definition.line < known.definition!.line))
        best.set(doc.id, { doc: doc.id, score, definition })
    }
  }
  return bestHits([...best.values()], rows)
}

type Ranked = { id: number; rank: number }

/** bm25 over path, name and body. */
export function wordLeg(db: Database, worktree: number, query: Query, rows: Rows, narrow: Narrow | null): LegHit[] {
  const texts = query.quoted.filter((text) => splitIdentifiers(text).length > 0).map(phraseText)
  const match = query.quoted.length > 0 ? texts.join(' AND ') : matchText(query.words)
  if (match === '') return []
  const found = narrow === null ? ranked(db, worktree, match, query) : rankedAmong(db, worktree, match, narrow)
  return bestHits(
    found.map(({ id, rank }) => ({ doc: id, score: -rank })),
    rows,
  )
}

function ranked(db: Database, worktree: number, match: string, query: Query): Ranked[] {
  const found = rankedByRare(db, worktree, match, query) ?? db.all<Ranked>(fts.match(worktree), match, MOST + 1)
  if (found.length <= MOST || found[MOST]!.rank !== found[MOST - 1]!.rank) return found.slice(0, MOST)
  const last = found[MOST]!.rank
  return [...found.filter(({ rank }) => rank < last), ...db.all<Ranked>(fts.ties(worktree), match, last)]
}

/** A filter that lets few pieces pass spares the ranking of all others. */
function rankedAmong(db: Database, worktree: number, match: string, narrow: Narrow): Ranked[] {
  const few = narrow.few(50_000)
  const found =
    few === null
      ? db.all<Ranked>(fts.match(worktree), match, -1).filter(({ id }) => narrow.allows(id))
      : db.all<Ranked>(fts.matchAmong(worktree), match, JSON.stringify(few))
  const last = found[MOST - 1]?.rank ?? Infinity
  return found.filter(({ rank }) => rank <= last)
}

/** k1 + 1 of FTS5's bm25: what a word counts at most is its inverse frequency times this. */
const MOST_PER_WORD = 2.2
/** Fewer pieces are ranked as fast as words are counted. */
const MANY = 5000
/** Share of what all words may count that is left to the common ones: chosen on the bench, more fails too often. */
const COMMON_SHARE = 0.4

/**
 * The same rows without ranking those that hold common words only, where that is certain: what common words count at most together has to
 * be less than the last row that is found. `undefined` where it is not certain.
 */
function rankedByRare(db: Database, worktree: number, match: string, query: Query): Ranked[] | undefined {
  if (query.quoted.length > 0 || query.words.length < 2) return undefined
  const total = readTotals(db, worktree).rows
  const words = query.words
    .map((word) => {
      const { count } = db.get<{ count: number }>(fts.count(worktree), matchText([word]))!
      return { word, count, most: MOST_PER_WORD * Math.max(1e-6, Math.log((total - count + 0.5) / (count + 0.5))) }
    })
    .sort((a, b) => a.count - b.count)
  if (words.reduce((sum, { count }) => sum + count, 0) < MANY) return undefined
  const most = words.reduce((sum, each) => sum + each.most, 0)
  let [rare, left] = [words.length, 0]
  while (rare > 1 && left + words[rare - 1]!.most < most * COMMON_SHARE) left += words[--rare]!.most
  if (rare === words.length) return undefined
  const some = matchText(words.slice(0, rare).map(({ word }) => word))
  const found = db.all<Ranked>(fts.matchRare(worktree), match, some, MOST + 1)
  return found.length > MOST && -found[MOST]!.rank > left ? found : undefined
}
