import { affectedTests } from '../analysis/index.ts'
import { plural } from '../kernel/index.ts'
import { languageOf } from '../parsing/index.ts'
import { type Fault, type PlanEntry, isTestPath, plantFaults } from '../validation/index.ts'
import { type BaseCoverage, isExercised } from './base.ts'
import { type Session, lookTimeLeft, mayContinue } from './session.ts'
import { tryCommit } from './trials.ts'

export type Planted = { file: string; fault: Fault; noticed: boolean }
/** `wanted`: how many there would have been time permitting. */
export type Control = { planted: Planted[]; noticed: number; wanted: number }

/** Planting stops after this long, at least one fault is planted; a look stops by its own end. */
const BUDGET_MS = 60_000

const COMPILED: readonly string[] = ['go', 'rust', 'c', 'java']
const TYPE_SAFE: readonly string[] = ['relation', 'number', 'boolean', 'condition', 'logic']

/** A fault that a compiler refuses says nothing about the tests: compiled languages get those that keep every type. */
function compiles(language: string, kind: Fault['kind']): boolean {
  return !COMPILED.includes(language) || TYPE_SAFE.includes(kind)
}

/** Puts one fault into one file of the base. */
async function faultCommit(session: Session, file: string, fault: Fault): Promise<string> {
  const { git } = session.deps
  const content = (await session.reader.read(file))!
  const bytes = Buffer.concat([content.subarray(0, fault.start), Buffer.from(fault.text), content.subarray(fault.end)])
  return (
    await git.commitChanges({ base: session.base, changes: [{ path: file, content: bytes }], message: `planted fault: ${fault.kind}` })
  ).commit
}

/** Plants a fault and asks the same tests with the same command and mounts. Null where a look ended before the tests. */
async function isNoticed(session: Session, entries: readonly PlanEntry[], file: string, fault: Fault): Promise<boolean | null> {
  const commit = await faultCommit(session, file, fault)
  const testFiles = session.baseline!.entries.flatMap(({ files }) => files)
  const { files } = await affectedTests(session.reader, [file], testFiles)
  const near = files.length > 0 && files.length < testFiles.length
  const ask = async (selection: string[] | undefined): Promise<boolean | null> => {
    const trial = await tryCommit(session, commit, {
      entries,
      ...(selection && { files: selection }),
      fresh: false,
      steps: false,
      confirm: false,
      ...(session.lookEndsAt !== null && { timeLeft: () => lookTimeLeft(session)! }),
    })
    if (trial.cut) return null
    return (
      trial.hang ||
      trial.regressed.length > 0 ||
      trial.weakened.length > 0 ||
      trial.guards.some(({ ok }) => ok === false) ||
      trial.errors.length > 0
    )
  }
  const first = near ? await ask(files) : false
  return first === false ? ask(undefined) : first
}

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
  const suiteMs = session.baseline!.entries.reduce((sum, { wallMs }) => sum + wallMs, 0)
  const faults: { file: string; fault: Fault; round: number }[] = []
  const perFile = Math.max(1, Math.ceil(most / Math.max(1, files.length)))
  for (const file of files) {
    const language = languageOf(file)
    const text = language && !isTestPath(file, session.plan!) ? await session.reader.text(file) : undefined
    if (!language || text === undefined) continue
    const covered = new Set(
      text.split('\n').flatMap((_line, index) => (isExercised(coverage, file, [index + 1]) === false ? [] : [index + 1])),
    )
    const own = plantFaults({ text, language, lines: covered, seed: 1, max: 4 * perFile }).filter(({ kind }) => compiles(language, kind))
    for (const [round, fault] of own.slice(0, perFile).entries()) faults.push({ file, fault, round })
  }
  // one per file first: where time is short, each file has been looked at
  const chosen = faults.toSorted((a, b) => a.round - b.round).slice(0, most)
  const planted: Planted[] = []
  const startedAt = clock.monotonic()
  let longest = suiteMs / 2
  const timeFor = (): boolean => {
    if (session.lookEndsAt !== null) return !session.signal.aborted && !session.stopSoon.aborted && lookTimeLeft(session)! > longest
    return planted.length === 0 || (clock.monotonic() - startedAt + longest <= BUDGET_MS && mayContinue(session))
  }
  for (const { file, fault } of chosen) {
    if (!timeFor()) break
    session.observe({
      type: 'phase',
      phase: 'control',
      detail: `${plural(planted.length + 1, 'planted fault')} of ${chosen.length}: ${file}:${fault.line}`,
    })
    const since = clock.monotonic()
    const noticed = await isNoticed(session, entries, file, fault)
    if (noticed === null) break
    planted.push({ file, fault, noticed })
    longest = Math.max(planted.length === 1 ? 0 : longest, clock.monotonic() - since)
  }
  for (const { file, fault, noticed } of planted)
    if (!noticed)
      session.blindSpots.push({
        kind: 'unnoticed_fault',
        file,
        line: fault.line,
        name: fault.functionName,
        detail: `a planted fault (${fault.kind}) in ${fault.functionName} was not noticed`,
      })
  return { planted, noticed: planted.filter(({ noticed }) => noticed).length, wanted: chosen.length }
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
    const dark = new Map<string, number>()
    const lit = new Set<string>()
    for (const { line, functionName } of plantFaults({ text, language, seed: 1, max: 2000 })) {
      const exercised = isExercised(coverage, file, [line])
      if (exercised === true) lit.add(functionName)
      else if (exercised === false && functionName !== '(top level)' && !dark.has(functionName)) dark.set(functionName, line)
      else if (exercised === false && functionName !== '(top level)') dark.set(functionName, Math.min(line, dark.get(functionName)!))
    }
    for (const [name, line] of dark) {
      if (lit.has(name) || session.blindSpots.filter(({ kind }) => kind === 'unexercised_function').length >= most) continue
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
  const [fault] = plantFaults({ text, language, lines: new Set([line]), seed: 1, max: 4 }).filter(({ kind }) => compiles(language, kind))
  return fault ? isNoticed(session, entries, file, fault) : null
}
