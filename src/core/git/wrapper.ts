import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SingularityError, printable } from '../kernel/index.ts'
import { runProcess } from '../process/index.ts'
import { HARDENING_FLAGS, gitEnvironment } from './environment.ts'
import type { ChangedFile, Git, GitOptions, GitOutput, Identity } from './git.ts'
import { createObjectReader } from './objects.ts'
import type { Repository } from './repository.ts'
import { createTreeReader } from './tree-reader.ts'

const STATUS: Readonly<Record<string, ChangedFile['status']>> = { A: 'added', M: 'modified', D: 'deleted', R: 'renamed', T: 'type', C: 'added' }
const TOOL: Identity = { name: 'Singularity', email: 'singularity@localhost' }

/** The hardened git of one repository. `host` is the environment of the process (PATH, HOME; every GIT_* is dropped). */
export function createGit(repository: Repository, { env: host }: { env: Readonly<Record<string, string | undefined>> }): Git {
  const base = gitEnvironment(host)
  const zero = '0'.repeat(repository.objectFormat === 'sha256' ? 64 : 40)
  const place = { GIT_DIR: repository.gitDir, GIT_WORK_TREE: repository.root }
  const objects = createObjectReader({ args: HARDENING_FLAGS, env: { ...base, ...place }, cwd: repository.root })

  async function run(args: readonly string[], options: GitOptions = {}): Promise<GitOutput> {
    const result = await runProcess({
      command: 'git',
      args: [...HARDENING_FLAGS, ...args],
      cwd: options.workTree ?? repository.root,
      env: { ...base, GIT_DIR: options.gitDir ?? repository.gitDir, GIT_WORK_TREE: options.workTree ?? repository.root, ...options.env },
      ...(options.input !== undefined && { input: options.input }),
      ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }),
      ...(options.signal && { signal: options.signal }),
      maxOutputBytes: 1024 * 1024 * 1024,
    })
    if (result.startError !== null) throw new SingularityError('GIT_MISSING', `git cannot be started: ${result.startError}.`)
    const stderr = result.stderr.toString('utf8')
    const exitCode = result.exitCode ?? 128
    if (result.timedOut || result.cancelled || !(options.accept ?? [0]).includes(exitCode)) throw failure(args, stderr, result.timedOut)
    return { exitCode, stdout: result.stdout, stderr, text: result.stdout.toString('utf8').replace(/\n$/, '') }
  }

  async function withIndex<T>(body: (env: { GIT_INDEX_FILE: string }) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(host['TMPDIR'] ?? tmpdir(), 'singularity-index-'))
    try {
      return await body({ GIT_INDEX_FILE: join(folder, 'index') })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  const treeOf = async (commit: string): Promise<string> => (await run(['rev-parse', '--verify', '--quiet', '--end-of-options', `${commit}^{tree}`])).text

  async function commitTree(options: Parameters<Git['commitTree']>[0]): Promise<string> {
    const author = options.author ?? TOOL
    const committer = options.committer ?? author
    const args = ['commit-tree', options.tree, ...options.parents.flatMap((parent) => ['-p', parent]), ...(options.sign ? ['-S'] : [])]
    const env = {
      GIT_AUTHOR_NAME: author.name,
      GIT_AUTHOR_EMAIL: author.email,
      GIT_COMMITTER_NAME: committer.name,
      GIT_COMMITTER_EMAIL: committer.email,
    }
    return (await run(args, { input: options.message, env, ...(options.sign && { timeoutMs: 60_000 }) })).text
  }

  return {
    repository,
    run,
    treeOf,
    commitTree,

    async resolve(revision) {
      const { exitCode, text } = await run(['rev-parse', '--verify', '--quiet', '--end-of-options', revision], { accept: [0, 1, 128] })
      return exitCode === 0 && text !== '' ? text : undefined
    },

    reader: (tree) => createTreeReader(tree, { run, read: objects.read }),

    async currentBranch() {
      const { exitCode, text } = await run(['symbolic-ref', '--quiet', '--short', 'HEAD'], { accept: [0, 1] })
      return exitCode === 0 ? text : null
    },

    async identity() {
      const [name, email] = [await this.config('user.name'), await this.config('user.email')]
      return name && email ? { name, email } : undefined
    },

    async config(name) {
      const { exitCode, text } = await run(['config', '--get', name], { accept: [0, 1] })
      return exitCode === 0 ? text : undefined
    },

    async commitChanges({ base: parent, changes, message, author, committer }) {
      return withIndex(async (env) => {
        await run(['read-tree', parent], { env })
        const reader = createTreeReader(parent, { run, read: objects.read })
        const lines: string[] = []
        for (const change of changes) {
          if (change.content === null) {
            lines.push(`0 ${zero}\t${change.path}`)
            continue
          }
          const oid = (await run(['hash-object', '-w', '--stdin', '--no-filters'], { input: change.content })).text
          const mode = change.mode ?? (await reader.entry(change.path))?.mode ?? '100644'
          lines.push(`${mode} ${oid}\t${change.path}`)
        }
        if (lines.length > 0) await run(['update-index', '-z', '--index-info'], { env, input: lines.map((line) => `${line}\0`).join('') })
        const tree = (await run(['write-tree'], { env })).text
        return { tree, commit: await commitTree({ tree, parents: [parent], message, ...(author && { author }), ...(committer && { committer }) }) }
      })
    },

    async applyPatch(parent, patch) {
      if (Buffer.from(patch).toString('latin1').trim() === '') throw new SingularityError('PATCH_INVALID', 'The patch is empty.', { hints: ['git diff > my.patch'] })
      return withIndex(async (env) => {
        await run(['read-tree', parent], { env })
        const { exitCode, stderr } = await run(['apply', '--cached', '--whitespace=nowarn', '-'], { env, input: patch, accept: [0, 1, 128] })
        if (exitCode !== 0)
          throw new SingularityError('PATCH_INVALID', `The patch does not apply: ${printable(stderr.trim().split('\n')[0] ?? '').replace(/^error: /, '')}.`, {
            hints: ['Make the patch against the base commit: git diff BASE > my.patch'],
            data: { git: printable(stderr) },
          })
        return { tree: (await run(['write-tree'], { env })).text }
      })
    },

    async changedFiles(from, to) {
      const { stdout } = await run(['diff-tree', '-r', '-z', '-M', '--no-ext-diff', '--no-textconv', '--full-index', from, to])
      const parts = stdout.toString('utf8').split('\0')
      const files: ChangedFile[] = []
      for (let at = 0; at < parts.length && parts[at]!.startsWith(':'); ) {
        const [oldMode, newMode, oldOid, newOid, letter] = parts[at++]!.slice(1).split(' ')
        const first = parts[at++]!
        const moved = letter!.startsWith('R') || letter!.startsWith('C')
        const path = moved ? parts[at++]! : first
        files.push({
          path,
          oldPath: letter!.startsWith('R') ? first : null,
          status: STATUS[letter![0]!] ?? 'modified',
          oldMode: oldMode!,
          newMode: newMode!,
          oldOid: oldOid!,
          newOid: newOid!,
        })
      }
      return files
    },

    async diff(from, to, options = {}) {
      const flags = [`--color=${options.color ? 'always' : 'never'}`, ...(options.context === undefined ? [] : [`-U${options.context}`]), ...(options.binary ? ['--binary', '--full-index'] : [])]
      const { stdout } = await run(['diff-tree', '-r', '-p', '-M', '--no-ext-diff', '--no-textconv', ...flags, from, to, '--', ...(options.paths ?? [])])
      return stdout.toString('utf8')
    },

    async mergeTrees(ours, theirs) {
      const { exitCode, stdout } = await run(['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', ours, theirs], { accept: [0, 1] })
      const [tree, ...conflicts] = stdout.toString('utf8').split('\0').filter((part) => part !== '')
      return { tree: tree!, conflicts: exitCode === 0 ? [] : [...new Set(conflicts)] }
    },

    async updateRef(ref, next, old, reason) {
      const command = next === null ? `delete ${ref}\0${old ?? ''}\0` : old === null ? `create ${ref}\0${next}\0` : `update ${ref}\0${next}\0${old}\0`
      const { exitCode } = await run(['update-ref', '-m', reason, '-z', '--stdin'], { input: command, accept: [0, 1, 128] })
      return exitCode === 0
    },

    async worktrees() {
      const { stdout } = await run(['worktree', 'list', '--porcelain', '-z'])
      return stdout
        .toString('utf8')
        .split('\0\0')
        .filter((block) => block.startsWith('worktree '))
        .map((block) => {
          const lines = block.split('\0')
          const field = (name: string): string | null => lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? null
          return { path: field('worktree')!, head: field('HEAD'), branch: field('branch')?.replace(/^refs\/heads\//, '') ?? null, bare: lines.includes('bare') }
        })
    },

    close: () => objects.close(),
  }
}

function failure(args: readonly string[], stderr: string, timedOut: boolean): SingularityError {
  const text = printable(stderr.trim())
  const command = `git ${args[0]}`
  const data = { command: args.join(' '), stderr: text }
  if (/No space left on device/i.test(text)) return new SingularityError('DISK_FULL', `${command}: no space left on the disk.`, { data })
  if (/Read-only file system|Permission denied/i.test(text)) return new SingularityError('READ_ONLY', `${command}: ${text.split('\n')[0]}.`, { data })
  if (/\.lock': File exists/.test(text)) return new SingularityError('REPOSITORY_LOCKED', `${command}: ${text.split('\n')[0]}`, { data, hints: ['Wait for the other git command, or remove its lock if it is dead.'] })
  return new SingularityError('GIT_FAILED', `${command} ${timedOut ? 'did not end in time' : `failed: ${text.split('\n')[0] ?? ''}`}`, { data })
}
