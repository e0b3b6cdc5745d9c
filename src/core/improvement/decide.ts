import { digest } from '../kernel/index.ts'
import type { LandResult } from '../landing/index.ts'
import type { Actor } from './service.ts'
import { type Target, describeRefusal, landCandidate } from './deliver.ts'
import type { Session } from './session.ts'
import type { Candidate } from './store.ts'
import type { ImprovementDeps } from './session.ts'

/** Opens the request for a yes, bound to the exact diff and its evidence. */
export function requestApproval(deps: Pick<ImprovementDeps, 'store' | 'approvals' | 'settings'>, candidate: Candidate): void {
  deps.store.db.transaction(() => {
    deps.approvals.request({
      candidateId: candidate.id,
      diffHash: candidate.diffHash!,
      evidenceHash: digest(candidate.evidence.proof),
      expiresInMs: deps.settings.approvalExpiryMs,
    })
    deps.store.move(candidate.id, 'awaiting_approval')
  })
}

/** Answers yes: claimed once, and only for the diff that was asked about. */
export function grantApproval(
  deps: Pick<ImprovementDeps, 'store' | 'approvals'>,
  candidate: Candidate,
  actor: Actor,
  override: string | null,
): void {
  deps.store.db.transaction(() => {
    deps.approvals.decide(candidate.id, {
      status: 'approved',
      by: actor.name,
      via: actor.via,
      reason: override,
      overrides: override !== null,
      diffHash: candidate.diffHash!,
      evidenceHash: digest(candidate.evidence.proof),
    })
    deps.store.move(candidate.id, 'approved', { by: actor.name, via: actor.via })
  })
}

type LandDeps = Pick<ImprovementDeps, 'git' | 'store' | 'landing'> & {
  revalidate: (tree: string, onto: string, candidate: Candidate) => Promise<boolean>
}

export type LandOptions = {
  target: Target
  approvedBy: string
  dryRun?: boolean
  /** A station of a train whose every member lands now: its tip was validated, the trees on the way need not be. */
  onTheWay?: boolean
}

/**
 * Lands an approved candidate. What lands is a tree the suites have seen green: any other tree that merging gives runs
 * through them first. A refusal leaves the candidate approved, with the reason.
 */
export async function land(deps: LandDeps, id: string, options: LandOptions): Promise<LandResult> {
  const { store, git } = deps
  const { dryRun = false, onTheWay = false, ...rest } = options
  const candidate = store.candidate(id)
  const isValidated = (tree: string): boolean => store.cached(`validated:${tree}`) !== undefined
  const own = await git.treeOf(candidate.commit!)
  // An empty tree id matches nothing: the landing then names the tree it would make.
  let result = await landCandidate(deps, { ...rest, candidate, dryRun, validatedTree: isValidated(own) ? own : '' })
  if (result.status === 'revalidate') {
    const { tree, onto } = result
    if (onTheWay || isValidated(tree) || dryRun || (await deps.revalidate(tree, onto, candidate)))
      result = await landCandidate(deps, { ...rest, candidate, dryRun, validatedTree: tree })
  }
  if (result.status !== 'landed' && result.status !== 'ready' && result.status !== 'conflict' && !dryRun)
    keepRefusal(store, candidate, describeRefusal(result))
  // Nothing is left to land: it need not wait any longer.
  if (result.status === 'unchanged' && !dryRun) store.move(id, 'abandoned', { reason: 'the branch already has this change' })
  return result
}

/** Why it did not land, once: an older try's reason is replaced. */
function keepRefusal(store: LandDeps['store'], { id, reasons }: Candidate, refusal: { code: string; detail: string }): void {
  store.saveReasons(id, [...reasons.filter(({ code }) => code !== refusal.code), refusal])
}

/** Candidates that a run asks about: everything it would keep, and explicit ones it could not decide. */
export function asksFor(session: Session, candidate: Candidate): boolean {
  if (candidate.state !== 'validated') return false
  return (
    candidate.verdict === 'keep' || (candidate.verdict === 'cannot_decide' && candidate.evidence.explicit && session.request.exec !== null)
  )
}
