import type OpenAI from 'openai'
import type { ChatMessage, Provider, ProviderAnswer, ProviderOptions, ProviderRequest, ToolCall } from '../provider.ts'
import { type Wire, attempt, fromHeaders } from './attempt.ts'
import { failureOf, reasonOfCodes } from './classify.ts'
import { createOpenaiClient } from './openai-client.ts'
import {
  argumentsOf,
  conversation,
  demandKey,
  droppedParams,
  isObject,
  isStrictSchema,
  leadingSystem,
  mcpServers,
  row,
  rows,
  schemaName,
  wantedForm,
  toolCall,
} from './translate.ts'
import { openaiUsage, reportedCost } from './usage.ts'

type Row = Readonly<Record<string, unknown>>

/** OpenAI Responses. Stateless by default: `store: false`, the transcript of the caller is the truth. */
export function createResponsesProvider(options: ProviderOptions): Provider {
  const openai = createOpenaiClient(options, options.apiKey)
  const client = (wire: Wire) => {
    demandKey(options)
    return openai.connect(wire)
  }

  return {
    name: options.name,
    async send(request, context) {
      await openai.load()
      return await attempt(options, context, async (wire) => {
        const api = await client(wire)
        const body = { ...responsesBody(options, request), stream: true } as unknown as OpenAI.Responses.ResponseCreateParamsStreaming
        const stream = await api.responses.create(body, { signal: wire.signal })
        let last: Row | undefined
        let text = ''
        for await (const event of stream as AsyncIterable<unknown>) {
          const { type, delta, response } = row(event)
          if (type === 'error') throw Object.assign(new Error('an error event'), { error: event })
          if (typeof type !== 'string' || !/\.(delta|done|added|completed|incomplete|failed)$/.test(type)) continue
          wire.content()
          if (typeof delta === 'string' && /^response\.(output_text|refusal)\.delta$/.test(type)) {
            text += delta
            if (type === 'response.output_text.delta') wire.text(delta)
          }
          if (/^response\.(completed|incomplete|failed|cancelled)$/.test(type) && isObject(response)) last = response
        }
        last ??= wire.buffered()
        if (!last) throw failureOf('truncated', `The stream of ${options.name} ended before its answer did.`, wire.state)
        return answerOf(options, request, wire, last, text)
      })
    },
    async countTokens(request, context) {
      if (!options.capabilities.countTokens) return undefined
      return await attempt(options, context, async (wire) => {
        const {
          max_output_tokens: _max,
          store: _store,
          include: _include,
          temperature: _temperature,
          ...body
        } = responsesBody(options, request)
        const params = body as unknown as OpenAI.Responses.InputTokenCountParams
        return (await (await client(wire)).responses.inputTokens.count(params, { signal: wire.signal })).input_tokens
      })
    },
    listModels: (context) =>
      attempt(options, context, async (wire) => {
        const found: { id: string; contextWindow: number | null }[] = []
        for await (const model of (await client(wire)).models.list({ signal: wire.signal }))
          found.push({ id: model.id, contextWindow: null })
        return found
      }),
    // the transport under `fetch` belongs to who gave it
    async close() {},
  }
}

function responsesBody(options: ProviderOptions, request: ProviderRequest): Record<string, unknown> {
  const { capabilities } = options
  const instructions = leadingSystem(request.messages).map((message) => message.content)
  const wanted = wantedForm(options, request)
  const schema = request.responseSchema
  const tools = [...(capabilities.tools ? functionTools(request) : []), ...(capabilities.mcp ? mcpTools(request) : [])]
  const store = capabilities.store && request.store === true
  return {
    model: request.model,
    // they are not inherited through previous_response_id, so they go with every request
    ...(instructions.length > 0 ? { instructions: instructions.join('\n\n') } : {}),
    input: [
      // `json_object` wants the word in the input; the instructions do not count
      ...(wanted === undefined ? [] : [{ role: 'developer', content: wanted }]),
      ...conversation(request.messages).flatMap((message) => itemsOf(options, message)),
    ],
    max_output_tokens: request.maxOutputTokens,
    store,
    // what the model thought comes back sealed, for the next turn
    ...(!store && capabilities.reasoning ? { include: ['reasoning.encrypted_content'] } : {}),
    ...(capabilities.reasoning && request.reasoning !== undefined ? { reasoning: { effort: request.reasoning } } : {}),
    ...(capabilities.temperature && request.temperature !== undefined ? { temperature: request.temperature } : {}),
    ...(tools.length > 0 ? { tools } : {}),
    ...(schema && capabilities.jsonSchema === 'strict'
      ? {
          text: {
            format: { type: 'json_schema', name: schemaName(schema.name), schema: schema.schema, strict: isStrictSchema(schema.schema) },
          },
        }
      : {}),
    ...(schema && capabilities.jsonSchema === 'json_object' ? { text: { format: { type: 'json_object' } } } : {}),
    ...(capabilities.previousResponse && request.previousResponseId !== undefined
      ? { previous_response_id: request.previousResponseId }
      : {}),
    ...(capabilities.promptCache !== 'none' && request.promptCacheKey !== undefined ? { prompt_cache_key: request.promptCacheKey } : {}),
  }
}

function functionTools(request: ProviderRequest): Row[] {
  return (request.tools ?? []).map(({ name, description, parameters }) => ({
    type: 'function',
    name,
    description,
    parameters,
    strict: isStrictSchema(parameters),
  }))
}

function mcpTools(request: ProviderRequest): Row[] {
  return mcpServers(request.mcpServers ?? []).map((server) => ({
    type: 'mcp',
    server_label: server.name,
    ...(server.url === undefined ? {} : { server_url: server.url }),
    ...(server.connector === undefined ? {} : { connector_id: server.connector }),
    ...(server.authorization === undefined ? {} : { authorization: server.authorization }),
    ...(server.headers ? { headers: server.headers } : {}),
    ...(server.allowedTools ? { allowed_tools: server.allowedTools } : {}),
    ...(server.requireApproval === undefined ? {} : { require_approval: server.requireApproval }),
  }))
}

function itemsOf(options: ProviderOptions, message: ChatMessage): Row[] {
  if (message.role === 'tool') return [{ type: 'function_call_output', call_id: message.toolCallId, output: message.content }]
  if (message.role !== 'assistant') return [{ role: message.role === 'system' ? 'developer' : 'user', content: message.content }]
  if (message.state?.provider === options.name) return message.state.data as Row[]
  const text = message.content === '' ? [] : [{ role: 'assistant', content: message.content }]
  const calls = (message.toolCalls ?? []).map((call) => ({
    type: 'function_call',
    call_id: call.id,
    name: call.toolName,
    arguments: argumentsOf(call),
  }))
  return [...text, ...calls]
}

/** A finished response as our answer; `failed` and `cancelled` come with HTTP 200 and are failures. */
function answerOf(options: ProviderOptions, request: ProviderRequest, wire: Wire, response: Row, streamed: string): ProviderAnswer {
  const { status } = response
  const error = row(response['error'])
  if (status !== 'completed' && status !== 'incomplete') {
    const reason = reasonOfCodes([String(error['code'] ?? '')]) ?? (status === 'failed' ? 'server' : 'truncated')
    throw failureOf(reason, `The provider ${options.name} failed: ${String(error['message'] ?? status)}`, wire.state)
  }
  const output = rows(response['output'])
  const parts = output.filter((item) => item['type'] === 'message').flatMap((item) => rows(item['content']))
  const refused = parts.some((part) => part['type'] === 'refusal')
  const text = parts.map((part) => part['text'] ?? part['refusal']).filter((part) => typeof part === 'string')
  const toolCalls: ToolCall[] = output
    .filter((item) => item['type'] === 'function_call')
    .map((item) => toolCall(String(item['call_id']), String(item['name']), String(item['arguments'] ?? '')))
  const incomplete = row(response['incomplete_details'])['reason']
  const cut = status === 'incomplete' ? (incomplete === 'content_filter' ? 'refusal' : 'length') : undefined
  // a plain message needs nothing that its text does not tell
  const keep = output.some((item) => item['type'] !== 'message' && item['type'] !== 'function_call')
  return {
    text: text.length > 0 ? text.join('') : streamed,
    toolCalls,
    stop: refused ? 'refusal' : (cut ?? (toolCalls.length > 0 ? 'tool' : 'end')),
    usage: openaiUsage(response['usage']),
    servedModel: typeof response['model'] === 'string' ? response['model'] : request.model,
    remoteId: typeof response['id'] === 'string' ? response['id'] : null,
    reportedCostUsd: reportedCost(response['usage']),
    ...(keep ? { state: { provider: options.name, data: output } } : {}),
    droppedParams: droppedParams(options, request),
    ...fromHeaders(wire.state),
  }
}
