import { SUITE_LIMIT } from '../config/index.ts'
import type { Sandbox } from '../sandbox/index.ts'
import {
  type CommandStep,
  type EntryBaseline,
  type GuardEvidence,
  type PlanEntry,
  type StepRun,
  type ReportComparison,
  type SuiteRun,
  type TestReport,
  compareReports,
  countStatuses,
  lintOf,
  runStep,
  runSuite,
  statusOf,
  statusesOf,
  stepsFor,
} from '../validation/index.ts'
import { type SuiteResults, suiteResults } from './results.ts'
import { type Session, countTests, throwIfStopped } from './session.ts'

/** What the plan says about one commit, against the baseline. */
export type Trial = {
  commit: string
  /** Test by test, against the baseline. */
  results: SuiteResults[]
  reports: Map<string, TestReport>
  baselineCounts: ReturnType<typeof countStatuses>
  counts: ReturnType<typeof countStatuses>
  regressed: string[]
  weakened: { id: string; now: string }[]
  fixed: string[]
  flaky: string[]
  /** Passed when the base was measured, and fail now on the base as well as here. */
  baseFails: string[]
  complete: boolean
  coarse: boolean
  hang: boolean
  /** A look was over before the tests were. */
  cut: boolean
  /** Some suite did not run because the code does not compile or the runner could not be started. */
  unrun: SuiteRun['unrun']
  /** Some suite that has tests on the base left no report at all. */
  silent: boolean
  errors: string[]
  guards: GuardEvidence[]
  steps: StepRun[]
}

export type TrialOptions = {
  entries: readonly PlanEntry[]
  /** Only these test files: the answer can reject, not accept. */
  files?: readonly string[]
  /** A sandbox of its own (foreign code). */
  fresh: boolean
  /** Types and lint as well: all of them, or those with these ids (a build only where it is one of them or tests run). */
  steps: boolean | readonly string[]
  /** Rerun failures before they count. */
  confirm: boolean
  /** What is left of a look: a run that it cuts says nothing. */
  timeLeft?: () => number
}

const RERUNS = 2
const FLAKY_RERUNS = 10

export function isGreen(trial: Trial): boolean {
  return trial.complete && trial.baseFails.length === 0 && !isHarmful(trial)
}

/** Nothing fails that does not fail on the base right now: neither a yes nor a no. */
export function isOpen(trial: Trial): boolean {
  return trial.baseFails.length > 0 && trial.errors.length === 0 && !isHarmful(trial)
}

const isHarmful = ({ hang, regressed, weakened, guards }: Trial): boolean =>
  hang || regressed.length + weakened.length > 0 || guards.some(({ ok }) => ok === false)

/** Milliseconds after which a run counts as hanging: never less than three times the base, which ended within its own limit. */
export function hangLimit(entry: Pick<PlanEntry, 'timeoutMs'>, base: Pick<EntryBaseline, 'wallMs'>): number {
  return Math.max(SUITE_LIMIT.factor * base.wallMs, Math.min(entry.timeoutMs, SUITE_LIMIT.shortestMs))
}

function baselineOf(session: Session, entry: PlanEntry): EntryBaseline {
  return session.baseline!.entries.find(({ entryId }) => entryId === entry.id)!
}

const known = (session: Session, entries: readonly PlanEntry[]): PlanEntry[] =>
  entries.filter(({ id }) => session.baseline!.entries.some(({ entryId }) => entryId === id))

/** Runs the plan on a commit and compares it with the base, test by test. */
export async function tryCommit(session: Session, commit: string, options: TrialOptions): Promise<Trial> {
  return session.workbench.use(commit, { purpose: 'validate', fresh: options.fresh }, async (sandbox) => {
    const trial = emptyTrial(commit)
    await trySteps(session, sandbox, trial, options)
    if (trial.guards.some(({ ok }) => ok === false)) return trial
    for (const entry of known(session, options.entries)) await tryEntry(session, sandbox, entry, trial, options)
    if (options.confirm && trial.regressed.length + lostTests(trial).length > 0) await confirmFailures(session, sandbox, trial, options)
    return trial
  })
}

/** A trial in which nothing has run yet. */
export function emptyTrial(commit: string): Trial {
  const none = countStatuses([])
  return {
    commit,
    results: [],
    reports: new Map(),
    baselineCounts: { ...none },
    counts: { ...none },
    regressed: [],
    weakened: [],
    fixed: [],
    flaky: [],
    baseFails: [],
    complete: true,
    coarse: false,
    hang: false,
    cut: false,
    unrun: null,
    silent: false,
    errors: [],
    guards: [],
    steps: [],
  }
}

/** What the tests need comes first, then the cheaper check. */
const ORDER: Readonly<Record<CommandStep['kind'], number>> = { build: 0, lint: 1, types: 2 }

/**
 * The linters on the files a commit changes: seconds, where the train pays for every look with everybody's checks. What they do
 * not like is asked of the whole step, which decides.
 * @returns the red trial; null: nothing speaks against it so far
 */
export async function tryLint(
  session: Session,
  commit: string,
  options: { files: readonly string[]; fresh: boolean },
): Promise<Trial | null> {
  // where the base has complaints of its own, only the whole step tells old from new
  const isClean = ({ id }: CommandStep): boolean => session.baseline!.steps.some(({ stepId, exitCode }) => stepId === id && exitCode === 0)
  const lints = session.plan!.steps.filter(isClean).flatMap((step) => lintOf(step, options.files) ?? [])
  if (lints.length === 0) return null
  const suspect = await session.workbench.use(commit, { purpose: 'validate', fresh: options.fresh }, async (sandbox) => {
    const names: string[] = []
    for (const step of lints) {
      const { exitCode } = await runStep({ sandbox, step, signal: session.signal })
      throwIfStopped(session)
      if (exitCode !== null && exitCode !== 0) names.push(step.id)
    }
    return names
  })
  if (suspect.length === 0) return null
  const trial = await tryCommit(session, commit, { entries: [], fresh: options.fresh, steps: suspect, confirm: false })
  return isGreen(trial) ? null : trial
}

/** Build must work, types and lint may not get worse than on the base. */
async function trySteps(session: Session, sandbox: Sandbox, trial: Trial, { steps, entries }: TrialOptions): Promise<void> {
  const isWanted = ({ id, kind }: CommandStep): boolean =>
    steps === true || (kind === 'build' && entries.length > 0) || (steps !== false && steps.includes(id))
  if (session.plan!.steps.length === 0) return
  const changed = await session.deps.git.changedFiles(session.base, trial.commit)
  const paths = changed.flatMap(({ path, oldPath }) => (oldPath === null ? [path] : [path, oldPath]))
  const wanted = stepsFor(session.plan!, paths, entries, steps === true).filter(isWanted)
  for (const step of wanted.toSorted((a, b) => ORDER[a.kind] - ORDER[b.kind])) {
    // whoever is refused by the cheaper check does not pay for the dearer one
    if (step.kind === 'types' && trial.guards.some(({ ok }) => ok === false)) break
    const run = await runStep({ sandbox, step, signal: session.signal })
    throwIfStopped(session)
    trial.steps.push(run)
    const before = session.baseline!.steps.find(({ stepId }) => stepId === step.id)
    if (!before || before.exitCode === null) continue
    const worse = before.exitCode === 0 ? run.exitCode !== 0 : run.exitCode === null || run.diagnostics > before.diagnostics
    const detail = worse
      ? (run.tail.split('\n').find((line) => /error|warning|:\d+/.test(line)) ?? run.tail.split('\n')[0] ?? '').trim().slice(0, 200)
      : 'as on the base'
    trial.guards.push({ name: step.id, ok: !worse, detail })
  }
}

/** Some tests ran, none is worse than on the base, and yet the runner did not end as it should. */
function isBroken({ timedOut, report }: SuiteRun, { regressed, weakened }: ReportComparison): boolean {
  return !timedOut && !report.complete && report.tests.length > 0 && regressed.length + weakened.length === 0
}

async function tryEntry(session: Session, sandbox: Sandbox, entry: PlanEntry, trial: Trial, options: TrialOptions): Promise<void> {
  const base = baselineOf(session, entry)
  const timeoutMs = hangLimit(entry, base)
  const selection = options.files ? { files: options.files } : {}
  const left = options.timeLeft ?? ((): number => Number.POSITIVE_INFINITY)
  const runOnce = (): Promise<SuiteRun> =>
    runSuite({
      sandbox,
      entry,
      selection,
      timeoutMs: Math.max(1, Math.min(timeoutMs, left())),
      signal: session.signal,
      onTests: countTests(session),
    })
  const chosen = options.files && new Set(options.files)
  const compare = ({ report }: SuiteRun): ReportComparison => {
    const ran = new Set(report.tests.map(({ file }) => file))
    const isAsked = chosen && ((id: string): boolean => chosen.has(id.split('::')[0]!) && ran.has(id.split('::')[0]!))
    return compareReports(base.statuses, new Set(base.flaky), report, isAsked)
  }
  let run = await runOnce()
  if (run.timedOut && left() > 0) run = await runOnce()
  if (options.confirm && isBroken(run, compare(run))) {
    // it may have been the machine: what is whole twice in a row counts
    const problem = run.report.problems[0] ?? ''
    for (let turn = 0; turn < RERUNS; turn++) {
      run = await runOnce()
      throwIfStopped(session)
      if (run.timedOut || !run.report.complete || compare(run).regressed.length > 0) break
    }
    if (run.report.complete) session.notes.push(`${entry.id}: ${problem}, once; asked again ${RERUNS} times it did not happen.`)
  }
  if (run.timedOut) {
    trial.cut = left() <= 0
    trial.hang = !trial.cut
    trial.complete = false
    return
  }
  throwIfStopped(session)
  trial.unrun ??= run.unrun
  trial.silent ||= run.report.tests.length === 0 && Object.values(base.statuses).includes('pass')
  const ran = new Set(run.report.tests.map(({ file }) => file))
  const comparison = compare(run)
  trial.reports.set(entry.id, run.report)
  trial.results.push(suiteResults(entry.id, base.statuses, run.report, options.files ? [...ran] : null))
  trial.regressed.push(...comparison.regressed)
  trial.weakened.push(...comparison.weakened)
  trial.fixed.push(...comparison.fixed)
  trial.flaky.push(...base.flaky)
  trial.coarse ||= run.report.coarse
  // A failing candidate may well contradict itself (exit codes, crashes): what failed is the finding then.
  if (!run.report.complete && comparison.regressed.length === 0 && comparison.weakened.length === 0) {
    trial.complete = false
    trial.errors.push(`${entry.id}: ${run.report.problems[0] ?? 'no report'}`)
  } else if (!run.report.complete) trial.complete = false
  for (const status of Object.values(base.statuses)) trial.baselineCounts[status]++
  for (const status of Object.values(statusesOf(run.report))) trial.counts[status]++
}

/**
 * A failure counts when it fails again: up to two reruns on the candidate. A mixed result means ten reruns on both
 * sides before a test may be called flaky; flakiness the base does not show is the candidate's. What fails every time, or does
 * not run, is asked once of the base as well, right then: what fails there too says nothing about the candidate.
 */
async function confirmFailures(session: Session, sandbox: Sandbox, trial: Trial, options: TrialOptions): Promise<void> {
  const failing = [...trial.regressed]
  const rerun = async (on: Sandbox, times: number, ids: ReadonlySet<string>): Promise<Map<string, number>> => {
    const failures = new Map<string, number>([...ids].map((id) => [id, 0]))
    const files = [...new Set([...ids].map((id) => id.split('::')[0]!))]
    if (files.length === 0) return failures
    for (let round = 0; round < times; round++)
      for (const entry of known(session, options.entries)) {
        const base = baselineOf(session, entry)
        const run = await runSuite({
          sandbox: on,
          entry,
          selection: { files },
          timeoutMs: hangLimit(entry, base),
          signal: session.signal,
          onTests: countTests(session),
        })
        throwIfStopped(session)
        const statuses = statusesOf(run.report)
        for (const id of ids)
          if (statusOf(base.statuses, id) !== undefined && statuses[id] !== 'pass') failures.set(id, failures.get(id)! + 1)
      }
    return failures
  }
  const again = await rerun(sandbox, RERUNS, new Set(failing))
  const mixed = new Set(failing.filter((id) => again.get(id)! < RERUNS))
  const lasting = new Set([...failing.filter((id) => !mixed.has(id)), ...lostTests(trial)])
  if (mixed.size + lasting.size === 0) return
  const here = await rerun(sandbox, FLAKY_RERUNS, mixed)
  const [now, there] = await session.workbench.use(session.base, { purpose: 'validate', fresh: true }, async (base) => {
    await buildAgain(session, base, trial)
    return [await rerun(base, 1, lasting), await rerun(base, FLAKY_RERUNS, mixed)] as const
  })
  const flaky = [...mixed].filter((id) => (there.get(id) ?? 0) > 0 || here.get(id) === 0)
  trial.flaky.push(...flaky)
  trial.baseFails = [...lasting].filter((id) => now.get(id)! > 0)
  const counts = (id: string): boolean => !flaky.includes(id) && !trial.baseFails.includes(id)
  trial.regressed = trial.regressed.filter(counts)
  trial.weakened = trial.weakened.filter(({ id }) => counts(id))
}

/** Tests of a file that could not be loaded: on a machine without memory or time that happens to the base as well. */
function lostTests({ unrun, silent, weakened }: Trial): string[] {
  return unrun !== null || silent ? [] : weakened.filter(({ now }) => now === 'missing').map(({ id }) => id)
}

/** What the tests of the candidate needed the tests of the base need, too. */
async function buildAgain(session: Session, base: Sandbox, { steps }: Trial): Promise<void> {
  const builds = session.plan!.steps.filter(({ id, kind }) => kind === 'build' && steps.some(({ stepId }) => stepId === id))
  for (const step of builds) await runStep({ sandbox: base, step, signal: session.signal })
  throwIfStopped(session)
}
