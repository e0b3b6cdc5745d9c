import { type LanguageId, familyOf, languageOf } from '../parsing/index.ts'
import {
  type Fault,
  type PlanEntry,
  entriesFor,
  isTestPath,
  listFunctions,
  packageOf,
  plantFaults,
  refusesToCompile,
} from '../validation/index.ts'
import { affectedFiles } from './affected.ts'
import { type BaseCoverage, isExercised, neverRuns } from './base.ts'
import { measuredOf, quickFiles, suitesWith } from './quick.ts'
import { type Session, lookTimeLeft, mayContinue } from './session.ts'
import { type Trial, tryCommit } from './trials.ts'

export type Planted = { file: string; fault: Fault; noticed: boolean }
/** `wanted`: how many there would have been, time permitting; `cut`: it did not. */
export type Control = { planted: Planted[]; noticed: number; wanted: number; cut: boolean }

/** Planting stops after this long, though at least one fault is planted; a look stops by its own end. */
const BUDGET_MS = 60_000
/** How many faults are tried for each that is wanted: some are refused by a compiler. */
const SPARE = 4

/** Puts one fault into one file of the base. */
async function faultCommit(session: Session, file: string, fault: Fault): Promise<string> {
  const { git } = session.deps
  const content = (await session.reader.read(file))!
  const bytes = Buffer.concat([content.subarray(0, fault.start), Buffer.from(fault.text), content.subarray(fault.end)])
  return (
    await git.commitChanges({ base: session.base, changes: [{ path: file, content: bytes }], message: `planted fault: ${fault.kind}` })
  ).commit
}

/** Languages in which a program that does not load was refused by nobody but the program itself. */
const INTERPRETED: ReadonlySet<string> = new Set(['javascript', 'python', 'ruby'])

/**
 * What a trial of a planted fault says about the tests: true when tests failed, or hung, or an interpreted program that
 * loads on the base no longer does; `null` when nothing is said about them, because a compiler, a build or a type check
 * refused the fault, or the runner could not be started.
 */
export function readNotice(trial: Trial, file: string): boolean | null {
  if (trial.hang) return true
  if (trial.unrun === 'start' || trial.guards.some(({ ok }) => ok === false)) return null
  if (trial.unrun === 'compile' && (trial.coarse || !failedByItself(trial))) return null
  if (trial.regressed.length > 0) return true
  const language = languageOf(file)
  if (trial.silent) return language && INTERPRETED.has(familyOf(language)) ? true : null
  if (trial.weakened.length > 0) return true
  return trial.errors.length > 0 ? null : false
}

/** Whether a test failed for another reason than that its file does not compile. */
function failedByItself({ reports, regressed }: Trial): boolean {
  const tests = [...reports.values()].flatMap((report) => report.tests)
  return tests.some(({ id, message = '' }) => regressed.includes(id) && !refusesToCompile(message))
}

/**
 * Plants a fault and asks the tests that may reach it, with the same command and mounts: the quick ones of a long suite
 * and those of the file's own package before the others, which are asked only about what these did not notice. `null`
 * where the fault came to nothing, `cut` where a look ended before the tests.
 */
async function isNoticed(session: Session, asked: readonly PlanEntry[], file: string, fault: Fault): Promise<boolean | null | 'cut'> {
  const commit = await faultCommit(session, file, fault)
  const plan = session.plan!
  const reached = new Set(entriesFor(plan, [file]).map(({ id }) => id))
  const entries = asked.filter(({ id }) => reached.has(id))
  if (entries.length === 0) return null
  const measured = measuredOf(session.baseline!.entries, entries)
  const testFiles = measured.flatMap(({ files }) => files)
  const { files, complete } = await affectedFiles(session, [file], testFiles)
  const near = files.length > 0 && files.length < testFiles.length
  const ask = async (selection: string[] | undefined, suites: readonly PlanEntry[]): Promise<boolean | null | 'cut'> => {
    const trial = await tryCommit(session, commit, {
      entries: suites,
      ...(selection && { files: selection }),
      fresh: false,
      steps: false,
      confirm: false,
      ...(session.lookEndsAt !== null && { timeLeft: () => lookTimeLeft(session)! }),
    })
    return trial.cut ? 'cut' : readNotice(trial, file)
  }
  const isOwn = ({ scope }: PlanEntry): boolean => scope === packageOf(file, plan.packages)
  const groups = [entries.filter(isOwn), entries.filter((suite) => !isOwn(suite))].filter((group) => group.length > 0)
  const questions = groups.flatMap((suites) => {
    const known = measuredOf(measured, suites)
    const own = known.flatMap((suite) => suite.files)
    const affected = near ? own.filter((path) => files.includes(path)) : own
    const selections = [quickFiles(known, affected), near && affected.length > 0 ? affected : undefined]
    return [
      ...selections.flatMap((selection) => (selection ? [{ suites: suitesWith(suites, known, selection), selection }] : [])),
      // All tests are asked where some may reach the file on a way that is not known.
      ...(near && complete ? [] : [{ suites, selection: undefined }]),
    ]
  })
  let answer: null | false = false
  for (const { suites, selection } of questions) {
    const notice = await ask(selection, suites)
    if (notice === true || notice === 'cut') return notice
    if (notice === null) answer = null
  }
  return answer
}

/** Whether a build reads the types before the tests run; compiled languages are known as such. */
function isCompiled(session: Session, language: LanguageId): boolean {
  return /^(?:typescript|tsx)$/.test(language) && session.plan!.steps.some(({ kind }) => kind === 'build')
}

/** Faults for the covered lines of each file, more than are wanted: a compiler may refuse some. */
async function chooseFaults(session: Session, coverage: BaseCoverage, files: readonly string[], perFile: number): Promise<Planting[][]> {
  const chosen: Planting[][] = []
  for (const file of files) {
    const language = languageOf(file)
    const text = language && !isTestPath(file, session.plan!) ? await session.reader.text(file) : undefined
    if (!language || text === undefined) continue
    const covered = new Set(
      text.split('\n').flatMap((_line, index) => (isExercised(coverage, file, [index + 1]) === false ? [] : [index + 1])),
    )
    const own = plantFaults({ text, language, lines: covered, seed: 1, max: SPARE * perFile, compiled: isCompiled(session, language) })
    chosen.push(own.map((fault) => ({ file, fault })))
  }
  return chosen
}

type Planting = { file: string; fault: Fault }

/**
 * The positive control: faults planted into covered lines of the source about to be touched must turn the tests red.
 * Suites without coverage get faults anywhere in those files. Which faults is the same for the same base commit, how many
 * of them is a matter of real time: a fault may cost a compilation.
 */
export async function controlPlan(
  session: Session,
  entries: readonly PlanEntry[],
  coverage: BaseCoverage,
  files: readonly string[],
  most: number,
): Promise<Control> {
  const { clock } = session.deps
  const perFile = Math.max(1, Math.ceil(most / Math.max(1, files.length)))
  const queues = await chooseFaults(session, coverage, files, perFile)
  const wanted = Math.min(
    most,
    queues.reduce((sum, queue) => sum + Math.min(perFile, queue.length), 0),
  )
  const planted: Planted[] = []
  const startedAt = clock.monotonic()
  let longest = session.baseline!.entries.reduce((sum, { wallMs }) => sum + wallMs, 0) / 2
  let tried = 0
  let cut = false
  const timeFor = (): boolean => {
    if (session.lookEndsAt !== null) return !session.signal.aborted && !session.stopSoon.aborted && lookTimeLeft(session)! > longest
    return tried === 0 || (clock.monotonic() - startedAt + longest <= BUDGET_MS && mayContinue(session))
  }
  /** One fault of a file; what a compiler refuses is replaced by the next. False when the time is over. */
  const plantOne = async (queue: Planting[]): Promise<boolean> => {
    let refused = ''
    for (let next = queue.shift(); next; next = queue.shift()) {
      if (!timeFor()) {
        cut = true
        return false
      }
      const { file, fault } = next
      const detail = `planted fault ${planted.length + 1} of ${wanted}: ${file}:${fault.line}${refused}`
      session.observe({ type: 'phase', phase: 'control', detail })
      const since = clock.monotonic()
      const noticed = await isNoticed(session, entries, file, fault)
      if (noticed === 'cut') {
        cut = true
        return false
      }
      longest = Math.max(tried === 0 ? 0 : longest, clock.monotonic() - since)
      tried++
      if (noticed !== null) {
        planted.push({ file, fault, noticed })
        return true
      }
      refused = ` (instead of line ${fault.line}, whose fault was refused)`
    }
    return true
  }
  // one per file first: where time is short, each file has been looked at
  planting: for (let round = 0; round < perFile; round++)
    for (const queue of queues) if (planted.length >= most || !(await plantOne(queue))) break planting
  for (const { file, fault, noticed } of planted)
    if (!noticed)
      session.blindSpots.push({
        kind: 'unnoticed_fault',
        file,
        line: fault.line,
        name: fault.functionName,
        detail: `a planted fault (${fault.kind}) in ${fault.functionName} was not noticed`,
      })
  return { planted, noticed: planted.filter(({ noticed }) => noticed).length, wanted, cut }
}

/** Functions of the given files that no test executes, from coverage alone. */
export async function findUnexercisedFunctions(
  session: Session,
  coverage: BaseCoverage,
  files: readonly string[],
  most: number,
): Promise<void> {
  for (const file of files) {
    const language = languageOf(file)
    const text = language && !isTestPath(file, session.plan!) ? await session.reader.text(file) : undefined
    if (!language || text === undefined || text.length > 500_000) continue
    let inside = 0 // a function inside one that nobody calls is not told again
    for (const { name, line, lines } of listFunctions(text, language)) {
      if (line < inside || neverRuns(coverage, file, lines) !== true) continue
      if (session.blindSpots.filter(({ kind }) => kind === 'unexercised_function').length >= most) return
      inside = lines.at(-1)!
      session.blindSpots.push({ kind: 'unexercised_function', file, line, name, detail: `no test runs ${name}` })
    }
  }
}

/** Whether the tests notice a fault planted on the lines of a site: how it is decided where there is no coverage. */
export async function exercisedByFault(
  session: Session,
  entries: readonly PlanEntry[],
  file: string,
  line: number,
): Promise<boolean | null> {
  const language = languageOf(file)
  const text = language && (await session.reader.text(file))
  if (!language || text === undefined) return null
  const [fault] = plantFaults({ text, language, lines: new Set([line]), seed: 1, max: 1, compiled: isCompiled(session, language) })
  const noticed = fault ? await isNoticed(session, entries, file, fault) : null
  return noticed === 'cut' ? null : noticed
}
