import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Git, type Repository, fromTop } from '../git/index.ts'
import { SingularityError } from '../kernel/index.ts'

/** Where code is read from: the files as they lie here, or a commit. */
export type Tree = {
  paths: readonly string[]
  /** `undefined` where it is no file (any more), or cannot be read. */
  read: (path: string) => Promise<Uint8Array | undefined>
}

/** Paths as the user wrote them (from the folder they stand in), and perhaps a revision instead of the working tree. */
export type CodeQuery = { paths: readonly string[]; base?: string | undefined }

/** @throws USAGE where a path leads to nothing or out of the repository, or the revision is no commit */
export async function openTree(git: Git, { paths, base }: CodeQuery): Promise<Tree> {
  const all = base === undefined ? await workTree(git) : await commitTree(git, base)
  return { ...all, paths: keepTo(git.repository, all.paths, paths) }
}

/** Of `all`, what lies in the folders and files that the user named. @throws USAGE where one of them holds nothing */
function keepTo(repository: Repository, all: readonly string[], typed: readonly string[]): readonly string[] {
  const wanted = typed.map((path) => fromTop(repository, path))
  const missing = wanted.findIndex((each) => !all.some((path) => within(path, each)))
  if (missing !== -1) throw new SingularityError('USAGE', `There is no file or folder ${typed[missing]} here.`, { hints: ['git ls-files'] })
  return wanted.length === 0 ? all : all.filter((path) => wanted.some((each) => within(path, each)))
}

/** Tracked and new files that are not ignored, as git sees them. Links are not followed: they may lead out of the repository. */
async function workTree(git: Git): Promise<Tree> {
  const listed = await git.run(['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'])
  const paths = listed.text.split('\0').filter((path) => path !== '')
  return {
    paths,
    read: async (path) => {
      const full = join(git.repository.root, path)
      const stat = await lstat(full).catch(() => undefined)
      return stat?.isFile() ? readFile(full).catch(() => undefined) : undefined
    },
  }
}

async function commitTree(git: Git, revision: string): Promise<Tree> {
  const commit = await git.resolve(`${revision}^{commit}`)
  if (commit === undefined)
    throw new SingularityError('USAGE', `${revision} is no commit of this repository.`, { hints: ['git log --oneline'] })
  const reader = git.reader(commit)
  const entries = await reader.entries()
  const files = entries.filter(({ mode }) => mode.startsWith('100'))
  return { paths: files.map(({ path }) => path), read: (path) => reader.read(path) }
}

const within = (path: string, folder: string): boolean => folder === '' || path === folder || path.startsWith(`${folder}/`)

/** What differs from where HEAD left `revision`: committed, staged, unstaged and new files. @throws USAGE where it is no commit */
export async function changedPaths(git: Git, revision: string): Promise<{ base: string; paths: ReadonlySet<string> }> {
  const commit = await git.resolve(`${revision}^{commit}`)
  if (commit === undefined)
    throw new SingularityError('USAGE', `${revision} is no commit of this repository.`, { hints: ['git log --oneline'] })
  const fork = await git.run(['merge-base', commit, 'HEAD'], { accept: [0, 1] })
  const base = fork.exitCode === 0 ? fork.text.trim() : commit
  const [changed, created] = await Promise.all([
    git.run(['diff', '--name-only', '-z', '--no-renames', '--no-ext-diff', '--no-textconv', base, '--']),
    git.run(['ls-files', '-z', '--others', '--exclude-standard']),
  ])
  const paths = `${changed.text}${created.text}`.split('\0').filter((path) => path !== '')
  return { base, paths: new Set(paths) }
}
