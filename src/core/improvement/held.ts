import type { CandidateState } from './data.ts'
import { plural } from '../kernel/index.ts'
import { proposalBranch } from '../landing/index.ts'
import { aimOf } from './deliver.ts'
import { branchOf } from './report.ts'
import type { Session } from './session.ts'
import { isAutomatic } from './settle.ts'
import type { Proposal } from './source.ts'
import { LANDED } from './states.ts'
import type { Candidate } from './store.ts'
import { WAITING } from './waiting.ts'

/**
 * Leaves out what an earlier run has found and what is still on its way: it waits for a person, is approved and has not
 * landed yet, or lies on a branch of proposals that was not merged. What `--yes` may answer is asked again by a run with
 * it; its landing settles the older one.
 */
export async function withoutHeld(session: Session, proposals: readonly Proposal[]): Promise<Proposal[]> {
  const { request, notes } = session
  const fresh: Proposal[] = []
  let [waiting, approved, landed, settled] = [0, 0, 0, 0]
  const branches = new Set<string>()
  for (const proposal of proposals) {
    if (ofSameJob(session, proposal.fingerprint)) {
      settled++
      continue
    }
    const isAsked = proposal.explicit || request.retry
    const known = isAsked ? [] : session.deps.store.withFingerprint(proposal.fingerprint, [...WAITING, ...LANDED])
    const waits = known.some((each) => ASKING.includes(each.state) && !(request.yes && isAutomatic(session, each)))
    const branch = await unmergedBranch(session, known)
    if (waits) waiting++
    else if (known.some(({ state }) => state === 'approved')) approved++
    else if (branch === undefined) fresh.push(proposal)
    else {
      landed++
      branches.add(branch)
    }
  }
  if (settled > 0) notes.push(`${plural(settled, 'candidate')} of an earlier attempt at this job: singularity inbox`)
  if (waiting > 0) notes.push(`${plural(waiting, 'candidate')} found before and waiting for you: singularity inbox`)
  if (approved > 0) notes.push(`${plural(approved, 'candidate')} approved before and not landed yet: singularity resume`)
  if (landed > 0)
    notes.push(
      `${plural(landed, 'candidate')} landed before on ${[...branches].join(', ')}, which is not merged yet (offered again by --retry).`,
    )
  return fresh
}

/** What an earlier attempt at the same job has asked about, landed or been told: it is not asked twice, also where it was handed in. */
function ofSameJob({ deps, run }: Session, fingerprint: string): boolean {
  if (run.jobId === null) return false
  const known = deps.store.withFingerprint(fingerprint, [...WAITING, ...LANDED, 'declined', 'undone'])
  return known.some(({ runId }) => runId !== run.id && deps.store.run(runId).jobId === run.jobId)
}

const ASKING: readonly CandidateState[] = WAITING.filter((state) => state !== 'approved')

/** The branch that has the change of one of these candidates, made for where this run's changes go, while the base has not. */
async function unmergedBranch({ deps, request, branch, base }: Session, known: readonly Candidate[]): Promise<string | undefined> {
  const { git, store } = deps
  for (const candidate of known) {
    const { landed, targetRef, runId } = candidate
    if (landed === null || targetRef === null) continue
    const aim = targetRef === proposalBranch(runId) ? aimOf(store.run(runId)) : branchOf(candidate)
    if (aim !== aimOf({ request, branch })) continue
    if ((await git.isAncestor(landed, targetRef)) && !(await git.isAncestor(landed, base))) return branchOf(candidate)!
  }
  return undefined
}
