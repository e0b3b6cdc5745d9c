import { plural, formatDuration, digest } from '../kernel/index.ts'
import { type Baseline, type CoverageMap, type Plan, type PlanEntry, measureBaseline, measureCoverage } from '../validation/index.ts'
import type { Session } from './session.ts'

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

/** Measures the unchanged tree in the same jail, or takes it from the cache; then coverage, once per suite. */
export async function measureBase(
  session: Session,
  plan: Plan,
  entries: readonly PlanEntry[],
): Promise<{ baseline: Baseline; coverage: BaseCoverage }> {
  const { store } = session.deps
  const built = plan.steps.some(({ kind }) => kind === 'build')
  const key = await baselineKey(session, plan, entries)
  const stored = session.request.retry ? undefined : store.cached<Stored>(key)
  if (stored) {
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
  session.observe({ type: 'phase', phase: 'baseline', detail: `${plural(entries.length, 'suite')} on the unchanged code` })
  return session.workbench.use(session.base, { purpose: 'baseline', fresh: false }, async (sandbox) => {
    const onProgress = (detail: string): void => session.observe({ type: 'phase', phase: 'baseline', detail })
    const baseline = await measureBaseline({ sandbox, plan, entries, signal: session.signal, onProgress })
    const coverage: BaseCoverage = new Map()
    coverage.built = built
    for (const entry of entries) {
      onProgress(`coverage of ${entry.id}`)
      const { wallMs } = baseline.entries.find(({ entryId }) => entryId === entry.id)!
      coverage.set(entry.id, (await measureCoverage({ sandbox, entry, wallMs, signal: session.signal })) ?? null)
    }
    const flat = [...coverage].map(([id, map]) => [
      id,
      map && [...map].map(([file, lines]) => [file, [...lines.executed], [...lines.executable], [...(lines.partial ?? [])]]),
    ])
    store.cache(key, 'baseline', { baseline, coverage: Object.fromEntries(flat) })
    return { baseline, coverage }
  })
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

/** What a run will cost, told before the first candidate. */
export function estimate(session: Session, baseline: Baseline, candidates: number): string {
  const suite = baseline.entries.reduce((sum, { wallMs }) => sum + wallMs, 0)
  const steps = baseline.steps.reduce((sum, { wallMs }) => sum + wallMs, 0)
  const measured = baseline.entries.every(({ cpuMs }) => cpuMs !== null && cpuMs < 30_000)
  const total =
    candidates * suite * 0.6 + 2 * (suite + steps) + (measured ? 22 * suite : 0) + Math.min(8, 60_000 / Math.max(1, suite)) * suite
  return `${plural(candidates, 'candidate')}, one run of the tests takes ${formatDuration(suite)}: about ${formatDuration(total)}, at most ${formatDuration(session.request.timeLimitMs)}`
}
