import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { SingularityError } from '../kernel/index.ts'
import type { Database } from '../storage/index.ts'
import { type Generation, createGenerations, isDamaged } from './generation.ts'
import { createMaintenance } from './maintenance.ts'
import { createKnowledge } from './knowledge-search.ts'
import { createIncluded, keepIncluded, readKept } from './included.ts'
import { type IndexedDeps, createWanted, searchIndex } from './indexed-search.ts'
import { type Listing, ignoredPaths, listWorktree } from './listing.ts'
import { type Preview, readPreview } from './preview.ts'
import { type Query, readQuery } from './query.ts'
import type { Freshness, SearchAnswer, SearchHit, SearchRequest } from './result.ts'
import type { SearchDeps } from './service-deps.ts'
import { SQL } from './sql.ts'
import { type WorktreeRow, openWorktree, pruneBlobs, readFiles } from './store.ts'
import { type TextDeps, mergeHits, searchFiles, searchText } from './text-search.ts'
import { type WatchOptions, watchIndex } from './watch.ts'
import { type VectorFigures, countMissing, fillVectors } from './vectors.ts'
import { type Delta, type Progress, type UpdateFigures, applyDelta, findDelta } from './update.ts'

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

/** Changed files that a search reads before it answers. */
const MOST_CHANGED = 200
/** Changed files that are searched by text where the index is behind. */
const MOST_TEXT = 500
const FLOOR = 0.7
const PATIENCE_MS = 300
const LEASE_POLL_MS = 50
/** Blobs no worktree has now that stay for the next switch of branches. */
const KEPT_BLOBS = 5000

export type SearchService = ReturnType<typeof createSearch>

/** The search over one worktree, and the index it keeps. */
export function createSearch(deps: SearchDeps) {
  const { git, reader, now, monotonic } = deps
  const generations = createGenerations(deps.folder)
  const knowledge = createKnowledge(deps, deps.floor ?? FLOOR)
  const { root, objectFormat } = git.repository
  const excluded = (path: string): boolean => deps.exclude.some((folder) => path.startsWith(folder))
  const included = async (): Promise<(path: string) => boolean> =>
    createIncluded([...((await deps.include?.()) ?? []), ...readKept(deps.folder)])
  const list = async (signal?: AbortSignal): Promise<Listing> => listWorktree(git, excluded, await included(), signal)
  const textDeps = async (): Promise<TextDeps> => ({ git, reader, included: await included() })

  async function search(request: SearchRequest): Promise<SearchAnswer> {
    const started = monotonic()
    if (request.text.trim() === '')
      throw new SingularityError('USAGE', 'The query is empty.', { hints: ['singularity search "parse a date"'] })
    const query = readQuery(request.text)
    const limit = request.limit ?? (request.kind === 'knowledge' ? 5 : 10)
    const found =
      request.kind === 'knowledge'
        ? await byKnowledge(query, request, limit)
        : await knowledge.withPast(limit, (most) => answer(query, request, most))
    return {
      query: request.text,
      class: query.class,
      model: null,
      belowFloor: 0,
      artifacts: [],
      note: null,
      ...found,
      tookMs: Math.round(monotonic() - started),
    }
  }

  type Found = Pick<SearchAnswer, 'mode' | 'freshness' | 'hits'> &
    Partial<Pick<SearchAnswer, 'note' | 'model' | 'belowFloor' | 'artifacts'>>

  /** Nothing of it lies in the index: it is read anew, so that it is always fresh. */
  async function byKnowledge(query: Query, request: SearchRequest, limit: number): Promise<Found> {
    const found = await knowledge.find(query, request, limit)
    const mode = found.model === null ? 'lexical' : 'hybrid'
    return { ...found, mode, hits: [], freshness: { state: 'exact', behindFiles: 0, building: false } }
  }

  async function answer(query: Query, request: SearchRequest, limit: number): Promise<Found> {
    const generation = deps.sandbox === true ? undefined : generations.current()
    const listing = generation === undefined ? undefined : list()
    listing?.catch(() => undefined) // told where it is awaited
    if (generation === undefined) return byText(query, request, limit, null)
    try {
      return (await withIndex(generation, listing!, query, request, limit)) ?? (await byText(query, request, limit, null))
    } catch (error) {
      if (!isDamaged(error)) throw error
      return byText(query, request, limit, `The index cannot be read (${error.message}); 'singularity index' builds it again.`)
    }
  }

  async function byText(query: Query, request: SearchRequest, limit: number, note: string | null): Promise<Found> {
    const wanted = createWanted(request)
    const hits =
      request.kind === 'symbol' && query.words.length === 0
        ? []
        : await searchText(
            await textDeps(),
            query,
            (path, language) => !excluded(path) && (wanted === null || wanted(path, language)),
            limit,
          )
    return { mode: 'text', hits, freshness: { state: 'none', behindFiles: null, building: isBuilding() }, note }
  }

  function isBuilding(): boolean {
    if (generations.all().length === 0) return false
    const release = generations.lease()
    release?.()
    return release === undefined
  }

  /** `undefined` where the index knows nothing of this worktree. */
  async function withIndex(
    generation: Generation,
    listing: Promise<Listing>,
    query: Query,
    request: SearchRequest,
    limit: number,
  ): Promise<Found | undefined> {
    let db = generations.open(generation, { readOnly: true })
    try {
      const worktree = db.get<WorktreeRow>(SQL.worktree, root)
      if (worktree === undefined) return undefined
      const patience = deps.patienceMs ?? PATIENCE_MS
      const listed = await Promise.race([listing, delay(patience, undefined, { ref: false })])
      const delta = listed && (await findDelta(deps, listed, readFiles(db, worktree.id), worktree.version))
      let fresh: Freshness = { state: 'behind', behindFiles: null, building: false }
      if (delta !== undefined) {
        const size = delta.changed.length + delta.gone.length
        const release =
          size + delta.touched.length === 0 && worktree.complete === 1 && worktree.version === reader.version()
            ? undefined
            : size <= MOST_CHANGED
              ? generations.lease()
              : undefined
        if (release !== undefined) {
          db.close()
          db = generations.open(generation)
          await catchUp(db, worktree, delta, patience, release)
        }
        fresh = freshnessOf(size === 0 ? 0 : release === undefined ? size : delta.changed.length + delta.gone.length, worktree)
        if (fresh.state === 'behind') fresh.building = isBuilding()
      }
      const stale = new Set(
        fresh.state === 'behind' && delta
          ? [...delta.gone.map(({ path }) => path), ...delta.changed.map(({ listed: { path } }) => path)]
          : [],
      )
      if (query.words.length === 0) {
        const hits = await searchText(await textDeps(), query, createWanted(request) ?? (() => true), limit)
        return { mode: 'text', hits, freshness: fresh }
      }
      const meaning = await meaningOf(db, worktree, query, request)
      const found = searchIndex({ meaning, db, worktree: worktree.id, root, format: objectFormat, stale }, query, request, limit)
      if (found.changed.length > 0 && fresh.state === 'exact') fresh = { ...fresh, state: 'behind', behindFiles: found.changed.length }
      const texts = [
        ...found.changed,
        ...(delta?.changed ?? []).filter(({ listed: { path } }) => stale.has(path)).map(({ listed: { path } }) => path),
      ]
      const hits = texts.length === 0 ? found.hits : mergeHits(found.hits, await byPath(texts, query, request, limit), limit)
      return {
        mode: meaning === null ? 'lexical' : 'hybrid',
        model: meaning?.space.id ?? null,
        belowFloor: found.belowFloor,
        hits,
        freshness: fresh,
      }
    } finally {
      db.close()
    }
  }

  async function byPath(paths: readonly string[], query: Query, request: SearchRequest, limit: number): Promise<SearchHit[]> {
    return searchFiles(await textDeps(), query, [...new Set(paths)].slice(0, MOST_TEXT), createWanted(request) ?? (() => true), limit)
  }

  /** Reads changed files into the index before the answer, as long as patience lasts; what is done is taken out of the delta. */
  async function catchUp(db: Database, worktree: WorktreeRow, delta: Delta, patience: number, release: () => void): Promise<void> {
    const end = monotonic() + patience
    try {
      const first: Delta = { ...delta, changed: delta.changed.slice(0, 50) }
      for (let part = first, at = 0; ;) {
        await applyDelta({ db, git, reader, worktree, now }, part, { last: at + part.changed.length >= delta.changed.length })
        at += part.changed.length
        if (at >= delta.changed.length || monotonic() > end) {
          await embedMissing(db, worktree)
          delta.changed.splice(0, at)
          delta.gone.length = 0
          return
        }
        part = { gone: [], touched: [], kept: 0, changed: delta.changed.slice(at, at + 50) }
      }
    } finally {
      release()
    }
  }

  async function embedMissing(db: Database, worktree: WorktreeRow, signal?: AbortSignal): Promise<VectorFigures> {
    const space = await deps.space?.()
    if (space === undefined) return { embedded: 0, reused: 0 }
    return fillVectors({ db, worktree: worktree.id, root, format: objectFormat, space }, { signal })
  }

  /** The vector of a query, where a model is here, knows its words, and has a vector for every piece. */
  async function meaningOf(db: Database, worktree: WorktreeRow, query: Query, request: SearchRequest): Promise<IndexedDeps['meaning']> {
    const space = request.lexical === true ? undefined : await deps.space?.()
    if (space === undefined || countMissing(db, worktree.id, space) > 0) return null
    const { vector, abstains } = await space.embedQuery(query.text)
    return abstains ? null : { space, query: vector, floor: deps.floor ?? FLOOR }
  }

  async function index(options: IndexOptions = {}): Promise<IndexAnswer> {
    if (deps.sandbox === true) throw new SingularityError('USAGE', 'A sandbox is never indexed.')
    const started = monotonic()
    if (options.include !== undefined) keepIncluded(deps.folder, options.include)
    const release = await insistOnLease(options)
    try {
      const { state, listing, delta, figures, vectors, generation } = await build(options)
      const bytes = generations.bytes(generation)
      const { parsed, reused, skipped } = figures
      return {
        state,
        files: { seen: listing.files.size, parsed, reused: reused + delta.kept, skipped },
        chunks: figures.chunks,
        embedded: vectors.embedded,
        reusedEmbeddings: vectors.reused,
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
    listing: Listing
    delta: Delta
    figures: UpdateFigures
    vectors: VectorFigures
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
      const listing = await list(options.signal)
      options.onListing?.(listing.files.keys())
      const delta = await findDelta(deps, listing, readFiles(db, worktree.id), worktree.version)
      const figures = await applyDelta({ db, git, reader, worktree, now }, delta, options)
      const vectors = await embedMissing(db, worktree, options.signal)
      pruneBlobs(db, KEPT_BLOBS)
      if (!existsSync(join(deps.folder, generation.file)))
        throw new SingularityError('STATE_UNUSABLE', 'The index was deleted while it was written.')
      if (generations.current()?.file !== generation.file) generations.point(generation)
      const unchanged = delta.changed.length + delta.gone.length === 0
      return { state: state === 'updated' && unchanged ? 'unchanged' : state, listing, delta, figures, vectors, generation }
    } finally {
      db.close()
    }
  }

  /** Keeps the index up to date until `signal`. @throws NOT_FOUND where the worktree is gone */
  async function watch(options: WatchOptions): Promise<void> {
    const leave = reader.stay?.()
    try {
      await watchIndex({ root, index, ignored: (paths) => ignoredPaths(git, paths) }, options)
    } finally {
      leave?.()
    }
  }

  /** Lines of a file around one, at most so many to each side. */
  const preview = (path: string, line: number, rows: number): Preview | undefined => readPreview(root, path, line, rows)

  return {
    root,
    search,
    index,
    watch,
    preview,
    ...createMaintenance({ deps, generations, list, isBuilding, lease: () => insistOnLease({}) }),
  }
}

function freshnessOf(behind: number, worktree: WorktreeRow): Freshness {
  return { state: behind === 0 && (worktree.complete === 1 || behind === 0) ? 'exact' : 'behind', behindFiles: behind, building: false }
}
