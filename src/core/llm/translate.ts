import type { CallClocks, ChatMessage, ProviderRequest, ToolSpec } from './provider.ts'
import type { RequestMessage, StoredRequest } from './request.ts'
import type { Candidate } from './routing.ts'

const HEADERS_MS = 60_000
const IDLE_MS = 90_000
/** What is sent where neither the request nor the model says how long an answer may be. */
const DEFAULT_MAX_TOKENS = 8_192

/** The three clocks of one call; the first two never beyond the total. */
export function clocksOf({ provider }: Candidate, totalMs: number): CallClocks {
  return { headersMs: Math.min(provider.headersMs ?? HEADERS_MS, totalMs), idleMs: Math.min(IDLE_MS, totalMs), totalMs }
}

/** Output tokens that are asked for; always sent, because it bounds the cost. */
export function maxOutputOf(request: StoredRequest, model: { maxOutputTokens: number }, longer = 1): number {
  const asked = request.max_tokens ?? request.options?.max_tokens ?? DEFAULT_MAX_TOKENS
  return Math.min(model.maxOutputTokens, asked * longer)
}

/** Input tokens at 3.8 bytes each, what English and code come to; for buckets and windows, never for money. */
export function roughTokens({ messages, context, tools }: StoredRequest): number {
  const bytes = messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0) + JSON.stringify([context, tools]).length
  return Math.ceil(bytes / 3.8)
}

/** The seeds' request in the neutral form adapters take. */
export function toProviderRequest(
  request: StoredRequest,
  { model }: Candidate,
  next: { reask: readonly ChatMessage[] | null; longer: number; reasoning: string | null },
): ProviderRequest {
  const temperature = request.temperature ?? request.options?.temperature
  const { response_schema: schema, previous_response_id: previous, mcp_servers: mcp, store } = request
  return {
    model: model.id,
    messages: [...promptOf(request), ...(next.reask ?? [])],
    maxOutputTokens: maxOutputOf(request, model, next.longer),
    ...(temperature !== undefined && { temperature }),
    ...(schema && { responseSchema: { name: schemaName(schema), schema } }),
    ...(request.tools && { tools: request.tools.map(toToolSpec) }),
    ...(next.reasoning !== null && { reasoning: next.reasoning }),
    ...(previous !== undefined && { previousResponseId: previous }),
    ...(mcp && { mcpServers: mcp }),
    ...(store !== undefined && { store }),
    promptCacheKey: `${request.agent_id}/${request.task_type}`.slice(0, 64),
  }
}

/** Under this key of `context` stands what a prompt was made of; it is kept with the request and never sent. */
export const PROVENANCE = 'singularity'

/** `context` is data about the question: told once, after the instructions, which stay a stable prefix for the provider's cache. */
function promptOf(request: StoredRequest): ChatMessage[] {
  const messages = request.messages.map(toChatMessage)
  const told = Object.entries(request.context ?? {}).filter(([key]) => key !== PROVENANCE)
  if (told.length === 0) return messages
  const first = messages.findIndex(({ role }) => role !== 'system')
  const at = first === -1 ? messages.length : first
  return messages.toSpliced(at, 0, { role: 'system', content: `Context (JSON):\n${JSON.stringify(Object.fromEntries(told))}` })
}

/** Bytes of text that leave this machine for a request. */
export function sentBytes(request: StoredRequest): number {
  const texts = promptOf(request).map(({ content }) => content)
  const more = [request.response_schema, request.tools].filter((part) => part !== undefined).map((part) => JSON.stringify(part))
  return [...texts, ...more].reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}

function toChatMessage(message: RequestMessage): ChatMessage {
  switch (message.role) {
    case 'system':
    case 'user':
      return { role: message.role, content: message.content }
    case 'assistant':
      return {
        role: 'assistant',
        content: message.content,
        ...(message.tool_calls && {
          toolCalls: message.tool_calls.map(({ id, tool_name: toolName, params }) => ({ id, toolName, params })),
        }),
        ...(message.state && { state: message.state }),
      }
    case 'tool':
      return {
        role: 'tool',
        toolCallId: message.tool_call_id ?? '',
        content: message.content,
        ...(message.is_error !== undefined && { isError: message.is_error }),
      }
  }
}

/** Tools as programs write them: flat (`{name, description, parameters}`) or in OpenAI's or Anthropic's nesting. */
export function toToolSpec(tool: Readonly<Record<string, unknown>>): ToolSpec {
  const inner = (typeof tool['function'] === 'object' && tool['function'] !== null ? tool['function'] : tool) as Record<string, unknown>
  return {
    name: String(inner['name'] ?? ''),
    description: String(inner['description'] ?? ''),
    parameters: (inner['parameters'] ?? inner['input_schema'] ?? { type: 'object', properties: {} }) as Record<string, unknown>,
  }
}

/** Providers want a name of their own alphabet. */
function schemaName(schema: Readonly<Record<string, unknown>>): string {
  const title = String(schema['title'] ?? 'answer').replace(/[^\w-]/g, '_')
  return title.slice(0, 64) || 'answer'
}
