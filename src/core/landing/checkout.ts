import { existsSync, lstatSync, readdirSync, type Stats } from 'node:fs'
import { dirname, join } from 'node:path'
import { claimedBranch, operationIn, type Git, type GitOptions } from '../git/index.ts'
import { SingularityError } from '../kernel/index.ts'
import type { JournalPath, Operation } from './journal.ts'

export type Checkout = NonNullable<Operation['checkout']>
export type Obstacle = { status: 'dirty'; paths: string[] } | { status: 'busy'; reason: string }

const CHUNK = 400

/** The options that point git at one working tree. */
export function within(checkout: Checkout): GitOptions {
  return { workTree: checkout.path, gitDir: checkout.gitDir }
}

/** The working tree that has `branch` checked out, or why the branch cannot be moved now. */
export async function findCheckout(git: Git, branch: string): Promise<{ checkout: Checkout | null } | Obstacle> {
  const found: Checkout[] = []
  for (const tree of await git.worktrees()) {
    if (tree.gitDir === null || tree.bare || !existsSync(tree.path)) continue
    const claim = claimedBranch(tree.gitDir)
    if (claim?.branch === branch) return { status: 'busy', reason: `${claim.operation} in progress in ${tree.path}` }
    if (tree.branch === branch) found.push({ path: tree.path, gitDir: tree.gitDir })
  }
  if (found.length > 1) return { status: 'busy', reason: `${branch} is checked out in ${found.length} working trees` }
  return { checkout: found[0] ?? null }
}

/** What in the checkout forbids moving its branch right now: an operation in progress, locks, edits of the same paths. */
export async function findObstacle(git: Git, checkout: Checkout, paths: readonly JournalPath[]): Promise<Obstacle | null> {
  const operation = operationIn(checkout.gitDir)
  if (operation) return { status: 'busy', reason: `${operation} in progress in ${checkout.path}` }
  const lock = ['index.lock', 'HEAD.lock'].map((name) => join(checkout.gitDir, name)).find((path) => existsSync(path))
  if (lock) return { status: 'busy', reason: `${lock} exists` }
  const dirty = new Set([...collisions(checkout.path, paths), ...(await editedPaths(git, checkout, paths))])
  return dirty.size > 0 ? { status: 'dirty', paths: [...dirty].sort() } : null
}

async function editedPaths(git: Git, checkout: Checkout, paths: readonly JournalPath[]): Promise<string[]> {
  const edited: string[] = []
  for (let start = 0; start < paths.length; start += CHUNK) {
    const part = paths.slice(start, start + CHUNK)
    const names = part.map((each) => each.path)
    // `status` compares contents where the recorded times are stale; without optional locks it writes nothing.
    const args = ['status', '--porcelain=v1', '-z', '--no-renames', '--untracked-files=no', '--', ...names]
    const [status, hidden] = await Promise.all([git.run(args, within(checkout)), hiddenEdits(git, checkout, part)])
    for (const record of status.text.split('\0')) if (record !== '') edited.push(record.slice(3))
    edited.push(...hidden)
  }
  return edited
}

/** Edits that status does not show: entries marked assume-unchanged or skip-worktree. */
async function hiddenEdits(git: Git, checkout: Checkout, paths: readonly JournalPath[]): Promise<string[]> {
  const listed = await git.run(['ls-files', '-v', '-z', '--', ...paths.map((each) => each.path)], within(checkout))
  const marked = listed.text
    .split('\0')
    .filter((record) => /^[a-zS] /.test(record))
    .map((record) => record.slice(2))
  const edited: string[] = []
  for (const path of marked) {
    if (!lstat(join(checkout.path, path))?.isFile()) continue
    const hash = await git.run(['hash-object', '--', path], within(checkout))
    if (hash.text.trim() !== paths.find((each) => each.path === path)?.oldOid) edited.push(path)
  }
  return edited
}

/** Files and folders of the user that stand where the change wants to write. */
function collisions(root: string, paths: readonly JournalPath[]): string[] {
  const leaving = new Set(paths.filter((each) => each.oldOid !== null).map((each) => each.path))
  const found: string[] = []
  for (const { path, newOid } of paths) {
    if (newOid === null) continue
    const blocked = blockingParent(root, path, leaving)
    if (blocked) found.push(blocked)
    const stat = lstat(join(root, path))
    if (stat?.isDirectory()) found.push(...filesBelow(root, path).filter((file) => !leaving.has(file)))
    else if (stat && !leaving.has(path) && !blocked && !parentLeaves(path, leaving)) found.push(path)
  }
  return found
}

function blockingParent(root: string, path: string, leaving: ReadonlySet<string>): string | undefined {
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
    const stat = lstat(join(root, parent))
    if (stat && !stat.isDirectory()) return leaving.has(parent) ? undefined : parent
  }
  return undefined
}

function parentLeaves(path: string, leaving: ReadonlySet<string>): boolean {
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) if (leaving.has(parent)) return true
  return false
}

function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((item) =>
    item.isDirectory() ? filesBelow(root, `${folder}/${item.name}`) : [`${folder}/${item.name}`],
  )
}

export function lstat(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch {
    return undefined
  }
}

const IN_THE_WAY = /not uptodate|would be overwritten|would be removed|would lose untracked|not up to date/

/**
 * Two-way `read-tree -m -u`: writes exactly the paths that differ and refuses to overwrite anything else.
 * @returns the paths in the way where git refuses, else null
 */
export async function advance(
  git: Git,
  checkout: Checkout,
  step: { from: string; to: string },
  env: Readonly<Record<string, string>>,
): Promise<string[] | null> {
  const options = { ...within(checkout), env }
  const attempt = async (): Promise<string | null> => {
    try {
      await git.run(['read-tree', '-m', '-u', step.from, step.to], options)
      return null
    } catch (error) {
      const stderr = SingularityError.isInstance(error) ? String(error.data?.['stderr'] ?? '') : ''
      if (!IN_THE_WAY.test(stderr)) throw error
      return stderr
    }
  }
  let refusal = await attempt()
  if (refusal !== null && /not up\s?to\s?date/.test(refusal)) {
    // The recorded times may be stale (a copied tree, touched files) although the contents are the same.
    await git.run(['update-index', '-q', '--refresh'], { ...options, accept: [0, 1] })
    refusal = await attempt()
  }
  if (refusal === null) return null
  const named = [...refusal.matchAll(/'([^']+)'/g)].map((match) => match[1]!)
  return named.length > 0 ? named : [refusal]
}
