import type { Git } from '../git/index.ts'
import { plural } from '../kernel/index.ts'
import { branchOf } from './report.ts'
import type { Session } from './session.ts'
import { isAutomatic } from './settle.ts'
import type { Proposal } from './source.ts'
import { LANDED } from './states.ts'
import type { Candidate } from './store.ts'
import { WAITING } from './waiting.ts'

/**
 * Leaves out what an earlier run has found and what is still on its way: it waits for a person, or lies on a branch that
 * the base does not have. `--yes` may answer what waits, so a run with it asks again; its landing settles the older one.
 */
export async function withoutHeld(session: Session, proposals: readonly Proposal[]): Promise<Proposal[]> {
  const { deps, request, base } = session
  const fresh: Proposal[] = []
  const branches = new Set<string>()
  let waiting = 0
  for (const proposal of proposals) {
    const known = proposal.explicit || request.retry ? [] : deps.store.withFingerprint(proposal.fingerprint, [...WAITING, ...LANDED])
    const waits = known.some((each) => WAITING.includes(each.state) && !(request.yes && isAutomatic(session, each)))
    const on = waits ? undefined : await unmergedBranch(deps.git, known, { base, into: request.into })
    if (waits) waiting++
    else if (on === undefined) fresh.push(proposal)
    else branches.add(on)
  }
  const landed = proposals.length - fresh.length - waiting
  if (waiting > 0) session.notes.push(`${plural(waiting, 'candidate')} found before and waiting for your yes: singularity inbox`)
  if (landed > 0)
    session.notes.push(
      `${plural(landed, 'candidate')} landed before on ${[...branches].join(', ')}, which this branch does not have yet (--retry offers them again).`,
    )
  return fresh
}

/** The branch that has the change of one of these candidates while the base has not. */
async function unmergedBranch(
  git: Git,
  known: readonly Candidate[],
  { base, into }: { base: string; into: string | null },
): Promise<string | undefined> {
  for (const candidate of known) {
    const { landed, targetRef } = candidate
    const branch = branchOf(candidate)
    if (landed === null || targetRef === null || branch === null || (into !== null && into !== branch)) continue
    if ((await has(git, landed, targetRef)) && !(await has(git, landed, base))) return branch
  }
  return undefined
}

async function has(git: Git, commit: string, tip: string): Promise<boolean> {
  return (await git.run(['merge-base', '--is-ancestor', commit, tip], { accept: [0, 1, 128] })).exitCode === 0
}
