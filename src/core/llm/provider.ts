import type { Clock } from '../kernel/index.ts'

/** Neutral form of a conversation: adapters translate it, the transcript in queue.db is the truth. */
export type ChatMessage =
  | { role: 'system' | 'user'; content: string }
  | {
      role: 'assistant'
      content: string
      toolCalls?: readonly ToolCall[]
      /** What this provider wants back unchanged (reasoning items, thinking blocks); others ignore it. */
      state?: { provider: string; data: unknown }
    }
  | { role: 'tool'; toolCallId: string; content: string; isError?: boolean }

/** `params` as the provider parsed it, never repaired; `raw` is its text where it was not an object. */
export type ToolCall = { id: string; toolName: string; params: unknown; raw?: string }

export type ToolSpec = { name: string; description: string; parameters: Readonly<Record<string, unknown>> }

export type ProviderRequest = {
  /** The provider's exact model id. */
  model: string
  messages: readonly ChatMessage[]
  /** Always sent: it bounds the cost. */
  maxOutputTokens: number
  temperature?: number
  /** JSON Schema the answer has to meet. */
  responseSchema?: { name: string; schema: Readonly<Record<string, unknown>> }
  tools?: readonly ToolSpec[]
  reasoning?: string
  previousResponseId?: string
  store?: boolean
  mcpServers?: readonly Readonly<Record<string, unknown>>[]
  /** Requests with the same stable prefix share it. */
  promptCacheKey?: string
}

/** Tokens as billed. `input` includes everything read from or written to the provider's prompt cache. */
export type TokenUsage = {
  input: number
  cacheRead: number
  cacheWrite5m: number
  cacheWrite1h: number
  output: number
  /** Part of `output`. */
  reasoning: number
}

export type ProviderAnswer = {
  text: string
  toolCalls: readonly ToolCall[]
  stop: 'end' | 'tool' | 'length' | 'refusal' | 'context'
  /** null: the provider told none, the reservation counts in full. */
  usage: TokenUsage | null
  servedModel: string
  providerRequestId: string | null
  remoteId: string | null
  /** What the provider itself says it cost; only used where the routing says `cost_unit: usd`. */
  reportedCostUsd: number | null
  state?: { provider: string; data: unknown }
  droppedParams: readonly string[]
  /** From the response headers; absent fields are null. */
  rateLimit: { remainingRequests: number | null; remainingTokens: number | null; resetAt: number | null }
}

export type CallClocks = {
  /** Until the response headers. */
  headersMs: number
  /** Between two events with content; keep-alives do not count. */
  idleMs: number
  totalMs: number
}

export type CallContext = {
  signal: AbortSignal
  clocks: CallClocks
  onText?: (delta: string) => void
  /** Called once when the first byte leaves: from here on money may be owed. */
  onSent?: () => void
}

export type Capabilities = {
  tools: boolean
  jsonSchema: 'strict' | 'json_object' | 'prompt'
  temperature: boolean
  reasoning: boolean
  promptCache: 'auto' | 'explicit' | 'none'
  countTokens: boolean
  mcp: boolean
  previousResponse: boolean
  store: boolean
}

/** The port: one wire protocol. Adapters stand in `providers/`; test/conformance/llm-provider.test.ts is for all of them. */
export type Provider = {
  readonly name: string
  /** @throws ProviderFailure */
  send(request: ProviderRequest, context: CallContext): Promise<ProviderAnswer>
  /** Input tokens as the provider counts them; undefined where it does not offer that. */
  countTokens?(request: ProviderRequest, context: Pick<CallContext, 'signal'>): Promise<number | undefined>
  listModels(context: Pick<CallContext, 'signal'>): Promise<{ id: string; contextWindow: number | null }[]>
  /** Closes its sockets. */
  close(): Promise<void>
}

export type ProviderOptions = {
  /** Name in the routing table: 'openai', 'anthropic', 'ollama', ... */
  name: string
  apiKey: string
  baseUrl?: string
  headers?: Readonly<Record<string, string>>
  capabilities: Capabilities
  /** Servers with habits of their own behind a common protocol; taken from the name where it is absent. */
  dialect?: 'ollama' | 'openrouter'
  /** For waits that are told as a time of day; the system's where it is absent. */
  clock?: Clock
  /** undici's fetch with the proxy and the extra CA, or the one of a test. */
  fetch: typeof globalThis.fetch
}
