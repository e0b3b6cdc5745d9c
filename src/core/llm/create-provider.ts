import type { Provider, ProviderOptions } from './provider.ts'
import type { ProviderEntry } from './routing.ts'

const ADAPTERS: Readonly<Record<ProviderEntry['api'], () => Promise<(options: ProviderOptions) => Provider>>> = {
  responses: async () => (await import('./providers/responses.ts')).createResponsesProvider,
  chat: async () => (await import('./providers/chat.ts')).createChatProvider,
  messages: async () => (await import('./providers/messages.ts')).createMessagesProvider,
}

/** The adapter of a wire protocol, loaded now; its SDK is loaded by its first call. */
export async function createProvider(api: ProviderEntry['api'], options: ProviderOptions): Promise<Provider> {
  return (await ADAPTERS[api]())(options)
}
