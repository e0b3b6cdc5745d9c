import { join } from 'node:path'
import { SingularityError } from '../kernel/index.ts'
import type { Database } from '../storage/index.ts'
import type { Generation, Generations } from './generation.ts'
import { readKept } from './included.ts'
import type { Listing } from './listing.ts'
import type { SearchDeps } from './service-deps.ts'
import { SQL } from './sql.ts'
import { type WorktreeRow, openWorktree, readFiles } from './store.ts'
import { applyDelta, findDelta } from './update.ts'
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

export type MaintenanceDeps = {
  deps: SearchDeps
  generations: Generations
  list: (signal?: AbortSignal) => Promise<Listing>
  isBuilding: () => boolean
  /** Waits until nobody else writes. */
  lease: () => Promise<() => void>
}

/** What looks after an index: status, verify, forget. */
export function createMaintenance({ deps, generations, list, isBuilding, lease }: MaintenanceDeps) {
  const { git, reader, now } = deps
  const { root } = git.repository

  /** What the index holds, and whether it is as the worktree is now. */
  async function status(): Promise<IndexStatus> {
    const none: IndexStatus = {
      state: 'none',
      building: isBuilding(),
      file: null,
      bytes: 0,
      behindFiles: null,
      include: readKept(deps.folder),
      counts: null,
      classes: [],
      languages: [],
      worktrees: [],
      spaces: [],
    }
    const generation = generations.current()
    if (generation === undefined) return none
    const known = { ...none, file: join(deps.folder, generation.file), bytes: generations.bytes(generation) }
    return withOpen(generation, true, async (db) => {
      const worktree = db.get<WorktreeRow>(SQL.worktree, root)
      if (worktree === undefined) return known
      const delta = await findDelta(deps, await (await list()).read(), readFiles(db, worktree.id), worktree.version)
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
    const release = await lease()
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
    const { digest, read } = await list()
    const listing = await read()
    const delta = await findDelta(deps, listing, readFiles(db, worktree.id), worktree.version)
    await applyDelta({ db, git, reader, worktree, now }, delta, { digest })
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
    const release = await lease()
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

  return { status, verify, forget }
}
