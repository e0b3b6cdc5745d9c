import { chmodSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Git } from '../git/index.ts'
import { SingularityError, invariant } from '../kernel/index.ts'
import { lockReason } from './places.ts'
import type { Owner } from './owner.ts'

/** Without these the bytes on disk would depend on settings of the person's, and sparse checkouts would lose files. */
const CHECKOUT_FLAGS = ['-c', 'core.sparseCheckout=false']
const EXACT_BYTES = ['-c', 'core.autocrlf=false', '-c', 'core.eol=lf']

/**
 * Registers a worktree without a checkout and takes its `.git` file away: inside the sandbox there is no repository to
 * find, and we always name the admin folder ourselves. Answers the admin folder (its name may carry a suffix).
 */
export async function addWorktree(git: Git, options: { path: string; commit: string; id: string; owner: Owner }): Promise<string> {
  const { path, commit, id, owner } = options
  await git.run(['worktree', 'add', '--detach', '--no-checkout', '--lock', '--reason', lockReason(id, owner), path, commit])
  const pointer = /^gitdir: (.*)$/m.exec(readFileSync(join(path, '.git'), 'utf8'))?.[1]
  invariant(pointer, 'git worktree add wrote no .git file')
  rmSync(join(path, '.git'))
  return resolve(path, pointer)
}

/** Writes the commit into the tree; over an earlier commit only what differs, and what was altered, is written. */
export async function checkOut(git: Git, place: { path: string; admin: string; exactBytes: boolean }, commit: string): Promise<void> {
  const flags = [...CHECKOUT_FLAGS, ...(place.exactBytes ? EXACT_BYTES : [])]
  const where = { gitDir: place.admin, workTree: place.path }
  await git.run([...flags, 'read-tree', '--reset', '-u', '--no-recurse-submodules', commit], where)
}

/** The worktree's HEAD keeps the commit's objects alive while it is in use. */
export async function setHead(git: Git, place: { path: string; admin: string }, commit: string): Promise<void> {
  await git.run(['update-ref', '--no-deref', 'HEAD', commit], { gitDir: place.admin, workTree: place.path })
}

export async function trackedPaths(git: Git, place: { path: string; admin: string }): Promise<Set<string>> {
  const listed = await git.run(['ls-files', '-z'], { gitDir: place.admin, workTree: place.path })
  return new Set(listed.text.split('\0').filter(Boolean))
}

/** Removes whatever is not tracked, ignored files and nested repositories included, without following links. */
export function removeUntracked(root: string, tracked: ReadonlySet<string>, keep: ReadonlySet<string>): void {
  const folders = new Set<string>()
  for (const path of tracked) for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) folders.add(path.slice(0, at))
  for (const path of keep) for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) folders.add(path.slice(0, at))
  const walk = (below: string): void => {
    for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
      const path = below ? `${below}/${entry.name}` : entry.name
      if (tracked.has(path) || keep.has(path)) continue
      if (entry.isDirectory() && folders.has(path)) walk(path)
      else removeTree(join(root, path))
    }
  }
  walk('')
}

/** rm -rf that also takes folders without write permission. */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch (error) {
    if (!['EACCES', 'EPERM', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    allow(path)
    rmSync(path, { recursive: true, force: true })
  }
}

function allow(path: string): void {
  if (!lstatSync(path).isDirectory()) return
  chmodSync(path, 0o700)
  for (const name of readdirSync(path)) allow(join(path, name))
}

/** Empties a folder without replacing it. */
export function emptyFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(path)) removeTree(join(path, name))
}

/** Turns errors of the file system into errors a person can act on. */
export function diskError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new SingularityError('DISK_FULL', `No space left for a sandbox in ${path}.`, { cause: error, hints: ['singularity doctor --fix', `df -h '${path}'`] })
  if (code === 'EROFS' || code === 'EACCES')
    return new SingularityError('READ_ONLY', `A sandbox cannot be written in ${path}.`, { cause: error, hints: ['Set XDG_STATE_HOME to a folder that can be written.'] })
  return error
}

