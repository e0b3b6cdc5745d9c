import { SingularityError } from '../kernel/index.ts'
import type { Sandbox } from '../sandbox/index.ts'
import {
  type MetricEvidence,
  type PlanEntry,
  type Sample,
  comparePaired,
  isEquivalent,
  measurePaired,
  parseMetric,
  printedNumber,
  runSuite,
  statusesOf,
} from '../validation/index.ts'
import { type Session, countTests } from './session.ts'

const LONGEST_CPU_MS = 30_000

/** Two sandboxes side by side, measured in turn. */
async function withBoth<T>(session: Session, tip: string, body: (base: Sandbox, candidate: Sandbox) => Promise<T>): Promise<T> {
  return session.workbench.use(session.base, { purpose: 'measure', fresh: true }, (base) =>
    session.workbench.use(tip, { purpose: 'measure', fresh: true }, (candidate) => body(base, candidate)),
  )
}

/** Failures of tests that were stable on the base, seen while both sides ran in turn. */
export type Unstable = { regressed: string[]; flaky: string[] }

/** How often each test failed per side, and what passed on the base. */
type Seen = { base: Map<string, number>; candidate: Map<string, number>; passed: Set<string> }

/**
 * CPU time of the suites, base against tip; not measured where one run costs more than 30 s of it. These are at least ten
 * more runs of both sides: a test that fails more than once here and never on the base is not stable any more.
 */
export async function measureCpu(
  session: Session,
  tip: string,
  entries: readonly PlanEntry[],
  margin: number,
): Promise<{ metric: MetricEvidence; unstable: Unstable }> {
  const own = entries.filter(({ id }) => session.baseline!.entries.some(({ entryId, cpuMs }) => entryId === id && cpuMs !== null))
  const cost = session.baseline!.entries.reduce((sum, { cpuMs }) => sum + (cpuMs ?? 0), 0)
  const options = { name: 'cpu', unit: 'ms', direction: 'lower' as const, margin }
  if (own.length === 0 || cost > LONGEST_CPU_MS || cost === 0)
    return {
      metric: {
        name: 'cpu',
        unit: 'ms',
        direction: 'lower',
        estimate: null,
        lower: null,
        upper: null,
        verdict: 'not_measured',
        self_reported: false,
        samples: [],
      },
      unstable: { regressed: [], flaky: [] },
    }
  const seen: Seen = { base: new Map(), candidate: new Map(), passed: new Set() }
  const expected = new Map<string, string>()
  const compare = async (other: string, label: string): Promise<MetricEvidence> =>
    withBoth(session, other, async (base, candidate) => {
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
          // Only the same set of tests is compared.
          if (run.cpuMs === null || run.timedOut || set !== known) return { value: null }
          total += run.cpuMs
        }
        return { value: total }
      }
      return measurePaired({
        ...options,
        base: sampler(base, 'base'),
        candidate: sampler(candidate, other === session.base ? 'base' : 'candidate'),
        mayContinue: () => !session.signal.aborted && !session.stopSoon.aborted,
        onPair: (done, of) => session.observe({ type: 'phase', phase: 'measure', detail: `${label}, pair ${done} of ${of}` }),
      })
    })
  const first = await compare(tip, 'CPU time')
  return { metric: await confirm(session, first, margin, compare, tip), unstable: findUnstable(session, seen) }
}

/**
 * A finding of harm or doubt is checked against the instrument itself: the base is compared with the base in the same
 * way, and must come out equivalent (the whole interval within the margin); else the machine cannot tell and nothing
 * was measured. Harm is then measured once more on fresh sandboxes, and only both together count.
 */
async function confirm(
  session: Session,
  first: MetricEvidence,
  margin: number,
  compare: (other: string, label: string) => Promise<MetricEvidence>,
  tip: string,
): Promise<MetricEvidence> {
  if (first.verdict !== 'worse' && first.verdict !== 'unclear') return first
  const control = await compare(session.base, 'base against base')
  if (control.samples.length < 2 || !isEquivalent(control.samples, margin)) {
    session.notes.push('CPU time was not judged: on this machine, now, the unchanged code does not compare equal with itself.')
    return { ...first, estimate: null, lower: null, upper: null, verdict: 'not_measured' }
  }
  if (first.verdict !== 'worse') return first
  const again = await compare(tip, 'CPU time again')
  const samples = [...first.samples, ...again.samples]
  const { verdict, estimate, lower, upper } = comparePaired(samples, { margin, direction: first.direction })
  return { ...first, samples, estimate, lower, upper, verdict }
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

/** The user's metrics: the number a command prints last (marked self-reported), else its CPU time. */
export async function measureUserMetrics(session: Session, tip: string, margin: number): Promise<MetricEvidence[]> {
  const results: MetricEvidence[] = []
  for (const text of session.request.metrics) {
    const metric = parseMetric(text)
    if (!metric) throw new SingularityError('USAGE', `--metric ${text} is not NAME[unit,lower|higher]=COMMAND.`)
    results.push(
      await withBoth(session, tip, async (base, candidate) => {
        const sampler = (sandbox: Sandbox) => async (): Promise<Sample> => {
          const run = await sandbox.run({
            command: ['sh', '-c', metric.command],
            timeoutMs: session.deps.settings.timeoutMs,
            measuring: true,
            signal: session.signal,
          })
          if (run.exitCode !== 0 || run.timedOut) return { value: null }
          const printed = printedNumber(run.stdout)
          return printed === undefined ? { value: run.leftovers ? null : run.cpuMs } : { value: printed, selfReported: true }
        }
        return measurePaired({
          ...metric,
          margin,
          base: sampler(base),
          candidate: sampler(candidate),
          mayContinue: () => !session.signal.aborted && !session.stopSoon.aborted,
          onPair: (done, of) => session.observe({ type: 'phase', phase: 'measure', detail: `${metric.name}, pair ${done} of ${of}` }),
        })
      }),
    )
  }
  return results
}
