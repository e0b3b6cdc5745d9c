import { SingularityError, plural } from '../kernel/index.ts'
import type { Sandbox } from '../sandbox/index.ts'
import { countStatuses, emptyStatuses, statusesOf } from './compare.ts'
import type { CoverageMap, Plan, PlanEntry, TestStatus } from './runner.ts'
import { type Cause, type SuiteRun, USUAL_CAUSES, runStep, runSuite } from './suite.ts'

export type EntryBaseline = {
  entryId: string
  statuses: Record<string, TestStatus>
  /** Gave different results in different runs. */
  flaky: string[]
  /** Failed in every run. */
  red: string[]
  runs: number
  wallMs: number
  cpuMs: number | null
  coarse: boolean
  files: string[]
  /** Milliseconds of the tests of a file in the first run; a file with a test of unknown time is not there. */
  fileMs?: Record<string, number>
}

export type StepBaseline = { stepId: string; exitCode: number | null; diagnostics: number; wallMs: number }

export type Baseline = { entries: EntryBaseline[]; steps: StepBaseline[]; cached: boolean }

const REPEAT_BELOW_MS = 60_000
const HEALTHY_SHARE = 0.9

/** A look: only what it needs, and over when its time is. */
export type Hurry = { timeLeft: () => number }

/** Above this a look is content with one run. */
const HURRIED_REPEAT_BELOW_MS = 20_000

/**
 * Runs the plan on the unchanged tree: three times below a minute, else once and again only when something fails. In a
 * hurry builds are the only steps and slow suites run once.
 * @throws LIMIT_REACHED when a hurry ends before every suite has run once
 */
export async function measureBaseline(options: {
  sandbox: Sandbox
  plan: Plan
  entries: readonly PlanEntry[]
  signal?: AbortSignal
  onProgress?: (text: string) => void
  onTests?: (count: number) => void
  /** Told as soon as it is known what one run takes. */
  onFirstRun?: (entry: PlanEntry, wallMs: number) => void
  hurry?: Hurry
}): Promise<Baseline> {
  const { sandbox, plan, signal, onTests, hurry } = options
  const within = (timeoutMs: number): number => (hurry ? Math.max(1, Math.min(timeoutMs, hurry.timeLeft())) : timeoutMs)
  const repeats = (first: SuiteRun): boolean =>
    hurry ? first.wallMs < HURRIED_REPEAT_BELOW_MS && hurry.timeLeft() > 4 * first.wallMs : first.wallMs < REPEAT_BELOW_MS
  const steps: StepBaseline[] = []
  for (const each of plan.steps.filter(({ kind }) => !hurry || kind === 'build')) {
    options.onProgress?.(each.id)
    const step = { ...each, timeoutMs: within(each.timeoutMs) }
    const { exitCode, diagnostics, wallMs } = await runStep({ sandbox, step, ...(signal && { signal }) })
    steps.push({ stepId: step.id, exitCode, diagnostics, wallMs })
  }
  const entries: EntryBaseline[] = []
  const all: SuiteRun[] = []
  for (const entry of options.entries) {
    const runs: SuiteRun[] = []
    const wanted = (): number => (runs.length === 0 ? 1 : repeats(runs[0]!) || (!hurry && runs.some(hasFailure)) ? 3 : 1)
    while (runs.length < wanted()) {
      options.onProgress?.(`${entry.id}, run ${runs.length + 1}`)
      const timeoutMs = within(entry.timeoutMs)
      const run = await runSuite({ sandbox, entry, timeoutMs, ...(signal && { signal }), ...(onTests && { onTests }) })
      if (hurry && run.timedOut && hurry.timeLeft() <= 0) {
        if (runs.length > 0) break
        throw new SingularityError('LIMIT_REACHED', `One run of ${entry.id} takes longer than a look.`)
      }
      runs.push(run)
      if (runs.length === 1) options.onFirstRun?.(entry, run.wallMs)
      if (signal?.aborted) throw new SingularityError('INTERRUPTED', 'Stopped while the baseline was measured.')
      if (!runs.at(-1)!.report.complete && runs.length >= 2) break
    }
    entries.push(summarise(entry, runs))
    assertUsable(entry, runs)
    all.push(...runs)
  }
  assertHealthy(entries, all)
  return { entries, steps, cached: false }
}

function hasFailure({ report }: SuiteRun): boolean {
  return !report.complete || report.tests.some(({ status }) => status === 'fail' || status === 'error')
}

function summarise(entry: PlanEntry, runs: readonly SuiteRun[]): EntryBaseline {
  const all = runs.map(({ report }) => statusesOf(report))
  const statuses = emptyStatuses()
  const flaky: string[] = []
  const red: string[] = []
  for (const id of new Set(all.flatMap((each) => Object.keys(each)))) {
    const seen = new Set(all.map((each) => each[id]))
    const [first] = seen
    statuses[id] = first ?? 'error'
    if (seen.size > 1) flaky.push(id)
    else if (first === 'fail' || first === 'error') red.push(id)
  }
  const cpu = runs.map(({ cpuMs }) => cpuMs).filter((value) => value !== null)
  return {
    entryId: entry.id,
    statuses,
    flaky,
    red,
    runs: runs.length,
    wallMs: Math.min(...runs.map(({ wallMs }) => wallMs)),
    cpuMs: cpu.length === 0 ? null : Math.min(...cpu),
    coarse: runs[0]!.report.coarse,
    files: [...new Set(runs[0]!.report.tests.map(({ file }) => file))],
    fileMs: timesOfFiles(runs[0]!.report.tests),
  }
}

function timesOfFiles(tests: SuiteRun['report']['tests']): Record<string, number> {
  const times = new Map<string, number>()
  for (const { file, ms } of tests) times.set(file, (times.get(file) ?? 0) + (ms ?? Number.NaN))
  return Object.fromEntries([...times].filter(([, ms]) => !Number.isNaN(ms)))
}

function unusable(
  message: string,
  runs: readonly SuiteRun[],
  data: Record<string, unknown> = {},
  usual: readonly Cause[] = [],
): SingularityError {
  const said = runs.flatMap((run) => run.causes)
  const causes = [...said, ...usual]
  const unique = causes.filter(({ setting }, index) => causes.findIndex((other) => other.setting === setting) === index).slice(0, 3)
  const hints = unique.map((cause) => {
    const { what, setting, verb = 'set' } = cause
    return `${said.includes(cause) ? 'perhaps' : 'or'} ${what}: ${verb} ${setting}`
  })
  if (runs.some(({ timedOut }) => timedOut)) hints.push('perhaps the suite takes longer than that: set plan.timeout: "30m"')
  if (hints.length === 0) hints.push("singularity improve --test 'COMMAND'   # if this is not how the tests are run")
  return new SingularityError('BASELINE_UNUSABLE', message, { hints, data: { ...data, tail: runs.at(-1)?.tail ?? '' } })
}

const LIMITS = { processes: 'started too many processes', memory: 'used too much memory', disk: 'filled the disk' } as const

function assertUsable(entry: PlanEntry, runs: readonly SuiteRun[]): void {
  if (runs.some(({ report }) => report.complete)) return
  const last = runs.at(-1)!
  const why = last.timedOut
    ? 'did not end in time'
    : last.outputLimited
      ? 'printed without end'
      : last.limit
        ? LIMITS[last.limit]
        : (last.report.problems[0] ?? 'gave no report')
  throw unusable(`On the unchanged code ${entry.id} (${entry.command.join(' ')}) ${why}.`, runs)
}

function assertHealthy(entries: readonly EntryBaseline[], runs: readonly SuiteRun[]): void {
  const counts = countStatuses(entries.flatMap(({ statuses }) => Object.values(statuses)))
  const ran = counts.pass + counts.fail + counts.error
  if (ran === 0) throw new SingularityError('NO_TESTS', 'The test command ran, but no test did.')
  if (counts.pass / ran >= HEALTHY_SHARE) return
  const failing = entries.flatMap(({ red }) => red).slice(0, 20)
  const message = `Only ${plural(counts.pass, 'test')} of ${ran} pass on the unchanged code: a mostly red baseline proves nothing.`
  throw unusable(message, runs, { failing }, USUAL_CAUSES)
}

/** What one run with coverage saw. `complete` is false where the run was cut: a line it did not see may still be run. */
export type MeasuredCoverage = { map: CoverageMap; complete: boolean }

/** One run with coverage, of all tests or those of some files; `undefined` where the runner has none. */
export async function measureCoverage(options: {
  sandbox: Sandbox
  entry: PlanEntry
  files?: readonly string[]
  timeoutMs?: number
  signal?: AbortSignal
}): Promise<MeasuredCoverage | undefined> {
  const { sandbox, entry, files, timeoutMs, signal } = options
  const run = await runSuite({
    sandbox,
    entry,
    selection: { coverage: true, ...(files && { files }) },
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(signal && { signal }),
  })
  const cut = run.timedOut || run.outputLimited || run.report.tests.length === 0
  return run.coverage && (!cut || run.coverage.size > 0) ? { map: run.coverage, complete: !cut } : undefined
}
