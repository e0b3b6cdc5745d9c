import type { Complexity } from '../queue/index.ts'
import type { Capabilities } from './provider.ts'

/** Nano-dollars per token: dollars per million tokens times 1000. */
export type Rates = { input: number; output: number; cacheRead: number; cacheWrite: number }

export type ModelPrice = Rates & {
  /** Dearer rates above a size of the input. */
  tiers: readonly (Pick<Rates, 'input' | 'output'> & { aboveInputTokens: number })[]
  source: string
  checked: string
}

export type PrivacyClass = 'local' | 'no-train' | 'any'

export type ProviderEntry = {
  name: string
  api: 'responses' | 'chat' | 'messages'
  baseUrl: string | null
  /** Environment variable (or name in the secret store) with the key; null: none is needed. */
  keyName: string | null
  headers: Readonly<Record<string, string>>
  limits: { rpm: number | null; tpm: number | null; concurrency: number }
  data: PrivacyClass
  capabilities: Partial<Capabilities>
  headersMs: number | null
  costUnit: 'usd' | null
  /** On this machine: allowed under --offline. */
  loopback: boolean
  /** What has no price there costs nothing: on this machine, and not behind a key somebody pays for. */
  free: boolean
  /** False: nobody asked for it (a server on loopback that needs no key must be named first). */
  enabled: boolean
}

export type ModelEntry = {
  /** Name in the table: 'openai/gpt-6-luna'. */
  name: string
  provider: string
  /** What the provider calls it; 'auto' takes the first capable one the server lists. */
  id: string
  contextTokens: number
  maxOutputTokens: number
  price: ModelPrice | null
  capabilities: Capabilities
  editFormat: 'search_replace' | 'whole'
}

/** A model that makes vectors of texts; only its input costs something. */
export type EmbeddingEntry = Pick<ModelEntry, 'name' | 'provider' | 'id' | 'price'>

export type RouteEntry = { models: readonly string[]; maxCostUsd: number | null; timeoutMs: number; reasoning: string | null }

export type RoutingTable = {
  asOf: string
  staleAfterDays: number
  providers: ReadonlyMap<string, ProviderEntry>
  models: ReadonlyMap<string, ModelEntry>
  embeddings: ReadonlyMap<string, EmbeddingEntry>
  routes: Readonly<Record<Complexity, RouteEntry>>
  /** Task type -> complexity. */
  tasks: Readonly<Record<string, Complexity>>
  /** The seeds' names (claude_sonnet, gpt-4o, gemini-flash, ...) -> models of today. */
  aliases: Readonly<Record<string, string>>
  /** Infinity where the user took a cap away. */
  budgets: {
    runUsd: number
    dayUsd: number
    monthUsd: number
    tasks: Readonly<Record<string, number>>
    models: Readonly<Record<string, number>>
  }
  privacy: readonly PrivacyClass[]
  allowUnpriced: boolean
  /** How often a request is tried again (LLM_MAX_RETRIES). */
  maxRetries: number
  /** Where each value came from, by its path: 'routes.simple.models' -> 'user file'. */
  origins: ReadonlyMap<string, string>
}

export type RouteNeeds = {
  complexity: Complexity
  taskType: string
  /** Exact model the caller insists on. */
  model?: string
  schema: boolean
  tools: boolean
  mcp: boolean
  inputTokens: number
  /** The provider puts an earlier conversation in front, which it alone knows: as input it may be as long as the window. */
  continues?: boolean
  maxOutputTokens: number
  maxCostNusd: number | null
  offline: boolean
}

export type Candidate = { model: ModelEntry; provider: ProviderEntry; boundNusd: number | null }
/** The models to try, in order, and why the others are not among them. */
export type Route = {
  candidates: readonly Candidate[]
  skipped: readonly { model: string; reason: string }[]
  timeoutMs: number
  reasoning: string | null
}

/** The seeds' determine_complexity_for_task. */
export function complexityOf(tasks: Readonly<Record<string, Complexity>>, taskType: string): Complexity {
  return Object.hasOwn(tasks, taskType) ? tasks[taskType]! : 'medium'
}

/** A model by its name in the table, one of the seeds' names, or the provider's own id where only one model has it. */
export function findModel(table: Pick<RoutingTable, 'models' | 'aliases'>, name: string): ModelEntry | undefined {
  const known = Object.hasOwn(table.aliases, name) ? table.aliases[name]! : name
  const own = table.models.get(known)
  if (own) return own
  const byId = [...table.models.values()].filter(({ id }) => id === name)
  return byId.length === 1 ? byId[0] : undefined
}
