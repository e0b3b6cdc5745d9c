import type { Outcome } from '../landing/index.ts'
import type { CandidateState } from './data.ts'
import { recordDecisions } from './decisions.ts'
import type { ImprovementDeps } from './session.ts'
import type { Run } from './store.ts'

export type RecoveryReport = {
  /** Landings and undoings that were half done. */
  landings: { candidate: string; branch: string; outcome: Outcome; detail: string | null }[]
  /** Runs whose process had died; their unfinished candidates are abandoned and found again by the next run. */
  runs: string[]
  /** Candidates whose request for approval is too old. */
  expired: string[]
  /** Sandboxes of dead processes that were reclaimed. */
  sandboxes: string[]
}

const UNFINISHED = ['proposed', 'committed', 'sandboxed', 'validating']

/** Runs that say they are running while their process is gone. */
export function deadRuns({ store, isAlive }: Pick<ImprovementDeps, 'store' | 'isAlive'>): Run[] {
  return store.openRuns().filter((run) => !isAlive(run.process))
}

/** Closes the run of a process that is gone; the next run finds its unfinished candidates again. */
export function closeKilled({ store }: Pick<ImprovementDeps, 'store'>, run: string): void {
  for (const { id, state } of store.candidatesOf(run))
    if (UNFINISHED.includes(state)) store.move(id, 'abandoned', { reason: 'the run was killed' })
  store.finishRun(run, { status: 'interrupted', summary: null, recordPath: null, exitCode: null })
}

/** Closes what dead processes left open: landings by the journal, runs and candidates by their owner, old requests. */
export async function recover(deps: ImprovementDeps): Promise<RecoveryReport> {
  const { store, landing, approvals } = deps
  const landings = (await landing.recover()).map(({ operation, outcome, detail }) => ({
    candidate: operation.candidateId,
    branch: operation.targetRef.replace(/^refs\/heads\//, ''),
    outcome,
    detail,
  }))
  const sandboxes = [...(await deps.reclaimSandboxes())]
  const runs = deadRuns(deps).map(({ id }) => id)
  for (const run of runs) closeKilled(deps, run)
  const expired: string[] = []
  for (const id of approvals.expire()) {
    if (store.candidate(id).state !== 'awaiting_approval') continue
    store.move(id, 'expired')
    await landing.dropCandidate(id)
    expired.push(id)
  }
  const decided = new Set([...landings.map(({ candidate }) => candidate), ...expired].map((id) => store.candidate(id).runId))
  for (const run of decided) recordDecisions(deps, run)
  return { landings, runs, expired, sandboxes }
}

/** States whose commit somebody may still land, or that is on its way. */
const NEEDED: readonly CandidateState[] = ['awaiting_approval', 'approved', 'landing', 'undoing', 'needs_attention']
const KEPT_MS = 14 * 86_400_000

/** What nobody asked about for two weeks is let go: git may collect the commit. Called where a run begins, not at every start. */
export async function dropOldCandidates({ store, landing, clock }: Pick<ImprovementDeps, 'store' | 'landing' | 'clock'>): Promise<void> {
  const needed = new Set(NEEDED.flatMap((state) => store.inState(state)).map(({ id }) => id))
  const dropped = new Set(await landing.dropCandidateRefs(clock.now() - KEPT_MS, needed))
  for (const state of ['validated', 'conflict'] as const)
    for (const { id } of store.inState(state)) if (dropped.has(id)) store.move(id, 'expired')
}
