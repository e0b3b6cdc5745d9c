import { SingularityError } from '../kernel/index.ts'
import type { Database } from '../storage/index.ts'
import { SQL, vec0 } from './sql.ts'

/** Where scale and calibration of a space are kept, beside its vectors. */
export const cardKey = (id: string): string => `space ${id}`

/** Vectors of one segment: a read of a whole segment costs little more than one of a single row. */
const SEGMENT = 1024

/** What is known of the vectors of one model. `generation` is raised whenever one goes; within a generation they are only added. */
export type SpaceRow = {
  id: number
  model: string
  /** 0 while there is none. */
  dimensions: number
  generation: number
  /** The newest vector. */
  last: number
  count: number
  /** States of the rows that the derived forms hold; `null` where there is none. */
  segments: string | null
  vec0: string | null
}

/** The state of the rows, as a derived form has to hold it. */
export const stateOf = ({ generation, last, count }: SpaceRow): string => `${generation}/${last}/${count}`

/** `vec0` is of another build of its library where that is another version. */
export const vec0State = (space: SpaceRow, version: string): string => `${stateOf(space)}/${version}`

export function readSpace(db: Database, model: string): SpaceRow | undefined {
  return db.get<SpaceRow>(SQL.space, model)
}

/**
 * Adds vectors, inside a transaction. An empty one stands for a text without words: it is not asked again.
 * @throws EMBEDDING_MISMATCH where they are of another length than those that are there
 */
export function addVectors(db: Database, model: string, vectors: readonly { hash: string; vector: Int8Array | undefined }[]): void {
  const space = readSpace(db, model) ?? db.get<SpaceRow>(SQL.addSpace, model)!
  let { dimensions, last, count } = space
  for (const { hash, vector } of vectors) {
    const bytes = vector === undefined ? new Uint8Array() : new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
    const id = db.get<{ id: number }>(SQL.addVector, model, hash, bytes)?.id
    if (id === undefined || bytes.length === 0) continue
    if (dimensions === 0) dimensions = bytes.length
    if (bytes.length !== dimensions) throw otherLength(model, bytes.length, dimensions)
    last = id
    count++
  }
  db.run(SQL.growSpace, dimensions, last, count, space.id)
}

export function otherLength(model: string, found: number, expected: number): SingularityError {
  return new SingularityError('EMBEDDING_MISMATCH', `The index has a vector of ${expected} numbers for ${model}, which makes ${found}.`, {
    hints: ['singularity index --full'],
  })
}

/** Takes vectors out that no piece has any more. `spare`: so many may stay, as taking some out makes the derived forms anew. */
export function dropUnusedVectors(db: Database, spare = 0): void {
  if (spare > 0 && db.get<{ count: number }>(SQL.countUnusedVectors)!.count <= spare) return
  if (db.run(SQL.dropUnusedVectors) > 0) db.run(SQL.shrinkSpaces)
}

/** Forgets every other model. */
export function dropOtherSpaces(db: Database, model: string): void {
  const others = db.all<SpaceRow>(SQL.spaces).filter((each) => each.model !== model)
  if (others.length === 0) return
  db.transaction(() => {
    for (const { id } of others) {
      dropVec0(db, id)
      db.run(SQL.dropSpace, id)
    }
    db.run(SQL.dropOtherVectors, model)
    db.run(SQL.dropOtherCards, cardKey(model))
    db.run(SQL.forgetEmbedded, model)
  })
}

/** Brings segments and vec0 in line with the rows; vec0 where its library loads. Costs next to nothing where they are. */
export function deriveForms(db: Database, model: string): void {
  const space = readSpace(db, model)
  if (space === undefined) return
  if (space.segments !== stateOf(space)) db.transaction(() => writeSegments(db, space))
  const version = loadVec0(db)
  if (version !== null && space.vec0 !== vec0State(space, version)) db.transaction(() => writeVec0(db, space, version))
  else if (version === null && space.vec0 !== null && !space.vec0.startsWith(`${space.generation}/`))
    db.transaction(() => dropVec0(db, space.id))
}

/** Version of sqlite-vec in this connection; `null` where it does not load. */
export function loadVec0(db: Database): string | null {
  try {
    return db.loadVectors()
  } catch {
    return null // `doctor` tells why; the scan finds the same
  }
}

/** Where a form that holds an older state of the same generation ends; 0 where it has to be made anew. */
function endOf(state: string | null, { generation }: SpaceRow, version?: string): number {
  const [own, last, , of] = state?.split('/') ?? []
  return Number(own) === generation && of === version ? Number(last) : 0
}

type Added = [id: number, vector: Uint8Array]

/** The vectors of a model behind one of them, in the order they came. */
export function* rowsAfter(db: Database, model: string, after: number): Generator<Added> {
  for (let from = after; ;) {
    const rows = db.values(SQL.vectorsAfter, model, from, SEGMENT) as Added[]
    yield* rows
    if (rows.length < SEGMENT) return
    from = rows.at(-1)![0]
  }
}

function writeSegments(db: Database, space: SpaceRow): void {
  const { id, dimensions, model } = space
  const from = endOf(space.segments, space)
  if (from === 0) db.run(SQL.dropSegments, id)
  const open = db.get<{ id: number; ids: Uint8Array; vectors: Uint8Array }>(SQL.lastSegment, id)
  const rows: Added[] = []
  if (open !== undefined && open.ids.length < SEGMENT * 4) {
    for (const [at, each] of idsOf(open.ids).entries()) rows.push([each, open.vectors.subarray(at * dimensions, (at + 1) * dimensions)])
    db.run(SQL.dropSegment, open.id)
  }
  const write = (): void => {
    if (rows.length > 0) db.run(SQL.addSegment, id, bytesOfIds(rows), Buffer.concat(rows.map(([, vector]) => vector)))
    rows.length = 0
  }
  for (const row of rowsAfter(db, model, from)) {
    rows.push(row)
    if (rows.length === SEGMENT) write()
  }
  write()
  db.run(SQL.segmentsHold, stateOf(space), id)
}

/** Numbers of 32 bits, the lowest byte first. */
export function idsOf(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.slice().buffer)
}

function bytesOfIds(rows: readonly Added[]): Uint8Array {
  return new Uint8Array(Int32Array.from(rows, ([each]) => each).buffer)
}

function writeVec0(db: Database, space: SpaceRow, version: string): void {
  const { id, dimensions, model } = space
  let from = endOf(space.vec0, space, version)
  if (from > 0 && db.get<{ count: number }>(vec0.count(id))!.count !== Number(space.vec0!.split('/')[2])) from = 0
  if (from === 0) {
    dropVec0(db, id)
    if (dimensions > 0) db.run(vec0.create(id, dimensions))
  }
  for (const [own, vector] of rowsAfter(db, model, from)) db.run(vec0.add(id), own, vector)
  db.run(SQL.vec0Holds, vec0State(space, version), id)
}

/** Forms that claim to hold the rows and do not, in words. */
export function findWrongForms(db: Database): string[] {
  return db.all<SpaceRow>(SQL.spaces).flatMap((space) => {
    const wrong: string[] = []
    const segments = (db.values(SQL.segments, space.id) as [Uint8Array, Uint8Array][]).flatMap(([ids, vectors]) =>
      [...idsOf(ids)].map((id, at): Added => [id, vectors.subarray(at * space.dimensions, (at + 1) * space.dimensions)]),
    )
    if (space.segments === stateOf(space) && !holdsRows(db, space, segments)) wrong.push('the segments of vectors')
    const version = loadVec0(db)
    if (version !== null && space.dimensions > 0 && space.vec0 === vec0State(space, version))
      if (!holdsRows(db, space, db.values(vec0.all(space.id)) as Added[])) wrong.push('the vectors of sqlite-vec')
    return wrong
  })
}

function holdsRows(db: Database, { model, count }: SpaceRow, held: readonly Added[]): boolean {
  let at = 0
  for (const [id, vector] of rowsAfter(db, model, 0)) {
    const own = held[at++]
    if (own === undefined || own[0] !== id || Buffer.compare(own[1], vector) !== 0) return false
  }
  return at === held.length && at === count
}

/** Also where its library does not load: nothing of a forgotten text may stay in the file. */
function dropVec0(db: Database, id: number): void {
  if (loadVec0(db) !== null) db.run(vec0.drop(id))
  else for (const { name } of db.all<{ name: string }>(SQL.vec0Tables, `vec_${id}_*`)) db.run(`DELETE FROM "${name}"`)
  db.run(SQL.vec0Holds, null, id)
}
