import { join } from 'node:path'
import { EXIT, type ExitCode, SingularityError, formatDuration, plural, strongestExit } from '../kernel/index.ts'
import { type Plan, type PlanEntry, type Baseline, countStatuses, entriesFor, isTestPath } from '../validation/index.ts'
import { isGenerated, isVendored } from '../rules/index.ts'
import { languageOf } from '../parsing/index.ts'
import { improveCommand } from './again.ts'
import { landAutomatic } from './automatic.ts'
import { announceEnd, announceFailure, announcePhases, announceStart } from './announce.ts'
import { type BaseCoverage, measureBase } from './base.ts'
import { checkRequest } from './check.ts'
import { type Control, controlPlan, findUnexercisedFunctions } from './control.ts'
import type { ImproveData, ImproveOutcome } from './data.ts'
import { asksFor, requestApproval } from './decide.ts'
import { chooseTarget } from './deliver.ts'
import { findCandidates } from './find.ts'
import { type Start, openSession, planOf, resolveBase } from './open.ts'
import { proveCandidates } from './prove.ts'
import { recordDecisions } from './decisions.ts'
import { writeRecord } from './record.ts'
import { dropOldCandidates } from './recover.ts'
import { type RunSummaryData, countTotals, improveData } from './report.ts'
import { type ImprovementDeps, LOOK_MS, LOOK_TIDY_MS, type Session, afterSignal, lookMs } from './session.ts'
import { isAutomatic, policyOf } from './settle.ts'

/** Faults planted by a look and by a run that changes something. */
const LOOK_FAULTS = 20
const RUN_FAULTS = 8
const LOOK_FILES = 12
const HOUR_MS = 3_600_000

/** The main job, from a source to a landed commit. */
export async function runImprovement(deps: ImprovementDeps, start: Start): Promise<ImproveOutcome> {
  const startedAt = deps.clock.monotonic()
  const request = await checkRequest(deps, start.request, await resolveBase(deps, start.request))
  let runId: string | undefined
  const observe = announcePhases(deps, () => runId, start.observe)
  const session = await openSession(deps, { ...start, request, observe })
  runId = session.run.id
  if (request.timeLimitMs < start.request.timeLimitMs)
    session.notes.push(`timeout_ms holds the run to ${formatDuration(request.timeLimitMs)}: singularity config set timeout_ms DURATION`)
  if (request.look) session.lookEndsAt = startedAt + lookMs(request) - LOOK_TIDY_MS
  try {
    await dropOldCandidates(deps)
    announceStart(session)
    await walk(session)
    abandonUnfinished(session)
    return await finish(session)
  } catch (thrown) {
    const error = afterSignal(thrown, session)
    const partial = closeAfter(error, session)
    if (partial) return partial
    throw error
  } finally {
    await session.workbench.close()
  }
}

/**
 * Closes a run that an error ended. Where something was decided that is the answer, with the error in it. A run that
 * decided nothing, or met a bug of ours, leaves no record: the error is its whole answer (`null`), also where nothing can
 * be written any more.
 */
function closeAfter(error: unknown, session: Session): ImproveOutcome | null {
  const { deps, request, run, drafts } = session
  try {
    abandonUnfinished(session)
    announceFailure(session, error)
    const exitCode = SingularityError.isInstance(error) ? error.exitCode : EXIT.bug
    const end = { status: 'interrupted', exitCode } as const
    const isDecided = deps.store.candidatesOf(run.id).some(({ verdict }) => verdict !== null)
    if (!SingularityError.isInstance(error) || error.kind === 'bug' || !isDecided) {
      deps.store.finishRun(run.id, { ...end, summary: summaryOf(session, []), recordPath: null })
      return null
    }
    if (!request.dryRun && !request.look)
      for (const { candidate } of drafts)
        if (asksFor(session, deps.store.candidate(candidate.id))) requestApproval(deps, deps.store.candidate(candidate.id))
    session.notes.push(`${error.code}: ${error.message}`)
    return { data: closeRun(session, end), exitCode, failure: error }
  } catch {
    return null // the next command closes the run: its process is gone by then
  }
}

async function walk(session: Session): Promise<void> {
  const { deps, request, observe } = session
  observe({ type: 'phase', phase: 'plan', detail: 'reading the plan from the base commit' })
  const plan = await planOf(session)
  session.notes.push(...plan.notes)
  for (const { id, origin } of plan.entries) observe({ type: 'phase', phase: 'plan', detail: `${id} (${origin})` })
  if (plan.entries.length === 0 && !request.look)
    throw new SingularityError('NO_TESTS', 'No test command was found: without tests nothing can be proven.', {
      hints: ["singularity improve --test 'COMMAND'"],
    })

  const found = await findCandidates(session, plan)
  if (plan.entries.length === 0) {
    session.notes.push("No test command was found: nothing can be proven. Name one: singularity improve --test 'COMMAND'")
    return
  }
  if (found.length === 0 && !request.look) return
  const touched = [
    ...new Set(found.flatMap(({ proposal }) => [...proposal.sites.map(({ file }) => file), ...proposal.changes.map(({ path }) => path)])),
  ]
  // a look of somebody who stands in a package is a look at that package
  const { prefix } = deps.git.repository
  const entries = touched.length === 0 && prefix === '' ? plan.entries : entriesFor(plan, touched.length === 0 ? [`${prefix}/`] : touched)
  const measured = await measureBase(session, plan, entries, touched, found.length).catch((error: unknown) => {
    if (!request.look || !SingularityError.isInstance(error) || error.code !== 'LIMIT_REACHED') throw error
    session.notes.push(`${error.message} Nothing was measured: singularity improve takes the time it needs.`)
  })
  if (!measured) return
  const { baseline, coverage } = measured
  session.baseline = baseline
  session.deadline = deps.clock.monotonic() + request.timeLimitMs
  const control = await plantControl(session, entries, coverage, touched)
  if (!request.look) await proveCandidates(session, found, { coverage, control })
}

/** Plants faults, and lists functions nobody tests: in the files about to be touched, for a look in the whole source. */
async function plantControl(
  session: Session,
  entries: readonly PlanEntry[],
  coverage: BaseCoverage,
  touched: readonly string[],
): Promise<Control> {
  const { request } = session
  const source = (await session.reader.entries())
    .map(({ path }) => path)
    .filter((path) => languageOf(path) && !isTestPath(path, session.plan!) && !isVendored(path) && !isGenerated(path, ''))
    // of a file whose suites were not all measured nobody can say what they miss
    .filter((path) => entriesFor(session.plan!, [path]).every((entry) => entries.includes(entry)))
  const sources = touched.filter((path) => source.includes(path))
  const chosen = request.look ? [...new Set([...sources, ...source])].slice(0, LOOK_FILES) : sources
  // planting goes on until the time is over: what else there is to look for comes first
  await findUnexercisedFunctions(session, coverage, request.look ? source.slice(0, 200) : chosen, request.look ? 500 : 20)
  const unexercised = session.blindSpots.splice(0)
  const control = await controlPlan(session, entries, coverage, chosen, request.look ? LOOK_FAULTS : RUN_FAULTS)
  session.blindSpots.push(...unexercised)
  if (request.look && control.cut)
    session.notes.push(
      `stopped after ${lookMs(request) === LOOK_MS ? 'two minutes' : formatDuration(lookMs(request))}: ${control.planted.length} of ${plural(control.wanted, 'fault')} planted`,
    )
  session.control = control
  if (control.planted.length > 0 && control.noticed === 0) {
    const { file, fault } = control.planted[0]!
    session.blindSpots.push({
      kind: 'blind_plan',
      file,
      line: fault.line,
      name: 'plan',
      detail: `the tests noticed none of ${plural(control.planted.length, 'planted fault')}`,
    })
  }
  return control
}

/** A candidate that was not reached is found again by the next run. */
function abandonUnfinished(session: Session): void {
  const { store } = session.deps
  const detail = session.limitReached ? 'the time limit came first' : 'the run ended first'
  for (const { id, state, verdict } of store.candidatesOf(session.run.id)) {
    if (!['proposed', 'committed', 'sandboxed', 'validating'].includes(state)) continue
    if (verdict === null && !session.request.look) store.saveReasons(id, [{ code: 'not_reached', detail }])
    store.move(id, 'abandoned', { reason: 'not reached' })
  }
}

function summaryOf(session: Session, next: string[]): RunSummaryData {
  const { plan, baseline } = session
  return {
    plan: plan && {
      entries: plan.entries.map(({ id, runner, scope, command, origin }) => ({ id, runner, scope, command: command.join(' '), origin })),
      steps: plan.steps.map(({ id, kind, command }) => ({ id, kind, command: command.join(' ') })),
      hash: plan.hash,
    },
    isolation: session.isolation.kind,
    baseline: baseline && baselineData(baseline, session.control),
    blind_spots: session.blindSpots,
    hot_rules: session.hotRules,
    notes: session.notes,
    next,
  }
}

function baselineData(baseline: Baseline, control: Control | null): ImproveData['baseline'] {
  const cpu = baseline.entries.map(({ cpuMs }) => cpuMs)
  return {
    tests: countStatuses(baseline.entries.flatMap(({ statuses }) => Object.values(statuses))),
    runs: Math.max(...baseline.entries.map(({ runs }) => runs)),
    seconds: baseline.entries.reduce((sum, { wallMs }) => sum + wallMs, 0) / 1000,
    cpu_seconds: cpu.includes(null) ? null : cpu.reduce((sum: number, value) => sum + value!, 0) / 1000,
    flaky: baseline.entries.flatMap(({ flaky }) => flaky),
    red: baseline.entries.flatMap(({ red }) => red),
    cached: baseline.cached,
    control: control && { noticed: control.noticed, planted: control.planted.length },
  }
}

/** Opens approvals, answers those a policy may answer, lands them, writes the record. */
async function finish(session: Session): Promise<ImproveOutcome> {
  const { deps, request, run, drafts } = session
  const codes: ExitCode[] = []
  if (!request.dryRun && !request.look) {
    const target = await chooseTarget(deps.git, {
      run,
      into: request.into,
      propose: request.propose,
      ci: deps.ci,
      protectedBranches: deps.settings.protectedBranches,
    })
    const asked = drafts.filter((draft) => asksFor(session, deps.store.candidate(draft.candidate.id)))
    const automatic = asked.filter((draft) => request.yes && isAutomatic(session, draft.candidate))
    for (const { candidate } of asked) requestApproval(deps, deps.store.candidate(candidate.id))
    await landAutomatic(session, automatic, target, automatic.length === asked.length)
  }
  const candidates = deps.store.candidatesOf(run.id)
  for (const { id, source, verdict, commit } of candidates)
    if (source.kind === 'model' && verdict === 'keep' && commit !== null)
      await deps.model?.kept({ id, runId: run.id, base: session.base, commit })
  const explicit = candidates.filter((each) => each.evidence.explicit && each.parent === null && !session.answered.includes(each.id))
  if (candidates.some(({ state }) => state === 'awaiting_approval' || state === 'approved')) codes.push(EXIT.personNeeded)
  if (session.limitReached) codes.push(EXIT.limit)
  for (const each of explicit) {
    if (each.state === 'errored' || each.verdict === 'cannot_decide') codes.push(EXIT.undecided)
    else if (each.verdict !== 'keep') codes.push(EXIT.negative)
  }
  if (
    request.metrics.length > 0 &&
    drafts.some(({ evidence }) =>
      evidence.metrics.some(({ name, verdict }) => name !== 'cpu' && (verdict === 'unclear' || verdict === 'not_measured')),
    )
  )
    codes.push(EXIT.undecided)
  const totals = countTotals(candidates)
  if (request.failOn.includes('rolled_back') && totals.rolled_back > 0) codes.push(EXIT.negative)
  if (request.failOn.includes('undecided') && totals.cannot_decide > 0) codes.push(EXIT.negative)
  if (session.signal.aborted || session.stopSoon.aborted) codes.push(EXIT.sigint)
  const exitCode = strongestExit(codes)
  const data = closeRun(session, { status: 'finished', exitCode })
  announceEnd(session, data, exitCode)
  return { data, exitCode }
}

/** What to type next whatever becomes of the candidates; the rest follows from their states. */
function nextCommands(session: Session): string[] {
  const { request } = session
  const { prefix } = session.deps.git.repository
  if (request.look) return [improveCommand(request, prefix, session.plan && session.plan.entries.length > 0 ? '' : "--test 'COMMAND'")]
  if (session.stopSoon.aborted) return [improveCommand(request, prefix, '')]
  const longer = formatDuration(Math.max(HOUR_MS, 2 * request.timeLimitMs)).replace(/(?: 0 [ms])+$/, '')
  return session.limitReached ? [improveCommand(request, prefix, `--time-limit ${longer.replaceAll(' ', '')}`)] : []
}

function closeRun(session: Session, end: { status: 'finished' | 'interrupted'; exitCode: number }): ImproveData {
  const { store, recordsDir, version } = session.deps
  const all = store.candidatesOf(session.run.id)
  const summary = summaryOf(session, nextCommands(session))
  const recordPath = join(recordsDir, `${session.run.id}.json.gz`)
  writeRecord(recordPath, {
    schema: 'singularity.record/1',
    run: {
      id: session.run.id,
      base: session.base,
      baseTree: session.baseTree,
      branch: session.branch,
      startedAt: session.run.startedAt,
      finishedAt: new Date(session.deps.clock.now()).toISOString(),
    },
    versions: { singularity: version, node: process.version },
    isolation: session.isolation.kind,
    request: session.run.request,
    plan: session.plan as Plan | null,
    baseline: session.baseline,
    policy: policyOf(session),
    candidates: session.drafts
      .map((draft) => ({ draft, row: all.find(({ id }) => id === draft.candidate.id)! }))
      .filter(({ row }) => row.evidence.proof !== null)
      .map(({ draft, row }) => ({
        id: row.id,
        parent: row.parent,
        title: row.title,
        source: row.source,
        base: session.base,
        commit: row.commit,
        tree: row.tree,
        diffHash: row.diffHash,
        replacedBy: draft.replacedBy,
        evidence: row.evidence.proof!,
        results: draft.results,
        facts: { testsTouched: draft.facts.testsTouched, addedTestsOnly: draft.facts.addedTestsOnly },
        verdict: row.verdict,
        reasons: row.reasons,
      })),
    ...(session.recordings.length > 0 && { recordings: session.recordings }),
  })
  store.finishRun(session.run.id, { ...end, summary, recordPath })
  recordDecisions(session.deps, session.run.id)
  return improveData(store.run(session.run.id), all, summary)
}
