import { existsSync, realpathSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { SingularityError } from '../kernel/index.ts'
import { runProcess } from '../process/index.ts'
import { HARDENING_FLAGS, gitEnvironment } from './environment.ts'

/** Where a repository's parts are. All paths are absolute and free of symbolic links. */
export type Repository = {
  /** The top of the working tree the user stands in. */
  root: string
  /** The git directory of that working tree (differs from `commonDir` in a linked worktree). */
  gitDir: string
  /** The git directory shared by all worktrees; machine state lives in `<commonDir>/singularity`. */
  commonDir: string
  objectFormat: 'sha1' | 'sha256'
  /** The folder the user stands in, relative to `root`, '' at the top (I20). */
  prefix: string
  shallow: boolean
}

/** The oldest git whose `merge-tree --write-tree` this program builds on. */
export const MINIMUM_GIT = '2.38'

type Host = Readonly<Record<string, string | undefined>>

/** Version of the git on PATH, or `undefined` when there is none. */
export async function gitVersion(host: Host): Promise<string | undefined> {
  const result = await runProcess({ command: 'git', args: ['--version'], cwd: '/', env: gitEnvironment(host) })
  return result.stdout.toString().match(/(\d+\.\d+(?:\.\d+)?)/)?.[1]
}

export function isOldGit(version: string): boolean {
  const [major, minor] = version.split('.').map(Number)
  return major! < 2 || (major === 2 && minor! < 38)
}

/**
 * Finds the repository around a folder.
 * @throws GIT_MISSING, NOT_A_REPOSITORY, BARE_REPOSITORY, WRONG_OWNER
 */
export async function discoverRepository({ cwd, env }: { cwd: string; env: Host }): Promise<Repository> {
  const fields = ['--is-bare-repository', '--git-common-dir', '--absolute-git-dir', '--show-object-format', '--is-shallow-repository', '--is-inside-work-tree']
  const ask = async (args: readonly string[]) => runProcess({ command: 'git', args: [...HARDENING_FLAGS, 'rev-parse', ...args], cwd, env: gitEnvironment(env) })
  const result = await ask(fields)
  if (result.startError !== null) throw new SingularityError('GIT_MISSING', 'git is not on PATH.', { hints: ['Install git 2.38 or later.'] })
  const message = result.stderr.toString()
  if (message.includes('dubious ownership'))
    throw new SingularityError('WRONG_OWNER', `git does not trust this repository: it belongs to another user.`, {
      hints: [`git config --global --add safe.directory ${cwd}`],
    })
  if (result.exitCode !== 0)
    throw new SingularityError('NOT_A_REPOSITORY', `${cwd} is not inside a git repository.`, { data: { git: message.trim() } })
  const [bare, common, gitDir, format, shallow, inside] = result.stdout.toString().split('\n')
  if (bare === 'true') throw new SingularityError('BARE_REPOSITORY', `${cwd} is a bare repository: it has no files to improve.`, { hints: ['git clone it, then run singularity in the clone.'] })
  if (inside !== 'true') throw new SingularityError('NOT_A_REPOSITORY', `${cwd} is inside a .git folder, not in a working tree.`, { hints: ['cd ..'] })
  const top = realpathSync((await ask(['--show-toplevel'])).stdout.toString().replace(/\n$/, ''))
  return {
    root: top,
    gitDir: realpathSync(gitDir!),
    commonDir: realpathSync(resolve(cwd, common!)),
    objectFormat: format === 'sha256' ? 'sha256' : 'sha1',
    prefix: relative(top, realpathSync(cwd)),
    shallow: shallow === 'true',
  }
}

export type RepositoryState = {
  /** What the user is in the middle of. */
  operation: 'merge' | 'rebase' | 'cherry-pick' | 'revert' | 'bisect' | null
  /** Lock files of git that exist now. */
  locks: readonly string[]
}

const OPERATIONS: readonly [string, NonNullable<RepositoryState['operation']>][] = [
  ['rebase-merge', 'rebase'],
  ['rebase-apply', 'rebase'],
  ['MERGE_HEAD', 'merge'],
  ['CHERRY_PICK_HEAD', 'cherry-pick'],
  ['REVERT_HEAD', 'revert'],
  ['BISECT_LOG', 'bisect'],
]

/** Looks at a git directory without asking git: an operation in progress and held locks. */
export function repositoryState({ gitDir, commonDir }: { gitDir: string; commonDir: string }): RepositoryState {
  const locks = [join(gitDir, 'index.lock'), join(gitDir, 'HEAD.lock'), join(commonDir, 'config.lock'), join(commonDir, 'packed-refs.lock')]
  return {
    operation: OPERATIONS.find(([name]) => existsSync(join(gitDir, name)))?.[1] ?? null,
    locks: locks.filter((path) => existsSync(path)),
  }
}
