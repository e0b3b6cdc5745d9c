import { SingularityError, plural } from '../kernel/index.ts'
import type { Database } from '../storage/index.ts'
import type { SearchDeps } from './service-deps.ts'
import { SQL } from './sql.ts'
import type { VectorSpace } from './vector-space.ts'
import { countMissing, prepareSpace } from './vectors.ts'

/** The space that answers by meaning; `null`: words alone do, and `note` says why where it is worth a word. */
export type Meaning = { space: VectorSpace | null; note: string | null }

/** What a search that may write has made before it answers. */
type Fill = (space: VectorSpace, beside: boolean) => Promise<unknown>

/**
 * The space of the settings where it has a vector for every piece of this worktree. While its vectors are being made, the one that has
 * them still answers. Vectors of two spaces are never compared.
 * @throws EMBEDDING_MISMATCH where the index has vectors of a model that is not this one, and cannot be used any more
 */
export async function chooseSpace(
  deps: Pick<SearchDeps, 'space' | 'reopen'>,
  db: Database,
  worktree: number,
  fill?: Fill,
): Promise<Meaning> {
  const wanted = await deps.space?.()
  if (wanted === undefined) return { space: null, note: null }
  const ready = async (space: VectorSpace): Promise<boolean> => {
    const missing = countMissing(db, worktree, space)
    if (missing > (fill === undefined ? 0 : (space.pace?.beforeAnswer ?? Infinity))) return false
    if (missing > 0) await fill!(space, space.id !== wanted.id)
    await prepareSpace(db, space)
    return missing === 0 || countMissing(db, worktree, space) === 0
  }
  if (await ready(wanted)) return { space: wanted, note: null }
  const missing = countMissing(db, worktree, wanted)
  const closed: string[] = []
  for (const { id } of db.all<{ id: string }>(SQL.models)) {
    if (id === wanted.id || countMissing(db, worktree, { id }) > (fill === undefined ? 0 : MOST_LEFT)) continue
    const other = await deps.reopen?.(id)
    if (other === undefined) closed.push(id)
    else if (await ready(other))
      return {
        space: other,
        note: `${id} answers: ${wanted.id} has no ${missing === 1 ? 'vector' : 'vectors'} of ${plural(missing, 'piece')} yet (singularity index).`,
      }
  }
  if (closed.length > 0 && wanted.pace !== undefined)
    throw new SingularityError(
      'EMBEDDING_MISMATCH',
      `The index has vectors of ${closed.join(', ')}, the embedding model is ${wanted.id}.`,
      {
        data: { index: closed, model: wanted.id },
      },
    )
  const note =
    wanted.pace === undefined && closed.length === 0
      ? null
      : `By words only: ${wanted.id} has no ${missing === 1 ? 'vector' : 'vectors'} of ${plural(missing, 'piece')} yet (singularity index).`
  return { space: null, note }
}

/** Pieces without a vector that the space which answered so far may have: what changed since. */
const MOST_LEFT = 200

/** Failures of a model cost a search its meaning, not its words. */
export function isModelFailure(error: unknown): error is SingularityError {
  return SingularityError.isInstance(error) && (error.kind === 'provider' || error.kind === 'limit' || CODES.has(error.code))
}

/** For who has no query yet: the same failure meets the query. */
export function passModelFailure(error: unknown): void {
  if (!isModelFailure(error) && !(SingularityError.isInstance(error) && error.code === 'EMBEDDING_MISMATCH')) throw error
}

const CODES: ReadonlySet<string> = new Set([
  'MODEL_UNUSABLE',
  'RUNTIME_MISSING',
  'SENDING_NOT_ALLOWED',
  'LEDGER_UNUSABLE',
  'SECRETS_LOCKED',
])
