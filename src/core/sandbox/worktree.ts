import { chmodSync, lstatSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Git } from '../git/index.ts'
import { SingularityError, invariant, makeFolder } from '../kernel/index.ts'
import type { ProcessIdentity } from '../process/index.ts'
import { lockReason } from './places.ts'

/** Without these the bytes on disk would depend on settings of the person's, and sparse checkouts would lose files. */
const CHECKOUT: Readonly<Record<string, string>> = {
  'core.sparseCheckout': 'false',
  // a run may restore size and time of a file it changed, never its ctime
  'core.trustctime': 'true',
  'core.checkStat': 'default',
}
const EXACT_BYTES: Readonly<Record<string, string>> = { 'core.autocrlf': 'false', 'core.eol': 'lf' }

function settings(values: Readonly<Record<string, string>>): Record<string, string> {
  const env: Record<string, string> = { GIT_CONFIG_COUNT: String(Object.keys(values).length) }
  for (const [index, [key, value]] of Object.entries(values).entries())
    Object.assign(env, { [`GIT_CONFIG_KEY_${index}`]: key, [`GIT_CONFIG_VALUE_${index}`]: value })
  return env
}

/**
 * Registers a worktree without a checkout and takes its `.git` file away: inside the sandbox there is no repository to
 * find, and we always name the admin folder ourselves. Answers the admin folder (its name may carry a suffix).
 */
export async function addWorktree(
  git: Git,
  options: { path: string; commit: string; id: string; owner: ProcessIdentity },
): Promise<string> {
  const { path, commit, id, owner } = options
  await git.run(['worktree', 'add', '--detach', '--no-checkout', '--lock', '--reason', lockReason(id, owner), path, commit])
  const pointer = /^gitdir: (.*)$/m.exec(readFileSync(join(path, '.git'), 'utf8'))?.[1]
  invariant(pointer, 'git worktree add wrote no .git file')
  rmSync(join(path, '.git'))
  return resolve(path, pointer)
}

/** @throws REV_INVALID */
export async function commitId(git: Git, revision: string): Promise<string> {
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(revision)) return revision
  const found = await git.resolve(`${revision}^{commit}`)
  if (found === undefined) throw new SingularityError('REV_INVALID', `${revision} is not a commit of this repository.`)
  return found
}

/** Writes the commit into the tree; over an earlier commit only what differs, and what was altered, is written. */
export async function checkOut(git: Git, place: { path: string; admin: string; exactBytes: boolean }, commit: string): Promise<void> {
  const env = settings({ ...CHECKOUT, ...(place.exactBytes ? EXACT_BYTES : {}) })
  await git.run(['read-tree', '--reset', '-u', '--no-recurse-submodules', commit], { gitDir: place.admin, workTree: place.path, env })
}

/** The worktree's HEAD keeps the commit's objects alive while it is in use. */
export async function setHead(git: Git, place: { path: string; admin: string }, commit: string): Promise<void> {
  await git.run(['update-ref', '--no-deref', 'HEAD', commit], { gitDir: place.admin, workTree: place.path })
}

export type TrackedPaths = { files: ReadonlySet<string>; submodules: ReadonlySet<string> }

export async function trackedPaths(git: Git, place: { path: string; admin: string }): Promise<TrackedPaths> {
  const listed = await git.run(['ls-files', '-z', '--stage'], { gitDir: place.admin, workTree: place.path })
  const entries = listed.text.split('\0').filter(Boolean)
  const paths = (submodule: boolean): string[] =>
    entries.filter((entry) => entry.startsWith('160000') === submodule).map((entry) => entry.slice(entry.indexOf('\t') + 1))
  return { files: new Set(paths(false)), submodules: new Set(paths(true)) }
}

/** Removes whatever is not tracked, ignored files and nested repositories included, without following links. */
export function removeUntracked(root: string, tracked: TrackedPaths, keep: ReadonlySet<string>): void {
  const folders = new Set<string>()
  for (const paths of [tracked.files, tracked.submodules, keep])
    for (const path of paths)
      for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) folders.add(path.slice(0, at))
  const walk = (below: string): void => {
    for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
      const path = below ? `${below}/${entry.name}` : entry.name
      if (tracked.files.has(path) || keep.has(path)) continue
      if (entry.isDirectory() && tracked.submodules.has(path)) emptyFolder(join(root, path))
      else if (entry.isDirectory() && folders.has(path)) walk(path)
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
  makeFolder(path)
  for (const name of readdirSync(path)) removeTree(join(path, name))
}

/** Turns errors of the file system into errors a person can act on. */
export function diskError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException).code
  // git does not say why it could not write a file
  const unwritten = SingularityError.isInstance(error) && error.code === 'GIT_FAILED' && /unable to write/.test(error.message)
  if (unwritten || code === 'ENOSPC' || code === 'EDQUOT')
    return new SingularityError('DISK_FULL', `No space left for a sandbox in ${path}.`, {
      cause: error,
      hints: ['singularity doctor --fix', `df -h '${path}'`],
    })
  if (code === 'EROFS' || code === 'EACCES')
    return new SingularityError('READ_ONLY', `A sandbox cannot be written in ${path}.`, {
      cause: error,
      hints: ['Set XDG_STATE_HOME to a folder that can be written.'],
    })
  return error
}
