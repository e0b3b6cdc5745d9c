// Loads the room of the models, makes an adapter and, with a base URL, sends one request: load-llm API [BASE-URL [unanswered]]. Prints nothing.
import { createProvider, createTransport } from '../../../src/core/llm/index.ts'
import { EVERYTHING } from '../providers.ts'

const [api, baseUrl, unanswered] = process.argv.slice(2) as ['responses' | 'chat' | 'messages', string | undefined, string | undefined]
const transport = createTransport()
const provider = await createProvider(api, {
  name: api,
  apiKey: 'k',
  baseUrl: baseUrl ?? '',
  capabilities: EVERYTHING,
  fetch: transport.fetch,
})
if (baseUrl) {
  const context = { signal: new AbortController().signal, clocks: { headersMs: 20_000, idleMs: 20_000, totalMs: 20_000 } }
  const sent = provider.send({ model: 'm', maxOutputTokens: 9, messages: [{ role: 'user', content: 'x' }] }, context)
  await (unanswered ? sent.catch(() => {}) : sent)
}
await provider.close()
await transport.close()
