import { createObjectBatch } from './batch.ts'
import { applyPatch, commitTree, writeChanges } from './commits.ts'
import { gitEnvironment } from './environment.ts'
import { executeGit } from './execute.ts'
import type { Git, GitOptions, GitOutput, Identity } from './git.ts'
import { listWorktrees, updateRef } from './references.ts'
import type { Repository } from './repository.ts'
import { createTreeReaders, parseRawDiff, splitNul } from './trees.ts'

export type GitDeps = {
  /** The caller's environment; only what git needs is taken from it. */
  env: Readonly<Record<string, string | undefined>>
  /** Put into the environment of every child (the crash tests preload into it). */
  marks?: Readonly<Record<string, string>>
}

/** The hardened git wrapper over one repository. Call `close` when done. */
export function createGit(repository: Repository, deps: GitDeps): Git {
  const place = { GIT_DIR: repository.gitDir, GIT_WORK_TREE: repository.root }
  const env = { ...gitEnvironment(deps.env), ...place, ...deps.marks }
  const signingEnv = gitEnvironment(deps.env, 'signing')

  const run = (args: readonly string[], options: GitOptions = {}): Promise<GitOutput> => {
    const workTree = options.workTree ?? repository.root
    return executeGit({
      args,
      cwd: workTree,
      env: { ...env, ...options.env, GIT_WORK_TREE: workTree, GIT_DIR: options.gitDir ?? repository.gitDir },
      input: options.input,
      accept: options.accept,
      timeoutMs: options.timeoutMs,
      signal: options.signal,
    })
  }

  const batch = createObjectBatch({ cwd: repository.root, env })
  const readers = createTreeReaders(run, batch)

  const resolve = async (revision: string): Promise<string | undefined> => {
    const found = await run(['rev-parse', '--verify', '--quiet', '--end-of-options', revision], { accept: [0, 1, 128] })
    return found.exitCode === 0 ? found.text.trim() : undefined
  }

  const git: Git = {
    repository,
    run,
    resolve,
    treeOf: async (commit) => (await run(['rev-parse', '--verify', '--end-of-options', `${commit}^{tree}`])).text.trim(),
    reader: readers.reader,
    async currentBranch() {
      const head = await run(['symbolic-ref', '--quiet', 'HEAD'], { accept: [0, 1] })
      return head.exitCode === 0 ? head.text.replace(/\n$/, '').replace(/^refs\/heads\//, '') : null
    },
    async identity() {
      const answer = await run(['var', 'GIT_AUTHOR_IDENT'], { env: gitEnvironment(deps.env, 'identity'), accept: [0, 1, 128] })
      return answer.exitCode === 0 ? parseIdentity(answer.text) : undefined
    },
    async config(name) {
      const args = ['config', '--null', '--get', name]
      const value = await executeGit({ args, cwd: repository.root, env, accept: [0, 1], hardened: false })
      return value.exitCode === 0 ? splitNul(value.stdout)[0] : undefined
    },
    async commitChanges(options) {
      const tree = await writeChanges(git, options.base, options.changes)
      const { base, message, author, committer } = options
      const commit = await git.commitTree({ tree, parents: [base], message, ...(author && { author }), ...(committer && { committer }) })
      return { commit, tree }
    },
    commitTree: (options) => commitTree(git, options, signingEnv),
    applyPatch: (base, patch) => applyPatch(git, base, patch),
    async changedFiles(from, to) {
      return parseRawDiff((await run(['diff-tree', '-r', '-z', '--raw', '--no-abbrev', '-M', from, to])).stdout)
    },
    async diff(from, to, options = {}) {
      const flags = [
        '-r',
        '-p',
        '-M',
        '--no-ext-diff',
        '--no-textconv',
        '--src-prefix=a/',
        '--dst-prefix=b/',
        `-U${options.context ?? 3}`,
        options.color ? '--color=always' : '--no-color',
        '--full-index',
      ]
      if (options.binary) flags.push('--binary')
      return (await run(['diff-tree', ...flags, from, to, '--', ...(options.paths ?? [])])).text
    },
    isAncestor: async (ancestor, commit) =>
      (await run(['merge-base', '--is-ancestor', ancestor, commit], { accept: [0, 1, 128] })).exitCode === 0,
    async mergeTrees(ours, theirs) {
      const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', ours, theirs]
      const [tree = '', ...conflicts] = splitNul((await run(args, { accept: [0, 1] })).stdout)
      return { tree, conflicts }
    },
    updateRef: (ref, next, old, reason, options) => updateRef(git, { ref, next, old, reason, ...options }),
    worktrees: () => listWorktrees(git),
    close: () => batch.close(),
  }
  return git
}

function parseIdentity(line: string): Identity | undefined {
  const parts = /^(.*) <([^<>]*)> \d+ [+-]\d+\n?$/s.exec(line)
  return parts?.[1] && parts[2] ? { name: parts[1], email: parts[2] } : undefined
}
