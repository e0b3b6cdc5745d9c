import type OpenAI from 'openai'
import type { ProviderOptions } from '../provider.ts'
import { SDK_TIMEOUT_MS, type Wire } from './attempt.ts'

export type OpenaiClient = {
  /** Before the clocks start: loading a package is no part of a call. */
  load(): Promise<unknown>
  /** A client for one attempt. Every option the SDK would look for in the environment is given. */
  connect(wire: Wire): Promise<OpenAI>
}

/** OpenAI's SDK, loaded once, at the first use. */
export function createOpenaiClient(options: ProviderOptions, apiKey: string): OpenaiClient {
  let sdk: Promise<typeof OpenAI> | undefined
  const load = () => (sdk ??= import('openai').then((module) => module.default))
  return {
    load,
    connect: async (wire) =>
      new (await load())({
        apiKey,
        baseURL: options.baseUrl ?? 'https://api.openai.com/v1',
        adminAPIKey: null,
        organization: null,
        project: null,
        webhookSecret: null,
        defaultHeaders: { ...options.headers },
        maxRetries: 0,
        timeout: SDK_TIMEOUT_MS,
        logLevel: 'off',
        fetch: wire.fetch,
      }),
  }
}
