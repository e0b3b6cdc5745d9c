import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ChatMessage, ProviderRequest, ToolSpec } from '../../src/core/llm/index.ts'
import type { ScriptedAnswer } from '../support/models.ts'
import { type Bench, CASES, EVERYTHING, createBench } from '../support/providers.ts'

let bench: Bench | undefined
afterEach(async () => {
  vi.unstubAllEnvs()
  await bench?.close()
  bench = undefined
})

const REQUEST: ProviderRequest = {
  model: 'mock-small',
  maxOutputTokens: 100,
  messages: [
    { role: 'system', content: 'You are brief.' },
    { role: 'user', content: 'Say hello.' },
  ],
}
const READ: ToolSpec = {
  name: 'read',
  description: 'Reads a file.',
  parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'], additionalProperties: false },
}
const USAGE = { input: 90, cacheRead: 30, cacheWrite5m: 20, output: 40, reasoning: 0 }
const lastBody = () => bench!.mock.requests.at(-1)!.body as Record<string, any>

describe.each(CASES)('$name: answers', (adapter) => {
  it('with text, usage, the model that served, ids and what is left of the limits', async () => {
    const span = {
      'x-ratelimit-remaining-requests': '9',
      'x-ratelimit-remaining-tokens': '800',
      'x-ratelimit-reset-tokens': '1m30s',
      'x-ratelimit-reset-requests': '20ms',
    }
    const headers =
      adapter.api === 'messages'
        ? {
            'anthropic-ratelimit-requests-remaining': '9',
            'anthropic-ratelimit-tokens-remaining': '800',
            'anthropic-ratelimit-tokens-reset': new Date(Date.now() + 90_000).toISOString(),
          }
        : span
    bench = await createBench(adapter, { answers: [{ text: 'Hello there, world', servedModel: 'mock-small-2', usage: USAGE, headers }] })
    const deltas: string[] = []
    const onSent = vi.fn<() => void>()
    const answer = await bench.send(REQUEST, { onText: (delta) => deltas.push(delta), onSent })
    expect(answer).toMatchObject({
      text: 'Hello there, world',
      stop: 'end',
      toolCalls: [],
      servedModel: 'mock-small-2',
      providerRequestId: 'req_mock',
      remoteId: expect.stringMatching(/mock/),
      usage: { ...USAGE, cacheWrite1h: 0 },
      droppedParams: [],
      reportedCostUsd: null,
      rateLimit: { remainingRequests: 9, remainingTokens: 800, resetAt: expect.any(Number) },
    })
    expect(Math.abs(answer.rateLimit.resetAt! - Date.now() - 90_000)).toBeLessThan(30_000)
    expect(deltas.length).toBeGreaterThan(1)
    expect(deltas.join('')).toBe('Hello there, world')
    expect(onSent).toHaveBeenCalledTimes(1)
  })

  it('are the same, and cost the same, streamed and in one piece', async () => {
    const scripted: ScriptedAnswer[] = [
      { text: 'Hello', usage: { ...USAGE, cacheWrite1h: adapter.api === 'messages' ? 10 : 0 } },
      { text: 'I read.', toolCalls: [{ id: 'c1', name: 'read', arguments: { path: 'a' } }], reasoning: 'let me see', usage: USAGE },
      { text: 'Hel', stop: 'length', usage: USAGE },
      { refusal: 'No.', usage: USAGE },
    ]
    bench = await createBench(adapter, { answers: scripted.flatMap((answer) => [answer, { ...answer, buffered: true }]) })
    for (const _each of scripted) {
      const [streamed, buffered] = [await bench.send(REQUEST), await bench.send(REQUEST)]
      expect(buffered).toEqual(streamed)
      expect(streamed.usage).not.toBeNull()
    }
  })

  it('without usage say so', async () => {
    bench = await createBench(adapter, { answers: [{ text: 'Hello', usage: null }] })
    expect((await bench.send(REQUEST)).usage).toBeNull()
  })

  it.each([
    [{ stop: 'length' }, 'length'],
    [{ stop: 'filter' }, 'refusal'],
    [{ refusal: 'I will not.' }, 'refusal'],
    [{ toolCalls: [{ name: 'read', arguments: {} }] }, 'tool'],
    ...(adapter.api === 'messages' ? [[{ stop: 'context' }, 'context']] : []),
  ] as [ScriptedAnswer, string][])('that end for a reason tell it: %j', async (scripted, stop) => {
    bench = await createBench(adapter, { answers: [{ text: 'Hel', ...scripted }] })
    expect((await bench.send(REQUEST)).stop).toBe(stop)
  })

  it('ask for tools with arguments as they were written, whole or broken', async () => {
    const toolCalls = [
      { id: 'c1', name: 'read', arguments: { path: 'a.ts' } },
      { id: 'c2', name: 'list', arguments: '' },
      { id: 'c3', name: 'read', arguments: "{'path': 'b'}" },
      { id: 'c4', name: 'read', arguments: '["c"]' },
      { id: 'c5', name: 'read', arguments: '{"path": "cut of' },
    ]
    bench = await createBench(adapter, { answers: [{ toolCalls, usage: USAGE }] })
    const answer = await bench.send({ ...REQUEST, tools: [READ] })
    expect(answer.stop).toBe('tool')
    expect(answer.toolCalls).toEqual([
      { id: 'c1', toolName: 'read', params: { path: 'a.ts' } },
      { id: 'c2', toolName: 'list', params: {} },
      { id: 'c3', toolName: 'read', params: "{'path': 'b'}", raw: "{'path': 'b'}" },
      { id: 'c4', toolName: 'read', params: ['c'], raw: '["c"]' },
      { id: 'c5', toolName: 'read', params: '{"path": "cut of', raw: '{"path": "cut of' },
    ])
  })
})

describe.each(CASES)('$name: requests', (adapter) => {
  it('always bound the output, stream, and carry no header that promises what nobody keeps', async () => {
    for (const [name, value] of Object.entries({
      OPENAI_BASE_URL: 'http://elsewhere.invalid',
      OPENAI_ORG_ID: 'org',
      OPENAI_PROJECT_ID: 'p',
      ANTHROPIC_BASE_URL: 'http://elsewhere.invalid',
      ANTHROPIC_AUTH_TOKEN: 't',
    }))
      vi.stubEnv(name, value)
    bench = await createBench(adapter, {}, { headers: { 'x-team': 'blue' } })
    await bench.send(REQUEST)
    const { body, headers } = bench.mock.requests[0]!
    expect(body).toMatchObject({
      model: 'mock-small',
      stream: true,
      [{ responses: 'max_output_tokens', chat: 'max_tokens', messages: 'max_tokens' }[adapter.api]]: 100,
    })
    expect(headers).toMatchObject({ 'x-team': 'blue', 'x-stainless-retry-count': '0' })
    expect(Object.keys(headers).filter((name) => /idempot|organization|project/.test(name))).toEqual([])
    expect(headers.authorization).toBe('Bearer key-of-the-test')
    if (adapter.api === 'messages') expect(headers).toMatchObject({ 'anthropic-version': expect.any(String) })
  })

  it('carry a tool loop: the calls, the results, and what the provider wants back unchanged', async () => {
    bench = await createBench(adapter, {
      answers: [
        { reasoning: 'let me see', text: 'I read.', toolCalls: [{ id: 'c1', name: 'read', arguments: { path: 'a' } }] },
        { text: 'Done.' },
      ],
    })
    const tools = [READ]
    const first = await bench.send({ ...REQUEST, tools })
    expect(first.state?.provider).toBe(adapter.api)
    const turn: ChatMessage[] = [
      { role: 'assistant', content: first.text, toolCalls: first.toolCalls, ...(first.state ? { state: first.state } : {}) },
      { role: 'tool', toolCallId: 'c1', content: 'contents of a' },
      { role: 'user', content: 'And now?' },
    ]
    await bench.send({ ...REQUEST, tools, messages: [...REQUEST.messages, ...turn] })
    const body = lastBody()
    if (adapter.api === 'responses') {
      expect(body['input'].map((item: any) => item.type ?? item.role)).toEqual([
        'user',
        'reasoning',
        'message',
        'function_call',
        'function_call_output',
        'user',
      ])
      expect(body['input'][1]).toMatchObject({ encrypted_content: 'sealed:let me see' })
      expect(body['input'][4]).toMatchObject({ call_id: 'c1', output: 'contents of a' })
      expect(body).toMatchObject({ instructions: 'You are brief.', store: false, include: ['reasoning.encrypted_content'] })
    } else if (adapter.api === 'messages') {
      expect(body['messages'].map((message: any) => message.content.map((block: any) => block.type))).toEqual([
        ['text'],
        ['thinking', 'text', 'tool_use'],
        ['tool_result', 'text'],
      ])
      expect(body['messages'][1].content[0]).toEqual({ type: 'thinking', thinking: 'let me see', signature: 'signed:let me see' })
      expect(body['messages'][1].content[2]).toMatchObject({ id: 'c1', input: { path: 'a' } })
    } else {
      expect(body['messages'].map((message: any) => message.role)).toEqual(['system', 'user', 'assistant', 'tool', 'user'])
      expect(body['messages'][2]).toMatchObject({
        reasoning_details: [{ text: 'let me see' }],
        tool_calls: [{ id: 'c1', function: { name: 'read', arguments: '{"path":"a"}' } }],
      })
    }
    // what another provider wanted back is nothing for this one
    const foreign = turn.map((message) =>
      message.role === 'assistant' ? { ...message, state: { provider: 'elsewhere', data: ['secret-state'] } } : message,
    )
    await bench.send({ ...REQUEST, tools, messages: [...REQUEST.messages, ...foreign] })
    expect(JSON.stringify(lastBody())).not.toContain('secret-state')
    expect(JSON.stringify(lastBody())).toContain('c1')
  })

  it('say what a provider cannot take, and do not send it', async () => {
    const none = { ...EVERYTHING, tools: false, temperature: false, reasoning: false, mcp: false, previousResponse: false, store: false }
    bench = await createBench(adapter, {}, { capabilities: none })
    const { droppedParams } = await bench.send({
      ...REQUEST,
      tools: [READ],
      temperature: 0.5,
      reasoning: 'high',
      mcpServers: [{ name: 'm', url: 'https://mcp.test' }],
      previousResponseId: 'r',
      store: true,
    })
    expect([...droppedParams].sort()).toEqual(['mcp_servers', 'previous_response_id', 'reasoning', 'store', 'temperature', 'tools'])
    for (const name of ['tools', 'temperature', 'reasoning', 'reasoning_effort', 'thinking', 'mcp_servers', 'previous_response_id'])
      expect(lastBody()).not.toHaveProperty(name)
    expect(lastBody()['store'] ?? false).toBe(false)
  })

  it('carry what a provider can take', async () => {
    bench = await createBench(adapter)
    const { droppedParams } = await bench.send({ ...REQUEST, tools: [READ], temperature: 0.5, reasoning: 'high' })
    expect(droppedParams).toEqual([])
    const reasoning = {
      responses: { reasoning: { effort: 'high' } },
      chat: { reasoning_effort: 'high' },
      messages: { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } },
    }
    expect(lastBody()).toMatchObject({ temperature: 0.5, ...reasoning[adapter.api] })
    expect(JSON.stringify(lastBody()['tools'])).toContain('Reads a file.')
  })

  it.each(['strict', 'json_object', 'prompt'] as const)('ask for a form as the provider is declared to take it: %s', async (jsonSchema) => {
    bench = await createBench(adapter, {}, { capabilities: { ...EVERYTHING, jsonSchema } })
    const schema = { type: 'object', properties: { a: { type: 'string', minLength: 3 } }, required: ['a'], additionalProperties: false }
    await bench.send({ ...REQUEST, responseSchema: { name: 'my answer', schema } })
    const body = lastBody()
    const format = body['text']?.format ?? body['response_format'] ?? body['output_config']?.format
    const told = bench.mock.requests[0]!.raw.includes('JSON Schema')
    if (jsonSchema === 'strict') expect(format).toMatchObject({ type: 'json_schema' })
    else if (jsonSchema === 'json_object' && adapter.api !== 'messages') expect(format).toEqual({ type: 'json_object' })
    else expect(format).toBeUndefined()
    expect(told).toBe(jsonSchema !== 'strict')
    if (jsonSchema === 'strict' && adapter.api !== 'messages')
      expect(format.json_schema ?? format).toMatchObject({ name: 'my_answer', strict: true, schema })
  })

  it('a schema OpenAI would refuse as strict is sent as one to follow', async () => {
    bench = await createBench(adapter)
    await bench.send({ ...REQUEST, responseSchema: { name: 'x', schema: { type: 'object', properties: { a: { type: 'string' } } } } })
    const body = lastBody()
    const format = body['text']?.format ?? body['response_format']?.json_schema
    if (adapter.api !== 'messages') expect(format).toMatchObject({ strict: false })
    else expect(body['output_config'].format.schema).toMatchObject({ additionalProperties: false })
  })

  it('have the same text up to what is new, and mark it where the provider wants marks', async () => {
    bench = await createBench(
      adapter,
      {},
      { capabilities: { ...EVERYTHING, promptCache: adapter.api === 'responses' ? 'auto' : 'explicit' } },
    )
    const ask = (content: string) =>
      bench!.send({ ...REQUEST, tools: [READ], promptCacheKey: 'repo-map', messages: [REQUEST.messages[0]!, { role: 'user', content }] })
    await ask('first')
    await ask('second')
    const [a, b] = bench.mock.requests.map((request) => request.raw)
    const common = [...a!].findIndex((char, index) => char !== b![index])
    expect(a!.slice(0, common)).toContain('You are brief.')
    if (adapter.api === 'responses') expect(lastBody()['prompt_cache_key']).toBe('repo-map')
    if (adapter.api === 'messages')
      expect(lastBody()).toMatchObject({
        system: [{ cache_control: { type: 'ephemeral' } }],
        tools: [{ name: 'read', cache_control: { type: 'ephemeral' } }],
      })
    if (adapter.api === 'chat') expect(lastBody()['messages'][0].content[0]).toMatchObject({ cache_control: { type: 'ephemeral' } })
    // a cache write costs: nothing is marked that nobody will read again
    await bench.send({ ...REQUEST, tools: [READ] })
    expect(bench.mock.requests.at(-1)!.raw).not.toContain('cache_control')
  })

  it('list models, count tokens and stop when asked', async () => {
    bench = await createBench(adapter)
    const { signal } = new AbortController()
    expect(await bench.provider.listModels({ signal })).toEqual(
      ['mock-small', 'mock-large'].map((id) => ({ id, contextWindow: { responses: null, chat: 8192, messages: 200_000 }[adapter.api] })),
    )
    if (adapter.api === 'chat') expect(bench.provider.countTokens).toBeUndefined()
    else expect(await bench.provider.countTokens!({ ...REQUEST, tools: [READ] }, { signal })).toBeGreaterThan(10)
    await expect(bench.provider.listModels({ signal: AbortSignal.abort() })).rejects.toMatchObject({ reason: 'cancelled' })
  })
})

describe('OpenAI Responses', () => {
  it('takes mcp_servers, previous_response_id and store under its own names', async () => {
    bench = await createBench(CASES[0]!)
    const mcpServers = [
      { type: 'url', name: 'docs', url: 'https://mcp.test/x', authorization_token: 't', tool_configuration: { allowed_tools: ['find'] } },
    ]
    await bench.send({ ...REQUEST, mcpServers, previousResponseId: 'resp_1', store: true })
    expect(lastBody()).toMatchObject({ previous_response_id: 'resp_1', store: true, instructions: 'You are brief.' })
    expect(lastBody()['tools']).toEqual([
      { type: 'mcp', server_label: 'docs', server_url: 'https://mcp.test/x', authorization: 't', allowed_tools: ['find'] },
    ])
    expect(lastBody()).not.toHaveProperty('include')
  })
})

describe('Anthropic Messages', () => {
  it('takes mcp_servers through the beta, with the allowed tools only', async () => {
    bench = await createBench(CASES[2]!)
    await bench.send({
      ...REQUEST,
      mcpServers: [{ server_label: 'docs', server_url: 'https://mcp.test/x', authorization: 't', allowed_tools: ['find'] }],
    })
    expect(lastBody()).toMatchObject({
      mcp_servers: [{ type: 'url', name: 'docs', url: 'https://mcp.test/x', authorization_token: 't' }],
      tools: [{ type: 'mcp_toolset', mcp_server_name: 'docs', default_config: { enabled: false }, configs: { find: { enabled: true } } }],
    })
    expect(bench.mock.requests[0]!.headers['anthropic-beta']).toContain('mcp-client')
  })

  it('sends a paused turn back as it is, and adds up what it cost', async () => {
    bench = await createBench(CASES[2]!, {
      answers: [
        { text: 'Searching. ', stop: 'pause', usage: USAGE },
        { text: 'Found.', usage: USAGE },
      ],
    })
    const answer = await bench.send(REQUEST)
    expect(answer).toMatchObject({
      text: 'Searching. Found.',
      stop: 'end',
      usage: { input: 180, cacheRead: 60, cacheWrite5m: 40, output: 80 },
    })
    expect(lastBody()['messages'].at(-1)).toEqual({ role: 'assistant', content: [{ type: 'text', text: 'Searching. ' }] })
  })

  it('a turn that pauses for ever ends', async () => {
    bench = await createBench(CASES[2]!, { fallback: { text: '.', stop: 'pause' } })
    expect(await bench.fails(REQUEST)).toMatchObject({ reason: 'truncated', outcome: 'unknown' })
    expect(bench.mock.requests.length).toBeLessThan(20)
  })
})

describe('Chat Completions', () => {
  it('at OpenRouter: parameters are required, and the reported cost is kept apart', async () => {
    bench = await createBench(CASES[1]!, { answers: [{ text: 'x', costUsd: 0.0125, usage: USAGE }] }, { name: 'openrouter' })
    expect((await bench.send({ ...REQUEST, tools: [READ] })).reportedCostUsd).toBe(0.0125)
    expect(lastBody()['provider']).toEqual({ require_parameters: true })
    await bench.send(REQUEST)
    expect(lastBody()).not.toHaveProperty('provider')
  })

  it('a server that needs no key gets a placeholder', async () => {
    bench = await createBench(CASES[1]!, {}, { apiKey: '' })
    expect((await bench.send(REQUEST)).text).toBe('ok')
  })
})
