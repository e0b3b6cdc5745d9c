import type { Complexity } from '../queue/index.ts'
import type { Capabilities } from './provider.ts'
import type { EmbeddingEntry, ModelEntry, ModelPrice, PrivacyClass, ProviderEntry } from './routing.ts'

type CapsFile = Partial<{
  tools: boolean
  json_schema: Capabilities['jsonSchema']
  temperature: boolean
  reasoning: boolean
  prompt_cache: Capabilities['promptCache']
  count_tokens: boolean
  mcp: boolean
  previous_response: boolean
  store: boolean
}>

export type ProviderFile = {
  api: ProviderEntry['api']
  base_url?: string | null
  key_env?: string | null
  headers?: Record<string, string>
  enabled?: boolean
  limits?: { rpm?: number | null; tpm?: number | null; concurrency?: number }
  data?: PrivacyClass
  caps?: CapsFile
  headers_ms?: number | null
  cost_unit?: 'usd' | null
}

type PriceFile = {
  input: number
  output: number
  cache_read?: number
  cache_write?: number
  tiers?: readonly { above_input_tokens: number; input: number; output: number }[]
}

export type ModelFile = {
  id: string
  context: number
  max_output: number
  usd_per_mtok?: PriceFile | null
  price_source?: string
  price_checked?: string
  caps?: CapsFile
  edit_format?: ModelEntry['editFormat']
}

export type EmbeddingFile = { id: string; usd_per_mtok?: number | null; price_source?: string; price_checked?: string }

export type RouteFile = { models: readonly string[]; max_cost_usd?: number | null; timeout_ms: number; reasoning?: string | null }

/** The routing files once they are put together; `ROUTING_SCHEMA` says the same to programs. */
export type RoutingFile = {
  as_of: string
  stale_after_days: number
  providers: Record<string, ProviderFile>
  models: Record<string, ModelFile>
  /** Models that make vectors of texts. */
  embeddings: Record<string, EmbeddingFile>
  routes: Record<Complexity, RouteFile>
  tasks: Record<string, Complexity>
  aliases: Record<string, string>
  budgets: {
    run_usd: number | null
    day_usd: number | null
    month_usd: number | null
    tasks: Record<string, number>
    models: Record<string, number>
  }
  privacy: { allow: readonly PrivacyClass[] }
  allow_unpriced: boolean
  max_retries: number
}

const NOTHING: Capabilities = {
  tools: false,
  jsonSchema: 'prompt',
  temperature: false,
  reasoning: false,
  promptCache: 'none',
  countTokens: false,
  mcp: false,
  previousResponse: false,
  store: false,
}

/** Only what is said: a model inherits what its provider can, and both inherit nothing. */
function capabilities(caps: CapsFile = {}): Partial<Capabilities> {
  const { json_schema, prompt_cache, count_tokens, previous_response, ...same } = caps
  return {
    ...same,
    ...(json_schema !== undefined && { jsonSchema: json_schema }),
    ...(prompt_cache !== undefined && { promptCache: prompt_cache }),
    ...(count_tokens !== undefined && { countTokens: count_tokens }),
    ...(previous_response !== undefined && { previousResponse: previous_response }),
  }
}

export function toProvider(name: string, file: ProviderFile): ProviderEntry {
  const { rpm = null, tpm = null, concurrency = 4 } = file.limits ?? {}
  return {
    name,
    api: file.api,
    baseUrl: file.base_url ?? null,
    keyName: file.key_env ?? null,
    headers: file.headers ?? {},
    limits: { rpm, tpm, concurrency },
    data: file.data ?? 'any',
    capabilities: capabilities(file.caps),
    headersMs: file.headers_ms ?? null,
    costUnit: file.cost_unit ?? null,
    loopback: isLoopback(file.base_url ?? null),
    free: isLoopback(file.base_url ?? null) && ((file.key_env ?? null) === null || file.data === 'local'),
    enabled: file.enabled ?? true,
  }
}

export function toModel(name: string, file: ModelFile, provider: ProviderEntry): ModelEntry {
  return {
    name,
    provider: provider.name,
    id: file.id,
    contextTokens: file.context,
    maxOutputTokens: file.max_output,
    price: file.usd_per_mtok ? toPrice(file.usd_per_mtok, file) : null,
    capabilities: { ...NOTHING, ...provider.capabilities, ...capabilities(file.caps) },
    editFormat: file.edit_format ?? 'search_replace',
  }
}

export function toEmbedding(name: string, file: EmbeddingFile, provider: ProviderEntry): EmbeddingEntry {
  const price = file.usd_per_mtok
  return {
    name,
    provider: provider.name,
    id: file.id,
    price: price === null || price === undefined ? null : toPrice({ input: price, output: 0 }, file),
  }
}

/** Without a rate of its own, what the provider caches costs as much as any input: never too little. */
function toPrice(price: PriceFile, file: Pick<ModelFile, 'price_source' | 'price_checked'>): ModelPrice {
  const input = nanoPerToken(price.input)
  return {
    input,
    output: nanoPerToken(price.output),
    cacheRead: price.cache_read === undefined ? input : nanoPerToken(price.cache_read),
    cacheWrite: price.cache_write === undefined ? input : nanoPerToken(price.cache_write),
    tiers: (price.tiers ?? [])
      .map((tier) => ({ aboveInputTokens: tier.above_input_tokens, input: nanoPerToken(tier.input), output: nanoPerToken(tier.output) }))
      .toSorted((a, b) => a.aboveInputTokens - b.aboveInputTokens),
    source: file.price_source ?? 'not said',
    checked: file.price_checked ?? 'never',
  }
}

/** Dollars per million tokens times 1000 are nano-dollars per token; six decimals of a dollar are exact. */
function nanoPerToken(usdPerMillion: number): number {
  return Math.round(usdPerMillion * 1_000_000) / 1000
}

export function isLoopback(baseUrl: string | null): boolean {
  if (baseUrl === null || !URL.canParse(baseUrl)) return false
  const { hostname } = new URL(baseUrl)
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
