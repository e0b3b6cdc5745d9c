import type { Database } from '../storage/index.ts'
import { type SymbolRow, textOf } from './analyze.ts'
import { type CandidateRow, type Definition, createNarrow, createRows, symbolLeg } from './candidates.ts'
import { globOf } from './glob.ts'
import { type Legs, type Scored, fuse } from './fuse.ts'
import { blobId, readBytes } from './listing.ts'
import type { Query } from './query.ts'
import type { SearchHit, SearchRequest } from './result.ts'
import { SQL } from './sql.ts'
import { type VectorQuery, vectorLeg } from './vectors.ts'
import { wordLeg } from './word-leg.ts'
import { splitIdentifiers } from '../embedding/index.ts'

export type IndexedDeps = {
  db: Database
  worktree: number
  root: string
  format: 'sha1' | 'sha256'
  /** Paths the index does not know as they are: they are not answered from it. */
  stale: ReadonlySet<string>
  /** The query's vector; `null` where the search is by words only. */
  meaning: VectorQuery | null
}

export type IndexedAnswer = {
  hits: SearchHit[]
  belowFloor: number
  /** Files whose bytes are others than the index says. */ changed: string[]
}

/** Whether a path and a language are asked for; `null` where everything is. */
export function createWanted({
  language,
  path,
}: Pick<SearchRequest, 'language' | 'path'>): ((path: string, language: string) => boolean) | null {
  if (language === undefined && path === undefined) return null
  const matches = path === undefined ? () => true : globOf(path)
  return (candidate, own) => (language === undefined || own === language) && matches(candidate)
}

/** The pipeline over one index: legs, fusion, and the check that each file still is what the index says. */
export function searchIndex(deps: IndexedDeps, query: Query, request: SearchRequest, limit: number): IndexedAnswer {
  const { db, worktree, stale } = deps
  const wanted = createWanted(request)
  const rows = createRows(db)
  db.run('BEGIN') // one state of the index for all legs
  try {
    const narrow =
      wanted === null && stale.size === 0
        ? null
        : createNarrow(db, worktree, (path, language) => !stale.has(path) && (wanted === null || wanted(path, language)))
    const legs: Legs = {
      symbol: symbolLeg(db, worktree, query, rows, narrow),
      ...(request.kind !== 'symbol' && { words: wordLeg(db, worktree, query, rows, narrow) }),
    }
    const near = deps.meaning === null || request.kind === 'symbol' ? null : vectorLeg(db, worktree, deps.meaning, rows, narrow)
    if (near !== null) legs.vector = near.hits
    const answer = collect(deps, query, fuse(query, legs, rows), request, limit, near?.similarityOf ?? (() => null))
    return { ...answer, belowFloor: near?.belowFloor ?? 0 }
  } finally {
    db.run('COMMIT')
  }
}

function collect(
  deps: IndexedDeps,
  query: Query,
  scored: readonly Scored[],
  request: SearchRequest,
  limit: number,
  similarityOf: (doc: number) => number | null,
): IndexedAnswer {
  const { db, root, format } = deps
  const files = new Map<string, Uint8Array | undefined>()
  const answer: IndexedAnswer = { hits: [], belowFloor: 0, changed: [] }
  const read = ({ path, oid }: CandidateRow): Uint8Array | undefined => {
    if (!files.has(path)) {
      const bytes = readBytes(root, path)
      const same = bytes !== undefined && blobId(bytes, format) === oid
      files.set(path, same ? bytes : undefined)
      if (!same) answer.changed.push(path)
    }
    return files.get(path)
  }
  for (const entry of scored) {
    if (answer.hits.length >= limit) break
    const bytes = read(entry.row)
    if (bytes === undefined) continue
    const content = textOf(bytes, entry.row)
    // the end of a long block: a brace answers nothing
    if (splitIdentifiers(content).length === 0) continue
    if (!query.quoted.every((text) => content.toLowerCase().includes(text.toLowerCase()))) continue
    const hit = toHit(entry, content, entry.definition ?? definitionIn(db, entry.row, query), request.explain === true)
    answer.hits.push({ ...hit, similarity: similarityOf(entry.row.id) })
  }
  return answer
}

function toHit({ row, score, legs, factors }: Scored, content: string, definition: Definition | undefined, explain: boolean): SearchHit {
  const inside = definition !== undefined && definition.line >= row.line && definition.line <= row.lineEnd
  return {
    id: row.hash,
    path: row.path,
    line: inside ? definition.line : row.line,
    lineEnd: inside ? Math.min(definition.lineEnd, row.lineEnd) : row.lineEnd,
    symbol: inside ? (definition.container === null ? definition.name : `${definition.container}.${definition.name}`) : row.symbol,
    kind: inside ? definition.kind : row.kind,
    language: row.language,
    content,
    similarity: null,
    lexical: legs.words?.score ?? null,
    score,
    explain: explain ? { legs: Object.entries(legs).map(([name, leg]) => ({ name, ...leg })), factors } : null,
  }
}

/** In a piece that holds several definitions, the one whose name says most of the query. */
function definitionIn(db: Database, row: CandidateRow, query: Query): Definition | undefined {
  const asked = new Set(query.words)
  let best: { definition: SymbolRow; words: number } | undefined
  for (const definition of db.all<SymbolRow>(SQL.symbolsOf, row.blob)) {
    if (definition.line < row.line || definition.line > row.lineEnd) continue
    const words = splitIdentifiers(definition.name).filter((word) => asked.has(word)).length
    if (words > (best?.words ?? 0)) best = { definition, words }
  }
  // a name inside a longer piece is not what the piece is
  return best !== undefined && (row.symbol === null || row.kind === 'block') ? best.definition : undefined
}
