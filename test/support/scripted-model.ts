import type { CompleteTurn } from '../../src/core/agents/index.ts'
import type { StoredRequest, StoredResult } from '../../src/core/llm/index.ts'

export type ScriptedCall = [toolName: string, params: unknown]
/** What the model says in a turn: calls, a text, a whole answer, or an error of the way to it. */
export type ScriptedTurn = ScriptedCall[] | string | Partial<StoredResult> | Error | ((request: StoredRequest) => ScriptedCall[] | string)

export type ScriptedModel = {
  completeTurn: CompleteTurn
  /** Every request that would have been paid for, in order. */
  asked: { id: string; parentId: string; request: StoredRequest }[]
}

/** A model that says what it was told to; as the queue does, it answers a request it knows without being asked again. */
export function scriptModel(turns: readonly ScriptedTurn[]): ScriptedModel {
  const asked: ScriptedModel['asked'] = []
  const known = new Map<string, StoredResult>()
  const completeTurn: CompleteTurn = async (request, { id, parentId }) => {
    const before = known.get(id)
    if (before) return before
    const turn = turns[asked.length]
    asked.push({ id, parentId, request })
    if (turn === undefined) throw new Error(`The script ends before request ${asked.length}.`)
    if (turn instanceof Error) throw turn
    const said = typeof turn === 'function' ? turn(request) : turn
    const answer = resultOf(said, asked.length)
    known.set(id, answer)
    return answer
  }
  return { completeTurn, asked }
}

export function resultOf(said: ScriptedCall[] | string | Partial<StoredResult>, turn: number): StoredResult {
  const calls = Array.isArray(said) ? said.map(([tool_name, params], index) => ({ id: `t${turn}-${index}`, tool_name, params })) : []
  return {
    response: typeof said === 'string' ? said : '',
    parsed_response: null,
    validation_errors: null,
    repaired: false,
    tool_calls: calls,
    stop: calls.length > 0 ? 'tool' : 'end',
    model: 'scripted/model-1',
    provider: 'scripted',
    usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
    latency_ms: 1,
    cached: false,
    source: 'llm',
    cost_nusd: 1_000_000,
    cost_source: 'computed',
    provider_request_id: null,
    previous_response_id: null,
    ...(typeof said === 'object' && !Array.isArray(said) ? said : {}),
  }
}
