import type { ModuleGraphs } from '../analysis/index.ts'
import type { Approvals } from '../approvals/index.ts'
import type { Git, TreeReader } from '../git/index.ts'
import { type Clock, SingularityError, printable } from '../kernel/index.ts'
import type { Landing } from '../landing/index.ts'
import type { ProcessIdentity } from '../process/index.ts'
import type { IsolationKind, JailProfile, Sandbox, SandboxPurpose, SandboxRoom } from '../sandbox/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Baseline, FactSource, InstrumentEvidence, Plan } from '../validation/index.ts'
import type { Patience } from './ask.ts'
import type { Control } from './control.ts'
import type { Draft } from './draft.ts'
import type { CpuTime } from './measure.ts'
import type { BlindSpot, HotRule, ImproveRequest, Risk, RunEvent } from './data.ts'
import type { AgentWork, ModelWork, Recording } from './goal.ts'
import type { Run, Store } from './store.ts'

/** The slice of the settings this room reads. */
export type ImprovementSettings = {
  include: readonly string[]
  setup: string | null
  services: readonly string[]
  sandboxGit: 'none' | 'synthetic'
  planTest: string | null
  planBuild: string | null
  planEnv: Readonly<Record<string, string>>
  planTimeoutMs: number | null
  planScope: readonly string[]
  /** The CPU time of the suites is compared. */
  measureCpu: boolean
  regressionThreshold: number
  /** Whether a metric that got worse ends a candidate without a person. */
  autoRollback: boolean
  autoRisk: Risk
  approvalExpiryMs: number
  protectedBranches: readonly string[]
  /** Whether the project's hooks check what lands. */
  hooks: 'run' | 'skip'
  /** Longest time for one experiment (I4) and most repetitions of one step (I5). */
  timeoutMs: number
  maxIterations: number
}

export type OpenedSandboxes = { room: SandboxRoom; kind: IsolationKind; detail: string }

export type ImprovementDeps = {
  git: Git
  /** Who imports whom in a tree: it chooses the tests that are asked first. */
  graphs: ModuleGraphs
  store: Store
  clock: Clock
  process: ProcessIdentity
  isAlive(owner: ProcessIdentity): boolean
  settings: ImprovementSettings
  /** The user's PATH, for finding tool chains. */
  path: string
  hostEnv: Readonly<Record<string, string | undefined>>
  ci: boolean
  version: string
  recordsDir: string
  log: Logger
  approvals: Approvals
  landing: Landing
  /** Reads sources in a child process: whoever wrote them may be anybody. */
  facts(): Promise<FactSource>
  /** Makes candidates from goals; left out where no model can be reached from here. */
  model?: ModelWork
  /** Calls coding agents. */
  agents?: AgentWork
  /** Tells whoever waits for an answer or a decision; jobs that wait for it are due then. */
  wake(jobs: readonly string[]): Promise<void>
  /** Until a look says yes; answers and decisions of other programs are taken meanwhile. @param timeoutMs null: for ever */
  waitUntil(look: () => boolean, options: { timeoutMs: number | null; signal: AbortSignal }): Promise<boolean>
  /** Gives back the sandboxes of dead processes. */
  reclaimSandboxes(): Promise<readonly string[]>
  /** Chooses and opens the isolation. @throws ISOLATION_MISSING */
  openSandboxes(options: { requested: ImproveRequest['isolation']; foreign: boolean }): Promise<OpenedSandboxes>
}

/** Everything one run knows; filled step by step by the stages of `run.ts`. */
export type Session = {
  readonly deps: ImprovementDeps
  readonly request: ImproveRequest
  readonly observe: (event: RunEvent) => void
  /** Aborted by the second Ctrl-C. */
  readonly signal: AbortSignal
  /** Aborted by the first: finish what runs, start nothing new. */
  readonly stopSoon: AbortSignal
  /** Who is waited for; nobody where left out. */
  readonly patience?: Patience
  readonly run: Run
  readonly base: string
  readonly baseTree: string
  readonly branch: string | null
  readonly reader: TreeReader
  readonly isolation: OpenedSandboxes
  readonly notes: string[]
  readonly blindSpots: BlindSpot[]
  readonly hotRules: HotRule[]
  /** Conversations with models, for the record. */
  readonly recordings: Recording[]
  /** Candidates whose question another one answered: what became of them is no failure. */
  readonly answered: string[]
  /** Set by `measureBase`. */
  plan: Plan | null
  baseline: Baseline | null
  control: Control | null
  /** Checks of the instrument made in this run, by their key. */
  readonly instruments: Map<string, InstrumentEvidence>
  /** CPU time of commits against the base, as far as it was measured in this run: by commit and suites. */
  readonly cpuTimes: Map<string, CpuTime>
  /** Every candidate that was looked at so far, parts after their wholes: what the record holds. */
  readonly drafts: Draft[]
  /** Monotonic milliseconds at which no new candidate is started. */
  deadline: number
  limitReached: boolean
  /** Monotonic milliseconds at which a look is over, whatever runs; null for everything that is no look. */
  lookEndsAt: number | null
  workbench: Workbench
}

/** Programs given by hand are foreign code: they need the jail. */
export function isForeign({ patch, branch, exec, goal }: ImproveRequest): boolean {
  return patch !== null || branch !== null || exec !== null || (goal ?? null) !== null
}

/** Hands out sandboxes of one profile and keeps one of them warm for trusted candidates. */
export type Workbench = {
  profile(): Promise<JailProfile>
  /** Runs a body in a sandbox holding this commit. `fresh` sandboxes are discarded afterwards. */
  use<T>(commit: string, options: { purpose: SandboxPurpose; fresh: boolean }, body: (sandbox: Sandbox) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export function createWorkbench(options: {
  room: SandboxRoom
  runId: string
  profile: () => Promise<JailProfile>
  setup: string | null
  timeoutMs: number
}): Workbench {
  const { room, runId } = options
  let profile: Promise<JailProfile> | undefined
  let warm: { sandbox: Sandbox; purpose: SandboxPurpose } | undefined

  const open = async (commit: string, purpose: SandboxPurpose): Promise<Sandbox> => {
    const sandbox = await room.create({ commit, purpose, runId, profile: await (profile ??= options.profile()) })
    try {
      await setUp(sandbox, purpose)
    } catch (error) {
      await sandbox.discard()
      throw error
    }
    return sandbox
  }
  /** On the base a set-up that fails is the person's to mend; on a candidate its tests tell what it broke. */
  const setUp = async (sandbox: Sandbox, purpose: SandboxPurpose): Promise<void> => {
    if (options.setup === null) return
    const { exitCode, timedOut, stdout, stderr } = await sandbox.run({ command: ['sh', '-c', options.setup], timeoutMs: options.timeoutMs })
    if (purpose !== 'baseline' || (exitCode === 0 && !timedOut)) return
    const last = printable(`${stdout}\n${stderr}`).trim().split('\n').at(-1)?.slice(0, 300) ?? ''
    throw new SingularityError(
      'BASELINE_UNUSABLE',
      `sandbox.setup ${timedOut ? 'did not end in time' : `failed with exit code ${exitCode}`}: ${last}`,
      { hints: ["singularity config set sandbox.setup 'COMMAND' --repository", 'singularity config get sandbox.setup'] },
    )
  }
  return {
    profile: () => (profile ??= options.profile()),
    async use(commit, { purpose, fresh }, body) {
      if (fresh) {
        const sandbox = await open(commit, purpose)
        try {
          return await body(sandbox)
        } finally {
          await sandbox.discard()
        }
      }
      if (!warm) warm = { sandbox: await open(commit, purpose), purpose }
      else {
        await warm.sandbox.moveTo(commit)
        await setUp(warm.sandbox, purpose)
      }
      await warm.sandbox.clearOut()
      return body(warm.sandbox)
    },
    async close() {
      await warm?.sandbox.discard()
      warm = undefined
    },
  }
}

/**
 * What was cut by a signal is no evidence: nothing may be concluded or remembered from it.
 * @throws INTERRUPTED
 */
export function throwIfStopped(session: Pick<Session, 'signal'>): void {
  if (session.signal.aborted) throw new SingularityError('INTERRUPTED', 'Stopped by a signal.')
}

/** What goes wrong once a signal came went wrong because of it: programs and streams end under one's hands then. */
export function afterSignal(error: unknown, { signal, stopSoon }: Pick<Session, 'signal' | 'stopSoon'>): unknown {
  if (!signal.aborted && !stopSoon.aborted) return error
  if (SingularityError.isInstance(error) && error.kind === 'signal') return error
  return new SingularityError('INTERRUPTED', 'Stopped by a signal.', { cause: error })
}

/** A look ends within two minutes of its start; what tidying up takes is left for that. */
export const LOOK_MS = 120_000
export const LOOK_TIDY_MS = 6000

/** A look may be shorter than its two minutes, never longer. */
export function lookMs({ timeLimitMs }: ImproveRequest): number {
  return Math.max(2 * LOOK_TIDY_MS, Math.min(timeLimitMs, LOOK_MS))
}

/** Milliseconds a look has left; `undefined` where there is no such end. */
export function lookTimeLeft({ lookEndsAt, deps }: Session): number | undefined {
  return lookEndsAt === null ? undefined : lookEndsAt - deps.clock.monotonic()
}

/** Whether the run should start another piece of work. Notes the reached limit once. */
export function mayContinue(session: Session): boolean {
  if (session.signal.aborted || session.stopSoon.aborted) return false
  if (session.deps.clock.monotonic() < session.deadline) return true
  session.limitReached = true
  return false
}

/** Tells the progress how many tests have run. */
export function countTests(session: Session): (count: number) => void {
  return (count) => session.observe({ type: 'tests', count })
}
