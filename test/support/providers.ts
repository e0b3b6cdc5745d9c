import {
  type CallContext,
  type Capabilities,
  type Provider,
  type ProviderAnswer,
  ProviderFailure,
  type ProviderOptions,
  type ProviderRequest,
  createProvider,
  createTransport,
} from '../../src/core/llm/index.ts'
import { type MockModels, type Protocol, startMockModels } from './models.ts'
import type { MockOptions } from './models/script.ts'

export const EVERYTHING: Capabilities = {
  tools: true,
  jsonSchema: 'strict',
  temperature: true,
  reasoning: true,
  promptCache: 'auto',
  countTokens: true,
  mcp: true,
  previousResponse: true,
  store: true,
}

export type ProviderCase = { name: string; api: Protocol }

/** Every adapter of the port. */
export const CASES: readonly ProviderCase[] = [
  { name: 'OpenAI Responses', api: 'responses' },
  { name: 'Chat Completions', api: 'chat' },
  { name: 'Anthropic Messages', api: 'messages' },
]

export type Bench = {
  mock: MockModels
  provider: Provider
  send(request: ProviderRequest, context?: Partial<CallContext>): Promise<ProviderAnswer>
  /** The failure of a call that must not succeed. */
  fails(request: ProviderRequest, context?: Partial<CallContext>): Promise<ProviderFailure>
  close(): Promise<void>
}

const CLOCKS = { headersMs: 10_000, idleMs: 10_000, totalMs: 20_000 }

/** An adapter with the real SDK and the real transport in front of a mock provider. */
export async function createBench(adapter: ProviderCase, script: MockOptions = {}, options: Partial<ProviderOptions> = {}): Promise<Bench> {
  // loading a package is no part of the short clocks of a test
  await import('undici')
  const mock = await startMockModels(script)
  const transport = createTransport()
  const provider = await createProvider(adapter.api, {
    name: adapter.api,
    apiKey: 'key-of-the-test',
    baseUrl: mock.baseUrl(adapter.api),
    capabilities: EVERYTHING,
    fetch: transport.fetch,
    ...options,
  })
  const send: Bench['send'] = (request, context = {}) =>
    provider.send(request, { signal: new AbortController().signal, clocks: CLOCKS, ...context })
  return {
    mock,
    provider,
    send,
    async fails(request, context) {
      const outcome = await send(request, context).then(
        (answer) => answer,
        (error: unknown) => error,
      )
      if (outcome instanceof ProviderFailure) return outcome
      throw new Error(`no ProviderFailure but ${JSON.stringify(outcome)}`, { cause: outcome })
    },
    async close() {
      await provider.close()
      await transport.close()
      await mock.close()
    },
  }
}
