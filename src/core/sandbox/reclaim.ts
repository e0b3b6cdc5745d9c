import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseJson } from '../kernel/index.ts'
import type { ProcessIdentity, ProcessInfo } from '../process/index.ts'
import type { Database } from '../storage/index.ts'
import { type AdminEntry, moveToTrash, ownAdminEntries, ownAdminEntry, removeAdminEntry, removeEmptyAdmin, type Places } from './places.ts'
import { ALL_SANDBOXES, DELETE_SANDBOX, type SandboxRow } from './sql.ts'

export const OWNER_FILE = 'owner.json'
/** A folder without an owner file is one that is just being made; after this long it is not. */
const GRACE_MS = 60_000

export type ReclaimDeps = { places: Places; commonDir: string; db: Database; processes: ProcessInfo; now: () => number }

type Orphan = { id: string; row: SandboxRow | undefined; admin: AdminEntry | undefined }

/** What dead processes left: any subset of (folder, git admin entry, row). Whoever lives keeps everything. */
export function findOrphans(deps: ReclaimDeps): Orphan[] {
  const { places, db, processes } = deps
  const rows = new Map(db.all<SandboxRow>(ALL_SANDBOXES).map((row) => [row.id, row]))
  const admins = new Map(ownAdminEntries(places, deps.commonDir).map((entry) => [entry.id, entry]))
  const folders = new Set(readdirSync(places.sandboxes))
  return [...new Set([...rows.keys(), ...admins.keys(), ...folders])].flatMap((id) => {
    const [row, admin] = [rows.get(id), admins.get(id)]
    const owners: ProcessIdentity[] = []
    if (row) owners.push({ pid: row.pid, pidStart: row.pid_start, bootId: row.boot_id })
    if (admin) owners.push(admin)
    if (folders.has(id)) owners.push(...folderOwner(join(places.sandboxes, id), owners.length > 0, deps))
    return owners.some((owner) => processes.isAlive(owner)) ? [] : [{ id, row, admin }]
  })
}

/** Reclaims the orphans; only what carries our marks is touched. Answers ids and the folders that now lie in the trash. */
export function reclaimSandboxes(deps: ReclaimDeps): { reclaimed: string[]; trashed: string[] } {
  const { places, db } = deps
  const orphans = findOrphans(deps)
  const trashed: string[] = []
  for (const { id, row, admin } of orphans) {
    const target = moveToTrash(places, join(places.sandboxes, id))
    if (target) trashed.push(target)
    if (admin) removeAdminEntry(places, admin.path)
    else if (row?.admin_path && ownAdminEntry(places, row.admin_path)?.id === id) removeAdminEntry(places, row.admin_path)
    if (!row) continue
    if (row.admin_path) removeEmptyAdmin(row.admin_path)
    db.run(DELETE_SANDBOX, id)
  }
  return { reclaimed: orphans.map(({ id }) => id), trashed }
}

/** The row is written before the folder: only a folder that nobody is known for yet may be one whose row was not seen. */
function folderOwner(folder: string, known: boolean, deps: ReclaimDeps): ProcessIdentity[] {
  const path = join(folder, OWNER_FILE)
  const owner = existsSync(path) ? (parseJson(readFileSync(path, 'utf8')) as ProcessIdentity | undefined) : undefined
  if (owner) return [owner]
  if (known) return []
  return existsSync(folder) && deps.now() - statSync(folder).mtimeMs < GRACE_MS ? [deps.processes.self] : []
}
