import type { Plan, PlanEntry } from '../validation/index.ts'
import { entriesFor } from '../validation/index.ts'
import { printable } from '../kernel/index.ts'
import type { JailProfile, Mount, Sandbox, SandboxRoom } from '../sandbox/index.ts'
import type { CandidateSource, Proposal } from './source.ts'

/** `--goal`: a change described in words, to be made by a model. */
export type GoalRequest = {
  text: string
  /** Nano-dollars all attempts together may cost; null: the caps of the account alone. */
  budgetNusd: number | null
  model: string | null
  /** Turns of one attempt. */
  maxIterations: number
  /** Attempts; the best of them is kept. */
  n: number
  /** File of a record, or a run: its answers are used, and no model is asked. */
  replay?: string | null
}

/** What a maker of candidates is given; see `ModelWork`. */
export type GoalTask = {
  goal: GoalRequest
  runId: string
  sandboxes: SandboxRoom
  /** Programs of the plan are found in it; the repository in it is a synthetic one. */
  profile(): Promise<JailProfile>
  /** Programs are kept in; without that a model may start none. */
  jailed: boolean
  timeMs: number
  /** Answers of a recorded run, which stand for the model's; null: ask it. */
  recordings: readonly Recording[] | null
  /** Equal for equal goals. */
  key: string
  /** How the suites are called, for the model to know. */
  suites: readonly string[]
  /** The tree of a commit as a candidate of this goal. */
  propose(made: { commit: string; title: string; reason: string; sessionId: string }): Promise<Proposal>
  /**
   * Asks a person, as far as one can be waited for; null where nobody answers now. The question stays, bound to run, conversation and
   * call, and is the same when it is asked again.
   */
  ask(question: { sessionId: string; turn: number; callId: string; by: string; text: string }): Promise<string | null>
  /** The error a conversation ends by that waits for an answer: it names the command that gives it. */
  unanswered(sessionId: string): Error
  /** Why earlier candidates of this goal were rolled back. */
  failures: readonly string[]
  /** Runs the suites that the changed files need in the sandbox; null: all of them pass, or do not pass on the base either. */
  check(sandbox: Sandbox, changed: readonly string[], signal?: AbortSignal): Promise<string | null>
}

/** A conversation that made a candidate, as the record keeps it; its shape belongs to who made it. */
export type Recording = Readonly<Record<string, unknown>>

/** The port: the room above that turns a goal into candidates. app.ts hands it in. */
export type ModelWork = {
  source(task: GoalTask): CandidateSource
  /** A candidate of a model was kept: what it changed was paid for. */
  kept(candidate: { id: string; runId: string; base: string; commit: string }): Promise<void>
  /** What is wrong with recordings by themselves; empty when they hold. No model is asked. */
  problems(recordings: readonly Recording[]): Promise<string[]>
}

/** `--agent`: a coding agent as the program of the edit phase. */
export type AgentRequest = {
  name: string
  goal: string
  /** Nano-dollars it may cost; null: the caps of the account alone, or whatever its own login allows. */
  budgetNusd: number | null
}

/** `--exec`: any program as the edit phase. */
export type ExecRequest = { command: string; net: boolean; env: string[]; binds: string[] }

/** A metered way to a model for a program in the jail, which has no network and no key. */
export type ModelGateway = {
  wrap(command: readonly string[]): readonly string[]
  mounts: readonly Mount[]
  env: Readonly<Record<string, string>>
  spent(): { nusd: number; calls: number; refused: number }
  close(): Promise<void>
}

/** `basis`: how sure it is that the agent is called as it wants to be. */
export type AgentPlan = { metered: boolean; basis: string }

/** The port: the room above that knows how agents are called. */
export type AgentWork = {
  /** @throws USAGE, EXEC_FAILED, LLM_NOT_CONFIGURED */
  plan(agent: AgentRequest): Promise<{ exec: ExecRequest } & AgentPlan>
  open(agent: AgentRequest, run: { runId: string; jailed: boolean }): Promise<ModelGateway>
}

/** The tail of what a suite printed that is told to the model. */
const TOLD_BYTES = 8000

/** A suite that fails on the base as well says nothing about the change: it is tried there once. */
export function createCheck(plan: Plan, onBase: (entry: PlanEntry) => Promise<boolean>): GoalTask['check'] {
  const base = new Map<string, Promise<boolean>>()
  return async (sandbox, changed, signal) => {
    const failed: string[] = []
    for (const entry of entriesFor(plan, changed)) {
      const { passed, output } = await runSuite(sandbox, entry, signal)
      if (passed) continue
      if (!base.has(entry.id)) base.set(entry.id, onBase(entry))
      if (await base.get(entry.id)!)
        failed.push(`${entry.command.join(' ')}${entry.scope === '' ? '' : ` in ${entry.scope}`} fails:\n${output}`)
    }
    return failed.length === 0 ? null : failed.join('\n\n')
  }
}

/** Runs a suite as the plan calls it; its exit status alone says whether it passed. */
export async function runSuite(sandbox: Sandbox, entry: PlanEntry, signal?: AbortSignal): Promise<{ passed: boolean; output: string }> {
  const { command, scope, env, timeoutMs } = entry
  const result = await sandbox.run({ command, cwd: scope, env, timeoutMs, ...(signal && { signal }) })
  const text = printable(`${result.stdout}\n${result.stderr}`).trim()
  const ending = result.timedOut ? 'It did not end in time.' : `Exit code ${result.exitCode ?? result.signal}.`
  return { passed: result.exitCode === 0, output: `${text.slice(-TOLD_BYTES)}\n${ending}` }
}
