import type { Database } from '../storage/index.ts'
import { type Query, matchText, phraseText } from './query.ts'
import { SQL, fts } from './sql.ts'
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

export type Filter = (row: CandidateRow) => boolean

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

export function bestHits(hits: readonly LegHit[], rows: Rows, most = MOST): LegHit[] {
  return hits.toSorted((a, b) => b.score - a.score || byPlace(rows(a.doc), rows(b.doc))).slice(0, most)
}

/** Definitions by their exact name; another case counts less, a container that does not fit much less. */
export function symbolLeg(db: Database, worktree: number, query: Query, rows: Rows, filter: Filter): LegHit[] {
  const best = new Map<number, LegHit>()
  for (const { name, container } of query.symbols) {
    const found = db.all<Definition & { chunk: number; file: number }>(SQL.symbolHits, { folded: name.toLowerCase(), worktree })
    for (const { chunk, file, ...definition } of found) {
      const doc = db.get<{ id: number }>(
        'SELECT doc.id FROM doc JOIN chunk ON chunk.id = doc.chunk WHERE doc.file = ? AND chunk.place = ?',
        file,
        chunk,
      )
      if (doc === undefined || !filter(rows(doc.id))) continue
      const fits = container === null || (definition.container ?? '').toLowerCase().endsWith(container.toLowerCase())
      const score = (definition.name === name ? 1 : 0.8) * (fits ? 1 : 0.5)
      const known = best.get(doc.id)
      if (known === undefined || known.score < score || (known.score === score && definition.line < known.definition!.line))
        best.set(doc.id, { doc: doc.id, score, definition })
    }
  }
  return bestHits([...best.values()], rows)
}

/** A question of fewer words is asked for every one of them. */
const QUESTION_WORDS = 3

/** Whether two thirds of the words of a question stand nowhere here: what the rest finds by chance is no answer. */
export function isForeign(query: Query, stands: (word: string) => boolean): boolean {
  if (query.class !== 'natural' || query.words.length < QUESTION_WORDS) return false
  return query.words.filter(stands).length * 3 < query.words.length
}

type Ranked = { id: number; rank: number }

/** bm25 over path, name and body. */
export function wordLeg(db: Database, worktree: number, query: Query, rows: Rows, filter: Filter | null): LegHit[] {
  const match =
    query.quoted.length > 0
      ? query.quoted
          .filter((text) => splitIdentifiers(text).length > 0)
          .map(phraseText)
          .join(' AND ')
      : matchText(query.words)
  if (match === '') return []
  const stands = (word: string): boolean => db.get(fts.any(worktree), matchText([word])) !== undefined
  if (isForeign(query, stands)) return []
  const all =
    filter === null ? ranked(db, worktree, match) : db.all<Ranked>(fts.match(worktree), match, -1).filter(({ id }) => filter(rows(id)))
  return bestHits(
    all.map(({ id, rank }) => ({ doc: id, score: -rank })),
    rows,
  )
}

function ranked(db: Database, worktree: number, match: string): Ranked[] {
  const found = db.all<Ranked>(fts.match(worktree), match, MOST + 1)
  if (found.length <= MOST || found[MOST]!.rank !== found[MOST - 1]!.rank) return found.slice(0, MOST)
  const last = found[MOST]!.rank
  return [...found.filter(({ rank }) => rank < last), ...db.all<Ranked>(fts.ties(worktree), match, last)]
}
