import { existsSync, rmSync } from 'node:fs'
import { SingularityError, plural } from '../kernel/index.ts'
import { loadMachinery } from '../sandbox/index.ts'
import type { SystemDeps } from './deps.ts'

export type UninstallReport = {
  /** Folders, refs and entries that are ours alone. */
  folders: string[]
  refs: string[]
  worktree_entries: string[]
  /** False for a dry run. */
  removed: boolean
}

/**
 * Lists, and removes where asked, what the program keeps for this repository: its state folder, its private refs, its
 * sandboxes. Branches, commits, settings and files of the working tree are the user's and stay.
 * @throws RUN_IN_PROGRESS while a sandbox of this repository is in use
 */
export async function uninstall(deps: SystemDeps, options: { remove: boolean }): Promise<UninstallReport> {
  const git = await deps.git()
  const stateDir = await deps.stateDir()
  const traces = await deps.sandboxTraces()
  if (options.remove && traces.alive.length > 0)
    throw new SingularityError(
      'RUN_IN_PROGRESS',
      `${plural(traces.alive.length, 'sandbox', 'sandboxes')} of this repository ${traces.alive.length === 1 ? 'is' : 'are'} in use.`,
    )
  const listed = await git.run(['for-each-ref', '--format=%(refname)', 'refs/singularity/'])
  const refs = listed.text.split('\n').filter((ref) => ref.startsWith('refs/singularity/'))
  const folders = [stateDir, traces.root].filter((path): path is string => path !== null && existsSync(path))
  if (options.remove) {
    if (refs.length > 0) await git.run(['update-ref', '--stdin'], { input: refs.map((ref) => `delete ${ref}\n`).join('') })
    ;(await loadMachinery()).removeTraces(traces)
    rmSync(stateDir, { recursive: true, force: true, maxRetries: 3 })
  }
  return { folders, refs, worktree_entries: traces.adminEntries, removed: options.remove }
}
