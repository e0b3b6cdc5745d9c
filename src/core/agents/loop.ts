import { type Clock, SingularityError } from '../kernel/index.ts'
import type { FileChange, Git } from '../git/index.ts'
import { type StoredRequest, type StoredResult, requestHash } from '../llm/index.ts'
import type { Sandbox } from '../sandbox/index.ts'
import { createCheckpoints, putFile } from './checkpoint.ts'
import { LONGEST_REWRITE, type ReadFiles } from './edit.ts'
import { createGuard } from './guard.ts'
import { type LoopLimits, limitReached, progressOf } from './limits.ts'
import type { OutputFiles } from './output.ts'
import type { CheckedCall } from './params.ts'
import { callsOf, checkFailed, inOrder, noteOf } from './reply.ts'
import { TOOLS } from './tool-schemas.ts'
import type { Workplace } from './tools.ts'
import { type AgentSession, type StopReason, type Transcripts, type Turn, messagesOf, turnRequestId } from './transcript.ts'
import { type ToolResult, answerTurn, questionOf } from './turn.ts'

/**
 * The one way to a model: the request becomes a durable row under `id`, the same id with the same content is answered from it and
 * never paid twice. Errors of money, providers and signals are thrown as they are.
 */
export type CompleteTurn = (request: StoredRequest, turn: { id: string; parentId: string; signal?: AbortSignal }) => Promise<StoredResult>

/** So often a change is tried before it is proven as it is. */
export const MOST_CHECKS = 3
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
  check: ((turn: number, signal?: AbortSignal) => Promise<string | null>) | null
  /** What programs came to when the conversation was recorded; null where they are started. */
  recorded: RecordedPrograms | null
  /**
   * The result of a question the model has asked, as data: what a person answers; null where nobody does now. It is asked again
   * under the same turn and call when the conversation goes on.
   */
  answer(question: { turn: number; callId: string; text: string }): Promise<string | null>
  signal?: AbortSignal
  onProgress?: (text: string) => void
}

/** Programs print another thing each time they are started: a recorded conversation holds what they printed and what they wrote. */
export type RecordedPrograms = {
  /** The result of a call that is not made again; null where it is. @throws REPLAY_MISS */
  resultOf(turn: number, call: CheckedCall): ToolResult | null
  /** What the programs of the turn changed, by path; null deletes. @throws REPLAY_MISS where the base holds another file */
  changesOf(turn: number): Promise<readonly FileChange[]>
}

export type Conversation = {
  stop: StopReason
  summary: string | null
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
  let waitedMs = 0
  const timeLeft = (): number => limits.timeMs - (deps.clock.monotonic() - started - waitedMs)
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
  const answerQuestions = async (): Promise<boolean> => {
    const from = deps.clock.monotonic()
    const answered = await fillAnswers(deps, task)
    waitedMs += deps.clock.monotonic() - from
    return answered
  }
  const answered = await answerQuestions()
  const guard = createGuard(session.turns)
  let checks = session.turns.filter(({ results }) => results.some(({ error }) => error === 'CHECK_FAILED')).length
  const end = (stop: StopReason, more: Partial<Conversation> = {}): Conversation => ({
    stop,
    summary: null,
    commit: checkpoints.current(),
    checked: null,
    ...more,
  })

  if (!answered) return end('question')
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
    const { recorded } = task
    const here = recorded ? { ...place, recorded: (asked: CheckedCall) => recorded.resultOf(turn, asked) } : place
    const outcome = await answerTurn(allowed, here, { longestRewrite, paths: task.paths })
    for (const change of (await recorded?.changesOf(turn)) ?? []) putFile(sandbox.path, change)
    if (outcome.edits.length > 0 || outcome.ran) await checkpoints.take(`turn ${turn + 1} of ${session.id}`)
    let results = inOrder(calls, [...outcome.results, ...repeated])
    let done = outcome.done ?? (calls.length === 0 && checkpoints.current() !== null && answer.stop === 'end' ? answer.response : null)
    let checked: boolean | null = null
    let note = noteOf(answer, calls, textual ? results : [], done)
    if (done !== null && task.check !== null && checkpoints.current() !== null) {
      task.onProgress?.('trying the change by the tests it needs')
      const wrong = await task.check(turn, task.signal)
      checked = wrong === null
      checks += checked ? 0 : 1
      if (wrong !== null && checks < MOST_CHECKS) {
        ;({ results, note } = checkFailed(results, note, wrong))
        done = null
      }
    }
    store(deps, session, { turn, ids, request, answer, results, note, reads, checkpoint: checkpoints.current() })
    if (!(await answerQuestions())) return end('question')
    guard.seen(session.turns.at(-1)!.results, checkpoints.current())
    if (done !== null) return end('done', { summary: done, checked })
  }
}

/**
 * Puts the answers to what the last turn has asked into its results; false where one is still open. The turn is stored before anybody
 * is asked: whoever goes on asks for the same answers.
 */
async function fillAnswers({ transcripts }: LoopDeps, { session, answer }: LoopTask): Promise<boolean> {
  const last = session.turns.at(-1)
  if (!last?.results.some(({ pending }) => pending)) return true
  const results = []
  for (const { pending, ...result } of last.results) {
    const call = pending && last.answer.tool_calls.find(({ id }) => id === result.id)
    const content = call ? await answer({ turn: last.turn, callId: call.id, text: questionOf(call.params) }) : result.content
    if (content === null) return false
    results.push({ ...result, content })
  }
  transcripts.answerTurn(session, results)
  return true
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
