import type { SandboxRoomDeps } from './room.ts'
import { ALL_SANDBOXES, type SandboxRow } from './sql.ts'

/** What killed processes left, where there is anything: one small query when not. Needs no isolation. */
export async function reclaimLeftovers(
  deps: Pick<SandboxRoomDeps, 'git' | 'db' | 'clock' | 'processes' | 'stateHome'>,
): Promise<readonly string[]> {
  const { db, processes } = deps
  const left = db
    .all<SandboxRow>(ALL_SANDBOXES)
    .some((row) => !processes.isAlive({ pid: row.pid, pidStart: row.pid_start, bootId: row.boot_id }))
  if (!left) return []
  const [{ placesFor, sweepTrash }, { reclaimSandboxes }] = await Promise.all([import('./places.ts'), import('./reclaim.ts')])
  const { commonDir } = deps.git.repository
  const places = placesFor(deps.stateHome, commonDir)
  const { reclaimed } = reclaimSandboxes({ places, commonDir, db, processes, now: () => deps.clock.now() })
  await sweepTrash(places)
  return reclaimed
}
