import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Git } from '../git/index.ts'
import { SingularityError } from '../kernel/index.ts'
import type { Database } from '../storage/index.ts'
import type { FactReader } from './fact-reader.ts'
import { type Generation, createGenerations, isDamaged } from './generation.ts'
import { createWanted, searchIndex } from './indexed-search.ts'
import { type Listing, listWorktree } from './listing.ts'
import { type Query, readQuery } from './query.ts'
import type { Freshness, SearchAnswer, SearchHit, SearchRequest } from './result.ts'
import { SQL } from './sql.ts'
import { type WorktreeRow, openWorktree, pruneBlobs, readFiles } from './store.ts'
import { mergeHits, searchFiles, searchText } from './text-search.ts'
import {
  type Forgotten,
  type IndexStatus,
  type Mismatch,
  type Verification,
  compareContent,
  contentOf,
  describeIndex,
  forgetGone,
  forgetPaths,
  verifyIndex,
} from './upkeep.ts'
import { type Delta, type Progress, type UpdateFigures, applyDelta, findDelta } from './update.ts'

export type SearchDeps = {
  git: Git
  /** Where the files of the index lie: `.git/singularity`. */
  folder: string
  reader: FactReader
  now: () => number
  monotonic: () => number
  /** Repo-relative folders of ours that are never indexed, each with a `/` at its end. */
  exclude: readonly string[]
  /** Longest time a search waits for git and for changed files; 300 ms. */
  patienceMs?: number
}

export type IndexOptions = {
  full?: boolean
  signal?: AbortSignal | undefined
  onProgress?: (progress: Progress) => void
  /** Another process writes: told once, then waited for. */
  onWait?: () => void
}

export type IndexAnswer = {
  state: 'built' | 'updated' | 'unchanged' | 'rebuilt'
  files: { seen: number; parsed: number; reused: number; skipped: number }
  chunks: number
  ms: number
  bytes: number
}

/** Changed files that a search reads before it answers. */
const MOST_CHANGED = 200
/** Changed files that are searched by text where the index is behind. */
const MOST_TEXT = 500
const PATIENCE_MS = 300
const LEASE_POLL_MS = 50
/** Blobs no worktree has now that stay for the next switch of branches. */
const KEPT_BLOBS = 5000

export type SearchService = ReturnType<typeof createSearch>

/** The search over one worktree, and the index it keeps. */
export function createSearch(deps: SearchDeps) {
  const { git, reader, now, monotonic } = deps
  const generations = createGenerations(deps.folder)
  const { root, objectFormat } = git.repository
  const excluded = (path: string): boolean => deps.exclude.some((folder) => path.startsWith(folder))
  const list = (signal?: AbortSignal): Promise<Listing> => listWorktree(git, excluded, signal)

  async function search(request: SearchRequest): Promise<SearchAnswer> {
    const started = monotonic()
    if (request.text.trim() === '')
      throw new SingularityError('USAGE', 'The query is empty.', { hints: ['singularity search "parse a date"'] })
    const query = readQuery(request.text)
    const limit = request.limit ?? (request.kind === 'knowledge' ? 5 : 10)
    const found = await answer(query, request, limit)
    return {
      query: request.text,
      class: query.class,
      model: null,
      belowFloor: 0,
      note: null,
      ...found,
      tookMs: Math.round(monotonic() - started),
    }
  }

  type Found = Pick<SearchAnswer, 'mode' | 'freshness' | 'hits'> & { note?: string | null }

  async function answer(query: Query, request: SearchRequest, limit: number): Promise<Found> {
    const generation = generations.current()
    if (request.kind === 'knowledge') return { mode: 'lexical', hits: [], freshness: { state: 'exact', behindFiles: 0, building: false } }
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
    const hits =
      request.kind === 'symbol' && query.words.length === 0
        ? []
        : await searchText(deps, query, createWanted(request) ?? (() => true), limit)
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
          size + delta.touched.length === 0 && worktree.complete === 1 && worktree.version === reader.version() ? undefined : size <= MOST_CHANGED ? generations.lease() : undefined
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
        const hits = await searchText(deps, query, createWanted(request) ?? (() => true), limit)
        return { mode: 'text', hits, freshness: fresh }
      }
      const found = searchIndex({ db, worktree: worktree.id, root, format: objectFormat, stale }, query, request, limit)
      if (found.changed.length > 0 && fresh.state === 'exact') fresh = { ...fresh, state: 'behind', behindFiles: found.changed.length }
      const texts = [
        ...found.changed,
        ...(delta?.changed ?? []).filter(({ listed: { path } }) => stale.has(path)).map(({ listed: { path } }) => path),
      ]
      const hits = texts.length === 0 ? found.hits : mergeHits(found.hits, byPath(texts, query, request, limit), limit)
      return { mode: 'lexical', hits, freshness: fresh }
    } finally {
      db.close()
    }
  }

  function byPath(paths: readonly string[], query: Query, request: SearchRequest, limit: number): SearchHit[] {
    return searchFiles(deps, query, [...new Set(paths)].slice(0, MOST_TEXT), createWanted(request) ?? (() => true), limit)
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

  async function index(options: IndexOptions = {}): Promise<IndexAnswer> {
    const started = monotonic()
    const release = await insistOnLease(options)
    try {
      const { state, listing, delta, figures, generation } = await build(options)
      const bytes = generations.bytes(generation)
      const { parsed, reused, skipped } = figures
      return {
        state,
        files: { seen: listing.files.size, parsed, reused: reused + delta.kept, skipped },
        chunks: figures.chunks,
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

  type Built = { state: IndexAnswer['state']; listing: Listing; delta: Delta; figures: UpdateFigures; generation: Generation }

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
      const delta = await findDelta(deps, listing, readFiles(db, worktree.id), worktree.version)
      const figures = await applyDelta({ db, git, reader, worktree, now }, delta, options)
      pruneBlobs(db, KEPT_BLOBS)
      if (!existsSync(join(deps.folder, generation.file)))
        throw new SingularityError('STATE_UNUSABLE', 'The index was deleted while it was written.')
      if (generations.current()?.file !== generation.file) generations.point(generation)
      const unchanged = delta.changed.length + delta.gone.length === 0
      return { state: state === 'updated' && unchanged ? 'unchanged' : state, listing, delta, figures, generation }
    } finally {
      db.close()
    }
  }

  /** What the index holds, and whether it is as the worktree is now. */
  async function status(): Promise<IndexStatus> {
    const none: IndexStatus = {
      state: 'none',
      building: isBuilding(),
      file: null,
      bytes: 0,
      behindFiles: null,
      counts: null,
      classes: [],
      languages: [],
      worktrees: [],
    }
    const generation = generations.current()
    if (generation === undefined) return none
    const known = { ...none, file: join(deps.folder, generation.file), bytes: generations.bytes(generation) }
    return withOpen(generation, true, async (db) => {
      const worktree = db.get<WorktreeRow>(SQL.worktree, root)
      if (worktree === undefined) return known
      const delta = await findDelta(deps, await list(), readFiles(db, worktree.id), worktree.version)
      const behindFiles = delta.changed.length + delta.gone.length
      return {
        ...known,
        ...describeIndex(db, worktree),
        state: behindFiles === 0 && worktree.complete === 1 ? 'ready' : 'behind',
        behindFiles,
      }
    })
  }

  /** @throws NOT_FOUND where there is no index */
  async function verify({ againstFresh = false }: { againstFresh?: boolean } = {}): Promise<Verification> {
    const generation = existing()
    const release = await insistOnLease({})
    try {
      return await withOpen(generation, false, async (db) => {
        const worktree = openWorktree(db, root, now())
        const found = await verifyIndex(db, worktree, deps)
        if (!againstFresh) return found
        const different = await compareWithFresh(db, worktree)
        return { ...found, ok: found.ok && different.length === 0, mismatched: [...found.mismatched, ...different] }
      })
    } finally {
      release()
    }
  }

  /** Builds another index beside this one, of the same listing, and throws it away. */
  async function compareWithFresh(db: Database, worktree: WorktreeRow): Promise<Mismatch[]> {
    const listing = await list()
    const delta = await findDelta(deps, listing, readFiles(db, worktree.id), worktree.version)
    await applyDelta({ db, git, reader, worktree, now }, delta)
    const other = generations.next()
    try {
      return await withOpen(other, false, async (fresh) => {
        const own = openWorktree(fresh, root, now())
        await applyDelta({ db: fresh, git, reader, worktree: own, now }, await findDelta(deps, listing, new Map(), null))
        return compareContent(contentOf(db, worktree.id), contentOf(fresh, own.id))
      })
    } finally {
      generations.remove(other)
    }
  }

  /** Takes paths (files or folders) out, or with `gone` what nobody has any more. @throws NOT_FOUND where there is no index */
  async function forget(what: { paths: readonly string[] } | { gone: true }): Promise<Forgotten> {
    const generation = existing()
    const release = await insistOnLease({})
    try {
      return await withOpen(generation, false, async (db) => {
        const forgotten =
          'gone' in what
            ? forgetGone(db)
            : forgetPaths(db, (path) => what.paths.some((each) => each === '' || path === each || path.startsWith(`${each}/`)))
        db.run('VACUUM') // deleted rows stay readable in the file otherwise
        return forgotten
      })
    } finally {
      release()
    }
  }

  function existing(): Generation {
    const generation = generations.current()
    if (generation === undefined) throw new SingularityError('NOT_FOUND', 'There is no index here.', { hints: ['singularity index'] })
    return generation
  }

  async function withOpen<T>(generation: Generation, readOnly: boolean, body: (db: Database) => Promise<T>): Promise<T> {
    const db = generations.open(generation, { readOnly })
    try {
      return await body(db)
    } finally {
      db.close()
    }
  }

  return { search, index, status, verify, forget }
}

function freshnessOf(behind: number, worktree: WorktreeRow): Freshness {
  return { state: behind === 0 && (worktree.complete === 1 || behind === 0) ? 'exact' : 'behind', behindFiles: behind, building: false }
}
