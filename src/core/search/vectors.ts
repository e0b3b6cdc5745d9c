import type { Database } from '../storage/index.ts'
import { textOf } from './analyze.ts'
import { type Filter, type LegHit, MOST, type Rows, bestHits } from './candidates.ts'
import { blobId, readBytes } from './listing.ts'
import { SQL } from './sql.ts'
import type { VectorSpace } from './vector-space.ts'

/** Texts that become vectors in one transaction. */
const BATCH = 500

type Missing = { hash: string; symbol: string | null; start: number; end: number; path: string; oid: string }

export type VectorFigures = { embedded: number; reused: number }

/** How many pieces of a worktree have no vector in this space. */
export function countMissing(db: Database, worktree: number, space: VectorSpace): number {
  return db.get<{ missing: number }>(SQL.countMissing, { worktree, model: space.id })!.missing
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
  for (let at = 0; at < missing.length && !options.signal?.aborted; at += BATCH) {
    const batch = missing.slice(at, at + BATCH).flatMap((each) => {
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
    options.onBatch?.(Math.min(at + BATCH, missing.length), missing.length)
  }
  if (figures.embedded === missing.length) db.run(SQL.dropOtherVectors, space.id)
  figures.reused = db.get<{ vectors: number }>(SQL.countVectors, { worktree, model: space.id })!.vectors - figures.embedded
  return figures
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
    if (vector.length > 0) distances.set(doc, distanceOf(query, vector))
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

function distanceOf(a: Int8Array, bytes: Uint8Array): number {
  const b = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let sum = 0
  for (let at = 0; at < a.length; at++) {
    const difference = a[at]! - b[at]!
    sum += difference * difference
  }
  return sum
}
