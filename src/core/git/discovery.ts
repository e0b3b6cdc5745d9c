import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { SingularityError } from '../kernel/index.ts'
import { gitEnvironment } from './environment.ts'
import { executeGit } from './execute.ts'
import type { Repository } from './repository.ts'

/** `merge-tree --write-tree` came with 2.38. */
const MINIMUM = [2, 38] as const

export type DiscoveryOptions = { cwd: string; env: Readonly<Record<string, string | undefined>> }

const FLAGS = ['--is-bare-repository', '--is-inside-work-tree', '--is-shallow-repository', '--show-object-format'] as const
const PLACES = ['--absolute-git-dir', '--git-common-dir', '--show-prefix', '--show-toplevel'] as const

/**
 * Finds the repository a person stands in, following git's own ownership check (safe.directory is never added).
 * @throws GIT_MISSING, NOT_A_REPOSITORY, BARE_REPOSITORY, WRONG_OWNER
 */
export async function discoverRepository(options: DiscoveryOptions): Promise<Repository> {
  const env = gitEnvironment(options.env, 'discovery')
  const ask = async (args: readonly string[]): Promise<string> =>
    (await executeGit({ args: ['rev-parse', '--path-format=absolute', ...args], cwd: options.cwd, env })).text.replace(/\n$/, '')
  const version = checkVersion(options)
  // One question where all is well; git refuses the places outside a working tree, then the flags alone say why.
  const [both] = await Promise.all([ask([...FLAGS, ...PLACES]).catch(() => ''), version])
  const lines = both.split('\n')
  const whole = lines.length === FLAGS.length + PLACES.length
  const flags = whole ? lines : (await ask(FLAGS).catch((error: unknown) => explain(error, options.cwd))).split('\n')
  const [bare, inside, shallow, format] = flags
  if (inside !== 'true') throw notInside(bare === 'true', options.cwd)
  const [gitDir, commonDir, prefix, root] = whole ? (lines.slice(FLAGS.length) as Places) : await places(ask)
  return {
    root: realpathSync(root),
    gitDir: realpathSync(gitDir),
    commonDir: realpathSync(commonDir),
    objectFormat: format === 'sha256' ? 'sha256' : 'sha1',
    prefix: prefix.replace(/\/$/, ''),
    shallow: shallow === 'true',
  }
}

type Places = [gitDir: string, commonDir: string, prefix: string, root: string]

async function places(ask: (args: readonly string[]) => Promise<string>): Promise<Places> {
  const lines = (await ask(PLACES)).split('\n')
  // A folder name with a newline makes the short way ambiguous.
  const answers = lines.length === PLACES.length ? lines : await Promise.all(PLACES.map((place) => ask([place])))
  return answers as Places
}

function explain(error: unknown, cwd: string): never {
  if (SingularityError.isInstance(error) && error.code === 'NOT_A_REPOSITORY')
    throw new SingularityError('NOT_A_REPOSITORY', `${cwd} is not inside a git repository.`, { cause: error })
  throw error
}

function notInside(bare: boolean, cwd: string): SingularityError {
  if (bare)
    return new SingularityError('BARE_REPOSITORY', `${cwd} is a bare repository: it has no files to improve.`, {
      hints: ['git worktree add ../checkout'],
    })
  return new SingularityError('NOT_A_REPOSITORY', `${cwd} is inside the .git folder, not in a working tree.`, { hints: ['cd ..'] })
}

/** The git version as a text, e.g. '2.39.5'. @throws GIT_MISSING when git is absent or too old */
export async function checkVersion(options: DiscoveryOptions): Promise<string> {
  const output = await executeGit({ args: ['version'], cwd: options.cwd, env: gitEnvironment(options.env) })
  const version = /(\d+)\.(\d+)(?:\.\d+)*/.exec(output.text)
  const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)]
  if (major < MINIMUM[0] || (major === MINIMUM[0] && minor < MINIMUM[1]))
    throw new SingularityError('GIT_MISSING', `git ${version?.[0] ?? 'of an unknown version'} is too old; 2.38 or later is needed.`)
  return version![0]
}

/** Where machine state of a repository lives. */
export function stateFolder(repository: Repository): string {
  return join(repository.commonDir, 'singularity')
}
