import { join } from 'node:path'
import { repositoryState } from '../git/index.ts'
import { EXIT, type ExitCode, SingularityError, formatDuration, plural, strongestExit } from '../kernel/index.ts'
import { type Plan, type PlanEntry, type Baseline, countStatuses, detectPlan, entriesFor, isTestPath } from '../validation/index.ts'
import { isGenerated, isVendored } from '../rules/index.ts'
import { languageOf } from '../parsing/index.ts'
import { announceEnd, announceFailure, announcePhases, announceStart } from './announce.ts'
import { type BaseCoverage, measureBase } from './base.ts'
import { checkRequest } from './check.ts'
import { type Control, controlPlan, findUnexercisedFunctions } from './control.ts'
import type { ImproveData, ImproveOutcome, ImproveRequest, RunEvent } from './data.ts'
import { asksFor, grantApproval, land, requestApproval } from './decide.ts'
import { type Target, chooseTarget } from './deliver.ts'
import type { Draft } from './draft.ts'
import { findCandidates, isForeign } from './find.ts'
import { proveCandidates } from './prove.ts'
import { recordDecisions } from './decisions.ts'
import { writeRecord } from './record.ts'
import { type RunSummaryData, countTotals, improveData } from './report.ts'
import { type ImprovementDeps, LOOK_MS, LOOK_TIDY_MS, type Session, createWorkbench, lookMs } from './session.ts'
import { isAutomatic, policyOf } from './settle.ts'
import type { Run } from './store.ts'
import { isGreen, tryCommit } from './trials.ts'

/** Faults planted by a look and by a run that changes something. */
const LOOK_FAULTS = 20
const RUN_FAULTS = 8
const LOOK_FILES = 12

type Start = { request: ImproveRequest; observe: (event: RunEvent) => void; signal: AbortSignal; stopSoon: AbortSignal }

/** The main job, from a source to a landed commit. */
export async function runImprovement(deps: ImprovementDeps, start: Start): Promise<ImproveOutcome> {
  const startedAt = deps.clock.monotonic()
  const request = await checkRequest(deps, start.request, await resolveBase(deps, start.request))
  let runId: string | undefined
  const observe = announcePhases(deps, () => runId, start.observe)
  const session = await openSession(deps, { ...start, request, observe })
  runId = session.run.id
  if (request.look) session.lookEndsAt = startedAt + lookMs(request) - LOOK_TIDY_MS
  announceStart(session)
  try {
    const drafts = await walk(session)
    abandonUnfinished(session)
    return await finish(session, drafts)
  } catch (error) {
    closeAfter(error, session)
    throw error
  } finally {
    await session.workbench.close()
  }
}

/** Whatever stopped the run is what is told, also where the record of it cannot be written any more. */
function closeAfter(error: unknown, session: Session): void {
  try {
    abandonUnfinished(session)
    announceFailure(session, error)
    closeRun(session, { status: 'interrupted', exitCode: SingularityError.isInstance(error) ? error.exitCode : EXIT.bug })
  } catch {
    // the next command closes the run: its process is gone by then
  }
}

/** Checks the repository, opens the isolation and, unless one is given, the row of a new run. */
export async function openSession(deps: ImprovementDeps, start: Start, known?: Run): Promise<Session> {
  const { git, store } = deps
  const { request } = start
  const base = await resolveBase(deps, request)
  const state = await repositoryState(git)
  if (!request.look && !request.dryRun && state.operation)
    throw new SingularityError('REPOSITORY_BUSY', `A ${state.operation} is in progress.`, {
      hints: [`git ${state.operation} --continue`, `git ${state.operation} --abort`, 'singularity improve --dry-run'],
    })
  if (!request.look && !request.dryRun && state.locks.length > 0)
    throw new SingularityError('REPOSITORY_LOCKED', `Another git process holds ${state.locks[0]}.`, {
      hints: ['Wait for it, or remove the file if no git is running.'],
    })
  const isolation = await deps.openSandboxes({ requested: request.isolation, foreign: isForeign(request) })
  await isolation.room.reclaim()
  const baseTree = await git.treeOf(base)
  const run = known ?? store.startRun({ base, baseTree, branch: await git.currentBranch(), request, process: deps.process })
  const session: Session = {
    deps,
    ...start,
    run,
    base,
    baseTree,
    isolation,
    branch: run.branch,
    reader: git.reader(base),
    notes: [],
    blindSpots: [],
    plan: null,
    baseline: null,
    control: null,
    drafts: [],
    deadline: Number.POSITIVE_INFINITY,
    limitReached: false,
    lookEndsAt: null,
    workbench: undefined as never,
  }
  session.workbench = createWorkbench({
    room: isolation.room,
    runId: run.id,
    setup: deps.settings.setup,
    timeoutMs: deps.settings.timeoutMs,
    profile: async () =>
      isolation.room.profile({
        base,
        binaries: [...new Set((session.plan?.entries ?? []).map(({ command }) => command[0]!).concat('sh', 'node'))],
        include: deps.settings.include,
        env: deps.settings.planEnv,
        git: deps.settings.sandboxGit,
        services: deps.settings.services,
      }),
  })
  return session
}

async function resolveBase({ git }: ImprovementDeps, request: ImproveRequest): Promise<string> {
  const base = await git.resolve(`${request.base ?? 'HEAD'}^{commit}`)
  if (base) return base
  if (request.base !== null)
    throw new SingularityError('REV_INVALID', `${request.base} is not a commit of this repository.`, { hints: ['git log --oneline'] })
  throw new SingularityError('NO_COMMIT', 'The repository has no commit yet: there is nothing to compare with.')
}

async function walk(session: Session): Promise<Draft[]> {
  const { deps, request, observe } = session
  observe({ type: 'phase', phase: 'plan', detail: 'reading the plan from the base commit' })
  const plan = await detectPlan({
    reader: session.reader,
    root: deps.git.repository.root,
    prefix: deps.git.repository.prefix,
    test: request.test ?? deps.settings.planTest,
    build: deps.settings.planBuild,
    env: deps.settings.planEnv,
    timeoutMs: deps.settings.planTimeoutMs,
    scopes: deps.settings.planScope,
  })
  session.plan = plan
  session.notes.push(...plan.notes)
  for (const { id, origin } of plan.entries) observe({ type: 'phase', phase: 'plan', detail: `${id} (${origin})` })
  if (plan.entries.length === 0 && !request.look)
    throw new SingularityError('NO_TESTS', 'No test command was found: without tests nothing can be proven.', {
      hints: ["singularity improve --test 'COMMAND'"],
    })

  const found = await findCandidates(session, plan)
  if (plan.entries.length === 0) {
    session.notes.push("No test command was found: nothing can be proven. Name one: singularity improve --test 'COMMAND'")
    return []
  }
  if (found.length === 0 && !request.look) return []
  const touched = [
    ...new Set(found.flatMap(({ proposal }) => [...proposal.sites.map(({ file }) => file), ...proposal.changes.map(({ path }) => path)])),
  ]
  // a look of somebody who stands in a package is a look at that package
  const { prefix } = deps.git.repository
  const entries = entriesFor(plan, touched.length === 0 && prefix !== '' ? [`${prefix}/`] : touched)
  const measured = await measureBase(session, plan, entries, found.length).catch((error: unknown) => {
    if (!request.look || !SingularityError.isInstance(error) || error.code !== 'LIMIT_REACHED') throw error
    session.notes.push(`${error.message} Nothing was measured: singularity improve takes the time it needs.`)
  })
  if (!measured) return []
  const { baseline, coverage } = measured
  session.baseline = baseline
  session.deadline = deps.clock.monotonic() + request.timeLimitMs
  const control = await plantControl(session, entries, coverage, touched)
  if (request.look) return []
  return proveCandidates(session, found, { coverage, control })
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
  const sources = touched.filter((path) => source.includes(path))
  const chosen = request.look ? [...new Set([...sources, ...source])].slice(0, LOOK_FILES) : sources
  // planting goes on until the time is over: what else there is to look for comes first
  await findUnexercisedFunctions(session, coverage, request.look ? source.slice(0, 200) : chosen, 20)
  const unexercised = session.blindSpots.splice(0)
  const control = await controlPlan(session, entries, coverage, chosen, request.look ? LOOK_FAULTS : RUN_FAULTS)
  session.blindSpots.push(...unexercised)
  if (request.look && control.planted.length < control.wanted)
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
  for (const { id, state } of store.candidatesOf(session.run.id))
    if (['proposed', 'committed', 'sandboxed', 'validating'].includes(state)) store.move(id, 'abandoned', { reason: 'not reached' })
}

function summaryOf(session: Session, next: string[]): RunSummaryData {
  const { plan, baseline } = session
  return {
    plan: plan && {
      entries: plan.entries.map(({ id, runner, scope, command, origin }) => ({ id, runner, scope, command: command.join(' '), origin })),
      steps: plan.steps.map(({ id, kind, command }) => ({ id, kind, command: command.join(' ') })),
      hash: plan.hash,
    },
    baseline: baseline && baselineData(baseline, session.control),
    blind_spots: session.blindSpots,
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
async function finish(session: Session, drafts: readonly Draft[]): Promise<ImproveOutcome> {
  const { deps, request, run } = session
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
    const automatic = asked.filter((draft) => request.yes && isAutomatic(session, draft))
    for (const { candidate } of asked) requestApproval(deps, deps.store.candidate(candidate.id))
    await landAutomatic(session, automatic, target, automatic.length === asked.length)
  }
  const candidates = deps.store.candidatesOf(run.id)
  const explicit = candidates.filter((each) => each.evidence.explicit && each.parent === null)
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

/** Lands what a policy approves, in the order of the train. */
async function landAutomatic(session: Session, drafts: readonly Draft[], target: Target, wholeTrain: boolean): Promise<void> {
  const { deps } = session
  const at = await deps.git.resolve(target.ref)
  const fromBase = at === undefined || at === session.base
  for (const [index, { candidate }] of drafts.entries()) {
    grantApproval(deps, deps.store.candidate(candidate.id), { name: '--yes', via: 'yes-flag' }, null)
    session.observe({ type: 'phase', phase: 'land', detail: `${candidate.id} on ${target.ref.replace('refs/heads/', '')}` })
    const result = await land({ ...deps, revalidate: (tree, onto, each) => revalidate(session, tree, onto, each) }, candidate.id, {
      target,
      approvedBy: '--yes',
      onTheWay: wholeTrain && fromBase && index < drafts.length - 1,
    })
    if (result.status !== 'landed') session.notes.push(`${candidate.id} is approved but did not land: ${result.status}.`)
  }
}

/** Runs the suites on a tree that merging would give: what lands is what was validated. */
export async function revalidate(
  session: Session,
  tree: string,
  onto: string,
  candidate: { id: string; files: string[]; evidence: { explicit: boolean } },
): Promise<boolean> {
  const commit = await session.deps.git.commitTree({ tree, parents: [onto], message: `merged: ${candidate.id}` })
  const trial = await tryCommit(session, commit, {
    entries: entriesFor(session.plan!, candidate.files),
    fresh: candidate.evidence.explicit,
    steps: true,
    confirm: true,
  })
  const green = isGreen(trial)
  if (green) session.deps.store.cache(`validated:${tree}`, 'validated_tree', { onto })
  return green
}

function nextCommands(session: Session): string[] {
  const candidates = session.deps.store.candidatesOf(session.run.id)
  const waiting = candidates.filter(({ state }) => state === 'awaiting_approval')
  const landed = candidates.find(({ state }) => state === 'landed')
  if (session.request.look)
    return session.plan && session.plan.entries.length > 0 ? ['singularity improve'] : ["singularity improve --test 'COMMAND'"]
  const commands =
    waiting.length > 0
      ? [`singularity show ${waiting[0]!.id}`, `singularity approve ${waiting.map(({ id }) => id).join(' ')}`, 'singularity inbox']
      : []
  if (landed) commands.push(`singularity undo ${landed.id}`)
  if (session.limitReached) commands.push('singularity improve --time-limit 1h')
  const weakened = candidates.find(
    ({ reasons, verdict }) => verdict === 'roll_back' && reasons.some(({ code }) => code === 'tests_weakened'),
  )
  if (weakened) commands.push(`singularity approve ${weakened.id} --override REASON`)
  return commands
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
  })
  store.finishRun(session.run.id, { ...end, summary, recordPath })
  recordDecisions(session.deps, session.run.id)
  return improveData(store.run(session.run.id), all, summary)
}
