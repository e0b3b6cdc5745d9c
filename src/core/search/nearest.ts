import type { Database } from '../storage/index.ts'
import { type Scan, createPlainScan, createScan } from './distances.ts'
import { SQL, vec0 } from './sql.ts'
import { type SpaceRow, idsOf, loadVec0, otherLength, rowsAfter, stateOf, vec0State } from './vector-store.ts'

/** sqlite-vec's limit. */
const MOST_VEC0 = 4096
/** Part by which a distance of vec0, a float, may differ from the integer's root. */
const TOLERANCE = 1e-5

/** Vectors near a query by their squared distance, nearest first; every vector nearer than `complete` is among them. */
export type Near = { ids: number[]; distances: number[]; complete: number }

/** Ways to find the nearest vectors. They differ in speed only. `undefined`: this one cannot tell. */
export type Nearest = { kind: 'vec0' | 'wasm' | 'plain'; find(query: Int8Array, most: number): Near | undefined }

/** By sqlite-vec: nothing is loaded but its library, so it suits a process that asks once. `undefined` where it cannot be believed. */
export function openVec0(db: Database, space: SpaceRow): Nearest | undefined {
  if (space.vec0 === null || space.count === 0) return undefined
  const version = loadVec0(db)
  if (version === null || space.vec0 !== vec0State(space, version)) return undefined
  return {
    kind: 'vec0',
    find(query, most) {
      if (query.length !== space.dimensions) throw otherLength(space.model, query.length, space.dimensions)
      if (most > MOST_VEC0 && space.count > MOST_VEC0) return undefined
      const asked = Math.min(most, space.count)
      const bytes = new Uint8Array(query.buffer, query.byteOffset, query.byteLength)
      const rows = askVec0(db, space.id, bytes, asked)
      if (rows.length !== asked) return undefined
      const near: [id: number, distance: number][] = []
      for (const [id, root] of rows) {
        const vector = db.get<{ vector: Uint8Array }>(SQL.vectorById, id)?.vector
        if (vector !== undefined && vector.length > 0 && vector.length !== query.length)
          throw otherLength(space.model, query.length, vector.length)
        const distance = vector?.length === query.length ? distanceOf(query, vector) : -1
        // what it holds is not what the rows say
        if (Math.abs(root * root - distance) > TOLERANCE * distance + 0.5) return undefined
        near.push([id, distance])
      }
      const last = rows.at(-1)![1]
      // two integers may have one root as a float: what is that near the end may have been left out
      const complete = asked === space.count ? Infinity : Math.floor(last * last * (1 - TOLERANCE)) - 1
      return sorted(near, complete)
    },
  }
}

/** Nothing where its tables are broken: the scan stands behind. */
function askVec0(db: Database, id: number, query: Uint8Array, most: number): [id: number, root: number][] {
  try {
    return db.values(vec0.nearest(id), query, BigInt(most)) as [number, number][]
  } catch {
    return []
  }
}

/** All vectors in memory. Costs a read of them, then a hundredth of that for each query. */
export type LoadedVectors = Nearest & {
  readonly space: SpaceRow
  /** Reads what was added since; false where all has to be read again. */ refresh(db: Database, space: SpaceRow): boolean
}

export function loadVectors(db: Database, space: SpaceRow, { plain = false } = {}): LoadedVectors {
  const scan = plain ? createPlainScan(space.dimensions) : createScan(space.dimensions, space.count)
  const ids: number[] = []
  let held = space
  if (space.segments !== stateOf(space) || !readSegments(db, space, scan, ids)) readRows(db, space, 0, scan, ids)
  return {
    kind: scan.kind,
    get space() {
      return held
    },
    refresh(own, now) {
      if (now.id !== held.id || now.generation !== held.generation || now.dimensions !== held.dimensions) return false
      if (now.last !== held.last) readRows(own, now, held.last, scan, ids)
      held = now
      return ids.length === now.count
    },
    find(query, most) {
      if (held.count === 0) return { ids: [], distances: [], complete: Infinity }
      if (query.length !== held.dimensions) throw otherLength(held.model, query.length, held.dimensions)
      return smallest(scan.distances(query), ids, most)
    },
  }
}

/** False where the segments are not what the space says; then nothing was read. */
function readSegments(db: Database, space: SpaceRow, scan: Scan, ids: number[]): boolean {
  const segments = (db.values(SQL.segments, space.id) as [Uint8Array, Uint8Array][]).map(([own, vectors]) => [idsOf(own), vectors] as const)
  const whole = segments.every(([own, vectors]) => vectors.length === own.length * space.dimensions)
  if (!whole || segments.reduce((sum, [own]) => sum + own.length, 0) !== space.count) return false
  for (const [own, vectors] of segments) {
    scan.append(new Int8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength))
    for (const id of own) ids.push(id)
  }
  return true
}

function readRows(db: Database, space: SpaceRow, after: number, scan: Scan, ids: number[]): void {
  let vectors: Uint8Array[] = []
  const append = (): void => {
    const joined = Buffer.concat(vectors)
    scan.append(new Int8Array(joined.buffer, joined.byteOffset, joined.byteLength))
    vectors = []
  }
  for (const [id, vector] of rowsAfter(db, space.model, after)) {
    ids.push(id)
    vectors.push(vector)
    if (vectors.length === 1024) append()
  }
  append()
}

/** Distances fall into so many ranges; whole ranges are taken until there are enough. */
const RANGES = 4096

function smallest(distances: Int32Array, ids: readonly number[], most: number): Near {
  let top = 0
  for (const distance of distances) if (distance > top) top = distance
  const width = Math.floor(top / RANGES) + 1
  const counts = new Int32Array(RANGES + 1)
  for (const distance of distances) counts[Math.floor(distance / width)]!++
  let [range, taken] = [0, 0]
  while (range <= RANGES && taken < most) taken += counts[range++]!
  const complete = taken >= distances.length ? Infinity : range * width
  const near: [number, number][] = []
  for (let at = 0; at < distances.length; at++) if (distances[at]! < complete) near.push([ids[at]!, distances[at]!])
  return sorted(near, complete)
}

function sorted(near: [id: number, distance: number][], complete: number): Near {
  near.sort((a, b) => a[1] - b[1] || a[0] - b[0])
  return { ids: near.map(([id]) => id), distances: near.map(([, distance]) => distance), complete }
}

/** Squared distance of a query and the bytes of a stored vector. */
export function distanceOf(query: Int8Array, bytes: Uint8Array): number {
  const vector = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let sum = 0
  for (let at = 0; at < query.length; at++) {
    const difference = query[at]! - vector[at]!
    sum += difference * difference
  }
  return sum
}
