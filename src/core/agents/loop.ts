import { type Clock, SingularityError, digest, oneLine } from '../kernel/index.ts'
import type { Git } from '../git/index.ts'
import type { StoredRequest, StoredResult, ToolCall } from '../llm/index.ts'
import type { Sandbox } from '../sandbox/index.ts'
import { createCheckpoints } from './checkpoint.ts'
import { LONGEST_REWRITE, type ReadFiles } from './edit.ts'
import { type OutputFiles, asData } from './output.ts'
import { findPatchText } from './patch-text.ts'
import { APPLY_PATCH, READ_ONLY, TOOLS } from './tool-schemas.ts'
import type { Workplace } from './tools.ts'
import {
  type AgentSession,
  type StopReason,
  type Transcripts,
  type Turn,
  messagesOf,
  requestHash,
  spentBy,
  turnRequestId,
} from './transcript.ts'
import { type ToolResult, answerTurn } from './turn.ts'

/**
 * The one way to a model: the request becomes a durable row under `id`, the same id with the same content is answered from it and
 * never paid twice. Errors of money, providers and signals are thrown as they are.
 */
export type CompleteTurn = (request: StoredRequest, turn: { id: string; parentId: string; signal?: AbortSignal }) => Promise<StoredResult>

export type LoopLimits = {
  /** Turns of one conversation, at most 100. */
  turns: number
  /** Wall clock of one conversation, ms. */
  timeMs: number
  tokens: number
  /** Nano-dollars of this run that the conversation may still spend; null: only the caps of the account. */
  nusd: number | null
}

export const MOST_TURNS = 100
export const DEFAULT_TURNS = 25
export const DEFAULT_TOKENS = 4_000_000
/** The same call on the same tree so often is answered with an error, and once more ends the conversation. */
const MOST_REPEATS = 3
const MOST_IDLE_TURNS = 3
const MOST_CHECKS = 3
const OUTPUT_TOKENS = 16_000

export type LoopDeps = { git: Git; clock: Clock; transcripts: Transcripts; completeTurn: CompleteTurn }

export type LoopTask = {
  session: AgentSession
  sandbox: Sandbox
  canRun: boolean
  secrets: readonly string[]
  outputs: OutputFiles
  /** Folders or files the conversation may change; everything when empty. */
  paths: readonly string[]
  /** Whether the model of an answer only writes whole files: it may do so with long ones, too. */
  writesWhole(model: string): Promise<boolean>
  limits: LoopLimits
  model: string | null
  /** The caps of the run all attempts share. */
  run: { id: string; cap_nusd: number } | null
  /** Looks at the tree before `done` is believed: null where it holds, else what is wrong with it, as data. */
  check: ((signal?: AbortSignal) => Promise<string | null>) | null
  signal?: AbortSignal
  onProgress?: (text: string) => void
}

export type Conversation = {
  stop: StopReason
  summary: string | null
  questions: readonly string[]
  /** Commit with what the conversation made; null where it changed nothing. */
  commit: string | null
  /** The check said yes; null where none was made. */
  checked: boolean | null
}

/**
 * Turn by turn until the model is done or a limit is reached. Each turn is stored, with the tree it left, before the next request goes
 * out: after a crash the conversation goes on at the last one. @throws what `completeTurn` throws; INTERRUPTED; ANSWER_REFUSED
 */
export async function converse(deps: LoopDeps, task: LoopTask): Promise<Conversation> {
  const { session, sandbox, limits } = task
  const started = deps.clock.monotonic()
  const checkpoints = createCheckpoints(deps.git, sandbox, session.base)
  const last = session.turns.at(-1)
  await checkpoints.restore(last?.checkpoint ?? null)
  const reads: ReadFiles = new Map(Object.entries(last?.reads ?? {}))
  const timeLeft = (): number => limits.timeMs - (deps.clock.monotonic() - started)
  const place: Workplace = {
    git: deps.git,
    sandbox,
    outputs: task.outputs,
    reads,
    canRun: task.canRun,
    secrets: task.secrets,
    timeLeft,
    ...(task.signal && { signal: task.signal }),
  }
  const guard = createGuard(session.turns)
  const questions = session.turns.flatMap(({ answer, results }) => askedIn(answer.tool_calls, results))
  let checks = session.turns.filter(({ results }) => results.some(({ error }) => error === 'CHECK_FAILED')).length
  const end = (stop: StopReason, more: Partial<Conversation> = {}): Conversation => ({
    stop,
    summary: null,
    questions,
    commit: checkpoints.current(),
    checked: null,
    ...more,
  })

  for (let turn = session.turns.length; ; turn++) {
    if (task.signal?.aborted) throw new SingularityError('INTERRUPTED', 'Stopped by a signal.')
    const stop = guard.stop() ?? limitReached(session.turns, limits, turn, timeLeft())
    if (stop !== null) return end(stop)
    const request = requestOf(task)
    const ids = { id: turnRequestId(session.id, turn, request), parentId: session.id }
    task.onProgress?.(progressOf(session.turns, limits.turns))
    const answer = await deps.completeTurn(request, { ...ids, ...(task.signal && { signal: task.signal }) })
    if (answer.stop === 'refusal') {
      store(deps, session, { turn, ids, request, answer, results: [], note: null, reads, checkpoint: checkpoints.current() })
      return end('refused')
    }
    const { calls, textual } = callsOf(answer, turn)
    const { allowed, repeated } = guard.admit(calls, checkpoints.current())
    const longestRewrite = (await task.writesWhole(answer.model)) ? Infinity : LONGEST_REWRITE
    const outcome = await answerTurn(allowed, place, { longestRewrite, paths: task.paths })
    if (outcome.edits.length > 0 || outcome.ran) await checkpoints.take(`turn ${turn + 1} of ${session.id}`)
    let results = inOrder(calls, [...outcome.results, ...repeated])
    let done = outcome.done ?? (calls.length === 0 && checkpoints.current() !== null && answer.stop === 'end' ? answer.response : null)
    let checked: boolean | null = null
    let note = noteOf(answer, calls, textual ? results : [], done)
    if (done !== null && task.check !== null && checkpoints.current() !== null) {
      task.onProgress?.('trying the change by the tests it needs')
      const wrong = await task.check(task.signal)
      checked = wrong === null
      checks += checked ? 0 : 1
      if (wrong !== null && checks < MOST_CHECKS) {
        ;({ results, note } = checkFailed(results, note, wrong))
        done = null
      }
    }
    questions.push(...outcome.questions)
    guard.seen(results, checkpoints.current())
    store(deps, session, { turn, ids, request, answer, results, note, reads, checkpoint: checkpoints.current() })
    if (done !== null) return end('done', { summary: done, checked })
  }
}

function store(
  { transcripts }: LoopDeps,
  session: AgentSession,
  made: Omit<Turn, 'requestId' | 'requestHash' | 'reads'> & { ids: { id: string }; request: StoredRequest; reads: ReadFiles },
): void {
  const { ids, request, reads, ...turn } = made
  transcripts.addTurn(session, { ...turn, requestId: ids.id, requestHash: requestHash(request), reads: Object.fromEntries(reads) })
}

function requestOf({ session, model, run, canRun }: LoopTask): StoredRequest {
  return {
    agent_id: 'improve',
    task_type: 'coder',
    complexity: 'medium',
    messages: messagesOf(session),
    tools: Object.values(TOOLS).filter(({ name }) => canRun || name !== 'run'),
    max_tokens: OUTPUT_TOKENS,
    no_cache: true,
    // wrong calls are answered in the conversation
    tool_loop: true,
    ...(model !== null && { model }),
    ...(run && { run }),
  }
}

/** Which turn it is, what the last one called and what was spent so far. */
function progressOf(turns: readonly Turn[], most: number): string {
  const called = [...new Set(turns.at(-1)?.results.map(({ tool }) => tool))].join(', ')
  const spent =
    turns.length === 0 ? '' : `, ${(spentBy(turns).nusd / 1e9).toFixed(4)} USD${called === '' ? '' : `, after ${oneLine(called)}`}`
  return `turn ${turns.length + 1} of at most ${most}${spent}`
}

/** A patch in the text of an answer that calls nothing is taken as the call it stands for. */
function callsOf(answer: StoredResult, turn: number): { calls: ToolCall[]; textual: boolean } {
  const calls = answer.tool_calls.map(({ id, tool_name, params }) => ({ id, toolName: tool_name, params }))
  const patch = calls.length === 0 ? findPatchText(answer.response) : null
  if (patch === null) return { calls, textual: false }
  return { calls: [{ id: `patch-${turn}`, toolName: APPLY_PATCH, params: { patch } }], textual: true }
}

function inOrder(calls: readonly ToolCall[], results: readonly ToolResult[]): ToolResult[] {
  return calls.flatMap(({ id }) => results.filter((result) => result.id === id).slice(0, 1))
}

function noteOf(answer: StoredResult, calls: readonly ToolCall[], textual: readonly ToolResult[], done: string | null): string | null {
  if (textual.length > 0) return textual.map(({ content }) => content).join('\n')
  if (calls.length > 0 || done !== null) return null
  if (answer.stop === 'length') return 'Your answer was cut off at its limit. Go on in smaller steps.'
  return 'Nothing was called. Change files by the tools, and call done when the change is complete.'
}

function checkFailed(results: readonly ToolResult[], note: string | null, wrong: string): { results: ToolResult[]; note: string | null } {
  const content = asData('done', `CHECK_FAILED: the change is not complete yet.\n${wrong}`)
  const called = results.some(({ tool }) => tool === 'done')
  return {
    results: results.map((each) => (each.tool === 'done' ? { ...each, content, error: 'CHECK_FAILED' as const } : each)),
    note: called ? note : [note, content].filter((part) => part !== null).join('\n'),
  }
}

function askedIn(calls: StoredResult['tool_calls'], results: readonly ToolResult[]): string[] {
  return calls
    .filter(({ id, tool_name }) => tool_name === 'ask' && results.some((result) => result.id === id && result.error === null))
    .map(({ params }) => String((params as { question?: unknown }).question).slice(0, 2000))
}

function limitReached(turns: readonly Turn[], limits: LoopLimits, turn: number, timeLeft: number): StopReason | null {
  const spent = spentBy(turns)
  if (turn >= Math.min(limits.turns, MOST_TURNS)) return 'turns'
  if (spent.tokens >= limits.tokens) return 'tokens'
  if (limits.nusd !== null && spent.nusd >= limits.nusd) return 'money'
  return timeLeft <= 0 ? 'time' : null
}

/** Notices a conversation that goes in circles: equal calls on an equal tree, turns that neither change nor learn anything. */
function createGuard(turns: readonly Turn[]) {
  const repeats = new Map<string, number>()
  const known = new Set<string>()
  let idle = 0
  let circling = false
  let tree: string | null = null

  const keyOf = ({ toolName, params }: ToolCall, at: string | null): string => digest([toolName, params, at])
  const guard = {
    stop: (): StopReason | null => (circling ? 'repeated' : idle >= MOST_IDLE_TURNS ? 'stalled' : null),
    admit(calls: readonly ToolCall[], at: string | null): { allowed: ToolCall[]; repeated: ToolResult[] } {
      const allowed: ToolCall[] = []
      const repeated: ToolResult[] = []
      for (const call of calls) {
        const key = keyOf(call, at)
        const before = repeats.get(key) ?? 0
        repeats.set(key, before + 1)
        // what `done` comes to is bounded by the checks
        if (before < MOST_REPEATS - 1 || call.toolName === 'done') allowed.push(call)
        else {
          circling ||= before >= MOST_REPEATS
          const content = asData('error', `REPEATED: the same call was made ${before + 1} times and nothing changed. Do something else.`)
          repeated.push({ id: call.id, tool: String(call.toolName).slice(0, 60), content, error: 'REPEATED', ms: 0 })
        }
      }
      return { allowed, repeated }
    },
    seen(results: readonly ToolResult[], at: string | null): void {
      let learned = at !== tree
      tree = at
      for (const { tool, content, error } of results) {
        if (error !== null || known.has(content) || !(READ_ONLY.has(tool) || tool === 'run')) continue
        known.add(content)
        learned = true
      }
      idle = learned ? 0 : idle + 1
    },
  }
  for (const { answer, results, checkpoint } of turns) {
    guard.admit(callsOf(answer, 0).calls, tree)
    guard.seen(results, checkpoint)
  }
  return guard
}
