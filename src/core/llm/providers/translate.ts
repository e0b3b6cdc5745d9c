import { failureOf, unsent } from './classify.ts'
import type { ChatMessage, ProviderOptions, ProviderRequest, ToolCall } from '../provider.ts'

type Schema = Readonly<Record<string, unknown>>

/** The arguments of a tool call as the provider sent them. They are never repaired: what is no object keeps its text in `raw`. */
export function toolCall(id: string, toolName: string, text: string): ToolCall {
  // a tool without parameters is called with nothing by some servers
  if (text.trim() === '') return { id, toolName, params: {} }
  try {
    const params = JSON.parse(text) as unknown
    return isObject(params) ? { id, toolName, params } : { id, toolName, params, raw: text }
  } catch {
    return { id, toolName, params: text, raw: text }
  }
}

/** The text of a tool call's arguments, as it goes back to a provider. */
export function argumentsOf(call: ToolCall): string {
  return call.raw ?? JSON.stringify(call.params)
}

/** What a provider calls an object, or an empty one: nothing in its events is certain. */
export function row(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {}
}

/** The objects of what a provider calls a list. */
export function rows(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The fields of a request its provider cannot take, under the seeds' names. */
export function droppedParams({ capabilities }: ProviderOptions, request: ProviderRequest): string[] {
  const dropped: string[] = []
  const drop = (name: string, given: boolean, able: boolean) => {
    if (given && !able) dropped.push(name)
  }
  drop('temperature', request.temperature !== undefined, capabilities.temperature)
  drop('reasoning', request.reasoning !== undefined && request.reasoning !== 'none', capabilities.reasoning)
  drop('tools', (request.tools?.length ?? 0) > 0, capabilities.tools)
  drop('mcp_servers', (request.mcpServers?.length ?? 0) > 0, capabilities.mcp)
  drop('previous_response_id', request.previousResponseId !== undefined, capabilities.previousResponse)
  drop('store', request.store === true, capabilities.store)
  return dropped
}

/**
 * System texts with what the model has to know of the wanted form, where the server cannot be told: `json_object` only promises JSON,
 * `prompt` promises nothing. The schema comes last, so that the texts before it stay one stable prefix.
 */
export function systemTexts(options: ProviderOptions, request: ProviderRequest): string[] {
  const wanted = wantedForm(options, request)
  return [...leadingSystem(request.messages).map((message) => message.content), ...(wanted === undefined ? [] : [wanted])]
}

/** The form as a text, for servers that are not told it otherwise. */
export function wantedForm({ capabilities }: ProviderOptions, request: ProviderRequest): string | undefined {
  if (!request.responseSchema || capabilities.jsonSchema === 'strict') return undefined
  return `Answer with one JSON value that meets this JSON Schema, and with nothing else:\n${JSON.stringify(request.responseSchema.schema)}`
}

export function leadingSystem(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const end = messages.findIndex((message) => message.role !== 'system')
  return end === -1 ? messages : messages.slice(0, end)
}

/** Everything after the leading system messages. */
export function conversation(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  return messages.slice(leadingSystem(messages).length)
}

/** Whether OpenAI's strict mode takes a schema: every object closed and all its properties required. */
export function isStrictSchema(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.every(isStrictSchema)
  if (!isObject(schema)) return true
  const properties = isObject(schema['properties']) ? Object.keys(schema['properties']) : undefined
  const isObjectType = schema['type'] === 'object' || (Array.isArray(schema['type']) && schema['type'].includes('object'))
  if (properties || isObjectType) {
    const required = Array.isArray(schema['required']) ? schema['required'] : []
    if (schema['additionalProperties'] !== false || !properties?.every((name) => required.includes(name))) return false
  }
  const inner = (value: unknown) => (isObject(value) ? Object.values(value) : [])
  const { properties: named, $defs, definitions, items, anyOf, oneOf, allOf } = schema as Record<string, unknown>
  return [...inner(named), ...inner($defs), ...inner(definitions), items, anyOf, oneOf, allOf].every(isStrictSchema)
}

/** Names of schemas and tools as both APIs take them. */
export function schemaName(name: string): string {
  return name.replace(/[^\w-]/g, '_').slice(0, 64) || 'answer'
}

/** One entry of `mcp_servers` in the words of both providers' tables. */
export type McpServer = {
  name: string
  url: string | undefined
  connector: string | undefined
  authorization: string | undefined
  headers: Readonly<Record<string, string>> | undefined
  allowedTools: readonly string[] | undefined
  requireApproval: unknown
}

export function mcpServers(servers: readonly Schema[]): McpServer[] {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return servers.map((server, index) => {
    const configuration = isObject(server['tool_configuration']) ? server['tool_configuration'] : {}
    const allowed = server['allowed_tools'] ?? configuration['allowed_tools']
    return {
      name: text(server['name']) ?? text(server['server_label']) ?? `server_${index + 1}`,
      url: text(server['url']) ?? text(server['server_url']),
      connector: text(server['connector_id']),
      authorization: text(server['authorization_token']) ?? text(server['authorization']),
      headers: isObject(server['headers']) ? (server['headers'] as Record<string, string>) : undefined,
      allowedTools: Array.isArray(allowed) ? (allowed as string[]) : undefined,
      requireApproval: server['require_approval'],
    }
  })
}

/** @throws ProviderFailure auth, before anything is sent: an SDK without a key looks for one in places we did not name. */
export function demandKey(options: ProviderOptions): void {
  const names = Object.keys(options.headers ?? {}).map((name) => name.toLowerCase())
  if (options.apiKey !== '' || names.includes('authorization') || names.includes('x-api-key')) return
  throw failureOf('auth', `No key for the provider ${options.name}.`, unsent(options))
}
