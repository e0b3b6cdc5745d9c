import { existsSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseJson } from '../kernel/index.ts'
import type { ProcessIdentity, ProcessInfo } from '../process/index.ts'
import { ownAdminEntries, type Places, placeOf, removeAdminEntry } from './places.ts'
import { OWNER_FILE } from './reclaim.ts'

export type SandboxTraces = {
  /** This repository's folder below the state home; null where there is none. */
  root: string | null
  /** Our entries in `<common git dir>/worktrees`. */
  adminEntries: string[]
  /** Ids of sandboxes whose process lives: they must end first. */
  alive: string[]
}

/** Everything this room keeps for one repository, found without making anything. */
export function findTraces(options: { stateHome: string; commonDir: string; processes: ProcessInfo }): SandboxTraces {
  const wanted = placeOf(options.stateHome, options.commonDir)
  if (!existsSync(wanted)) return { root: null, adminEntries: [], alive: [] }
  const root = realpathSync(wanted)
  const sandboxes = join(root, 'sandboxes')
  const admins = ownAdminEntries(placesIn(root), options.commonDir)
  const folders = existsSync(sandboxes) ? readdirSync(sandboxes) : []
  const owned = folders.flatMap((id) => {
    const path = join(sandboxes, id, OWNER_FILE)
    const owner = existsSync(path) ? (parseJson(readFileSync(path, 'utf8')) as ProcessIdentity | undefined) : undefined
    return owner ? [{ ...owner, id }] : []
  })
  const alive = [...owned, ...admins].filter((owner) => options.processes.isAlive(owner)).map(({ id }) => id)
  return { root, adminEntries: admins.map(({ path }) => path), alive: [...new Set(alive)] }
}

/** Removes what `findTraces` found. */
export function removeTraces(traces: SandboxTraces): void {
  if (traces.root === null) return
  for (const path of traces.adminEntries) removeAdminEntry(placesIn(traces.root), path)
  rmSync(traces.root, { recursive: true, force: true, maxRetries: 3 })
}

function placesIn(root: string): Places {
  return { root, sandboxes: join(root, 'sandboxes'), trash: join(root, 'trash'), layers: join(root, 'layers'), state: join(root, 'state') }
}
