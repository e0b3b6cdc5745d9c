import type { ImprovementDeps } from './session.ts'
import type { Candidate } from './store.ts'

const TRAILER = 'Singularity-Approve'
const APPROVAL = /^(c[0-9a-z]+)\s+([0-9a-f]{12,64})$/

/**
 * Candidates that a commit on the current branch approves, made after the base of their run: `Singularity-Approve:
 * CANDIDATE DIFFHASH`. The hash (its first 12 digits or more) binds the yes to one exact diff; what the evidence rolls
 * back is never approved like this.
 */
export async function trailerApprovals({
  git,
  store,
}: Pick<ImprovementDeps, 'git' | 'store'>): Promise<{ candidate: Candidate; by: string }[]> {
  const approved: { candidate: Candidate; by: string }[] = []
  const known = new Map<string, readonly { by: string; value: string }[]>()
  for (const candidate of store.inState('awaiting_approval')) {
    if (candidate.verdict === 'roll_back' || candidate.diffHash === null) continue
    const { base } = store.run(candidate.runId)
    const trailers = known.get(base) ?? (await trailersSince(git, base))
    known.set(base, trailers)
    const yes = trailers.find(({ value }) => {
      const [, id, hash] = APPROVAL.exec(value) ?? []
      return id === candidate.id && candidate.diffHash!.startsWith(hash!)
    })
    if (yes) approved.push({ candidate, by: yes.by })
  }
  return approved
}

async function trailersSince(git: ImprovementDeps['git'], base: string): Promise<{ by: string; value: string }[]> {
  const format = `--format=%cn <%ce>%x1f%(trailers:key=${TRAILER},valueonly,unfold,separator=%x1f)%x00`
  const log = await git.run(['log', format, '--end-of-options', `${base}..HEAD`], { accept: [0, 128] })
  if (log.exitCode !== 0) return [] // the base is gone: a shallow clone, or a history written anew
  return log.text.split('\0').flatMap((commit) => {
    const [by = '', ...values] = commit.replace(/^\n/, '').split('\u001f')
    return values.filter((value) => value.trim() !== '').map((value) => ({ by, value: value.trim() }))
  })
}
