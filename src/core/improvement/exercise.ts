import type { ChangedFile } from '../git/index.ts'
import { languageOf } from '../parsing/index.ts'
import { type PlanEntry, isTestPath, measureCoverage, plantFaults } from '../validation/index.ts'
import { affectedFiles } from './affected.ts'
import { type BaseCoverage, coverageTimeout, hasDarkLine, isExercised } from './base.ts'
import { type Control, exercisedByFault } from './control.ts'
import type { Draft } from './draft.ts'
import { type Session, mayContinue, throwIfStopped } from './session.ts'
import type { Site } from './source.ts'

/** How many sites without coverage are decided by planted faults, one run of the tests each. */
const MAX_SITE_FAULTS = 6

export type Bench = { coverage: BaseCoverage; control: Control }

/** What is known of a candidate's places: its sites, and files that are changed as a whole. `null` is "cannot tell". */
export type Exercise = { sites: Map<Site, boolean | null>; whole: Map<string, boolean | null> }

const count = (from: number, many: number): number[] => Array.from({ length: many }, (_value, index) => from + index)

/** The lines of the base a site replaces. */
async function linesOf(session: Session, site: Site): Promise<number[]> {
  const content = await session.reader.read(site.file)
  if (!content) return [site.line]
  const lineAt = (offset: number): number => {
    let line = 1
    for (let at = content.indexOf(10); at !== -1 && at < offset; at = content.indexOf(10, at + 1)) line++
    return line
  }
  const first = Math.min(...site.edits.map(({ start }) => lineAt(start)))
  const last = Math.max(...site.edits.map(({ start, end }) => lineAt(Math.max(start, end - 1))))
  return count(first, Math.min(200, last - first + 1))
}

/** Coverage of the candidate itself: only it can tell whether lines that are new are run by anything. */
async function measureAfter(session: Session, draft: Draft, { coverage }: Bench, entries: readonly PlanEntry[]): Promise<BaseCoverage> {
  const after: BaseCoverage = new Map()
  const unfinished = (after.unfinished = new Set<string>())
  if (coverage.built) after.built = true
  const measured = entries.filter(({ id }) => coverage.get(id))
  if (measured.length === 0 || !mayContinue(session)) return after
  await session.workbench.use(draft.commit!.commit, { purpose: 'validate', fresh: true }, async (sandbox) => {
    for (const entry of measured) {
      const base = session.baseline!.entries.find(({ entryId }) => entryId === entry.id)!
      session.observe({ type: 'phase', phase: 'candidates', detail: `${draft.candidate.id}: which of its lines ${entry.id} runs` })
      const timeoutMs = Math.min(entry.timeoutMs, coverageTimeout(base))
      const seen = await measureCoverage({ sandbox, entry, timeoutMs, signal: session.signal })
      throwIfStopped(session)
      after.set(entry.id, seen?.map ?? null)
      if (seen?.complete === false) unfinished.add(entry.id)
    }
  })
  return after
}

/** New lines are exercised when something runs them, and no line and no function among them stays dark. */
async function isAddedExercised(
  session: Session,
  commit: string,
  after: BaseCoverage,
  file: string,
  lines?: readonly number[],
): Promise<boolean | null> {
  const language = languageOf(file)
  const text = await session.deps.git.reader(commit).text(file)
  if (text === undefined) return null
  const own = lines ?? count(1, text.split('\n').length)
  const answer = isExercised(after, file, own)
  if (answer !== true || !language) return answer
  // One line that runs does not speak for the next one: a branch nobody takes is not exercised.
  if (hasDarkLine(after, file, own)) return false
  const functions = new Map<string, boolean>()
  for (const { line, functionName } of plantFaults({ text, language, lines: new Set(own), seed: 1, max: 2000 }))
    functions.set(functionName, functions.get(functionName) === true || isExercised(after, file, [line]) === true)
  return ![...functions.values()].includes(false)
}

/** Which places some test exercises: by coverage, else by planted faults while the time lasts. */
export async function exerciseSites(
  session: Session,
  draft: Draft,
  bench: Bench,
  entries: readonly PlanEntry[],
  changed: readonly ChangedFile[],
): Promise<Exercise> {
  const isTest = (path: string): boolean => isTestPath(path, session.plan!)
  const after = draft.proposal.explicit ? await measureAfter(session, draft, bench, entries) : undefined
  const commit = draft.commit!.commit
  const sites = new Map<Site, boolean | null>()
  let faults = 0
  const isDoubtful = reachedByDoubtful(session)
  for (const site of draft.sites) {
    const lines = await linesOf(session, site)
    let answer: boolean | null
    if (!after || !site.added) answer = isExercised(bench.coverage, site.file, lines)
    // Without a look at the candidate nobody knows about its new lines.
    else
      answer = after.size === 0 ? null : await isAddedExercised(session, commit, after, site.file, count(site.added.from, site.added.count))
    // Code that goes although no test runs it: what it guarded is not known to anybody.
    if (answer === true && draft.proposal.explicit && hasDarkLine(bench.coverage, site.file, lines)) answer = false
    // Run, but perhaps only by tests that fail anyway: what they see never counts against a change. A fault tells.
    if (answer === true && !isTest(site.file) && (await isDoubtful(site.file))) answer = null
    if (answer === null && !isTest(site.file) && faults < MAX_SITE_FAULTS && mayContinue(session)) {
      faults++
      // one unnoticed fault is a hint, not a proof that nothing runs the line
      answer = (await exercisedByFault(session, entries, site.file, site.line)) || null
    }
    // Run and not looked at: a fault planted right there stayed unnoticed.
    if (answer === true && isBlindAt(bench.control, site.file, lines)) answer = null
    sites.set(site, answer)
  }
  const whole = new Map<string, boolean | null>()
  const cut = new Set(draft.sites.map(({ file }) => file))
  for (const { path, oldPath, status, oldMode, newMode } of changed) {
    if (cut.has(path) || isTest(path)) continue
    if (status === 'deleted') whole.set(path, wasLoaded(bench.coverage, path))
    else if (status === 'modified' && oldMode !== newMode) whole.set(path, null)
    else if (oldPath !== null && wasLoaded(bench.coverage, oldPath) !== true) whole.set(path, null)
    else whole.set(path, after ? await isAddedExercised(session, commit, after, path) : null)
  }
  return { sites, whole }
}

/** Tells of a file, once each, whether tests that were red, flaky or still to do on the base may run it. */
function reachedByDoubtful(session: Session): (file: string) => Promise<boolean> {
  const { baseline } = session
  const all = baseline!.entries.flatMap(({ files }) => files)
  const doubtful = new Set(
    baseline!.entries.flatMap(({ statuses, flaky, red }) =>
      Object.keys(statuses)
        .filter((id) => red.includes(id) || flaky.includes(id) || statuses[id] === 'todo')
        .map((id) => id.split('::')[0]!),
    ),
  )
  const known = new Map<string, Promise<boolean>>()
  const ask = async (file: string): Promise<boolean> => {
    const { files, complete } = await affectedFiles(session, [file], all)
    return !complete || files.some((each) => doubtful.has(each))
  }
  return async (file) => {
    if (doubtful.size === 0) return false
    const answer = known.get(file) ?? ask(file)
    known.set(file, answer)
    return answer
  }
}

function isBlindAt({ planted }: Control, file: string, lines: readonly number[]): boolean {
  return planted.some((each) => each.file === file && lines.includes(each.fault.line) && !each.noticed)
}

/** True when a test ran some line of a file of the base: that it is gone, or elsewhere, would then be noticed. */
function wasLoaded(coverage: BaseCoverage, path: string): true | null {
  for (const map of coverage.values()) if ((map?.get(path)?.executed.size ?? 0) > 0) return true
  return null
}
