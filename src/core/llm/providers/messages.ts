import type Anthropic from '@anthropic-ai/sdk'
import type { ChatMessage, Provider, ProviderAnswer, ProviderOptions, ProviderRequest } from '../provider.ts'
import { SDK_TIMEOUT_MS, type Wire, attempt, fromHeaders } from './attempt.ts'
import { failureOf } from './classify.ts'
import { type Collected, collectMessage } from './message-events.ts'
import { conversation, demandKey, droppedParams, isObject, mcpServers, systemTexts } from './translate.ts'
import { addUsage } from './usage.ts'

type Row = Readonly<Record<string, unknown>>

/** The API version whose `mcp_servers` come with toolsets. */
const MCP_BETA = 'mcp-client-2025-11-20'
/** A server-side tool may pause a turn; more often than this in one answer is a loop. */
const MOST_PAUSES = 8

/** Anthropic Messages. */
export function createMessagesProvider(options: ProviderOptions): Provider {
  let sdk: Promise<{ Client: typeof Anthropic; transform: (schema: Row) => Row }> | undefined
  /** Outside of the clocks: loading a package is no part of a call. */
  const load = () =>
    (sdk ??= Promise.all([import('@anthropic-ai/sdk'), import('@anthropic-ai/sdk/lib/transform-json-schema')]).then(([client, helper]) => ({
      Client: client.default,
      // keywords the provider does not enforce move into descriptions; the answer is checked against the real schema anyway
      transform: (schema) => helper.transformJSONSchema(schema as never) as Row,
    })))
  const client = async (wire: Wire) => {
    demandKey(options)
    const { Client } = await load()
    return new Client({
      apiKey: options.apiKey || null,
      baseURL: options.baseUrl ?? 'https://api.anthropic.com',
      webhookKey: null,
      defaultHeaders: { ...options.headers },
      maxRetries: 0,
      timeout: SDK_TIMEOUT_MS,
      logLevel: 'off',
      openTelemetry: false,
      fetch: wire.fetch,
    })
  }

  return {
    name: options.name,
    async send(request, context) {
      const { transform } = await load()
      return await attempt(options, context, async (wire) => {
        const api = await client(wire)
        const { body, beta } = messagesBody(options, request, transform)
        const answers: Collected[] = []
        let messages = body['messages'] as readonly Row[]
        for (let turn = 0; turn <= MOST_PAUSES; turn++) {
          const params = { ...body, messages, stream: true as const } as unknown as Anthropic.MessageCreateParamsStreaming
          const stream = beta
            ? await api.beta.messages.create({ ...params, betas: [MCP_BETA] } as never, { signal: wire.signal })
            : await api.messages.create(params, { signal: wire.signal })
          const answer = await collectMessage(stream as unknown as AsyncIterable<unknown>, wire)
          if (!answer) throw failureOf('truncated', `The stream of ${options.name} ended before its answer did.`, wire.state)
          answers.push(answer)
          if (answer.stopReason !== 'pause_turn') return answerOf(options, request, wire, answers)
          // a paused turn goes back as it is, and the provider goes on
          messages = [...messages, { role: 'assistant', content: answer.blocks }]
        }
        throw failureOf('truncated', `The provider ${options.name} paused ${MOST_PAUSES} times without an answer.`, wire.state)
      })
    },
    async countTokens(request, context) {
      if (!options.capabilities.countTokens) return undefined
      return await attempt(options, context, async (wire) => {
        const api = await client(wire)
        const { body } = messagesBody(options, { ...request, mcpServers: [] }, (await load()).transform)
        const { max_tokens: _max, temperature: _temperature, ...params } = body
        return (await api.messages.countTokens(params as unknown as Anthropic.MessageCountTokensParams, { signal: wire.signal }))
          .input_tokens
      })
    },
    listModels: (context) =>
      attempt(options, context, async (wire) => {
        const found: { id: string; contextWindow: number | null }[] = []
        for await (const model of (await client(wire)).models.list({}, { signal: wire.signal })) {
          const window = (model as { max_input_tokens?: unknown }).max_input_tokens
          found.push({ id: model.id, contextWindow: typeof window === 'number' ? window : null })
        }
        return found
      }),
    // the transport under `fetch` belongs to who gave it
    async close() {},
  }
}

function messagesBody(
  options: ProviderOptions,
  request: ProviderRequest,
  transform: (schema: Row) => Row,
): { body: Record<string, unknown>; beta: boolean } {
  const { capabilities } = options
  const schema = capabilities.jsonSchema === 'strict' ? request.responseSchema : undefined
  const servers = capabilities.mcp ? mcpServers(request.mcpServers ?? []) : []
  const marked = capabilities.promptCache === 'explicit' && request.promptCacheKey !== undefined
  const system = systemTexts(options, request).map((text) => ({ type: 'text', text }))
  const tools = [
    ...(capabilities.tools ? (request.tools ?? []) : []).map(({ name, description, parameters }) => ({
      name,
      description,
      input_schema: parameters,
    })),
    ...servers.map((server) => ({
      type: 'mcp_toolset',
      mcp_server_name: server.name,
      ...(server.allowedTools
        ? { default_config: { enabled: false }, configs: Object.fromEntries(server.allowedTools.map((tool) => [tool, { enabled: true }])) }
        : {}),
    })),
  ]
  const effort = capabilities.reasoning ? request.reasoning : undefined
  const config = {
    ...(schema ? { format: { type: 'json_schema', schema: transform(schema.schema) } } : {}),
    ...(effort === undefined || effort === 'none' ? {} : { effort: effort === 'minimal' ? 'low' : effort }),
  }
  const body = {
    model: request.model,
    max_tokens: request.maxOutputTokens,
    ...(system.length > 0 ? { system: marked ? withBreakpoint(system) : system } : {}),
    messages: turnsOf(options, conversation(request.messages)),
    // tools come before the system texts in the prefix, so each gets a breakpoint of its own
    ...(tools.length > 0 ? { tools: marked ? withBreakpoint(tools) : tools } : {}),
    ...(effort === undefined ? {} : { thinking: effort === 'none' ? { type: 'disabled' } : { type: 'adaptive' } }),
    ...(Object.keys(config).length > 0 ? { output_config: config } : {}),
    ...(capabilities.temperature && request.temperature !== undefined ? { temperature: request.temperature } : {}),
    ...(servers.length > 0
      ? {
          mcp_servers: servers.map(({ name, url, authorization }) => ({
            type: 'url',
            name,
            url,
            ...(authorization === undefined ? {} : { authorization_token: authorization }),
          })),
        }
      : {}),
  }
  return { body, beta: servers.length > 0 }
}

function withBreakpoint(rows: readonly Row[]): Row[] {
  return rows.map((row, index) => (index === rows.length - 1 ? { ...row, cache_control: { type: 'ephemeral' } } : row))
}

/** Turns take each other's place: what follows in the same role becomes one turn, empty texts are refused by the provider. */
function turnsOf(options: ProviderOptions, messages: readonly ChatMessage[]): Row[] {
  const turns: { role: 'user' | 'assistant'; content: Row[] }[] = []
  for (const message of messages) {
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const blocks = blocksOf(options, message)
    if (blocks.length === 0) continue
    const last = turns.at(-1)
    if (last?.role === role) last.content.push(...blocks)
    else turns.push({ role, content: [...blocks] })
  }
  return turns
}

function blocksOf(options: ProviderOptions, message: ChatMessage): Row[] {
  const text = message.content === '' ? [] : [{ type: 'text', text: message.content }]
  if (message.role === 'tool')
    return [
      { type: 'tool_result', tool_use_id: message.toolCallId, content: message.content, ...(message.isError ? { is_error: true } : {}) },
    ]
  if (message.role !== 'assistant') return text
  // thinking blocks carry signatures: they go back unchanged
  if (message.state?.provider === options.name) return message.state.data as Row[]
  const calls = (message.toolCalls ?? []).map((call) => ({
    type: 'tool_use',
    id: call.id,
    name: call.toolName,
    input: isObject(call.params) ? call.params : { invalid: call.raw ?? call.params },
  }))
  return [...text, ...calls]
}

const STOP: Readonly<Record<string, ProviderAnswer['stop']>> = {
  tool_use: 'tool',
  max_tokens: 'length',
  refusal: 'refusal',
  model_context_window_exceeded: 'context',
}

function answerOf(options: ProviderOptions, request: ProviderRequest, wire: Wire, answers: readonly Collected[]): ProviderAnswer {
  const last = answers.at(-1)!
  const blocks = answers.flatMap((answer) => answer.blocks)
  return {
    text: answers.map((answer) => answer.text).join(''),
    toolCalls: answers.flatMap((answer) => answer.toolCalls),
    stop: STOP[last.stopReason] ?? 'end',
    usage: answers.map((answer) => answer.usage).reduce(addUsage),
    servedModel: last.model ?? request.model,
    remoteId: last.id,
    reportedCostUsd: null,
    // a plain message needs nothing that its text and its calls do not tell
    ...(blocks.some((block) => block['type'] !== 'text' && block['type'] !== 'tool_use')
      ? { state: { provider: options.name, data: blocks } }
      : {}),
    droppedParams: droppedParams(options, request),
    ...fromHeaders(wire.state),
  }
}
