import type { RoutingTable } from './routing.ts'
import type { Secrets } from './secrets/secrets.ts'

const HOSTS: Readonly<Record<string, string>> = { responses: 'https://api.openai.com/v1', messages: 'https://api.anthropic.com/v1' }

/** Where raw requests to a provider go, and the headers that pay for them; null: it is not in the table, or there is no key. */
export async function upstreamOf(
  table: Pick<RoutingTable, 'providers'>,
  secrets: Pick<Secrets, 'get'>,
  name: string,
): Promise<{ baseUrl: string; headers: Readonly<Record<string, string>> } | null> {
  const provider = table.providers.get(name)
  const host = provider?.baseUrl ?? (provider && HOSTS[provider.api])
  if (!provider || host === undefined) return null
  const key = provider.keyName === null ? 'none' : await secrets.get(provider.keyName)
  if (key === null) return null
  const own = provider.api === 'messages' ? { 'x-api-key': key, 'anthropic-version': '2023-06-01' } : { authorization: `Bearer ${key}` }
  // the Messages SDK adds the version to its base by itself
  const baseUrl = provider.api === 'messages' && !/\/v1\/?$/.test(host) ? `${host.replace(/\/+$/, '')}/v1` : host
  return { baseUrl, headers: { ...provider.headers, ...own } }
}
