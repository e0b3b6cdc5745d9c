import { digest, plural } from '../kernel/index.ts'
import type { Sandbox } from '../sandbox/index.ts'
import {
  type Baseline,
  type CoverageMap,
  type EntryBaseline,
  type Plan,
  type PlanEntry,
  measureBaseline,
  measureCoverage,
} from '../validation/index.ts'
import { affectedFiles } from './affected.ts'
import { coverageName } from './coverage-name.ts'
import { type Times, estimate, timesOf } from './estimate.ts'
import { LONG_MS, quickFiles } from './quick.ts'
import { type Session, countTests, lookTimeLeft, throwIfStopped } from './session.ts'

type StoredFile = [file: string, executed: number[], executable: number[], partial: number[], unsure: number[]]
export type StoredCoverage = { suites: [id: string, files: StoredFile[] | null][]; unfinished: string[] }

/** A long suite is not run again as a whole for its coverage, and not for longer: tracing makes some tests many times slower. */
const LONG_COVERAGE_MS = 5 * 60_000

/** How many times longer a suite takes while it is watched, at the least. */
const WATCHED = 3

/** Coverage of the base per suite; null where the runner has none. */
export type BaseCoverage = Map<string, CoverageMap | null> & {
  /** The tests run what a build made: that a source file was not measured says nothing about it. */
  built?: boolean
  /** Suites of which not every test was run to the end: a line they did not run may be run all the same. */
  unfinished?: ReadonlySet<string>
  /** A look had no time for every suite. */
  hurried?: boolean
}

/** The key under which a baseline holds: same tree, same plan, same surroundings. */
export async function baselineKey(session: Session, plan: Plan, entries: readonly PlanEntry[]): Promise<string> {
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
  return digest({ format: 2, tree: session.baseTree, plan: plan.hash, entries: entries.map(({ id }) => id), surroundings, version })
}

/**
 * Measures the unchanged tree in the same jail, or takes it from the cache; then what the tests run of the touched files.
 * What a look measured in a hurry serves other looks only.
 * @param candidates how many the estimate is for; without it none is told
 * @throws LIMIT_REACHED when one run of the tests takes longer than a look
 */
export async function measureBase(
  session: Session,
  plan: Plan,
  entries: readonly PlanEntry[],
  touched: readonly string[],
  candidates?: number,
): Promise<{ baseline: Baseline; coverage: BaseCoverage }> {
  const { store } = session.deps
  const key = await baselineKey(session, plan, entries)
  const isLook = session.lookEndsAt !== null
  const remembered = <T>(name: string): T | undefined =>
    session.request.retry ? undefined : (store.cached<T>(name) ?? (isLook ? store.cached<T>(`${name}:look`) : undefined))
  const stored = remembered<Baseline>(key)
  const progress = (detail: string): void => session.observe({ type: 'phase', phase: 'baseline', detail })
  const tell = (times: Times, fresh: boolean): void => {
    if (candidates !== undefined) session.observe({ type: 'phase', phase: 'estimate', ...estimate(session, times, candidates, fresh) })
  }
  const timing = `timing:${plan.hash}`
  const before = store.cached<Times>(timing)
  if (stored) tell(timesOf(stored), false)
  else if (before) tell(before, true)

  const measure = async (sandbox: Sandbox): Promise<Baseline> => {
    let isFirst = true
    const baseline = await measureBaseline({
      sandbox,
      plan,
      entries,
      signal: session.signal,
      onProgress: progress,
      onTests: countTests(session),
      onFirstRun: (_entry, wallMs) => {
        // the first suite stands for the others until they have run
        if (!before && isFirst) tell({ suiteMs: wallMs * entries.length, stepsMs: 0, measured: true }, true)
        isFirst = false
      },
      ...(isLook && { hurry: { timeLeft: () => lookTimeLeft(session)! } }),
    })
    const isWhole = plan.steps.every(({ kind }) => kind === 'build') && baseline.entries.every(({ runs }) => runs >= 3)
    store.cache(timing, 'timing', timesOf(baseline))
    store.cache(isLook && !isWhole ? `${key}:look` : key, 'baseline', baseline)
    return baseline
  }
  const work = async (sandbox: Sandbox | null): Promise<{ baseline: Baseline; coverage: BaseCoverage } | null> => {
    if (!stored && !sandbox) return null
    const baseline = stored ? { ...stored, cached: true } : await measure(sandbox!)
    const coverageKey = digest({ key, coverage: true, touched: baseline.entries.some(isLong) ? touched.toSorted() : [] })
    const known = remembered<StoredCoverage>(coverageKey)
    if (!known && !sandbox) return null
    const coverage = known ? readCoverage(known) : await coverSuites(session, sandbox!, entries, baseline, touched, progress)
    const name = isLook && coverage.hurried ? `${coverageKey}:look` : coverageKey
    if (!known) {
      store.cache(name, 'coverage', writeCoverage(coverage))
      store.cache(coverageName(session.baseTree), 'coverage', name)
    }
    coverage.built = plan.steps.some(({ kind }) => kind === 'build')
    return { baseline, coverage }
  }
  const cached = await work(null)
  if (!cached) session.observe({ type: 'phase', phase: 'baseline', detail: `${plural(entries.length, 'suite')} on the unchanged code` })
  const known = cached ?? (await session.workbench.use(session.base, { purpose: 'baseline', fresh: false }, work))!
  if (candidates !== undefined) session.notes.push(...idleSuites(known.baseline))
  return known
}

/** A suite in which no test ran proves nothing: said, because its command may be understood wrongly. */
function idleSuites({ entries }: Baseline): string[] {
  const idle = entries.filter(({ statuses }) => Object.keys(statuses).length === 0).map(({ entryId }) => entryId)
  const named = idle.slice(0, 5).join(', ') + (idle.length > 5 ? ` and ${idle.length - 5} more` : '')
  return idle.length === 0
    ? []
    : [`${plural(idle.length, 'suite')} ran no test: ${named}. plan.scope chooses packages, plan.test the command.`]
}

const isLong = ({ wallMs }: EntryBaseline): boolean => wallMs > LONG_MS

/** A suite that is watched takes longer than one that is not, but not for ever: some do not stand being watched. */
export const coverageTimeout = (base: EntryBaseline): number => (isLong(base) ? LONG_COVERAGE_MS : 60_000 + 5 * base.wallMs)

async function coverSuites(
  session: Session,
  sandbox: Sandbox,
  entries: readonly PlanEntry[],
  baseline: Baseline,
  touched: readonly string[],
  progress: (detail: string) => void,
): Promise<BaseCoverage> {
  const coverage: BaseCoverage = new Map()
  const unfinished = new Set<string>()
  for (const entry of entries) {
    const base = baseline.entries.find(({ entryId }) => entryId === entry.id)!
    const left = lookTimeLeft(session) ?? Number.POSITIVE_INFINITY
    if (left < 3 * base.wallMs) {
      coverage.set(entry.id, null)
      coverage.hurried = true
      continue
    }
    progress(`coverage of ${entry.id}`)
    const near = isLong(base) && touched.length > 0 ? await affectedFiles(session, touched, base.files) : null
    const reached = near !== null && near.files.length > 0 ? near.files : base.files
    // a suite of many minutes is not watched to its end: what its quick files run is known soon, and the rest by faults
    const quick = WATCHED * base.wallMs > LONG_COVERAGE_MS ? quickFiles([base], reached) : undefined
    const files = quick ?? reached
    const fewer = files.length < base.files.length
    const measured = await measureCoverage({
      sandbox,
      entry,
      ...(fewer && { files }),
      timeoutMs: Math.max(1, Math.min(entry.timeoutMs, coverageTimeout(base), left)),
      signal: session.signal,
    })
    throwIfStopped(session)
    coverage.set(entry.id, measured?.map ?? null)
    if (measured && (!measured.complete || quick || (fewer && !near?.complete))) unfinished.add(entry.id)
  }
  coverage.unfinished = unfinished
  return coverage
}

function writeCoverage(coverage: BaseCoverage): StoredCoverage {
  const lines = (set: ReadonlySet<number> | undefined): number[] => [...(set ?? [])]
  return {
    suites: [...coverage].map(([id, map]) => [
      id,
      map &&
        [...map].map(([file, each]): StoredFile => [
          file,
          lines(each.executed),
          lines(each.executable),
          lines(each.partial),
          lines(each.unsure),
        ]),
    ]),
    unfinished: [...(coverage.unfinished ?? [])],
  }
}

export function readCoverage({ suites, unfinished }: StoredCoverage): BaseCoverage {
  const set = (lines: readonly number[]): Set<number> => new Set(lines)
  const coverage: BaseCoverage = new Map(
    suites.map(([id, files]) => [
      id,
      files &&
        new Map(
          files.map(([file, executed, executable, partial, unsure]) => [
            file,
            { executed: set(executed), executable: set(executable), partial: set(partial), unsure: set(unsure) },
          ]),
        ),
    ]),
  )
  coverage.unfinished = new Set(unfinished)
  return coverage
}

/** True when a line is known to be executed by some suite, false when known not to be, null when nothing can tell. */
export function isExercised(coverage: BaseCoverage, file: string, lines: readonly number[]): boolean | null {
  let answer: boolean | null = null
  let unsure = false
  for (const [id, map] of coverage) {
    if (!map) continue
    const own = map.get(file)
    const unfinished = coverage.unfinished?.has(id) === true
    unsure ||= unfinished
    if (!own) {
      if (!coverage.built && !unfinished && sameKind(map, file)) answer ??= false
      continue
    }
    const ran = lines.filter((line) => own.executed.has(line) && !own.partial?.has(line))
    if (ran.some((line) => !own.unsure?.has(line))) return true
    unsure ||= ran.length > 0
    const executable = lines.some((line) => own.executable.has(line))
    // A statement of several lines may be known by its first line only.
    const head = executable
      ? undefined
      : [...own.executable].filter((line) => line < lines[0]! && line > lines[0]! - 15).toSorted((a, b) => b - a)[0]
    if (head !== undefined && own.executed.has(head)) return true
    if (!unfinished) answer = false
  }
  // what one suite does not run, one that was not seen to its end may
  return unsure ? null : answer
}

/** True when no suite runs any of the lines of a function, though they hold code; null when that cannot be told. */
export function neverRuns(coverage: BaseCoverage, file: string, lines: readonly number[]): boolean | null {
  let answer: boolean | null = null
  for (const [id, map] of coverage) {
    const own = map?.get(file)
    if (coverage.unfinished?.has(id)) return null
    if (!map || (!own && (coverage.built || !sameKind(map, file)))) continue
    // A function of one line shares it with its declaration, which runs when the file is loaded.
    if (own && lines.some((line) => own.executed.has(line) && (lines.length > 1 || !own.partial?.has(line)))) return false
    if (!own || lines.some((line) => own.executable.has(line))) answer = true
  }
  return answer
}

/** True when some suite knows one of these lines as code that could run, and none ran it. */
export function hasDarkLine(coverage: BaseCoverage, file: string, lines: readonly number[]): boolean {
  const maps = [...coverage.values()].flatMap((map) => map?.get(file) ?? [])
  return lines.some((line) => maps.some(({ executable }) => executable.has(line)) && maps.every(({ executed }) => !executed.has(line)))
}

/** A suite that measured files of the same ending would have measured this one, had it run. */
function sameKind(map: CoverageMap, file: string): boolean {
  const ending = file.slice(file.lastIndexOf('.') + 1).replace(/^[cm]/, '')
  for (const known of map.keys()) if (known.slice(known.lastIndexOf('.') + 1).replace(/^[cm]/, '') === ending) return true
  return false
}
