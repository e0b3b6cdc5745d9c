import { repositoryState } from '../git/index.ts'
import { SingularityError } from '../kernel/index.ts'
import { type Plan, detectPlan, parseMetric } from '../validation/index.ts'
import type { Patience } from './ask.ts'
import { programsIn } from './programs.ts'
import type { ImproveRequest, RunEvent } from './data.ts'
import { type ImprovementDeps, type Session, createWorkbench, isForeign } from './session.ts'
import type { Run } from './store.ts'

export type Start = {
  request: ImproveRequest
  observe: (event: RunEvent) => void
  signal: AbortSignal
  stopSoon: AbortSignal
  patience?: Patience
  /** The durable job the run is made for, and the branch on which its person stood. */
  job?: { id: string; branch: string | null }
}

/** Checks the repository, opens the isolation and, unless one is given, the row of a new run. */
export async function openSession(deps: ImprovementDeps, start: Start, known?: { run: Run; foreign: boolean }): Promise<Session> {
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
  const isolation = await deps.openSandboxes({ requested: request.isolation, foreign: known?.foreign ?? isForeign(request) })
  await isolation.room.reclaim()
  const baseTree = await git.treeOf(base)
  const branch = start.job ? start.job.branch : await git.currentBranch()
  const run = known?.run ?? store.startRun({ base, baseTree, branch, request, process: deps.process, jobId: start.job?.id ?? null })
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
    hotRules: [],
    recordings: [],
    answered: [],
    plan: null,
    baseline: null,
    control: null,
    drafts: [],
    instruments: new Map(),
    cpuTimes: new Map(),
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
        binaries: [...new Set(['sh', 'node', ...programsOf(session)])],
        include: deps.settings.include,
        env: deps.settings.planEnv,
        git: deps.settings.sandboxGit,
        services: deps.settings.services,
      }),
  })
  return session
}

/** What is started in the sandboxes of a session, as far as it is known before the first of them. */
function programsOf({ plan, request, deps }: Session): string[] {
  const { setup, services } = deps.settings
  const commands = [...(plan?.entries ?? []), ...(plan?.steps ?? [])].map(({ command }) => command)
  const metrics = request.metrics.map((text) => parseMetric(text)?.command ?? '')
  const lines = [...commands.filter(isShell).map(([, , line]) => line!), ...services, ...metrics, setup ?? '']
  return [...commands.map(([program]) => program!), ...programsIn(lines.join('\n'))]
}

function isShell([program, option]: readonly string[]): boolean {
  return program === 'sh' && option === '-c'
}

/** @throws REV_INVALID, NO_COMMIT */
export async function resolveBase({ git }: ImprovementDeps, request: ImproveRequest): Promise<string> {
  const base = await git.resolve(`${request.base ?? 'HEAD'}^{commit}`)
  if (base) return base
  if (request.base !== null)
    throw new SingularityError('REV_INVALID', `${request.base} is not a commit of this repository.`, { hints: ['git log --oneline'] })
  throw new SingularityError('NO_COMMIT', 'The repository has no commit yet: there is nothing to compare with.')
}

/** The plan of the session's base, read from that commit and kept in the session. */
export async function planOf(session: Session): Promise<Plan> {
  const { deps, request, base } = session
  session.plan = await planAt(deps, base, { prefix: deps.git.repository.prefix, test: request.test })
  return session.plan
}

/** The plan of a commit as the settings want it; the test command of a request goes before theirs. */
export function planAt(
  { git, settings }: ImprovementDeps,
  base: string,
  { prefix, test }: { prefix: string; test: string | null },
): Promise<Plan> {
  return detectPlan({
    reader: git.reader(base),
    root: git.repository.root,
    prefix,
    test: test ?? settings.planTest,
    build: settings.planBuild,
    env: settings.planEnv,
    timeoutMs: settings.planTimeoutMs,
    scopes: settings.planScope,
  })
}
