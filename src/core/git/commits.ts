import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SingularityError, printable } from '../kernel/index.ts'
import type { FileChange, Git, Identity } from './git.ts'
import { withScratch } from './scratch.ts'

/** Who wrote a commit that never reaches a branch, where the repository has no identity. */
export const TOOL_IDENTITY: Identity = { name: 'Singularity', email: 'singularity@localhost' }

const SIGN_TIMEOUT_MS = 30_000

type Runner = Pick<Git, 'repository' | 'run' | 'treeOf' | 'identity'>
type CommitTreeOptions = Parameters<Git['commitTree']>[0]

export async function commitTree(git: Runner, options: CommitTreeOptions, signingEnv: Readonly<Record<string, string>>): Promise<string> {
  const author = options.author ?? options.committer ?? (await git.identity()) ?? TOOL_IDENTITY
  const committer = options.committer ?? author
  const env = {
    ...(options.sign ? signingEnv : {}),
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_COMMITTER_NAME: committer.name,
    GIT_COMMITTER_EMAIL: committer.email,
  }
  const args = [
    'commit-tree',
    ...(options.sign ? ['-S'] : []),
    ...options.parents.flatMap((parent) => ['-p', parent]),
    '-F',
    '-',
    options.tree,
  ]
  const timeout = options.sign ? { timeoutMs: SIGN_TIMEOUT_MS } : {}
  return (await git.run(args, { input: options.message, env, ...timeout })).text.trim()
}

/** The tree that results from putting `changes` on top of a commit or tree; the user's index is not involved. */
export async function writeChanges(git: Runner, base: string, changes: readonly FileChange[]): Promise<string> {
  const width = git.repository.objectFormat === 'sha256' ? 64 : 40
  return withScratch(git.repository, async (folder) => {
    const env = { GIT_INDEX_FILE: join(folder, 'index') }
    const written = changes.filter((change) => change.content !== null)
    const names = written.map((_change, index) => `blob-${index}`)
    await Promise.all(written.map((change, index) => writeFile(join(folder, names[index]!), change.content!)))
    const oids = written.length === 0 ? [] : await hashBlobs(git, folder, names)
    await git.run(['read-tree', base], { env })
    const modes = await modesOf(git, env, written)
    const removals = changes.map((change) => `0 ${'0'.repeat(width)}\t${change.path}\0`)
    const additions = written.map((change, index) => `${modes(change)} ${oids[index]!}\t${change.path}\0`)
    await git.run(['update-index', '--add', '--replace', '-z', '--index-info'], { env, input: [...removals, ...additions].join('') })
    return (await git.run(['write-tree'], { env })).text.trim()
  })
}

async function hashBlobs(git: Runner, folder: string, names: readonly string[]): Promise<string[]> {
  const input = names.map((name) => `${join(folder, name)}\n`).join('')
  // Paths go in one per line; a newline in the repository's own path leaves one process per blob.
  if (!folder.includes('\n'))
    return (await git.run(['hash-object', '-w', '--no-filters', '--stdin-paths'], { input })).text.trim().split('\n')
  const oids: string[] = []
  for (const name of names) oids.push((await git.run(['hash-object', '-w', '--no-filters', '--', join(folder, name)])).text.trim())
  return oids
}

async function modesOf(git: Runner, env: Record<string, string>, written: readonly FileChange[]): Promise<(change: FileChange) => string> {
  const known = new Map<string, string>()
  if (written.some((change) => change.mode === undefined)) {
    const listed = await git.run(['ls-files', '-s', '-z', '--full-name', '--', ...written.map((change) => change.path)], { env })
    for (const record of listed.text.split('\0')) {
      const tab = record.indexOf('\t')
      if (tab > 0) known.set(record.slice(tab + 1), record.slice(0, 6))
    }
  }
  return (change) => {
    const old = known.get(change.path)
    return change.mode ?? (old === '100755' || old === '120000' ? old : '100644')
  }
}

/** @throws PATCH_INVALID with git's reason when the patch is empty, malformed, does not apply or changes nothing. */
export async function applyPatch(git: Runner, base: string, patch: Uint8Array): Promise<{ tree: string }> {
  if (Buffer.from(patch).toString('latin1').trim() === '') throw new SingularityError('PATCH_INVALID', 'The patch is empty.')
  return withScratch(git.repository, async (folder) => {
    const env = { GIT_INDEX_FILE: join(folder, 'index') }
    await git.run(['read-tree', base], { env })
    const applied = await git.run(['apply', '--cached', '--whitespace=nowarn', '-'], { env, input: patch, accept: [0, 1, 128] })
    if (applied.exitCode !== 0) {
      const reason = printable(applied.stderr)
        .replace(/^(error|fatal): /gm, '')
        .trim()
      throw new SingularityError('PATCH_INVALID', `The patch does not apply: ${reason || 'git gives no reason'}.`, {
        hints: ['Make it with: git diff > change.patch'],
        data: { reason },
      })
    }
    const tree = (await git.run(['write-tree'], { env })).text.trim()
    if (tree === (await git.treeOf(base))) throw new SingularityError('PATCH_INVALID', 'The patch changes nothing.')
    return { tree }
  })
}
