import { plural, formatDuration, digest } from '../kernel/index.ts'
import { type Baseline, type CoverageMap, type Plan, type PlanEntry, measureBaseline, measureCoverage } from '../validation/index.ts'
import { type Session, lookTimeLeft } from './session.ts'

type Stored = {
  baseline: Baseline
  coverage: Record<string, [file: string, executed: number[], executable: number[], partial: number[]][] | null>
}

/** Coverage of the base per suite; null where the runner has none. */
export type BaseCoverage = Map<string, CoverageMap | null> & {
  /** The tests run what a build made: that a source file was not measured says nothing about it. */
  built?: boolean
}

/** The key under which a baseline holds: same tree, same plan, same surroundings. */
async function baselineKey(session: Session, plan: Plan, entries: readonly PlanEntry[]): Promise<string> {
  const { settings, version, path } = session.deps
  const surroundings = {
    isolation: session.isolation.kind,
    node: process.version,
    include: settings.include,
    setup: settings.setup,
    services: settings.services,
    git: settings.sandboxGit,
    path,
    // a dependency that was updated may turn tests red: no candidate is to blame for that
    installed: session.isolation.room.fingerprint(await session.workbench.profile()),
  }
  return digest({ tree: session.baseTree, plan: plan.hash, entries: entries.map(({ id }) => id), surroundings, version })
}

/**
 * Measures the unchanged tree in the same jail, or takes it from the cache; then coverage, once per suite. What a look
 * measured in a hurry serves other looks only.
 * @param candidates how many the estimate is for; without it none is told
 * @throws LIMIT_REACHED when one run of the tests takes longer than a look
 */
export async function measureBase(
  session: Session,
  plan: Plan,
  entries: readonly PlanEntry[],
  candidates?: number,
): Promise<{ baseline: Baseline; coverage: BaseCoverage }> {
  const { store } = session.deps
  const built = plan.steps.some(({ kind }) => kind === 'build')
  const key = await baselineKey(session, plan, entries)
  const isLook = session.lookEndsAt !== null
  const hurriedKey = `${key}:look`
  const stored = session.request.retry ? undefined : (store.cached<Stored>(key) ?? (isLook ? store.cached<Stored>(hurriedKey) : undefined))
  const timingKey = `timing:${plan.hash}`
  const tell = (times: Times, fresh: boolean): void => {
    if (candidates !== undefined) session.observe({ type: 'phase', phase: 'estimate', detail: estimate(session, times, candidates, fresh) })
  }
  if (stored) {
    tell(timesOf(stored.baseline), false)
    const coverage: BaseCoverage = new Map(
      Object.entries(stored.coverage).map(([id, files]) => [
        id,
        files &&
          new Map(
            files.map(([file, executed, executable, partial]) => [
              file,
              { executed: new Set(executed), executable: new Set(executable), partial: new Set(partial) },
            ]),
          ),
      ]),
    )
    coverage.built = built
    return { baseline: { ...stored.baseline, cached: true }, coverage }
  }
  const before = store.cached<Times>(timingKey)
  if (before) tell(before, true)
  session.observe({ type: 'phase', phase: 'baseline', detail: `${plural(entries.length, 'suite')} on the unchanged code` })
  return session.workbench.use(session.base, { purpose: 'baseline', fresh: false }, async (sandbox) => {
    const onProgress = (detail: string): void => session.observe({ type: 'phase', phase: 'baseline', detail })
    let seen = 0
    const onFirstRun = (_entry: PlanEntry, wallMs: number): void => {
      // the first suite stands for the others until they have run
      if (!before && ++seen === 1) tell({ suiteMs: wallMs * entries.length, stepsMs: 0, measured: true }, true)
    }
    const hurry = isLook && { hurry: { timeLeft: () => lookTimeLeft(session)! } }
    const baseline = await measureBaseline({ sandbox, plan, entries, signal: session.signal, onProgress, onFirstRun, ...hurry })
    store.cache(timingKey, 'timing', timesOf(baseline))
    const coverage: BaseCoverage = new Map()
    coverage.built = built
    for (const entry of entries) {
      const { wallMs } = baseline.entries.find(({ entryId }) => entryId === entry.id)!
      const left = lookTimeLeft(session)
      if (left !== undefined && left < 3 * wallMs) {
        coverage.set(entry.id, null)
        continue
      }
      onProgress(`coverage of ${entry.id}`)
      const measured = await measureCoverage({
        sandbox,
        entry,
        wallMs,
        ...(left !== undefined && { timeoutMs: left }),
        signal: session.signal,
      })
      coverage.set(entry.id, measured ?? null)
    }
    const flat = [...coverage].map(([id, map]) => [
      id,
      map && [...map].map(([file, lines]) => [file, [...lines.executed], [...lines.executable], [...(lines.partial ?? [])]]),
    ])
    store.cache(isLook && !isWhole(plan, baseline, coverage) ? hurriedKey : key, 'baseline', {
      baseline,
      coverage: Object.fromEntries(flat),
    })
    return { baseline, coverage }
  })
}

/** Whether a look measured as much as any other run would have. */
function isWhole(plan: Plan, baseline: Baseline, coverage: BaseCoverage): boolean {
  return (
    plan.steps.every(({ kind }) => kind === 'build') &&
    baseline.entries.every(({ runs }) => runs >= 3) &&
    ![...coverage.values()].includes(null)
  )
}

/** True when a line is known to be executed by some suite, false when known not to be, null when nothing can tell. */
export function isExercised(coverage: BaseCoverage, file: string, lines: readonly number[]): boolean | null {
  let answer: boolean | null = null
  for (const map of coverage.values()) {
    if (!map) continue
    const own = map.get(file)
    if (!own) {
      if (!coverage.built && sameKind(map, file)) answer ??= false
      continue
    }
    if (lines.some((line) => own.executed.has(line) && !own.partial?.has(line))) return true
    const executable = lines.some((line) => own.executable.has(line))
    // A statement of several lines may be known by its first line only.
    const head = executable
      ? undefined
      : [...own.executable].filter((line) => line < lines[0]! && line > lines[0]! - 15).toSorted((a, b) => b - a)[0]
    if (head !== undefined && own.executed.has(head)) return true
    answer = false
  }
  return answer
}

/** A suite that measured files of the same ending would have measured this one, had it run. */
function sameKind(map: CoverageMap, file: string): boolean {
  const ending = file.slice(file.lastIndexOf('.') + 1).replace(/^[cm]/, '')
  for (const known of map.keys()) if (known.slice(known.lastIndexOf('.') + 1).replace(/^[cm]/, '') === ending) return true
  return false
}

type Times = { suiteMs: number; stepsMs: number; measured: boolean }

function timesOf(baseline: Baseline): Times {
  return {
    suiteMs: baseline.entries.reduce((sum, { wallMs }) => sum + wallMs, 0),
    stepsMs: baseline.steps.reduce((sum, { wallMs }) => sum + wallMs, 0),
    measured: baseline.entries.every(({ cpuMs }) => cpuMs !== null && cpuMs < 30_000),
  }
}

/** What a run will cost, told before the long work. `fresh`: the baseline is still to be measured. */
function estimate(session: Session, { suiteMs, stepsMs, measured }: Times, candidates: number, fresh: boolean): string {
  const start = `${plural(candidates, 'candidate')}, one run of the tests takes ${formatDuration(suiteMs)}`
  const left = lookTimeLeft(session)
  if (left !== undefined) return `${start}: the look ends within ${formatDuration(Math.max(0, left))}`
  const own = candidates * suiteMs * 0.6 + 2 * (suiteMs + stepsMs) + (measured ? 22 * suiteMs : 0)
  const total = own + Math.min(8, 60_000 / Math.max(1, suiteMs)) * suiteMs + (fresh ? 3 * suiteMs : 0)
  return `${start}: about ${formatDuration(total)}, at most ${formatDuration(session.request.timeLimitMs)}${fresh ? ' after the baseline' : ''}`
}
