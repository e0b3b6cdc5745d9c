import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createGit, discoverRepository, type Git } from '../../src/core/git/index.ts'

/** Text or bytes; `{ link }` makes a symbolic link, `{ text, mode }` a file with that mode. */
export type FileContent = string | Uint8Array | { link: string } | { text: string; mode: number }

export type RepositorySnapshot = {
  head: string
  /** `name oid` lines of every ref but our own. */
  refs: string
  /** `status --porcelain -z`, the index as `ls-files -s -z`, and a hash per file on disk. */
  status: string
  index: string
  files: Record<string, string>
}

export type TestRepository = {
  root: string
  /** Runs the real git with a fixed identity and clock; trims one final newline. */
  git(...args: string[]): string
  write(files: Record<string, FileContent | null>): void
  /** Stages everything and commits; answers the commit id. */
  commit(message: string, files?: Record<string, FileContent | null>): string
  snapshot(): RepositorySnapshot
  /** The wrapper under test, over this repository. */
  open(env?: Record<string, string | undefined>): Promise<Git>
  cleanup(): void
}

export const TEST_IDENTITY = { name: 'Ada Example', email: 'ada@example.org' }

/** The environment tests give to code that takes one: the developer's own git configuration is out of sight. */
export function testEnvironment(home: string): Record<string, string | undefined> {
  return { PATH: process.env['PATH'], HOME: home, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }
}

/** A temporary repository on branch `main` with one commit of `files`, or none when `files` is null. */
export function createRepository(
  files: Record<string, FileContent> | null = { 'readme.md': '# example\n' },
  options: { objectFormat?: 'sha1' | 'sha256'; identity?: boolean; name?: string } = {},
): TestRepository {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'singularity-test-')))
  const root = join(folder, options.name ?? 'repository')
  mkdirSync(root)
  const env = {
    ...testEnvironment(folder),
    GIT_AUTHOR_NAME: TEST_IDENTITY.name,
    GIT_AUTHOR_EMAIL: TEST_IDENTITY.email,
    GIT_COMMITTER_NAME: TEST_IDENTITY.name,
    GIT_COMMITTER_EMAIL: TEST_IDENTITY.email,
    GIT_OPTIONAL_LOCKS: '0',
  }
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: root,
      env,
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'pipe'],
    }).replace(/\n$/, '')
  const write = (changes: Record<string, FileContent | null>): void => writeFiles(root, changes)
  const opened: Git[] = []

  git('init', '--quiet', '--initial-branch=main', `--object-format=${options.objectFormat ?? 'sha1'}`)
  if (options.identity !== false) {
    git('config', 'user.name', TEST_IDENTITY.name)
    git('config', 'user.email', TEST_IDENTITY.email)
  }
  const commit = (message: string, changes?: Record<string, FileContent | null>): string => {
    if (changes) write(changes)
    git('add', '--all')
    git('commit', '--quiet', '--allow-empty', '--no-verify', '-m', message)
    return git('rev-parse', 'HEAD')
  }
  if (files) commit('chore: start', files)

  return {
    root,
    git,
    write,
    commit,
    snapshot: () => ({
      head: attempt(() => git('symbolic-ref', '-q', 'HEAD')) ?? attempt(() => git('rev-parse', 'HEAD')) ?? '',
      refs: git('for-each-ref', '--format=%(refname) %(objectname)')
        .split('\n')
        .filter((line) => !line.startsWith('refs/singularity/'))
        .join('\n'),
      status: git('status', '--porcelain', '-z', '--untracked-files=all'),
      index: git('ls-files', '-s', '-z'),
      files: hashFiles(root),
    }),
    async open(extra = {}) {
      const callerEnv = { ...testEnvironment(folder), ...extra }
      const opening = createGit(await discoverRepository({ cwd: root, env: callerEnv }), { env: callerEnv })
      opened.push(opening)
      return opening
    },
    cleanup() {
      for (const each of opened) each.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function attempt<T>(body: () => T): T | undefined {
  try {
    return body()
  } catch {
    return undefined
  }
}

/** Writes files below a folder; `null` deletes. */
export function writeFiles(root: string, changes: Record<string, FileContent | null>): void {
  for (const [path, content] of Object.entries(changes)) {
    const target = join(root, path)
    rmSync(target, { force: true, recursive: true })
    if (content === null) continue
    mkdirSync(dirname(target), { recursive: true })
    if (typeof content === 'string' || content instanceof Uint8Array) writeFileSync(target, content)
    else if ('link' in content) symlinkSync(content.link, target)
    else {
      writeFileSync(target, content.text)
      chmodSync(target, content.mode)
    }
  }
}

/** One hash per file and symbolic link below a folder (mode included), `.git` left out. */
export function hashFiles(root: string, below = ''): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of readdirSync(join(root, below)).sort()) {
    const path = below ? `${below}/${name}` : name
    if (path === '.git') continue
    const stat = lstatSync(join(root, path))
    if (stat.isDirectory()) Object.assign(found, hashFiles(root, path))
    else {
      const bytes = stat.isSymbolicLink() ? readlinkSync(join(root, path)) : readFileSync(join(root, path))
      found[path] =
        `${stat.isSymbolicLink() ? 'link' : (stat.mode & 0o777).toString(8)}:${createHash('sha256').update(bytes).digest('hex')}`
    }
  }
  return found
}
