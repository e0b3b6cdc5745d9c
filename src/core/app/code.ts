import { lstat, readFile } from 'node:fs/promises'
import { isAbsolute, join, posix, relative, sep } from 'node:path'
import type { Dependencies, Technology } from '../analysis/index.ts'
import type { Git, Repository } from '../git/index.ts'
import { SingularityError } from '../kernel/index.ts'
import type { AppContext } from './context.ts'

export type CodeParts = { context: AppContext; git: () => Promise<Git> }

/** Where code is read from: the files as they lie here, or a commit. */
type Tree = { paths: readonly string[]; read: (path: string) => Promise<Uint8Array | undefined> }

/** Paths as the user wrote them (from the folder they stand in), and perhaps a revision instead of the working tree. */
export type CodeQuery = { paths: readonly string[]; base?: string | undefined }

/** What the code says, without an index. */
export function composeCode({ context, git }: CodeParts) {
  async function tree({ paths, base }: CodeQuery): Promise<Tree> {
    const opened = await git()
    const all = base === undefined ? await workTree(opened) : await commitTree(opened, base)
    const wanted = paths.map((path) => fromTop(opened.repository, path))
    const missing = wanted.findIndex((each) => !all.paths.some((path) => within(path, each)))
    if (missing !== -1)
      throw new SingularityError('USAGE', `There is no file or folder ${paths[missing]} here.`, { hints: ['git ls-files'] })
    return { ...all, paths: all.paths.filter((path) => wanted.length === 0 || wanted.some((each) => within(path, each))) }
  }

  async function dependencies(query: CodeQuery): Promise<Dependencies> {
    const [{ readDependencies }, { paths, read }] = await Promise.all([import('../analysis/index.ts'), tree(query)])
    return readDependencies(paths, read)
  }

  async function technologies(query: CodeQuery): Promise<Technology[]> {
    const [{ detectTechnologies, loadTechnologies, readDependencies }, found] = await Promise.all([
      import('../analysis/index.ts'),
      tree(query),
    ])
    const known = await readDependencies(found.paths, found.read)
    return detectTechnologies(loadTechnologies(join(context.packageRoot, 'templates_data')), { ...found, dependencies: known.dependencies })
  }

  return { dependencies, technologies }
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

/** A path from where the user stands, as one from the top of the repository; '' is the top. @throws USAGE where it leads out of it */
function fromTop({ root, prefix }: Repository, typed: string): string {
  const slashed = isAbsolute(typed) ? relative(root, typed).split(sep).join('/') : posix.join(prefix, typed)
  const path = posix.normalize(slashed).replace(/\/$/, '')
  if (path === '..' || path.startsWith('../')) throw new SingularityError('USAGE', `${typed} is outside the repository.`)
  return path === '.' ? '' : path
}
