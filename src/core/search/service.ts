import { setTimeout as delay } from 'node:timers/promises'
import { SingularityError } from '../kernel/index.ts'
import type { Database } from '../storage/index.ts'
import { type Generation, createGenerations, isDamaged } from './generation.ts'
import { createMaintenance } from './maintenance.ts'
import { createKnowledge } from './knowledge-search.ts'
import { createIncluded, readKept } from './included.ts'
import { createIndexing } from './indexing.ts'
import { type IndexedAnswer, type IndexedDeps, createWanted, searchIndex } from './indexed-search.ts'
import { type Listing, type Remembered, ignoredPaths, listWorktree } from './listing.ts'
import { type Preview, readPreview } from './preview.ts'
import { type Query, readQuery } from './query.ts'
import { createReaders } from './readers.ts'
import type { Freshness, SearchAnswer, SearchHit, SearchRequest } from './result.ts'
import type { SearchDeps } from './service-deps.ts'
import { SQL } from './sql.ts'
import type { VectorSpace } from './vector-space.ts'
import { type WorktreeRow, readFiles } from './store.ts'
import { type TextDeps, mergeHits, searchFiles, searchText } from './text-search.ts'
import { type WatchOptions, watchIndex } from './watch.ts'
import { chooseSpace, isModelFailure, passModelFailure } from './spaces.ts'
import { rememberListing } from './remembered-listing.ts'
import { createVectorSource } from './vector-source.ts'
import { type Delta, applyDelta, findDelta, isUnchanged } from './update.ts'

/** A worktree that is as the index says. */
const NO_DELTA: Delta = { gone: [], changed: [], touched: [], kept: 0 }
/** Changed files that a search reads before it answers. */
const MOST_CHANGED = 200
/** Changed files that are searched by text where the index is behind. */
const MOST_TEXT = 500
const FLOOR = 0.7
const PATIENCE_MS = 300

type Asked = IndexedAnswer & { meaning: IndexedDeps['meaning']; note: string | null }

export type SearchService = ReturnType<typeof createSearch>

/** The search over one worktree, and the index it keeps. */
export function createSearch(deps: SearchDeps) {
  const { git, reader, now, monotonic } = deps
  const generations = createGenerations(deps.folder)
  const knowledge = createKnowledge(deps, deps.floor ?? FLOOR)
  const { root, objectFormat } = git.repository
  const excluded = (path: string): boolean => deps.exclude.some((folder) => path.startsWith(folder))
  const include = async (): Promise<string[]> => [...((await deps.include?.()) ?? []), ...readKept(deps.folder)]
  const remembered: Remembered = {}
  const list = async (signal?: AbortSignal): Promise<Listing> =>
    listWorktree(git, deps.exclude, now(), { signal, remembered, include: await include() })
  const textDeps = async (): Promise<TextDeps> => ({ git, reader, included: createIncluded(await include()) })
  const vectors = createVectorSource()
  const readers = createReaders(generations)
  const { index, insistOnLease, fillWith } = createIndexing({ deps, generations, list })

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
    let db = readers.open(generation)
    let whole = false
    try {
      const worktree = db.get<WorktreeRow>(SQL.worktree, root)
      if (worktree === undefined) return undefined
      whole = true
      const settled = worktree.complete === 1 && worktree.version === reader.version()
      const asked = new Map<string, ReturnType<VectorSpace['embedQuery']>>()
      const ask = async (stale: ReadonlySet<string>): Promise<Asked> => {
        const { meaning, note } = await meaningOf(db, worktree, query, request, asked)
        return {
          meaning,
          note,
          ...searchIndex({ meaning, db, worktree: worktree.id, root, format: objectFormat, stale }, query, request, limit),
        }
      }
      // while git looks: mostly nothing has changed
      const early = settled && worktree.listing !== null && query.words.length > 0 ? await ask(new Set()) : undefined
      const patience = deps.patienceMs ?? PATIENCE_MS
      const listed = await Promise.race([listing, delay(patience, undefined, { ref: false })])
      const same = settled && listed?.digest === worktree.listing && listed.digest !== null && isUnchanged(db, root, worktree.id)
      const delta = same ? NO_DELTA : listed && (await findDelta(deps, await listed.read(), readFiles(db, worktree.id), worktree.version))
      let fresh: Freshness = { state: 'behind', behindFiles: null, building: false }
      if (listed !== undefined && delta !== undefined) {
        const size = delta.changed.length + delta.gone.length
        const release = size + delta.touched.length === 0 && settled ? undefined : size <= MOST_CHANGED ? generations.lease() : undefined
        if (release !== undefined) {
          readers.close(db)
          db = generations.open(generation)
          await catchUp(db, worktree, { delta, digest: listed.digest }, patience, release)
        } else if (size === 0 && settled && !same && listed.digest !== null)
          rememberListing(generations, generation, worktree, listed.digest)
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
      const { meaning, note, ...found } = same && early !== undefined ? early : await ask(stale)
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
        note,
      }
    } catch (error) {
      whole = false
      throw error
    } finally {
      readers.close(db, { whole })
    }
  }

  async function byPath(paths: readonly string[], query: Query, request: SearchRequest, limit: number): Promise<SearchHit[]> {
    return searchFiles(await textDeps(), query, [...new Set(paths)].slice(0, MOST_TEXT), createWanted(request) ?? (() => true), limit)
  }

  /** Reads changed files into the index before the answer, as long as patience lasts; what is done is taken out of the delta. */
  async function catchUp(
    db: Database,
    worktree: WorktreeRow,
    { delta, digest }: { delta: Delta; digest: string | null },
    patience: number,
    release: () => void,
  ): Promise<void> {
    const end = monotonic() + patience
    try {
      const first: Delta = { ...delta, changed: delta.changed.slice(0, 50) }
      for (let part = first, at = 0; ;) {
        await applyDelta({ db, git, reader, worktree, now }, part, { digest, last: at + part.changed.length >= delta.changed.length })
        at += part.changed.length
        if (at >= delta.changed.length || monotonic() > end) {
          delta.changed.splice(0, at)
          delta.gone.length = 0
          // what a model cannot do is told when the query asks for it
          await chooseSpace(deps, db, worktree.id, (space, beside) => fillWith(db, worktree, space, { beside })).catch(passModelFailure)
          return
        }
        part = { gone: [], touched: [], kept: 0, changed: delta.changed.slice(at, at + 50) }
      }
    } finally {
      release()
    }
  }

  /** The vector of a query, where a model is here, knows its words, and has a vector for every piece; else why there is none. */
  async function meaningOf(
    db: Database,
    worktree: WorktreeRow,
    query: Query,
    request: SearchRequest,
    asked: Map<string, ReturnType<VectorSpace['embedQuery']>>,
  ): Promise<{ meaning: IndexedDeps['meaning']; note: string | null }> {
    if (request.lexical === true) return { meaning: null, note: null }
    try {
      const { space, note } = await chooseSpace(deps, db, worktree.id)
      if (space === null) return { meaning: null, note }
      // a model may take its time, or money: it is asked once
      if (!asked.has(space.id)) asked.set(space.id, space.embedQuery(query.text))
      const { vector, abstains } = await asked.get(space.id)!
      return { meaning: abstains ? null : { space, query: vector, floor: deps.floor ?? FLOOR, nearest: vectors.open }, note }
    } catch (error) {
      if (!isModelFailure(error)) throw error
      return { meaning: null, note: `By words only: ${error.message}` }
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
