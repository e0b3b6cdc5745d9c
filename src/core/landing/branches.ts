import picomatch from 'picomatch'
import type { Git } from '../git/index.ts'

/** Branches that receive proposals instead of commits, unless settings say otherwise. */
export const PROTECTED_BRANCHES: readonly string[] = ['main', 'master', 'develop', 'release/*']

/** Is `name` ('main') a branch that nothing lands on by itself? Patterns are globs; the remote's default always counts. */
export function isProtectedBranch(name: string, patterns: readonly string[], remoteDefault: string | null): boolean {
  return name === remoteDefault || picomatch.isMatch(name, [...patterns])
}

/** The default branch of `origin` (or of the only remote), as far as this clone knows it. */
export async function remoteDefaultBranch(git: Git): Promise<string | null> {
  const remotes = (await git.run(['remote'])).text.split('\n').filter((name) => name !== '')
  const remote = remotes.includes('origin') ? 'origin' : remotes.length === 1 ? remotes[0]! : undefined
  if (remote === undefined) return null
  const head = await git.run(['symbolic-ref', '--quiet', `refs/remotes/${remote}/HEAD`], { accept: [0, 1, 128] })
  return head.exitCode === 0 ? head.text.trim().slice(`refs/remotes/${remote}/`.length) : null
}

/** The branch that carries a run's proposals. */
export function proposalBranch(runId: string): string {
  return `refs/heads/singularity/${runId}`
}

/** Does the repository sign its commits (`commit.gpgSign`)? */
export async function signsCommits(git: Git): Promise<boolean> {
  return /^(true|yes|on|1|)$/i.test((await git.config('commit.gpgSign')) ?? 'false')
}
