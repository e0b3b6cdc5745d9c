import { SingularityError } from '../kernel/index.ts'
import { entriesFor } from '../validation/index.ts'
import { measureBase } from './base.ts'
import type { Watch } from './data.ts'
import { openSession, planOf } from './open.ts'
import type { ImprovementDeps, Session } from './session.ts'
import type { Candidate } from './store.ts'
import { type Trial, isGreen, tryCommit } from './trials.ts'

export const UNWATCHED: Watch = { observe: () => {}, signal: new AbortController().signal }

/**
 * Validates a tree that merging gives, outside of a run: what is on the branch by now is the base it is compared with, so
 * that tests that came since the run count, and those that went do not. A fresh sandbox.
 * @returns why it does not hold, null where it does
 */
export async function validateMerged(
  deps: ImprovementDeps,
  { tree, onto, candidate, override }: { tree: string; onto: string; candidate: Candidate; override: boolean },
  { observe, signal }: Watch,
): Promise<string | null> {
  const run = deps.store.run(candidate.runId)
  const request = { ...run.request, patch: null, base: onto, dryRun: true, look: true }
  const session = await openSession(deps, { request, observe, signal, stopSoon: signal }, { run, foreign: candidate.evidence.explicit })
  observe({
    type: 'phase',
    phase: 'land',
    detail: `${candidate.id}: what merging gives is another tree than the one that was tested: its tests run`,
  })
  try {
    await measureAt(session, candidate.files)
    const why = await revalidate(session, tree, onto, candidate, override)
    if (signal.aborted) throw new SingularityError('INTERRUPTED', `Stopped while what merging ${candidate.id} gives was tested.`)
    return why
  } finally {
    await session.workbench.close()
  }
}

/**
 * Runs the suites on a tree that merging would give: what lands is what was validated.
 * @returns why they do not hold, null where they do
 */
export async function revalidate(
  session: Session,
  tree: string,
  onto: string,
  candidate: Pick<Candidate, 'id' | 'files' | 'evidence'>,
  override = false,
): Promise<string | null> {
  const { git, store } = session.deps
  const at = await sessionAt(session, onto, candidate.files)
  const commit = await git.commitTree({ tree, parents: [onto], message: `merged: ${candidate.id}` })
  const trial = await tryCommit(at, commit, {
    entries: entriesFor(at.plan!, candidate.files),
    fresh: candidate.evidence.explicit,
    steps: true,
    confirm: true,
  })
  if (override) excuse(trial, candidate)
  if (!isGreen(trial)) return `merged with what the branch holds now, ${whatFails(trial)}`
  // a tree that one person took with its failures is no validated one for the next
  if (!override) store.cache(`validated:${tree}`, 'validated_tree', { onto })
  return null
}

/** What a person saw failing, or weakened in that file, and took all the same is no reason any more; anything else is. */
function excuse(trial: Trial, { evidence: { proof } }: Pick<Candidate, 'evidence'>): void {
  if (!proof) return
  const { regressed, weakened } = proof.tests
  const fileOf = (id: string): string => id.split('::')[0]!
  trial.regressed = trial.regressed.filter((id) => !regressed.includes(id))
  trial.baseFails = trial.baseFails.filter((id) => !regressed.includes(id) && !proof.tests.base_fails?.includes(id))
  trial.weakened = trial.weakened.filter(({ id }) => !weakened.some(({ file, proven }) => proven && file === fileOf(id)))
  trial.guards = trial.guards.filter(
    ({ name, ok }) => ok !== false || !proof.guards.some((guard) => guard.name === name && guard.ok === false),
  )
}

function whatFails({ regressed, weakened, guards, hang, errors, baseFails }: Trial): string {
  const [test] = [...regressed, ...weakened.map(({ id }) => id)]
  const guard = guards.find(({ ok }) => ok === false)
  if (test !== undefined) return `${test} fails${regressed.length > 1 ? ` and ${regressed.length - 1} more` : ''}`
  if (guard) return `${guard.name}: ${guard.detail}`
  if (baseFails.length > 0) return `${baseFails[0]} fails, and without the change it fails now, too`
  return hang ? 'the tests do not end' : (errors[0] ?? 'the tests give no complete report')
}

/** The same session with another commit as its base: plan and baseline are that commit's. */
async function sessionAt(session: Session, base: string, files: readonly string[]): Promise<Session> {
  const { git } = session.deps
  const baseTree = await git.treeOf(base)
  if (session.baseline && baseTree === session.baseTree) return session
  const moved: Session = { ...session, base, baseTree, reader: git.reader(base), plan: null, baseline: null }
  await measureAt(moved, files)
  return moved
}

/** Plan and baseline of the session's base. A session needs its plan before its first sandbox: that names the tool chains. */
async function measureAt(session: Session, files: readonly string[]): Promise<void> {
  const plan = await planOf(session)
  session.baseline = (await measureBase(session, plan, entriesFor(plan, files), files)).baseline
}
