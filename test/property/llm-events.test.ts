import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProviderFailure, createProvider } from '../../src/core/llm/index.ts'
import { CASES, EVERYTHING } from '../support/providers.ts'

// A provider may send anything: whatever it is, the answer is an answer or a failure that names the provider, never a bug of ours.

const NAMES = ['type', 'id', 'model', 'choices', 'delta', 'index', 'message', 'content', 'text', 'usage', 'finish_reason', 'tool_calls', 'function', 'arguments', 'response', 'output', 'status', 'content_block', 'stop_reason', 'input_tokens', 'output_tokens', 'partial_json'] // prettier-ignore
const WORDS = ['message_start', 'content_block_start', 'content_block_delta', 'message_delta', 'message_stop', 'text_delta', 'input_json_delta', 'tool_use', 'end_turn', 'response.completed', 'response.output_text.delta', 'completed', 'incomplete', 'failed', 'function_call', 'stop', 'length', 'error'] // prettier-ignore

const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<unknown>(null, true, 0, -1, 2 ** 53, '', 'x', ...WORDS),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { maxKeys: 6 }),
  ),
}))
const event = fc.record({ name: fc.constantFrom(undefined, ...WORDS), data: value })

describe.each(CASES)('$name', ({ api }) => {
  it.each(['text/event-stream', 'application/json'])('whatever comes as %s is an answer or a failure of the provider', async (type) => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 6 }), async (events) => {
        const stream = events.map(({ name, data }) => `${name ? `event: ${name}\n` : ''}data: ${JSON.stringify(data)}\n\n`).join('')
        const body = type === 'application/json' ? JSON.stringify(events[0]?.data ?? {}) : stream
        const fetch = async () => new Response(body, { headers: { 'content-type': type } })
        const provider = await createProvider(api, { name: api, apiKey: 'k', baseUrl: 'http://mock', capabilities: EVERYTHING, fetch })
        const context = { signal: new AbortController().signal, clocks: { headersMs: 5000, idleMs: 5000, totalMs: 5000 } }
        const outcome = await provider
          .send({ model: 'm', maxOutputTokens: 5, messages: [{ role: 'user', content: 'x' }] }, context)
          .catch((error: unknown) => error)
        if (outcome instanceof ProviderFailure) expect(outcome.reason).not.toBe('internal')
        else expect(outcome).toMatchObject({ text: expect.any(String), toolCalls: expect.any(Array) })
      }),
      { numRuns: 150 },
    )
  })
})
