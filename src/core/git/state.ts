import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SingularityError } from '../kernel/index.ts'
import type { Git } from './git.ts'

export type Operation = 'merge' | 'rebase' | 'cherry-pick' | 'revert' | 'bisect'

export type RepositoryState = {
  /** What the user is in the middle of. */
  operation: Operation | null
  /** Lock files that other git processes hold (or left), as absolute paths. */
  locks: string[]
  detached: boolean
  /** No commit yet on the branch. */
  unborn: boolean
}

const MARKS: readonly [string, Operation][] = [
  ['rebase-merge', 'rebase'],
  ['rebase-apply', 'rebase'],
  ['MERGE_HEAD', 'merge'],
  ['CHERRY_PICK_HEAD', 'cherry-pick'],
  ['REVERT_HEAD', 'revert'],
  ['BISECT_LOG', 'bisect'],
]

/** The operation in progress in one working tree, given its own git directory. */
export function operationIn(gitDir: string): Operation | null {
  return MARKS.find(([name]) => existsSync(join(gitDir, name)))?.[1] ?? sequence(gitDir)
}

/** Between two picks of a series no *_HEAD file exists; the to-do list tells which kind it is. */
function sequence(gitDir: string): Operation | null {
  try {
    return readFileSync(join(gitDir, 'sequencer', 'todo'), 'utf8').startsWith('revert') ? 'revert' : 'cherry-pick'
  } catch {
    return null
  }
}

const CLAIMS: readonly [string, Operation][] = [
  ['rebase-merge/head-name', 'rebase'],
  ['rebase-apply/head-name', 'rebase'],
  ['BISECT_START', 'bisect'],
]

/** The branch that a rebase or bisect in this working tree comes back to ('main'), although the head is detached meanwhile. */
export function claimedBranch(gitDir: string): { branch: string; operation: Operation } | null {
  for (const [name, operation] of CLAIMS) {
    try {
      const branch = readFileSync(join(gitDir, name), 'utf8')
        .trim()
        .replace(/^refs\/heads\//, '')
      return { branch, operation }
    } catch {
      continue
    }
  }
  return null
}

function locksIn(gitDir: string, commonDir: string): string[] {
  const own = ['index.lock', 'HEAD.lock'].map((name) => join(gitDir, name))
  const shared = ['config.lock', 'packed-refs.lock', 'shallow.lock'].map((name) => join(commonDir, name))
  return [...own, ...shared].filter((path) => existsSync(path))
}

/** What stands in the way of working with this checkout. Reads only. */
export async function repositoryState(git: Git): Promise<RepositoryState> {
  const { gitDir, commonDir } = git.repository
  const [branch, head] = await Promise.all([git.currentBranch(), git.resolve('HEAD^{commit}')])
  return {
    operation: operationIn(gitDir),
    locks: locksIn(gitDir, commonDir),
    detached: branch === null,
    unborn: head === undefined,
  }
}

/** The commit of HEAD. @throws NO_COMMIT */
export async function headCommit(git: Git): Promise<string> {
  const head = await git.resolve('HEAD^{commit}')
  if (head === undefined) throw new SingularityError('NO_COMMIT', 'The repository has no commit yet: there is nothing to compare with.')
  return head
}
