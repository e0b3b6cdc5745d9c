import type { Database } from '../storage/index.ts'
import { type LoadedVectors, type Nearest, loadVectors, openVec0 } from './nearest.ts'
import { readSpace } from './vector-store.ts'

const NOTHING: Nearest = { kind: 'plain', find: () => ({ ids: [], distances: [], complete: Infinity }) }

/**
 * Chooses how near vectors are found. A process that asks once is answered by sqlite-vec; one that asks again has all vectors in memory
 * from then on. Either way the scan stands behind: it finds the same.
 */
export function createVectorSource() {
  let asked = 0
  let loaded: { file: string; vectors: LoadedVectors } | undefined

  /** Ways to ask the vectors of a model in this file, the best first; call it inside the transaction that asks. */
  function open(db: Database, model: string): readonly Nearest[] {
    const space = readSpace(db, model)
    if (space === undefined || space.count === 0) return [NOTHING]
    const scan = (): LoadedVectors => {
      if (loaded?.file !== db.path || !loaded.vectors.refresh(db, space)) loaded = { file: db.path, vectors: loadVectors(db, space) }
      return loaded.vectors
    }
    const vec0 = ++asked === 1 ? openVec0(db, space) : undefined
    if (vec0 === undefined) return [scan()]
    return [vec0, { kind: 'wasm', find: (query, most) => scan().find(query, most) }]
  }

  return { open }
}
