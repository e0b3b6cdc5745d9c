import type { FileChange, Git } from '../git/index.ts'
import { sha256 } from '../kernel/index.ts'
import { changesOf } from './edits.ts'
import type { Proposal, Site } from './source.ts'

export type CandidateCommit = { commit: string; tree: string; diffHash: string; files: string[]; sites: readonly Site[] }

export const candidateRef = (id: string): string => `refs/singularity/candidates/${id}`

type Making = { base: string; proposal: Proposal; sites: readonly Site[] }

/**
 * Makes the candidate's commit by plumbing, from base blobs and the given sites only, and keeps it alive under
 * `refs/singularity/candidates/<id>`. Nothing untrusted has run on what it holds.
 */
export async function commitCandidate(git: Git, { id, ...making }: Making & { id: string }): Promise<CandidateCommit> {
  const { base, sites } = making
  const made = await commitSites(git, making)
  const files = (await git.changedFiles(base, made.commit)).flatMap(({ path, oldPath }) => (oldPath === null ? [path] : [oldPath, path]))
  await git.updateRef(candidateRef(id), made.commit, (await git.resolve(candidateRef(id))) ?? null, `singularity: candidate ${id}`)
  return { commit: made.commit, tree: made.tree, diffHash: await diffHash(git, base, made.commit), files, sites }
}

/** The commit of some of a proposal's sites, for a trial: nothing keeps it alive. */
export async function commitSites(git: Git, { base, proposal, sites }: Making): Promise<{ commit: string; tree: string }> {
  const whole = sites.length === proposal.sites.length
  const message = `${proposal.title}\n\n${proposal.reason}\n`
  if (whole && proposal.tree !== undefined)
    return { tree: proposal.tree, commit: await git.commitTree({ tree: proposal.tree, parents: [base], message }) }
  const changes = [...(await changesOf(git, base, sites)), ...(whole ? proposal.changes : [])] as FileChange[]
  return git.commitChanges({ base, changes, message })
}

/** What an approval is bound to: the exact binary diff between base and candidate. */
export async function diffHash(git: Git, base: string, commit: string): Promise<string> {
  return sha256(await git.diff(base, commit, { binary: true }))
}
