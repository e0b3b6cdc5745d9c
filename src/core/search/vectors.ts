import type { Database } from '../storage/index.ts'
import { textOf } from './analyze.ts'
import { type Filter, type LegHit, MOST, type Rows, bestHits } from './candidates.ts'
import { blobId, readBytes } from './listing.ts'
import { SQL } from './sql.ts'
import type { VectorSpace } from './vector-space.ts'
import type { SpaceCard } from '../embedding/index.ts'
import { SingularityError } from '../kernel/index.ts'

/** Texts that become vectors in one transaction. */
const BATCH = 500

/** Where scale and calibration of a space are kept, beside its vectors. */
const cardKey = (id: string): string => `space ${id}`

type Missing = { hash: string; symbol: string | null; start: number; end: number; path: string; oid: string }

export type VectorFigures = { embedded: number; reused: number }

/** How many pieces of a worktree have no vector in this space. */
export function countMissing(db: Database, worktree: number, { id }: { id: string }): number {
  return db.get<{ missing: number }>(SQL.countMissing, { worktree, model: id })!.missing
}

/** Gets a space ready with what is kept of it; `keep`: what is measured is written. @throws EMBEDDING_MISMATCH */
export async function prepareSpace(db: Database, space: VectorSpace, keep = false): Promise<void> {
  if (space.prepare === undefined) return
  const kept = db.get<{ value: string }>(SQL.getMeta, cardKey(space.id))
  const card = await space.prepare(kept === undefined ? undefined : (JSON.parse(kept.value) as SpaceCard))
  if (keep && kept === undefined) db.run(SQL.setMeta, cardKey(space.id), JSON.stringify(card))
}

/**
 * Makes the vectors that are missing, after the rows are written: for new pieces, after a kill, and all of them beside the old ones when
 * the model is another. A text that changed meanwhile is left for the next run.
 */
export async function fillVectors(
  deps: { db: Database; worktree: number; root: string; format: 'sha1' | 'sha256'; space: VectorSpace },
  options: { signal?: AbortSignal | undefined; onBatch?: (done: number, of: number) => void } = {},
): Promise<VectorFigures> {
  const { db, worktree, root, format, space } = deps
  const missing = db.all<Missing>(SQL.missingVectors, { worktree, model: space.id })
  const figures: VectorFigures = { embedded: 0, reused: 0 }
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
    db.transaction(() => {
      for (const [index, { hash }] of batch.entries()) db.run(SQL.addVector, space.id, hash, bytesOf(vectors[index]))
    })
    figures.embedded += batch.length
    options.onBatch?.(Math.min(at + size, missing.length), missing.length)
  }
  if (figures.embedded === missing.length) dropOthers(db, worktree, space)
  figures.reused = db.get<{ vectors: number }>(SQL.countVectors, { worktree, model: space.id })!.vectors - figures.embedded
  return figures
}

/** Another model answered so far; it goes when no worktree needs it any more. */
function dropOthers(db: Database, worktree: number, space: VectorSpace): void {
  const needed = db.all<{ id: number }>(SQL.worktrees).some(({ id }) => id !== worktree && countMissing(db, id, space) > 0)
  if (needed) return
  db.transaction(() => {
    db.run(SQL.dropOtherVectors, space.id)
    db.run(SQL.dropOtherCards, cardKey(space.id))
  })
}

/** An empty vector stands for a text without words: it is not asked again. */
function bytesOf(vector: Int8Array | undefined): Uint8Array {
  return vector === undefined ? new Uint8Array() : new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
}

export type VectorAnswer = {
  hits: LegHit[]
  /** Of every piece that has a vector. */ similarityOf: (doc: number) => number | null
  belowFloor: number
}

/** The nearest pieces by integer distance, whatever the order of their rows; those below the floor are counted only. */
export function vectorLeg(
  db: Database,
  worktree: number,
  { space, query, floor }: { space: VectorSpace; query: Int8Array; floor: number },
  rows: Rows,
  filter: Filter | null,
): VectorAnswer {
  const distances = new Map<number, number>()
  for (const [doc, vector] of db.values(SQL.vectors, { worktree, model: space.id }) as [number, Uint8Array][])
    if (vector.length > 0) distances.set(doc, distanceOf(query, sameLength(query, vector, space.id)))
  const sorted = [...distances].sort((a, b) => a[1] - b[1])
  const near: LegHit[] = []
  let [belowFloor, last] = [0, Infinity]
  for (const [doc, distance] of sorted) {
    if (near.length >= MOST && distance > last) break
    if (filter !== null && !filter(rows(doc))) continue
    last = distance
    near.push({ doc, score: space.similarity(distance) })
  }
  const hits = bestHits(near, rows).filter(({ score }) => score >= floor || (belowFloor++, false))
  const similarityOf = (doc: number): number | null => {
    const distance = distances.get(doc)
    return distance === undefined ? null : space.similarity(distance)
  }
  return { hits, similarityOf, belowFloor }
}

function sameLength(query: Int8Array, vector: Uint8Array, id: string): Uint8Array {
  if (vector.length === query.length) return vector
  throw new SingularityError(
    'EMBEDDING_MISMATCH',
    `The index has a vector of ${vector.length} numbers for ${id}, which makes ${query.length}.`,
    {
      hints: ['singularity index --full'],
    },
  )
}

function distanceOf(a: Int8Array, bytes: Uint8Array): number {
  const b = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let sum = 0
  for (let at = 0; at < a.length; at++) {
    const difference = a[at]! - b[at]!
    sum += difference * difference
  }
  return sum
}
