import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { SingularityError } from '../kernel/index.ts'
import type { Database } from '../storage/index.ts'
import { type Generation, type Generations, isDamaged } from './generation.ts'
import { keepIncluded } from './included.ts'
import type { Listed, Listing } from './listing.ts'
import type { SearchDeps } from './service-deps.ts'
import { type WorktreeRow, openWorktree, pruneBlobs, readFiles } from './store.ts'
import { type Delta, type Progress, type UpdateFigures, applyDelta, findDelta } from './update.ts'
import type { VectorSpace } from './vector-space.ts'
import { countVectors, fillVectors } from './vectors.ts'

export type IndexOptions = {
  full?: boolean
  /** Generated, vendored and huge files that are searched from now on all the same; empty: none any more. */
  include?: readonly string[] | undefined
  signal?: AbortSignal | undefined
  onProgress?: (progress: Progress) => void
  /** Another process writes: told once, then waited for. */
  onWait?: () => void
  /** The paths of the worktree, before they are read. */
  onListing?: (paths: Iterable<string>) => void
}

export type IndexAnswer = {
  state: 'built' | 'updated' | 'unchanged' | 'rebuilt'
  files: { seen: number; parsed: number; reused: number; skipped: number }
  chunks: number
  embedded: number
  reusedEmbeddings: number
  ms: number
  bytes: number
}

const LEASE_POLL_MS = 50
/** Blobs no worktree has now that stay for the next switch of branches. */
const KEPT_BLOBS = 5000

export type IndexingDeps = { deps: SearchDeps; generations: Generations; list(signal?: AbortSignal): Promise<Listing> }

/** The half that writes: one process at a time, generation by generation. */
export function createIndexing({ deps, generations, list }: IndexingDeps) {
  const { git, reader, now, monotonic } = deps
  const { root, objectFormat } = git.repository

  /** Makes the vectors that a space lacks of a worktree; answers how many. */
  const fillWith = (
    db: Database,
    worktree: WorktreeRow,
    space: VectorSpace,
    options: IndexOptions & { beside?: boolean } = {},
  ): Promise<number> =>
    fillVectors(
      { db, worktree: worktree.id, root, format: objectFormat, space },
      {
        signal: options.signal,
        ...(options.beside === true && { beside: true }),
        // what a fast model makes is done before anybody could read a figure
        ...(space.pace && { onBatch: (done: number, of: number) => options.onProgress?.({ done, of, path: '', unit: 'pieces' }) }),
      },
    )

  async function index(options: IndexOptions = {}): Promise<IndexAnswer> {
    if (deps.sandbox === true) throw new SingularityError('USAGE', 'A sandbox is never indexed.')
    const started = monotonic()
    // a model that cannot be used is told before anything is read
    await deps.space?.()
    if (options.include !== undefined) keepIncluded(deps.folder, options.include)
    const release = await insistOnLease(options)
    try {
      const { state, listing, delta, figures, embedded, reusedEmbeddings, generation } = await build(options)
      const bytes = generations.bytes(generation)
      const { parsed, reused, skipped } = figures
      return {
        state,
        files: { seen: listing.size, parsed, reused: reused + delta.kept, skipped },
        chunks: figures.chunks,
        embedded,
        reusedEmbeddings,
        ms: Math.round(monotonic() - started),
        bytes,
      }
    } finally {
      release()
    }
  }

  async function insistOnLease({ signal, onWait }: IndexOptions): Promise<() => void> {
    for (let told = false; ;) {
      const release = generations.lease()
      if (release !== undefined) return release
      if (!told) onWait?.()
      told = true
      if (signal?.aborted) throw new SingularityError('INTERRUPTED', 'Stopped while another process writes the index.')
      await delay(LEASE_POLL_MS)
    }
  }

  type Built = {
    state: IndexAnswer['state']
    listing: ReadonlyMap<string, Listed>
    delta: Delta
    figures: UpdateFigures
    embedded: number
    reusedEmbeddings: number
    generation: Generation
  }

  /** Goes on with the generation in use, or with one that a killed build left behind; a new one where that is damaged. */
  async function build(options: IndexOptions): Promise<Built> {
    const current = generations.current()
    const { schema } = generations.next()
    const started = generations.all().findLast((each) => each.schema === schema && each.number > (current?.number ?? 0))
    const first = options.full === true || current === undefined ? (started ?? generations.next()) : current
    try {
      return await fill(first, options, current === undefined ? 'built' : first === current ? 'updated' : 'rebuilt')
    } catch (error) {
      if (!isDamaged(error)) throw error
      if (first !== current) generations.remove(first)
      return fill(generations.next(), options, 'rebuilt')
    }
  }

  async function fill(generation: Generation, options: IndexOptions, state: Built['state']): Promise<Built> {
    const db = generations.open(generation)
    try {
      // a first index is of use while it grows; one that replaces another is not
      if (generations.current() === undefined) generations.point(generation)
      const worktree = openWorktree(db, root, now())
      const { digest, read } = await list(options.signal)
      const listing = await read()
      options.onListing?.(listing.keys())
      const delta = await findDelta(deps, listing, readFiles(db, worktree.id), worktree.version)
      const figures = await applyDelta({ db, git, reader, worktree, now }, delta, { ...options, digest })
      pruneBlobs(db, KEPT_BLOBS)
      const space = await deps.space?.()
      const embedded = space === undefined ? 0 : await fillWith(db, worktree, space, options)
      const reusedEmbeddings = space === undefined ? 0 : countVectors(db, worktree.id, space) - embedded
      if (!existsSync(join(deps.folder, generation.file)))
        throw new SingularityError('STATE_UNUSABLE', 'The index was deleted while it was written.')
      if (generations.current()?.file !== generation.file) generations.point(generation)
      const unchanged = delta.changed.length + delta.gone.length === 0
      return {
        state: state === 'updated' && unchanged ? 'unchanged' : state,
        listing,
        delta,
        figures,
        embedded,
        reusedEmbeddings,
        generation,
      }
    } finally {
      db.close()
    }
  }

  return { index, insistOnLease, fillWith }
}
