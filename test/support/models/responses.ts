import { type Answered, argumentText, deliver, pieces, sse } from './script.ts'

/** OpenAI Responses. */
export function answerResponses(answered: Answered): Promise<void> {
  const { answer, request, usage: tokens } = answered
  const { failure } = answer
  const content = [
    ...(answer.text === undefined ? [] : [{ type: 'output_text', text: answer.text, annotations: [] }]),
    ...(answer.refusal === undefined ? [] : [{ type: 'refusal', refusal: answer.refusal }]),
  ]
  const output = [
    ...(answer.reasoning === undefined
      ? []
      : [{ type: 'reasoning', id: 'rs_mock', summary: [], encrypted_content: `sealed:${answer.reasoning}` }]),
    ...(content.length > 0 ? [{ type: 'message', id: 'msg_mock', role: 'assistant', status: 'completed', content }] : []),
    ...(answer.toolCalls ?? []).map((call, index) => ({
      type: 'function_call',
      id: `fc_${index + 1}`,
      call_id: call.id ?? `call_${index + 1}`,
      name: call.name,
      arguments: argumentText(call),
      status: 'completed',
    })),
  ]
  const status = failure?.kind === 'failed' ? 'failed' : ['length', 'filter'].includes(answer.stop ?? '') ? 'incomplete' : 'completed'
  const whole = {
    id: 'resp_mock',
    object: 'response',
    created_at: 0,
    model: answer.servedModel ?? request.body['model'],
    status,
    error: failure?.kind === 'failed' ? { code: failure.code, message: 'the mock failed' } : null,
    incomplete_details: status === 'incomplete' ? { reason: answer.stop === 'length' ? 'max_output_tokens' : 'content_filter' } : null,
    output,
    usage:
      answer.usage === null
        ? null
        : {
            input_tokens: tokens.input,
            input_tokens_details: { cached_tokens: tokens.cacheRead, cache_write_tokens: tokens.cacheWrite5m },
            output_tokens: tokens.output,
            output_tokens_details: { reasoning_tokens: tokens.reasoning },
            total_tokens: tokens.input + tokens.output,
          },
  }
  let sequence = 0
  const event = (type: string, fields: Record<string, unknown>) => sse({ type, sequence_number: sequence++, ...fields }, type)
  const opening = event('response.created', { response: { ...whole, status: 'in_progress', output: [], usage: null } })
  const place = { output_index: 0, content_index: 0, item_id: 'msg_mock' }
  const texts = [
    ...pieces(answer.text ?? '').map((delta) => event('response.output_text.delta', { ...place, delta })),
    ...pieces(answer.refusal ?? '').map((delta) => event('response.refusal.delta', { ...place, delta })),
    ...(answer.toolCalls ?? []).flatMap((call) =>
      pieces(argumentText(call)).map((delta) =>
        event('response.function_call_arguments.delta', { item_id: 'fc_1', output_index: 0, delta }),
      ),
    ),
  ]
  return deliver(failure?.kind === 'failed' ? { ...answered, answer: { ...answer, failure: undefined as never } } : answered, {
    opening: [opening],
    texts,
    closing: [event(`response.${status}`, { response: whole })],
    whole,
    errorBody: ({ type, code }) => ({ error: { message: 'the mock says no', type: type ?? null, code: code ?? null, param: null } }),
    errorEvent: ({ type, code }) => event('error', { code: code ?? type, message: 'the mock broke', param: null }),
  })
}
