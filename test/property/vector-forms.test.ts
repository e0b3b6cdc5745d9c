import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { INDEX_APPLICATION_ID, INDEX_MIGRATIONS } from '../../src/core/search/migrations.ts'
import { type Near, type Nearest, loadVectors, openVec0 } from '../../src/core/search/nearest.ts'
import { SQL, vec0 } from '../../src/core/search/sql.ts'
import {
  addVectors,
  deriveForms,
  dropOtherSpaces,
  dropUnusedVectors,
  findWrongForms,
  readSpace,
} from '../../src/core/search/vector-store.ts'
import { type Database, openDatabase } from '../../src/core/storage/index.ts'

const MODEL = 'random'

let folder: string
let db: Database
let made = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'singularity-vectors-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function open(): Database {
  return openDatabase({
    path: join(folder, `index-${made++}.db`),
    applicationId: INDEX_APPLICATION_ID,
    migrations: INDEX_MIGRATIONS,
    shadowTables: true,
  })
}

const store = (vectors: readonly Int8Array[], from = 0): void =>
  db.transaction(() =>
    addVectors(
      db,
      MODEL,
      vectors.map((vector, at) => ({ hash: `${from + at}`, vector: vector.length === 0 ? undefined : vector })),
    ),
  )

/** The three ways, from what is stored now. */
function ways(): [vec0: Nearest, wasm: Nearest, plain: Nearest] {
  const space = readSpace(db, MODEL)!
  return [openVec0(db, space)!, loadVectors(db, space), loadVectors(db, space, { plain: true })]
}

/** What is certain: everything nearer than `complete`. */
const certain = ({ ids, distances, complete }: Near): [number, number][] =>
  ids.map((id, at): [number, number] => [id, distances[at]!]).filter(([, distance]) => distance < complete)

function bruteForce(query: Int8Array, nearer: number): [number, number][] {
  return (db.values('SELECT id, vector FROM embedding WHERE model = ? AND length(vector) > 0', MODEL) as [number, Uint8Array][])
    .map(([id, bytes]): [number, number] => [id, new Int8Array(bytes).reduce((sum, each, at) => sum + (each - query[at]!) ** 2, 0)])
    .filter(([, distance]) => distance < nearer)
    .sort((a, b) => a[1] - b[1] || a[0] - b[0])
}

/** Few values and few vectors of the pool make ties and duplicates; the ends of int8 make the largest sums. */
const cases = fc.constantFrom(3, 16, 24, 128, 200).chain((dimensions) => {
  const number = fc.oneof(fc.integer({ min: -128, max: 127 }), fc.constantFrom(-128, 127, 0))
  const vector = fc.array(number, { minLength: dimensions, maxLength: dimensions }).map((numbers) => Int8Array.from(numbers))
  return fc.record({
    pool: fc.array(vector, { minLength: 1, maxLength: 12 }),
    places: fc.array(fc.nat(30), { minLength: 1, maxLength: 120 }),
    query: vector,
    most: fc.integer({ min: 1, max: 150 }),
  })
})

describe('three ways to find the nearest vectors', () => {
  it('give the same ids and distances, with ties and duplicates, and say how far they are complete', () => {
    fc.assert(
      fc.property(cases, ({ pool, places, query, most }) => {
        db = open()
        try {
          // some are texts without words
          store(places.map((place) => pool[place] ?? (place % 2 === 0 ? new Int8Array() : pool[0]!)))
          deriveForms(db, MODEL)
          const { count } = readSpace(db, MODEL)!
          if (count === 0) return
          const [byVec0, wasm, plain] = ways()
          expect([byVec0.kind, wasm.kind, plain.kind]).toEqual(['vec0', 'wasm', 'plain'])
          const answers = [byVec0, wasm, plain].map((way) => way.find(query, most)!)
          expect(answers[1]).toEqual(answers[2])
          for (const answer of answers) expect(certain(answer)).toEqual(bruteForce(query, answer.complete))
          for (const way of [byVec0, wasm, plain]) expect(certain(way.find(query, count)!)).toEqual(bruteForce(query, Infinity))
        } finally {
          db.close()
        }
      }),
      { numRuns: 40 },
    )
  }, 60_000)
})

describe('what is made of the rows', () => {
  const at = (seed: number): Int8Array => Int8Array.from({ length: 16 }, (_, place) => ((seed * 31 + place * 17) % 255) - 127)
  const query = at(3)
  const nearest = (way: Nearest | undefined): number[] | undefined => way?.find(query, 5)?.ids.slice(0, 5)
  const fill = (count: number): void => {
    db = open()
    store(Array.from({ length: count }, (_, seed) => at(seed)))
    deriveForms(db, MODEL)
  }

  it('grows with them, in memory too, over the ends of segments', () => {
    fill(1500)
    const space = readSpace(db, MODEL)!
    const memory = loadVectors(db, space)
    store(
      Array.from({ length: 700 }, (_, seed) => at(seed + 1500)),
      1500,
    )
    const now = readSpace(db, MODEL)!
    expect(openVec0(db, now)).toBeUndefined() // not yet what the rows say
    expect(memory.refresh(db, now)).toBe(true)
    deriveForms(db, MODEL)
    const [byVec0, wasm] = ways()
    expect(memory.find(query, 2200)).toEqual(wasm.find(query, 2200))
    expect(byVec0.find(query, 2200)).toEqual(wasm.find(query, 2200))
    expect(db.values('SELECT length(ids) / 4 FROM segment ORDER BY id')).toEqual([[1024], [1024], [152]])
    db.close()
  })

  it('is made anew when a vector goes, and leaves nothing of it in the file', () => {
    fill(40)
    const before = readSpace(db, MODEL)!
    const memory = loadVectors(db, before)
    dropUnusedVectors(db, 100)
    expect(readSpace(db, MODEL)).toEqual(before) // so few may stay
    dropUnusedVectors(db)
    const after = readSpace(db, MODEL)!
    expect(after).toMatchObject({ count: 0, generation: 1 })
    expect(memory.refresh(db, after)).toBe(false)
    expect(openVec0(db, after)).toBeUndefined()
    deriveForms(db, MODEL)
    expect(db.values('SELECT count(*) FROM segment')).toEqual([[0]])
    expect(db.values(vec0.count(after.id))).toEqual([[0]])
    db.close()
  })

  it('is not believed where it is not what the rows say', () => {
    fill(60)
    const space = readSpace(db, MODEL)!
    const right = nearest(loadVectors(db, space))
    const [first] = right!
    // another version of the library, rows that are missing, a vector that is another: each is seen
    expect(openVec0(db, { ...space, vec0: `${space.vec0}-other` })).toBeUndefined()
    db.run(`DELETE FROM vec_${space.id} WHERE rowid = ${first}`)
    expect(openVec0(db, space)!.find(query, 60)).toBeUndefined()
    db.run(vec0.add(space.id), first!, new Uint8Array(at(50).buffer))
    expect(openVec0(db, space)!.find(query, 60)).toBeUndefined()
    expect(findWrongForms(db)).toEqual(['the vectors of sqlite-vec'])
    db.run('UPDATE segment SET vectors = substr(vectors, 1, 100)')
    expect(findWrongForms(db)).toEqual(['the segments of vectors', 'the vectors of sqlite-vec'])
    expect(nearest(loadVectors(db, space))).toEqual(right)
    db.run(`UPDATE vec_${space.id}_vector_chunks00 SET vectors = zeroblob(7)`)
    expect(openVec0(db, space)!.find(query, 60)).toBeUndefined()
    // the next writer makes both again
    db.run(SQL.vec0Holds, '0/1/1', space.id)
    db.run(SQL.segmentsHold, null, space.id)
    deriveForms(db, MODEL)
    expect(ways().map(nearest)).toEqual([right, right, right])
    expect(findWrongForms(db)).toEqual([])
    db.close()
  })

  it('is done without where the library does not load, and nothing old stays in its tables', () => {
    fill(40)
    const without: Database = {
      ...db,
      loadVectors() {
        throw new Error('cannot open shared object file')
      },
    }
    const space = readSpace(db, MODEL)!
    expect(openVec0(without, space)).toBeUndefined()
    expect(nearest(loadVectors(without, space))).toEqual(nearest(openVec0(db, space)))
    dropUnusedVectors(db)
    store([at(1), at(2)])
    deriveForms(without, MODEL)
    expect(db.values(vec0.count(space.id))).toEqual([[0]])
    deriveForms(db, MODEL)
    expect(ways().map((way) => way.find(query, 2)!.ids.length)).toEqual([2, 2, 2])
    db.close()
  })

  it('keeps two models apart, and forgets the other', () => {
    fill(20)
    db.transaction(() => addVectors(db, 'second', [{ hash: '0', vector: at(1).subarray(0, 8) }]))
    deriveForms(db, 'second')
    expect(() => db.transaction(() => addVectors(db, 'second', [{ hash: '1', vector: at(1) }]))).toThrow(
      expect.objectContaining({ code: 'EMBEDDING_MISMATCH' }),
    )
    expect(() => openVec0(db, readSpace(db, 'second')!)!.find(query, 1)).toThrow(expect.objectContaining({ code: 'EMBEDDING_MISMATCH' }))
    expect(loadVectors(db, readSpace(db, 'second')!).find(query.subarray(0, 8), 5)!.ids).toHaveLength(1)
    expect(ways().map((way) => way.find(query, 20)!.ids.length)).toEqual([20, 20, 20])
    dropOtherSpaces(db, 'second')
    expect(readSpace(db, MODEL)).toBeUndefined()
    expect(db.values('SELECT DISTINCT model FROM embedding')).toEqual([['second']])
    db.close()
  })
})
