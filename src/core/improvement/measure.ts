import { SingularityError, formatDuration, isoTime } from '../kernel/index.ts'
import type { Sandbox } from '../sandbox/index.ts'
import {
  type MetricEvidence,
  type PairOptions,
  type PlanEntry,
  type Sample,
  type SuiteRun,
  measureClaim,
  measureInstrument,
  measurePaired,
  notMeasured,
  parseMetric,
  printedNumber,
  runSuite,
  statusesOf,
} from '../validation/index.ts'
import { MEASURING_RUNS } from './estimate.ts'
import { checkInstrument } from './instrument.ts'
import { type Session, countTests } from './session.ts'

const LONGEST_CPU_MS = 30_000
const CPU = { name: 'cpu', unit: 'ms', direction: 'lower' } as const

/** Two sandboxes side by side, measured in turn. */
async function withBoth<T>(session: Session, tip: string, body: (base: Sandbox, candidate: Sandbox) => Promise<T>): Promise<T> {
  return session.workbench.use(session.base, { purpose: 'measure', fresh: true }, (base) =>
    session.workbench.use(tip, { purpose: 'measure', fresh: true }, (candidate) => body(base, candidate)),
  )
}

/** What every measurement of a run has in common; the label is told and makes the order of the pairs its own. */
function inTurn(session: Session, label: string): Pick<PairOptions, 'seed' | 'mayContinue' | 'onPair'> {
  return {
    seed: `${session.run.id} ${label}`,
    mayContinue: () => !session.signal.aborted && !session.stopSoon.aborted,
    onPair: (done, of) => session.observe({ type: 'phase', phase: 'measure', detail: `${label}, pair ${done} of ${of}` }),
  }
}

/** Failures of tests that were stable on the base, seen while both sides ran in turn. */
export type Unstable = { regressed: string[]; flaky: string[] }

export type CpuTime = { metric: MetricEvidence; unstable: Unstable }

/** How often each test failed per side, and what passed on the base. */
type Seen = { base: Map<string, number>; candidate: Map<string, number>; passed: Set<string> }

/** Why the CPU time of suites that cost so much on the base is not measured at all; null where it is. */
export function whyUnmeasured(
  cpuMs: readonly (number | null)[],
  time: { runMs: number; leftMs: number } = { runMs: 0, leftMs: Number.POSITIVE_INFINITY },
): string | null {
  const cost = cpuMs.reduce((sum: number, each) => sum + (each ?? 0), 0)
  if (cost === 0) return 'the CPU time of the suites cannot be read: processes are left over, or none was counted'
  if (cost > LONGEST_CPU_MS)
    return `one run costs ${formatDuration(cost)} of CPU time, more than ${formatDuration(LONGEST_CPU_MS)}: name a shorter command with --metric`
  const needed = MEASURING_RUNS * time.runMs
  if (needed > time.leftMs)
    return `it takes about ${formatDuration(needed)}, more than the ${formatDuration(Math.max(0, time.leftMs))} that are left: --time-limit gives more`
  return null
}

/**
 * CPU time of the suites, base against tip; not measured where one run costs more than 30 s of it. These are at least ten
 * more runs of both sides: a test that fails more than once here and never on the base is not stable any more.
 */
export async function measureCpu(session: Session, tip: string, entries: readonly PlanEntry[], margin: number): Promise<CpuTime> {
  const key = [tip, ...entries.map(({ id }) => id)].join(' ')
  const found = session.cpuTimes.get(key) ?? (await compareCpu(session, tip, entries, margin))
  session.cpuTimes.set(key, found)
  return found
}

async function compareCpu(session: Session, tip: string, entries: readonly PlanEntry[], margin: number): Promise<CpuTime> {
  const own = entries.filter(({ id }) => session.baseline!.entries.some(({ entryId, cpuMs }) => entryId === id && cpuMs !== null))
  const base = session.baseline!.entries.filter(({ entryId }) => own.some(({ id }) => id === entryId))
  const time = { runMs: base.reduce((sum, { wallMs }) => sum + wallMs, 0), leftMs: session.deadline - session.deps.clock.monotonic() }
  const reason = session.deps.settings.measureCpu
    ? whyUnmeasured(
        base.map(({ cpuMs }) => cpuMs),
        time,
      )
    : 'measure.cpu is switched off'
  if (reason !== null) return { metric: notMeasured(CPU, reason), unstable: { regressed: [], flaky: [] } }
  const seen: Seen = { base: new Map(), candidate: new Map(), passed: new Set() }
  const expected = new Map<string, string>()
  const sampler = (sandbox: Sandbox, side: 'base' | 'candidate') => async (): Promise<Sample> => {
    let total = 0
    for (const entry of own) {
      const run = await runSuite({
        sandbox,
        entry,
        selection: { noCache: true },
        measuring: true,
        signal: session.signal,
        onTests: countTests(session),
      })
      const statuses = statusesOf(run.report)
      for (const [id, status] of Object.entries(statuses))
        if (status === 'fail' || status === 'error') seen[side].set(id, (seen[side].get(id) ?? 0) + 1)
        else if (side === 'base' && status === 'pass') seen.passed.add(id)
      const set = Object.keys(statuses).toSorted().join('\n')
      const known = expected.get(entry.id) ?? set
      expected.set(entry.id, known)
      const why = whyVoid(run, set === known)
      if (why !== null) return { value: null, why: `${entry.id}: ${why}` }
      total += run.cpuMs!
    }
    return { value: total }
  }
  const metric = await measureClaim({
    margin,
    measure: (round) =>
      withBoth(session, tip, (base, candidate) =>
        measurePaired({
          ...CPU,
          margin,
          ...inTurn(session, round === 1 ? 'CPU time' : 'CPU time again'),
          base: sampler(base, 'base'),
          candidate: sampler(candidate, 'candidate'),
        }),
      ),
    control: () =>
      checkInstrument(session, own, margin, () =>
        withBoth(session, session.base, (one, other) =>
          measureInstrument({
            margin,
            at: isoTime(session.deps.clock),
            ...inTurn(session, 'CPU time of the base against itself'),
            base: sampler(one, 'base'),
            candidate: sampler(other, 'base'),
          }),
        ),
      ),
  })
  return { metric, unstable: findUnstable(session, seen) }
}

/** A run that does not count: only the same set of tests is compared, whole, and with nothing running beside it. */
function whyVoid({ cpuMs, timedOut, leftovers }: SuiteRun, sameTests: boolean): string | null {
  if (timedOut) return 'a run did not end in time'
  if (leftovers) return 'processes were left over'
  if (cpuMs === null) return 'the CPU time could not be read'
  return sameTests ? null : 'not the same tests ran on both sides'
}

function findUnstable(session: Session, { base, candidate, passed }: Seen): Unstable {
  const stable = new Set(
    session.baseline!.entries.flatMap(({ statuses, flaky }) =>
      Object.keys(statuses).filter((id) => statuses[id] === 'pass' && !flaky.includes(id)),
    ),
  )
  const red = session.baseline!.entries.flatMap((entry) => entry.red)
  const found = [...candidate].filter(([id]) => stable.has(id) && !base.has(id))
  return {
    regressed: found.filter(([, times]) => times > 1).map(([id]) => id),
    // three failures in a row may be chance: what passes on the base after all was never fixed
    flaky: [...found.filter(([, times]) => times === 1).map(([id]) => id), ...red.filter((id) => passed.has(id))],
  }
}

/** One metric of a commit against the base, by its name. */
export async function measureMetric(
  session: Session,
  commit: string,
  entries: readonly PlanEntry[],
  { name, margin }: { name: string; margin: number },
): Promise<MetricEvidence> {
  const [own] = name === CPU.name ? [] : await measureUserMetrics(session, commit, margin, name)
  return own ?? (await measureCpu(session, commit, entries, margin)).metric
}

/** The user's metrics: the number a command prints last (marked self-reported), else its CPU time. */
export async function measureUserMetrics(session: Session, tip: string, margin: number, only?: string): Promise<MetricEvidence[]> {
  const results: MetricEvidence[] = []
  for (const text of session.request.metrics) {
    const metric = parseMetric(text)
    if (metric && only !== undefined && metric.name !== only) continue
    if (!metric) throw new SingularityError('USAGE', `--metric ${text} is not NAME[unit,lower|higher]=COMMAND.`)
    const { command, ...identity } = metric
    const sampler = (sandbox: Sandbox) => async (): Promise<Sample> => {
      const run = await sandbox.run({
        command: ['sh', '-c', command],
        timeoutMs: session.deps.settings.timeoutMs,
        measuring: true,
        signal: session.signal,
      })
      if (run.timedOut) return { value: null, why: 'the command did not end in time' }
      if (run.exitCode !== 0) return { value: null, why: `the command ended with exit code ${run.exitCode}` }
      const printed = printedNumber(run.stdout)
      if (printed !== undefined) return { value: printed, selfReported: true }
      return run.leftovers ? { value: null, why: 'processes were left over' } : { value: run.cpuMs }
    }
    const measure = (round: number): Promise<MetricEvidence> =>
      withBoth(session, tip, (base, candidate) =>
        measurePaired({
          ...identity,
          margin,
          ...inTurn(session, round === 1 ? metric.name : `${metric.name} again`),
          base: sampler(base),
          candidate: sampler(candidate),
        }),
      )
    results.push(await measureClaim({ margin, measure }))
  }
  return results
}
