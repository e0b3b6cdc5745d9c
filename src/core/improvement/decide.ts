import { digest } from '../kernel/index.ts'
import type { LandResult } from '../landing/index.ts'
import type { Actor } from './service.ts'
import { recordDecisions } from './decisions.ts'
import { type Target, aimOf, describeRefusal, landCandidate } from './deliver.ts'
import type { Landing, Refusal } from './hooks.ts'
import type { Session } from './session.ts'
import type { Candidate, Run } from './store.ts'
import type { ImprovementDeps } from './session.ts'

/**
 * Opens the request for a yes, bound to the exact diff and its evidence. A request of an earlier run for the same change,
 * found again because this run asked for it, is replaced; what somebody hands in twice is asked twice.
 */
export function requestApproval(deps: Pick<ImprovementDeps, 'store' | 'approvals' | 'settings'>, candidate: Candidate): void {
  const { store } = deps
  store.db.transaction(() => {
    openRequest(deps, candidate)
    store.move(candidate.id, 'awaiting_approval')
    if (candidate.evidence.explicit) return
    const aim = aimOf(store.run(candidate.runId))
    for (const other of store.withFingerprint(candidate.fingerprint, ['awaiting_approval', 'conflict']))
      if (other.runId !== candidate.runId && hasEndedFor(store.run(other.runId), aim))
        abandonAlike(deps, other, `asked again as ${candidate.id}`)
  })
}

/** A run for the same branch that has ended: one that still runs settles its candidates itself. */
const hasEndedFor = (run: Run, aim: string | null): boolean => run.status !== 'running' && aimOf(run) === aim

function abandonAlike({ store, approvals }: Pick<ImprovementDeps, 'store' | 'approvals'>, other: Candidate, reason: string): void {
  approvals.void(other.id, reason)
  store.move(other.id, 'abandoned', { reason })
}

/** The row of the request alone, for a candidate that waits already. */
export function openRequest({ approvals, settings }: Pick<ImprovementDeps, 'approvals' | 'settings'>, candidate: Candidate): void {
  approvals.request({
    candidateId: candidate.id,
    diffHash: candidate.diffHash!,
    evidenceHash: digest(candidate.evidence.proof),
    expiresInMs: settings.approvalExpiryMs,
  })
}

/** Answers yes: claimed once, and only for the diff that was asked about. */
export function grantApproval(
  deps: Pick<ImprovementDeps, 'store' | 'approvals'>,
  candidate: Candidate,
  actor: Actor,
  override: string | null,
  token?: string,
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
      ...(token !== undefined && { token }),
    })
    deps.store.move(candidate.id, 'approved', { by: actor.name, via: actor.via })
  })
}

type LandDeps = Pick<ImprovementDeps, 'git' | 'store' | 'landing' | 'approvals' | 'log'> & {
  /** Why the suites do not hold on a merged tree; null where they do. */
  revalidate: (tree: string, onto: string, candidate: Candidate, override: boolean) => Promise<string | null>
  /** The project's hooks over the commit that is about to be made. */
  checkHooks: (landing: Landing) => Promise<Refusal | null>
}

export type LandOptions = {
  target: Target
  approvedBy: string
  dryRun?: boolean
  /** A station of a train whose every member lands now: its tip was validated, the trees on the way need not be. */
  onTheWay?: boolean
  /** A person took the candidate although its evidence says roll back: its own tree is not asked again. */
  override?: boolean
}

/**
 * Lands an approved candidate. What lands is a tree the suites have seen green: any other tree that merging gives runs
 * through them first. A refusal leaves the candidate approved, with the reason.
 */
export async function land(deps: LandDeps, id: string, options: LandOptions): Promise<LandResult | Refusal> {
  const { store, git } = deps
  const { dryRun = false, onTheWay = false, override = false, ...rest } = options
  const candidate = store.candidate(id)
  const isValidated = (tree: string): boolean => store.cached(`validated:${tree}`) !== undefined
  const own = await git.treeOf(candidate.commit!)
  const attempt = (validatedTree: string, dry: boolean): Promise<LandResult> =>
    landCandidate(deps, { ...rest, candidate, dryRun: dry, validatedTree })
  // An empty tree id matches nothing: the landing then names the tree it would make.
  let validated = override || isValidated(own) ? own : ''
  let result: LandResult | Refusal
  for (let turn = 1; ; turn++) {
    result = await attempt(validated, true)
    if (result.status === 'revalidate') {
      const { tree, onto } = result
      const why = onTheWay || isValidated(tree) || dryRun ? null : await deps.revalidate(tree, onto, candidate, override)
      if (why === null) {
        validated = tree
        result = await attempt(validated, true)
      } else result = { status: 'merge_fails', reason: why }
    }
    if (dryRun || result.status !== 'ready') break
    const branch = rest.target.ref.replace(/^refs\/heads\//, '')
    const refused = await deps.checkHooks({ ...result, runId: candidate.runId, candidateId: id, branch })
    result = refused ?? (await attempt(validated, false))
    // Between the look and the landing another run may have landed: what would land now was not validated yet.
    if (result.status !== 'revalidate' || turn === MOST_TURNS) break
  }
  if (!dryRun) await settle(deps, candidate, result, rest.target)
  return result
}

const MOST_TURNS = 3

/** Writes what came of an attempt; the landing itself has moved the state of what landed. */
async function settle(deps: LandDeps, candidate: Candidate, result: LandResult | Refusal, target: Target): Promise<void> {
  const { store, landing } = deps
  const { id } = candidate
  const refused = result.status !== 'landed' && result.status !== 'ready'
  store.saveReasons(id, [...candidate.reasons.filter(({ code }) => !REFUSALS.has(code)), ...(refused ? [describeRefusal(result)] : [])])
  if (result.status === 'landed') await settleAlike(deps, candidate, target)
  if (result.status === 'conflict') store.move(id, 'conflict', { paths: result.paths })
  if (result.status !== 'unchanged') return
  // Another run, or a person, put the same change on the branch: there is nothing left to land.
  store.move(id, 'abandoned', { reason: result.reason })
  await landing.dropCandidate(id)
}

/** The same change for the same branch, which an earlier run asked about, has its answer. */
async function settleAlike(deps: LandDeps, { id, runId, fingerprint }: Candidate, target: Target): Promise<void> {
  const { store, landing } = deps
  const aim = target.proposed ? aimOf(store.run(runId)) : target.ref.replace(/^refs\/heads\//, '')
  const settled = store.db.transaction(() =>
    store
      .withFingerprint(fingerprint, ['validated', 'awaiting_approval', 'approved', 'conflict'])
      .filter((other) => hasEndedFor(store.run(other.runId), aim))
      .map((other) => {
        abandonAlike(deps, other, `landed as ${id}`)
        return other
      }),
  )
  for (const other of settled) {
    await landing.dropCandidate(other.id)
    recordDecisions(deps, other.runId)
  }
}

/** Reasons of an earlier attempt: the next one tells anew. */
const REFUSALS: ReadonlySet<string> = new Set([
  'conflict',
  'dirty',
  'busy',
  'unsigned',
  'unchanged',
  'revalidate',
  'merge_fails',
  'hook_failed',
])

/** Candidates that a run asks about: what it would keep, and of the undecided what a program made and what only adds tests. */
export function asksFor(session: Session, candidate: Candidate): boolean {
  if (candidate.state !== 'validated') return false
  if (candidate.verdict === 'keep') return true
  const addsTests = candidate.reasons.some(({ code }) => code === 'tests_added')
  const { exec, goal } = session.request
  const isMade = exec !== null || (goal ?? null) !== null
  return candidate.verdict === 'cannot_decide' && candidate.evidence.explicit && (isMade || addsTests)
}
