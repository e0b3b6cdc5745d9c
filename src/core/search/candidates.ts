import type { Database } from '../storage/index.ts'
import type { Query } from './query.ts'
import { SQL } from './sql.ts'

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
