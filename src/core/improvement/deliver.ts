import { type Git, type Identity } from '../git/index.ts'
import { SingularityError, digest } from '../kernel/index.ts'
import {
  type Begin,
  type LandResult,
  type Landing,
  type Settle,
  TRAILER,
  type UndoResult,
  composeMessage,
  isProtectedBranch,
  proposalBranch,
  readConventions,
  remoteDefaultBranch,
  signsCommits,
} from '../landing/index.ts'
import type { Refusal } from './hooks.ts'
import type { Candidate, Run, Store } from './store.ts'

/** Where approved candidates of a run go. */
export type Target = { ref: string; createAt?: string; proposed: boolean }

/** The journal's callbacks: the candidate's state moves in the transaction that opens or closes the operation. */
export function landingCallbacks(store: Store): { begin: Begin; settle: Settle } {
  return {
    begin: ({ candidateId, kind }) => store.move(candidateId, kind === 'land' ? 'landing' : 'undoing'),
    settle: ({ candidateId, kind, newOid, targetRef }, outcome, detail) => {
      const { state } = store.candidate(candidateId)
      if (state !== (kind === 'land' ? 'landing' : 'undoing')) return
      if (outcome === 'landed') {
        store.saveLanding(candidateId, newOid, targetRef)
        store.event('improvement.local.applied', null, candidateId, { commit: newOid, ref: targetRef })
      } else if (outcome === 'undone') {
        store.saveUndo(candidateId, newOid)
        store.event('improvement.local.rolled_back', null, candidateId, { commit: newOid, ref: targetRef })
      }
      const back = kind === 'land' ? 'approved' : 'landed'
      store.move(candidateId, outcome === 'rolled_back' ? back : outcome, detail === null ? {} : { detail })
    },
  }
}

/**
 * The branch a run lands on: what was asked for, else the current branch; a protected one, a detached head and CI get a
 * branch of proposals.
 */
export async function chooseTarget(
  git: Git,
  options: { run: Pick<Run, 'id' | 'base'>; into: string | null; propose: boolean; ci: boolean; protectedBranches: readonly string[] },
): Promise<Target> {
  const { run, into } = options
  const proposal: Target = { ref: proposalBranch(run.id), createAt: run.base, proposed: true }
  if (into !== null && into !== 'current') {
    const ref = `refs/heads/${into}`
    if ((await git.run(['check-ref-format', ref], { accept: [0, 1] })).exitCode !== 0)
      throw new SingularityError('USAGE', `${into} cannot be the name of a branch.`, { hints: ['singularity improve --into BRANCH'] })
    return { ref, createAt: run.base, proposed: false }
  }
  const branch = await git.currentBranch()
  if (into === 'current') {
    if (branch === null)
      throw new SingularityError('USAGE', 'The head is detached: there is no current branch.', {
        hints: ['singularity improve --into BRANCH', 'singularity improve --propose'],
      })
    return { ref: `refs/heads/${branch}`, proposed: false }
  }
  if (options.propose || options.ci || branch === null) return proposal
  return isProtectedBranch(branch, options.protectedBranches, await remoteDefaultBranch(git))
    ? proposal
    : { ref: `refs/heads/${branch}`, proposed: false }
}

/** The branch a run's changes are meant for in the end; `null` for a detached head. */
export function aimOf({ request, branch }: Pick<Run, 'request' | 'branch'>): string | null {
  return request.into !== null && request.into !== 'current' ? request.into : branch
}

/** @throws IDENTITY_MISSING */
async function authorOf(git: Git): Promise<Identity> {
  const identity = await git.identity()
  if (identity) return identity
  throw new SingularityError('IDENTITY_MISSING', 'git does not know who you are: a commit needs an author.')
}

const TYPE_OF_SOURCE = {
  rules: 'refactor',
  fixers: 'style',
  patch: 'chore',
  branch: 'chore',
  exec: 'chore',
  history: 'refactor',
  model: 'refactor',
} as const

type Deps = { git: Git; store: Store; landing: Landing }

/** Lands one approved candidate; the answer says what stands in the way. Nothing is overwritten, whatever it says. */
export async function landCandidate(
  { git, landing }: Pick<Deps, 'git' | 'landing'>,
  options: { candidate: Candidate; target: Target; approvedBy: string; validatedTree: string; dryRun?: boolean },
): Promise<LandResult> {
  const { candidate, target } = options
  const author = await authorOf(git)
  const claim = {
    title: candidate.title,
    type: TYPE_OF_SOURCE[candidate.source.kind],
    files: candidate.files,
    body: candidate.evidence.reason + (candidate.evidence.reference === null ? '' : `\n\n${candidate.evidence.reference}`),
  }
  return landing.land({
    candidateId: candidate.id,
    commit: candidate.commit!,
    base: candidate.base!,
    targetRef: target.ref,
    ...(target.createAt !== undefined && { createAt: target.createAt }),
    message: composeMessage(claim, await readConventions(git, candidate.base!), author),
    trailers: [
      [TRAILER.change, candidate.id],
      [TRAILER.rule, `${candidate.source.kind}/${candidate.source.id}`],
      [TRAILER.run, candidate.runId],
      [TRAILER.base, candidate.base!],
      [TRAILER.evidence, digest(candidate.evidence.proof).slice(0, 16)],
      [TRAILER.approvedBy, options.approvedBy],
    ],
    validatedTree: options.validatedTree,
    author,
    sign: await signsCommits(git),
    ...(options.dryRun && { dryRun: true }),
  })
}

/** Takes a landed candidate back by an inverse commit on the branch it landed on. */
export async function undoCandidate(
  { git, store, landing }: Deps,
  candidate: Candidate,
  options: { dryRun?: boolean } = {},
): Promise<UndoResult> {
  const author = await authorOf(git)
  const others = candidate.reasons.filter(({ code }) => code !== 'undo_conflict')
  const result = await landing.undo({
    candidateId: candidate.id,
    landedCommit: candidate.landed!,
    targetRef: candidate.targetRef!,
    trailers: [
      [TRAILER.reverts, candidate.id],
      [TRAILER.run, candidate.runId],
    ],
    author,
    sign: await signsCommits(git),
    ...(options.dryRun && { dryRun: true }),
  })
  if (result.status === 'undo_conflict' && !options.dryRun)
    store.db.transaction(() => {
      store.move(candidate.id, 'undoing')
      store.move(candidate.id, 'undo_conflict', { paths: result.paths })
      store.saveReasons(candidate.id, [...others, describeRefusal(result)])
    })
  if (result.status === 'undone') store.saveReasons(candidate.id, others)
  return result
}

/** What a refusal means for a person. */
export function describeRefusal(result: Exclude<LandResult | UndoResult | Refusal, { status: 'landed' | 'undone' | 'ready' }>): {
  code: string
  detail: string
} {
  switch (result.status) {
    case 'dirty':
      return { code: 'dirty', detail: `uncommitted work in ${result.paths.slice(0, 3).join(', ')}` }
    case 'conflict':
    case 'undo_conflict':
      return { code: result.status, detail: `later changes touch the same lines in ${result.paths.slice(0, 3).join(', ')}` }
    case 'revalidate':
      return { code: 'revalidate', detail: 'merging gives a tree that was not validated' }
    default:
      return { code: result.status, detail: result.reason }
  }
}

/** As git's --no-verify, once or for good. */
export const SKIP_HOOKS: readonly string[] = [
  'SINGULARITY_LANDING_HOOKS=skip singularity resume',
  'singularity config set landing.hooks skip',
]

/** What a person may do about a refusal. */
export function hintsOfRefusal({ status }: { status: string }, { id }: Candidate): string[] {
  if (status === 'dirty') return ['git commit or git stash, then: singularity resume']
  if (status === 'merge_fails')
    return [`singularity show ${id}`, `singularity reject ${id} --reason 'does not fit any more'`, 'singularity improve --retry']
  if (status === 'conflict') return [`singularity diff ${id}`, `singularity approve ${id}   # once the branch agrees with it again`]
  if (status === 'hook_failed') return ['singularity resume', ...SKIP_HOOKS]
  return ['singularity resume', `singularity show ${id}`]
}
