import { afterEach, describe, expect, it } from 'vitest'
import type { ProviderFailure, ProviderRequest } from '../../src/core/llm/index.ts'
import { type ProviderCase, CASES, type Bench, createBench } from '../support/providers.ts'

let bench: Bench | undefined
afterEach(async () => {
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

describe.each(CASES)('$name', (adapter: ProviderCase) => {
  it('answers with text, usage, the model that served and the ids', async () => {
    bench = await createBench(adapter, {
      answers: [{ text: 'Hello there, world', servedModel: 'mock-small-2', usage: { input: 90, cacheRead: 30, output: 7, reasoning: 0 } }],
    })
    const deltas: string[] = []
    const answer = await bench.send(REQUEST, { onText: (delta) => deltas.push(delta) })
    expect(answer).toMatchObject({
      text: 'Hello there, world',
      stop: 'end',
      toolCalls: [],
      servedModel: 'mock-small-2',
      providerRequestId: 'req_mock',
    })
    expect(answer.usage).toEqual({ input: 90, cacheRead: 30, cacheWrite5m: 0, cacheWrite1h: 0, output: 7, reasoning: 0 })
    expect(deltas.length).toBeGreaterThan(1)
    expect(deltas.join('')).toBe('Hello there, world')
  })

  it.each(['headers', 'body', 'stream'] as const)('ends a provider that stalls in its %s', async (at) => {
    bench = await createBench(adapter, { answers: [{ text: 'Hello there', failure: { kind: 'stall', at } }] })
    const failure = await bench.fails(REQUEST, { clocks: { headersMs: 150, idleMs: 150, totalMs: 5000 } })
    expect(failure).toMatchObject({
      kind: 'provider_unavailable',
      reason: at === 'headers' ? 'timeout_headers' : 'timeout_idle',
      outcome: 'unknown',
    } satisfies Partial<ProviderFailure>)
  })
})
