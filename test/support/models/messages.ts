import { type Answered, argumentText, deliver, pieces, sse } from './script.ts'

const STOP = {
  end: 'end_turn',
  tool: 'tool_use',
  length: 'max_tokens',
  filter: 'refusal',
  refusal: 'refusal',
  context: 'model_context_window_exceeded',
  pause: 'pause_turn',
}

/** Anthropic Messages: `input_tokens` excludes the cache, and the counts of the stream are cumulative. */
export function answerMessages(answered: Answered): Promise<void> {
  const { answer, request, usage: tokens } = answered
  const text = answer.text ?? answer.refusal
  const calls = (answer.toolCalls ?? []).map((call, index) => ({
    id: call.id ?? `toolu_${index + 1}`,
    name: call.name,
    text: argumentText(call),
  }))
  const stop_reason = STOP[answer.stop ?? (answer.refusal === undefined ? (calls.length > 0 ? 'tool' : 'end') : 'refusal')]
  const usage = {
    input_tokens: tokens.input - tokens.cacheRead - tokens.cacheWrite5m - tokens.cacheWrite1h,
    cache_read_input_tokens: tokens.cacheRead,
    cache_creation_input_tokens: tokens.cacheWrite5m + tokens.cacheWrite1h,
    cache_creation: { ephemeral_5m_input_tokens: tokens.cacheWrite5m, ephemeral_1h_input_tokens: tokens.cacheWrite1h },
    output_tokens: tokens.output,
  }
  const message = {
    id: 'msg_mock',
    type: 'message',
    role: 'assistant',
    model: answer.servedModel ?? request.body['model'],
    stop_reason: null as string | null,
    stop_sequence: null,
    content: [] as unknown[],
  }
  const event = (type: string, fields: Record<string, unknown>) => sse({ type, ...fields }, type)
  const thinking = answer.reasoning === undefined ? [] : [{ thinking: answer.reasoning, signature: `signed:${answer.reasoning}` }]
  let index = 0
  const block = (content_block: unknown, deltas: readonly Record<string, unknown>[]) => {
    const at = index++
    return [
      event('content_block_start', { index: at, content_block }),
      ...deltas.map((delta) => event('content_block_delta', { index: at, delta })),
      event('content_block_stop', { index: at }),
    ]
  }
  const thoughts = thinking.flatMap((thought) =>
    block({ type: 'thinking', thinking: '', signature: '' }, [
      { type: 'thinking_delta', thinking: thought.thinking },
      { type: 'signature_delta', signature: thought.signature },
    ]),
  )
  const texts = [
    ...(text === undefined
      ? []
      : block(
          { type: 'text', text: '' },
          pieces(text).map((piece) => ({ type: 'text_delta', text: piece })),
        )),
    ...calls.flatMap(({ id, name, text: json }) =>
      block(
        { type: 'tool_use', id, name, input: {} },
        pieces(json).map((partial_json) => ({ type: 'input_json_delta', partial_json })),
      ),
    ),
  ]
  // at the start the counts are not the last word: some models add a cache write, all add output
  const early = { ...usage, cache_creation_input_tokens: 0, cache_creation: null, output_tokens: 1 }
  const start = answer.usage === null ? { input_tokens: null, output_tokens: null } : early
  return deliver(answered, {
    opening: [event('message_start', { message: { ...message, usage: start } }), ...thoughts],
    texts,
    closing: [
      event('message_delta', { delta: { stop_reason, stop_sequence: null }, usage: answer.usage === null ? {} : usage }),
      event('message_stop', {}),
    ],
    whole: {
      ...message,
      stop_reason,
      content: [
        ...thinking.map((thought) => ({ type: 'thinking', ...thought })),
        ...(text === undefined ? [] : [{ type: 'text', text }]),
        ...calls.map(({ id, name, text: json }) => ({ type: 'tool_use', id, name, input: inputOf(json) })),
      ],
      usage: answer.usage === null ? undefined : usage,
    },
    errorBody: ({ type, errorCode }) => ({
      type: 'error',
      error: { type: type ?? 'error', message: 'the mock says no', ...(errorCode ? { details: { error_code: errorCode } } : {}) },
    }),
    errorEvent: ({ type }) => event('error', { error: { type, message: 'the mock broke' } }),
  })
}

/** In one piece the provider has parsed the arguments itself; what is no object it could not have sent so. */
function inputOf(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return {}
  }
}
