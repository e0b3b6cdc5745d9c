import { type Answered, argumentText, deliver, pieces, sse } from './script.ts'

const FINISH = {
  end: 'stop',
  tool: 'tool_calls',
  length: 'length',
  filter: 'content_filter',
  refusal: 'stop',
  context: 'length',
  pause: 'stop',
}

/** OpenAI Chat Completions, as compatible servers speak it. */
export function answerChat(answered: Answered): Promise<void> {
  const { answer, request, usage: tokens } = answered
  const calls = (answer.toolCalls ?? []).map((call, index) => ({
    index,
    id: call.id ?? `call_${index + 1}`,
    type: 'function',
    function: { name: call.name, arguments: argumentText(call) },
  }))
  const finish = FINISH[answer.stop ?? (calls.length > 0 ? 'tool' : 'end')]
  const usage =
    answer.usage === null
      ? undefined
      : {
          prompt_tokens: tokens.input,
          completion_tokens: tokens.output,
          total_tokens: tokens.input + tokens.output,
          prompt_tokens_details: { cached_tokens: tokens.cacheRead, cache_write_tokens: tokens.cacheWrite5m },
          completion_tokens_details: { reasoning_tokens: tokens.reasoning },
          ...(answer.costUsd === undefined ? {} : { cost: answer.costUsd }),
        }
  const head = { id: 'chatcmpl-mock', created: 0, model: answer.servedModel ?? request.body['model'] }
  const chunk = (choice: Record<string, unknown>) =>
    sse({ ...head, object: 'chat.completion.chunk', choices: [{ index: 0, finish_reason: null, ...choice }] })
  const delta = (part: unknown) => chunk({ delta: part })
  const thought = answer.reasoning === undefined ? {} : { reasoning_details: [{ type: 'reasoning.text', text: answer.reasoning }] }
  return deliver(answered, {
    opening: [delta({ role: 'assistant', content: '' }), ...(answer.reasoning === undefined ? [] : [delta(thought)])],
    texts: [
      ...pieces(answer.text ?? '').map((content) => delta({ content })),
      ...pieces(answer.refusal ?? '').map((refusal) => delta({ refusal })),
      // the name first, then the arguments in pieces
      ...calls.flatMap(({ function: fn, ...call }) => [
        delta({ tool_calls: [{ ...call, function: { name: fn.name, arguments: '' } }] }),
        ...pieces(fn.arguments).map((text) => delta({ tool_calls: [{ index: call.index, function: { arguments: text } }] })),
      ]),
    ],
    closing: [
      chunk({ delta: {}, finish_reason: finish }),
      ...(usage ? [sse({ ...head, object: 'chat.completion.chunk', choices: [], usage })] : []),
      'data: [DONE]\n\n',
    ],
    whole: {
      ...head,
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          finish_reason: finish,
          message: {
            role: 'assistant',
            content: answer.text ?? null,
            ...(answer.refusal === undefined ? {} : { refusal: answer.refusal }),
            ...thought,
            ...(calls.length > 0 ? { tool_calls: calls.map(({ index: _index, ...call }) => call) } : {}),
          },
        },
      ],
      usage,
    },
    errorBody: ({ type, code }) => ({ error: { message: 'the mock says no', type: type ?? null, code: code ?? null, param: null } }),
    errorEvent: ({ type, code }) => sse({ error: { message: 'the mock broke', type, code: code ?? null } }),
  })
}
