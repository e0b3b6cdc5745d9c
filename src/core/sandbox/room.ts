import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Git } from '../git/index.ts'
import { isoTime, newId, type Clock } from '../kernel/index.ts'
import type { ProcessInfo } from '../process/index.ts'
import type { Database } from '../storage/index.ts'
import { createTurnstile } from './exclusive.ts'
import { DEFAULT_LIMITS, openSandbox, type SandboxLimits } from './handle.ts'
import type { Isolation } from './isolation.ts'
import { createLayers } from './layers.ts'
import { deleteInBackground, moveToTrash, placesFor, removeAdminEntry, sweepTrash } from './places.ts'
import { buildProfile, type ProfileOptions } from './profile.ts'
import { findOrphans, OWNER_FILE, reclaimSandboxes } from './reclaim.ts'
import type { SandboxRoom } from './sandbox.ts'
import { DELETE_SANDBOX, INSERT_SANDBOX, SET_ADMIN_PATH } from './sql.ts'
import { fingerprintSurroundings } from './surroundings.ts'
import { addWorktree, commitId, diskError } from './worktree.ts'

export type SandboxRoomDeps = {
  git: Git
  db: Database
  clock: Clock
  isolation: Isolation
  processes: ProcessInfo
  /** `$XDG_STATE_HOME` or what stands for it: never inside the repository. */
  stateHome: string
  /** The person's PATH and home, for finding tool chains. */
  path: string
  home: string
  limits?: Partial<SandboxLimits>
}

/** Creates, runs, discards and reclaims the sandboxes of one repository. */
export function createSandboxRoom(deps: SandboxRoomDeps): SandboxRoom {
  const { git, db, processes } = deps
  const { commonDir } = git.repository
  const places = placesFor(deps.stateHome, commonDir)
  const layers = createLayers(places)
  const turnstile = createTurnstile()
  const limits = { ...DEFAULT_LIMITS, ...deps.limits }

  return {
    async create({ commit: revision, purpose, runId, profile }) {
      const commit = await commitId(git, revision)
      const id = newId('s', deps.clock)
      const owner = processes.self
      const folder = join(places.sandboxes, id)
      const [tree, out, scratch] = [join(folder, id), join(folder, 'out'), join(folder, 'scratch')]
      let admin = join(commonDir, 'worktrees', id)
      const discard = async (): Promise<void> => {
        const trashed = moveToTrash(places, folder)
        removeAdminEntry(places, admin)
        db.run(DELETE_SANDBOX, id)
        await deleteInBackground(trashed ? [trashed] : [])
      }
      // the row first: whatever a kill leaves from here on is found again
      db.run(INSERT_SANDBOX, id, runId ?? null, folder, admin, purpose, owner.pid, owner.pidStart, owner.bootId, isoTime(deps.clock))
      try {
        mkdirSync(folder, { mode: 0o700 })
        writeFileSync(join(folder, OWNER_FILE), JSON.stringify(owner))
        for (const path of [out, scratch]) mkdirSync(path)
        const registered = await addWorktree(git, { path: tree, commit, id, owner })
        if (registered !== admin) db.run(SET_ADMIN_PATH, registered, id)
        admin = registered
        const place = { id, folder, tree, out, scratch, admin, purpose, profile }
        return await openSandbox(place, commit, { git, isolation: deps.isolation, layers, turnstile, limits, path: deps.path, discard })
      } catch (error) {
        await discard().catch(() => {})
        throw diskError(error, places.root)
      }
    },
    profile: (options: ProfileOptions) =>
      buildProfile(options, { git, path: deps.path, home: deps.home, layer: (base, name) => layers.folder(base, name) }),
    fingerprint: (profile) => fingerprintSurroundings(git.repository.root, profile),
    leftovers: () => findOrphans({ places, commonDir, db, processes, now: () => deps.clock.now() }).map(({ id }) => id),
    async reclaim() {
      const { reclaimed } = reclaimSandboxes({ places, commonDir, db, processes, now: () => deps.clock.now() })
      layers.prune()
      await sweepTrash(places)
      return { reclaimed }
    },
  }
}
