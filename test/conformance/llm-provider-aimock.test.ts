import { LLMock } from '@copilotkit/aimock'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type CallContext,
  type Provider,
  ProviderFailure,
  type ProviderRequest,
  type Transport,
  createProvider,
  createTransport,
} from '../../src/core/llm/index.ts'
import { CASES, EVERYTHING } from '../support/providers.ts'

// A second opinion on the wire forms: a mock that others keep in step with the providers' live APIs.
const mock = new LLMock({ port: 0 })
let transport: Transport
beforeAll(async () => {
  await mock.start()
  transport = createTransport()
  mock
    .on(
      { userMessage: 'hello' },
      { content: 'Hello from aimock', usage: { prompt_tokens: 11, completion_tokens: 5, input_tokens: 11, output_tokens: 5 } },
    )
    .on({ userMessage: 'think' }, { content: 'Thought.', reasoning: 'first this, then that' })
    .on({ userMessage: 'files', hasToolResult: true }, { content: 'There are two.' })
    .on({ userMessage: 'files' }, { toolCalls: [{ id: 'call_a', name: 'list', arguments: { glob: '*' } }] })
    .on({ userMessage: 'long' }, { content: 'cut', finishReason: 'length' })
    .on(
      { userMessage: 'busy' },
      { error: { message: 'slow down', type: 'rate_limit_error', code: 'rate_limit_exceeded' }, status: 429, retryAfter: 7 },
    )
    .on({ userMessage: 'down' }, { error: { message: 'down', type: 'server_error' }, status: 500 })
    .on({ userMessage: 'overloaded' }, { error: { message: 'no room', type: 'overloaded_error' }, status: 529 })
    .on(
      { userMessage: 'cut' },
      { content: 'a text that is long enough to be cut in the middle of it' },
      { truncateAfterChunks: 3, chunkSize: 5, latency: 20 },
    )
    .on({ userMessage: 'broken' }, { content: 'x' }, { chaos: { malformedRate: 1 } })
    .on({ userMessage: 'gone' }, { content: 'x' }, { chaos: { disconnectRate: 1 } })
})
afterAll(async () => {
  await transport.close()
  await mock.stop()
})

const context: CallContext = { signal: new AbortController().signal, clocks: { headersMs: 10_000, idleMs: 10_000, totalMs: 20_000 } }
const asked = (content: string, more: Partial<ProviderRequest> = {}): ProviderRequest => ({
  model: 'gpt-test',
  maxOutputTokens: 50,
  messages: [{ role: 'user', content }],
  ...more,
})

describe.each(CASES)('$name against aimock', ({ api }) => {
  let provider: Provider
  beforeAll(async () => {
    const baseUrl = api === 'messages' ? mock.url : `${mock.url}/v1`
    provider = await createProvider(api, { name: api, apiKey: 'k', baseUrl, capabilities: EVERYTHING, fetch: transport.fetch })
  })
  const fails = (content: string) =>
    provider.send(asked(content), context).then(
      (answer) => Promise.reject(new Error(JSON.stringify(answer))),
      (error: unknown) => error as ProviderFailure,
    )

  it('a text, its deltas and its usage', async () => {
    let text = ''
    const answer = await provider.send(asked('hello'), { ...context, onText: (delta) => (text += delta) })
    expect(answer).toMatchObject({ text: 'Hello from aimock', stop: 'end', usage: { input: 11, output: 5, cacheRead: 0 } })
    expect(text).toBe('Hello from aimock')
  })

  it('a thought is not part of the text', async () => {
    expect((await provider.send(asked('think'), context)).text).toBe('Thought.')
  })

  it('a tool loop of two turns', async () => {
    const tools = [{ name: 'list', description: 'Lists files.', parameters: { type: 'object', properties: { glob: { type: 'string' } } } }]
    const first = await provider.send(asked('files', { tools }), context)
    expect(first).toMatchObject({ stop: 'tool', toolCalls: [{ id: 'call_a', toolName: 'list', params: { glob: '*' } }] })
    const second = await provider.send(
      asked('files', {
        tools,
        messages: [
          { role: 'user', content: 'files' },
          { role: 'assistant', content: first.text, toolCalls: first.toolCalls, ...(first.state ? { state: first.state } : {}) },
          { role: 'tool', toolCallId: 'call_a', content: 'a.ts b.ts' },
        ],
      }),
      context,
    )
    expect(second).toMatchObject({ text: 'There are two.', stop: 'end', toolCalls: [] })
  })

  it('an answer that reached its limit', async () => {
    expect((await provider.send(asked('long'), context)).stop).toBe('length')
  })

  it.each([
    ['busy', 'rate_limited'],
    ['down', 'server'],
    ['overloaded', 'overloaded'],
    ['cut', 'truncated'],
    ['gone', 'connection'],
  ])('%s: %s', async (content, reason) => {
    expect(await fails(content)).toMatchObject({
      kind: 'provider_unavailable',
      reason,
      ...(content === 'busy' ? { retryAfterMs: 7000 } : {}),
    })
  })

  it('a body that is no answer', async () => {
    expect(['json_decode_error', 'truncated']).toContain((await fails('broken')).reason)
  })

  it('lists models', async () => {
    expect((await provider.listModels(context)).length).toBeGreaterThan(0)
  })
})
