import { existsSync, readFileSync, readdirSync, realpathSync, renameSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { sha256, makeFolder } from '../kernel/index.ts'
import { startProcess } from '../process/index.ts'

/** Where the sandboxes of one repository lie: outside it, all on one file system so that discarding is a rename. */
export type Places = { root: string; sandboxes: string; trash: string; layers: string; state: string }

/** The folder of one repository below the state home. */
export function placeOf(stateHome: string, commonDir: string): string {
  return join(stateHome, 'singularity', sha256(commonDir).slice(0, 16))
}

/** The same with its parts, made if it is not there. */
export function placesFor(stateHome: string, commonDir: string): Places {
  const wanted = placeOf(stateHome, commonDir)
  makeFolder(wanted)
  const root = realpathSync(wanted)
  const places = {
    root,
    sandboxes: join(root, 'sandboxes'),
    trash: join(root, 'trash'),
    layers: join(root, 'layers'),
    state: join(root, 'state'),
  }
  for (const path of Object.values(places)) makeFolder(path)
  return places
}

let trashed = 0

/** Moves a folder out of the way at once; nothing happens where it is not there. */
export function moveToTrash(places: Places, path: string): string | undefined {
  if (!existsSync(path)) return undefined
  const target = join(places.trash, `${basename(path)}-${process.pid}-${++trashed}`)
  try {
    renameSync(path, target)
    return target
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    rmSync(path, { recursive: true, force: true }) // another file system, or no right to rename
    return undefined
  }
}

/** Deletes in a process that outlives us, at the lowest priority. */
export async function deleteInBackground(paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return
  const script = '(nice -n 19 rm -rf -- "$@" || { chmod -R u+rwX -- "$@"; rm -rf -- "$@"; }) >/dev/null 2>&1 </dev/null &'
  const { result } = startProcess({ command: 'sh', args: ['-c', script, 'sh', ...paths], cwd: '/', env: { PATH: '/usr/bin:/bin' } })
  await result
}

/** More than this in the trash is deleted before going on: an unbounded trash has run disks out of inodes. */
const MAX_TRASH = 20

/** Empties what earlier processes left in the trash. */
export async function sweepTrash(places: Places): Promise<void> {
  const names = readdirSync(places.trash)
  const paths = names.map((name) => join(places.trash, name))
  for (const path of paths.slice(MAX_TRASH)) rmSync(path, { recursive: true, force: true })
  await deleteInBackground(paths.slice(0, MAX_TRASH))
}

/** The lock reason of our worktrees; the part after the pid tells a reused pid from ours. */
export function lockReason(id: string, owner: { pid: number; pidStart: string; bootId: string }): string {
  return `singularity:${id}:${owner.pid}:${owner.pidStart}:${owner.bootId}`
}

export type AdminEntry = { path: string; id: string; pid: number; pidStart: string; bootId: string }

/** Reads a git admin entry (`<common>/worktrees/<name>`) if it is one of ours: our lock reason and our folder. */
export function ownAdminEntry(places: Places, path: string): AdminEntry | undefined {
  const read = (name: string): string => {
    try {
      return readFileSync(join(path, name), 'utf8').trim()
    } catch {
      return ''
    }
  }
  const [tag, id, pid, pidStart = '', bootId = ''] = read('locked').split(':')
  if (tag !== 'singularity' || !id || !pid) return undefined
  const gitdir = read('gitdir') // written after the lock: a kill in between leaves none
  if (gitdir !== '' && !resolve(path, gitdir).startsWith(places.sandboxes + sep)) return undefined
  return { path, id, pid: Number(pid), pidStart, bootId }
}

/** All admin entries of ours in a repository. */
export function ownAdminEntries(places: Places, commonDir: string): AdminEntry[] {
  const folder = join(commonDir, 'worktrees')
  if (!existsSync(folder)) return []
  return readdirSync(folder).flatMap((name) => ownAdminEntry(places, join(folder, name)) ?? [])
}

const TURNS = 40
const TURN_MS = 50

/**
 * Removes one admin entry of ours, never another's; the folder `worktrees` goes with the last one, as git does it. A git
 * whose parent was killed may still write into it: what cannot be removed within two seconds is left, with the lock that
 * says whose it is, to the next reclaim.
 */
export function removeAdminEntry(places: Places, path: string): void {
  if (!ownAdminEntry(places, path)) return
  const lock = join(path, 'locked')
  const content = readFileSync(lock)
  for (let turn = 0; turn < TURNS; turn++) {
    try {
      for (const name of readdirSync(path)) if (name !== 'locked') rmSync(join(path, name), { recursive: true, force: true })
      rmSync(lock, { force: true })
      rmdirSync(path)
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error
      if (existsSync(path)) writeFileSync(lock, content)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TURN_MS)
    }
  }
  removeEmpty(dirname(path))
}

/** Removes what a kill leaves before the lock of an entry is written or after it is gone: empty folders, from `path` up to `worktrees`. */
export function removeEmptyAdmin(path: string): void {
  removeEmpty(path)
  removeEmpty(dirname(path))
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // not there, or not empty: others' worktrees
  }
}
