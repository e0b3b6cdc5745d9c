import { gitEnvironment, SUMMARY_CONFIG } from './environment.ts'
import type { Repository } from './repository.ts'

/** What a person wants to know about the working tree before anything starts. Counts are files. */
export type WorkSummary = {
  branch: string | null
  /** The branch it follows on the remote, with how far the two are apart. */
  upstream: { name: string; ahead: number; behind: number } | null
  staged: number
  modified: number
  untracked: number
  conflicted: number
}

/** Reads the state of the user's work for display. Decisions never rest on it: the plumbing asks for itself. */
export async function summarizeWork(repository: Repository, env: Readonly<Record<string, string | undefined>>): Promise<WorkSummary> {
  const { simpleGit } = await import('simple-git')
  const environment = { ...gitEnvironment(env), GIT_DIR: repository.gitDir, GIT_WORK_TREE: repository.root }
  const client = simpleGit({
    baseDir: repository.root,
    config: [...SUMMARY_CONFIG],
    // The guards are meant for values that come from outside; these are ours, and switch helpers off.
    unsafe: {
      allowUnsafeHooksPath: true,
      allowUnsafeFsMonitor: true,
      allowUnsafeConfigPaths: true,
      allowUnsafeAskPass: true,
      allowUnsafeEditor: true,
      allowUnsafePager: true,
    },
    allowEnvironment: Object.keys(environment),
  }).env(environment)
  const status = await client.status(['--untracked-files=normal'])
  const upstream = status.tracking ? { name: status.tracking, ahead: status.ahead, behind: status.behind } : null
  return {
    branch: status.detached ? null : status.current,
    upstream,
    staged: status.files.filter((file) => !' ?U'.includes(file.index)).length,
    modified: status.files.filter((file) => !' ?U'.includes(file.working_dir)).length,
    untracked: status.not_added.length,
    conflicted: status.conflicted.length,
  }
}
