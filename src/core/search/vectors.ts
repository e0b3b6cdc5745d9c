import type { SpaceCard } from '../embedding/index.ts'
import type { Database } from '../storage/index.ts'
import { textOf } from './analyze.ts'
import { type LegHit, MOST, type Narrow, type Rows, bestHits } from './candidates.ts'
import { blobId, readBytes } from './listing.ts'
import { type Near, type Nearest, distanceOf } from './nearest.ts'
import { SQL } from './sql.ts'
import type { VectorSpace } from './vector-space.ts'
import { addVectors, cardKey, deriveForms, dropOtherSpaces, otherLength, readSpace } from './vector-store.ts'

/** Texts that become vectors in one transaction. */
const BATCH = 500

type Missing = { hash: string; symbol: string | null; start: number; end: number; path: string; oid: string }

/** How many pieces of a worktree have no vector in this space. */
export function countMissing(db: Database, worktree: number, { id }: { id: string }): number {
  if (embeddedModel(db, worktree) !== id) return db.get<{ missing: number }>(SQL.countMissing, { worktree, model: id })!.missing
  if (db.get(SQL.hasFresh, worktree) === undefined) return 0
  return db.get<{ missing: number }>(SQL.countMissingFresh, { worktree, model: id })!.missing
}

/** Gets a space ready with what is kept of it; `keep`: what is measured is written. @throws EMBEDDING_MISMATCH */
export async function prepareSpace(db: Database, space: VectorSpace, keep = false): Promise<void> {
  if (space.prepare === undefined) return
  const kept = db.get<{ value: string }>(SQL.getMeta, cardKey(space.id))
  const card = await space.prepare(kept === undefined ? undefined : (JSON.parse(kept.value) as SpaceCard))
  if (keep && kept === undefined) db.run(SQL.setMeta, cardKey(space.id), JSON.stringify(card))
}

function embeddedModel(db: Database, worktree: number): string | null {
  return db.get<{ embedded: string | null }>('SELECT embedded FROM worktree WHERE id = ?', worktree)?.embedded ?? null
}

/**
 * Makes the vectors that are missing, after the rows are written: for new pieces, after a kill, and all of them beside the old ones when
 * the model is another. A text that changed meanwhile is left for the next run. Answers how many were made.
 */
export async function fillVectors(
  deps: { db: Database; worktree: number; root: string; format: 'sha1' | 'sha256'; space: VectorSpace },
  options: {
    signal?: AbortSignal | undefined
    onBatch?: (done: number, of: number) => void
    /** The vectors of other models stay: they are being made, and this space answers meanwhile. */ beside?: boolean
  } = {},
): Promise<number> {
  const { db, worktree, root, format, space } = deps
  const known = embeddedModel(db, worktree) === space.id
  const missing = db.all<Missing>(known ? SQL.missingFresh : SQL.missingVectors, { worktree, model: space.id })
  let embedded = 0
  let [path, bytes] = ['', undefined as Uint8Array | undefined]
  const size = space.pace?.batch ?? BATCH
  if (missing.length > 0) await prepareSpace(db, space, true)
  for (let at = 0; at < missing.length && !options.signal?.aborted; at += size) {
    const batch = missing.slice(at, at + size).flatMap((each) => {
      if (each.path !== path) {
        path = each.path
        bytes = readBytes(root, path)
        if (bytes !== undefined && blobId(bytes, format) !== each.oid) bytes = undefined
      }
      return bytes === undefined ? [] : [{ hash: each.hash, name: each.symbol ?? '', text: textOf(bytes, each) }]
    })
    const vectors = await space.embedDocuments(batch)
    db.transaction(() =>
      addVectors(
        db,
        space.id,
        batch.map(({ hash }, index) => ({ hash, vector: vectors[index] })),
      ),
    )
    embedded += batch.length
    options.onBatch?.(Math.min(at + size, missing.length), missing.length)
  }
  if (embedded === missing.length)
    db.transaction(() => {
      db.run(SQL.dropFresh, worktree)
      db.run(SQL.embedded, space.id, worktree)
      if (options.beside !== true && !db.all<{ id: number }>(SQL.worktrees).some(({ id }) => id !== worktree && needs(db, id, space)))
        dropOtherSpaces(db, space.id)
    })
  deriveForms(db, space.id)
  return embedded
}

/** Whether another worktree is still answered by another model. */
function needs(db: Database, worktree: number, space: VectorSpace): boolean {
  const model = embeddedModel(db, worktree)
  return model !== null && model !== space.id && countMissing(db, worktree, space) > 0
}

/** Distinct vectors of the pieces of a worktree. */
export function countVectors(db: Database, worktree: number, space: VectorSpace): number {
  return db.get<{ vectors: number }>(SQL.countVectors, { worktree, model: space.id })!.vectors
}

export type VectorAnswer = {
  hits: LegHit[]
  /** Of every piece that has a vector. */ similarityOf: (doc: number) => number | null
  belowFloor: number
}

/** First number of vectors that are asked for: some of them belong to other worktrees, some to several pieces. */
const FIRST = 2 * MOST
const GROWTH = 8
/** Where a filter lets so few pieces pass, each of them is looked at. */
const FEW = 4000

export type VectorQuery = {
  space: VectorSpace
  query: Int8Array
  floor: number
  nearest: (db: Database, model: string) => readonly Nearest[]
}

/** The nearest pieces by integer distance, whatever the order of their rows; those below the floor are counted only. */
export function vectorLeg(
  db: Database,
  worktree: number,
  { space, query, floor, nearest }: VectorQuery,
  rows: Rows,
  narrow: Narrow | null,
): VectorAnswer {
  const dimensions = readSpace(db, space.id)?.dimensions ?? 0
  if (dimensions > 0 && dimensions !== query.length) throw otherLength(space.id, query.length, dimensions)
  const few = narrow?.few(FEW) ?? null
  const near = few === null ? growNear(db, worktree, query, nearest(db, space.id), narrow) : nearOf(db, space.id, query, few)
  let belowFloor = 0
  const hits = bestHits(
    near.map(([doc, distance]) => ({ doc, score: space.similarity(distance) })),
    rows,
  ).filter(({ score }) => score >= floor || (belowFloor++, false))
  const similarityOf = (doc: number): number | null => {
    const vector = db.get<{ vector: Uint8Array }>(SQL.vectorOfDoc, space.id, doc)?.vector
    return vector === undefined || vector.length === 0 ? null : space.similarity(distanceOf(query, vector))
  }
  return { hits, similarityOf, belowFloor }
}

type NearDoc = [doc: number, distance: number]

/** Asks for more and more vectors until there are enough pieces of this worktree, with all that are as near as the last. */
function growNear(db: Database, worktree: number, query: Int8Array, nearest: readonly Nearest[], narrow: Narrow | null): NearDoc[] {
  for (let most = FIRST; ; most *= GROWTH) {
    let found: Near | undefined
    for (const each of nearest) if ((found = each.find(query, most)) !== undefined) break
    if (found === undefined) return []
    const docs = docsOf(db, worktree, found, narrow)
    if (docs !== undefined) return docs
  }
}

/** `undefined` where pieces that are as near as the last may be missing. */
function docsOf(db: Database, worktree: number, { ids, distances, complete }: Near, narrow: Narrow | null): NearDoc[] | undefined {
  const docs: NearDoc[] = []
  let last = -1
  for (const [at, id] of ids.entries()) {
    const distance = distances[at]!
    if (docs.length >= MOST && distance > last) return docs
    if (distance >= complete) return undefined
    for (const [doc] of db.values(SQL.docsOfVector, id, worktree) as [number][]) {
      if (narrow !== null && !narrow.allows(doc)) continue
      docs.push([doc, distance])
      last = distance
    }
  }
  return complete === Infinity || docs.length >= MOST ? docs : undefined
}

function nearOf(db: Database, model: string, query: Int8Array, docs: readonly number[]): NearDoc[] {
  const found = docs
    .flatMap((doc): NearDoc[] => {
      const vector = db.get<{ vector: Uint8Array }>(SQL.vectorOfDoc, model, doc)?.vector
      return vector === undefined || vector.length === 0 ? [] : [[doc, distanceOf(query, vector)]]
    })
    .sort((a, b) => a[1] - b[1])
  const last = found[MOST - 1]?.[1] ?? Infinity
  return found.filter(([, distance]) => distance <= last)
}
