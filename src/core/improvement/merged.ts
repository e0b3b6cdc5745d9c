import { SingularityError } from '../kernel/index.ts'
import { entriesFor } from '../validation/index.ts'
import { measureBase } from './base.ts'
import type { Watch } from './data.ts'
import { openSession, planOf } from './open.ts'
import type { ImprovementDeps, Session } from './session.ts'
import type { Candidate } from './store.ts'
import { isGreen, tryCommit } from './trials.ts'

export const UNWATCHED: Watch = { observe: () => {}, signal: new AbortController().signal }

/**
 * Validates a tree that merging gives, outside of a run: what is on the branch by now is the base it is compared with, so
 * that tests that came since the run count, and those that went do not. A fresh sandbox. Answers whether it holds.
 */
export async function validateMerged(
  deps: ImprovementDeps,
  { tree, onto, candidate }: { tree: string; onto: string; candidate: Candidate },
  { observe, signal }: Watch,
): Promise<boolean> {
  const run = deps.store.run(candidate.runId)
  const request = { ...run.request, patch: null, base: onto, dryRun: true, look: true }
  const session = await openSession(deps, { request, observe, signal, stopSoon: signal }, { run, foreign: candidate.evidence.explicit })
  observe({
    type: 'phase',
    phase: 'land',
    detail: `${candidate.id}: what merging gives is another tree than the one that was tested: its tests run`,
  })
  try {
    const green = await revalidate(session, tree, onto, candidate)
    if (signal.aborted) throw new SingularityError('INTERRUPTED', `Stopped while what merging ${candidate.id} gives was tested.`)
    return green
  } finally {
    await session.workbench.close()
  }
}

/** Runs the suites on a tree that merging would give: what lands is what was validated. */
export async function revalidate(
  session: Session,
  tree: string,
  onto: string,
  candidate: Pick<Candidate, 'id' | 'files' | 'evidence'>,
): Promise<boolean> {
  const { git, store } = session.deps
  const at = await sessionAt(session, onto, candidate.files)
  const commit = await git.commitTree({ tree, parents: [onto], message: `merged: ${candidate.id}` })
  const trial = await tryCommit(at, commit, {
    entries: entriesFor(at.plan!, candidate.files),
    fresh: candidate.evidence.explicit,
    steps: true,
    confirm: true,
  })
  const green = isGreen(trial)
  if (green) store.cache(`validated:${tree}`, 'validated_tree', { onto })
  return green
}

/** The same session with another commit as its base: plan and baseline are that commit's. */
async function sessionAt(session: Session, base: string, files: readonly string[]): Promise<Session> {
  const { git } = session.deps
  const baseTree = await git.treeOf(base)
  if (session.baseline && baseTree === session.baseTree) return session
  const moved: Session = { ...session, base, baseTree, reader: git.reader(base), plan: null, baseline: null }
  const plan = await planOf(moved)
  moved.baseline = (await measureBase(moved, plan, entriesFor(plan, files), files)).baseline
  return moved
}
