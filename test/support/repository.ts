import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'

export type TestRepository = ReturnType<typeof createRepository>

/** A temporary git repository with one commit of the given files, on branch `work`. */
export function createRepository(files: Readonly<Record<string, string>> = { 'a.txt': 'one\n' }, options: { branch?: string; objectFormat?: string } = {}) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'singularity-test-')))
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' }
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).replace(/\n$/, '')
  const write = (path: string, content: string | Uint8Array): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  const commit = (message: string, changes: Readonly<Record<string, string>> = {}): string => {
    for (const [path, content] of Object.entries(changes)) write(path, content)
    git('add', '-A')
    git('commit', '-q', '--allow-empty', '-m', message)
    return git('rev-parse', 'HEAD')
  }
  git('init', '-q', '-b', options.branch ?? 'work', ...(options.objectFormat ? [`--object-format=${options.objectFormat}`] : []))
  git('config', 'user.name', 'Ada Tester')
  git('config', 'user.email', 'ada@example.com')
  commit('initial', files)

  const hashes = (folder: string, found: Record<string, string> = {}): Record<string, string> => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (path === join(root, '.git')) continue
      if (entry.isDirectory()) hashes(path, found)
      else if (entry.isSymbolicLink()) found[relative(root, path)] = `-> ${readlinkSync(path)}`
      else if (entry.isFile()) found[relative(root, path)] = `${lstatSync(path).mode & 0o777} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`
    }
    return found
  }
  return {
    root,
    env,
    git,
    write,
    commit,
    read: (path: string): string => readFileSync(join(root, path), 'utf8'),
    /** Everything a command may not change unasked: branches, head, status, stash and every file's bytes. */
    snapshot: () => ({
      refs: git('for-each-ref', '--format=%(refname) %(objectname)').split('\n').filter((line) => !line.startsWith('refs/singularity/')),
      head: git('rev-parse', 'HEAD'),
      branch: execBranch(git),
      status: git('status', '--porcelain=v1', '-z', '--untracked-files=all'),
      files: hashes(root),
    }),
    cleanup: (): void => rmSync(root, { recursive: true, force: true }),
  }
}

function execBranch(git: (...args: string[]) => string): string {
  try {
    return git('symbolic-ref', '--short', 'HEAD')
  } catch {
    return '(detached)'
  }
}
