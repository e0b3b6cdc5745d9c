import type { Complexity } from '../queue/index.ts'

/** A request as programs write it (docs/json-schema). The seeds' names are kept; adapters translate them. */
export type LlmRequest = {
  id?: string
  agent_id?: string
  task_type: string
  complexity?: Complexity
  messages: readonly RequestMessage[]
  context?: Readonly<Record<string, unknown>>
  response_schema?: Readonly<Record<string, unknown>>
  options?: { temperature?: number; max_tokens?: number; stream?: boolean }
  api_version?: string
  max_tokens?: number
  temperature?: number
  previous_response_id?: string
  mcp_servers?: readonly Readonly<Record<string, unknown>>[]
  store?: boolean
  tools?: readonly Readonly<Record<string, unknown>>[]
  priority?: number
  run_at?: string
  unique_key?: string
  group?: string
  parent_id?: string
  max_cost_usd?: number
  deadline_ms?: number
}

export type RequestMessage = {
  role: 'system' | 'user' | 'assistant' | 'tool'
  content: string
  /** Of an assistant's turn: the seeds' provider-neutral form. */
  tool_calls?: readonly { id: string; tool_name: string; params: unknown }[]
  tool_call_id?: string
  is_error?: boolean
  /** What a provider wants back unchanged. */
  state?: { provider: string; data: unknown }
}

/** What of a request goes into the job's payload: normalised, redacted, with the hints only we set. */
export type StoredRequest = Omit<LlmRequest, 'id' | 'priority' | 'run_at' | 'unique_key' | 'group' | 'parent_id' | 'complexity'> & {
  agent_id: string
  complexity: Complexity
  /** Exact model of the routing table the caller insists on. */
  model?: string
  /** No answer from or to the cache. */
  no_cache?: boolean
  /** A loop answers wrong tool calls itself, as the result of the tool. */
  tool_loop?: boolean
  /** Caps of the run this request belongs to, nano-dollars. */
  run?: { id: string; cap_nusd: number }
}

/** What an answered request leaves in the job's result. */
export type StoredResult = {
  response: string
  parsed_response: unknown
  validation_errors: readonly Readonly<Record<string, unknown>>[] | null
  repaired: boolean
  tool_calls: readonly { id: string; tool_name: string; params: unknown }[]
  stop: string
  model: string
  provider: string
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number } | null
  latency_ms: number
  cached: boolean
  source: 'llm' | 'cache' | 'rule'
  cost_nusd: number
  cost_source: 'reported' | 'computed' | 'estimated' | 'unknown'
  provider_request_id: string | null
  previous_response_id: string | null
  state?: { provider: string; data: unknown }
}
