import type OpenAI from 'openai'
import type { CallContext, ChatMessage, Provider, ProviderAnswer, ProviderOptions, ProviderRequest, ToolCall } from '../provider.ts'
import { type Wire, attempt, fromHeaders } from './attempt.ts'
import { failureOf, unsent } from './classify.ts'
import { createOllama } from './ollama.ts'
import { createOpenaiClient } from './openai-client.ts'
import {
  argumentsOf,
  conversation,
  droppedParams,
  isObject,
  isStrictSchema,
  row,
  rows,
  schemaName,
  systemTexts,
  toolCall,
} from './translate.ts'
import { openaiUsage, reportedCost } from './usage.ts'

type Row = Readonly<Record<string, unknown>>

/** Reasoning and signatures that compatible servers want back with the next turn. */
type State = { reasoning_details?: readonly unknown[]; reasoning_content?: string; extras?: Readonly<Record<string, unknown>> }

/** Chat Completions for compatible servers: Ollama, vLLM, llama.cpp, Gemini's end point, OpenRouter, Groq. */
export function createChatProvider(options: ProviderOptions): Provider {
  const dialect = options.dialect ?? (['ollama', 'openrouter'] as const).find((name) => name === options.name)
  const ollama = dialect === 'ollama' ? createOllama(options) : undefined
  // servers on the own machine want no key, but the SDK does
  const openai = createOpenaiClient(options, options.apiKey || 'none')

  const listModels: Provider['listModels'] = async (context) =>
    (await ollama?.list(context)) ??
    attempt(options, context, async (wire) => {
      const found: { id: string; contextWindow: number | null }[] = []
      for await (const model of (await openai.connect(wire)).models.list({ signal: wire.signal }))
        found.push({ id: model.id, contextWindow: windowOf(model as unknown as Row) })
      return found
    })

  /** What 'auto' stands for: the first model of the server that can do what is asked. */
  const modelFor = async (request: ProviderRequest, context: CallContext): Promise<string> => {
    if (request.model !== 'auto') return request.model
    if (ollama) return await ollama.firstCapable(request, context)
    const first = (await listModels(context)).find(({ id }) => !/embed/i.test(id))
    if (!first) throw failureOf('model_not_found', `The provider ${options.name} lists no model.`, unsent(options))
    return first.id
  }

  return {
    name: options.name,
    async send(asked, context) {
      const request = { ...asked, model: await modelFor(asked, context) }
      const window = (await ollama?.demandRoom(request, context)) ?? null
      await openai.load()
      const answer = await attempt(options, context, async (wire) => {
        const collected = collect(wire, options)
        const api = await openai.connect(wire)
        const body = chatBody(options, dialect, request) as unknown as OpenAI.ChatCompletionCreateParamsStreaming
        const stream = await api.chat.completions.create(body, { signal: wire.signal })
        for await (const chunk of stream) collected.add(row(chunk))
        const whole = wire.buffered()
        if (whole) collected.add(whole)
        return collected.answer(request)
      })
      ollama?.noticeTruncation(request, answer, window)
      return answer
    },
    listModels,
    // the transport under `fetch` belongs to who gave it
    async close() {},
  }
}

/** vLLM, OpenRouter, Groq and llama.cpp tell the window in their lists, each under another name. */
function windowOf(model: Row): number | null {
  const meta = row(model['meta'])
  const values = [model['max_model_len'], model['context_length'], model['context_window'], meta['n_ctx'], meta['n_ctx_train']]
  return values.find((value): value is number => typeof value === 'number' && value > 0) ?? null
}

function chatBody(options: ProviderOptions, dialect: ProviderOptions['dialect'], request: ProviderRequest): Row {
  const { capabilities } = options
  const schema = request.responseSchema
  const tools = capabilities.tools ? (request.tools ?? []) : []
  return {
    model: request.model,
    messages: [...systemMessages(options, request), ...conversation(request.messages).map((message) => messageOut(options, message))],
    max_tokens: request.maxOutputTokens,
    stream: true,
    stream_options: { include_usage: true },
    ...(capabilities.temperature && request.temperature !== undefined ? { temperature: request.temperature } : {}),
    ...(capabilities.reasoning && request.reasoning !== undefined ? { reasoning_effort: request.reasoning } : {}),
    ...(tools.length > 0
      ? {
          tools: tools.map(({ name, description, parameters }) => ({
            type: 'function',
            function: {
              name,
              description,
              parameters,
              ...(isStrictSchema(parameters) && capabilities.jsonSchema === 'strict' ? { strict: true } : {}),
            },
          })),
        }
      : {}),
    ...(schema && capabilities.jsonSchema === 'strict'
      ? {
          response_format: {
            type: 'json_schema',
            json_schema: { name: schemaName(schema.name), schema: schema.schema, strict: isStrictSchema(schema.schema) },
          },
        }
      : {}),
    ...(schema && capabilities.jsonSchema === 'json_object' ? { response_format: { type: 'json_object' } } : {}),
    ...(dialect === 'openrouter' && (schema || tools.length > 0) ? { provider: { require_parameters: true } } : {}),
    ...(capabilities.store && request.store !== undefined ? { store: request.store } : {}),
  }
}

function systemMessages(options: ProviderOptions, request: ProviderRequest): Row[] {
  const texts = systemTexts(options, request)
  if (texts.length === 0) return []
  const marked = options.capabilities.promptCache === 'explicit' && request.promptCacheKey !== undefined
  const parts = texts.map((text, index) => ({
    type: 'text',
    text,
    ...(index === texts.length - 1 ? { cache_control: { type: 'ephemeral' } } : {}),
  }))
  // one message: the templates of many local models take no second one
  return [{ role: 'system', content: marked ? parts : texts.join('\n\n') }]
}

function messageOut(options: ProviderOptions, message: ChatMessage): Row {
  if (message.role === 'tool') return { role: 'tool', tool_call_id: message.toolCallId, content: message.content }
  if (message.role !== 'assistant') return { role: message.role, content: message.content }
  const state = message.state?.provider === options.name ? (message.state.data as State) : {}
  const { extras, ...reasoning } = state
  const calls = (message.toolCalls ?? []).map((call) => ({
    id: call.id,
    type: 'function',
    function: { name: call.toolName, arguments: argumentsOf(call) },
    ...(extras?.[call.id] === undefined ? {} : { extra_content: extras[call.id] }),
  }))
  return { role: 'assistant', content: message.content, ...reasoning, ...(calls.length > 0 ? { tool_calls: calls } : {}) }
}

/** Collects the chunks of one answer; a finish reason has to come, else the stream was cut. */
function collect(wire: Wire, options: ProviderOptions) {
  let [text, refusal, thought] = ['', '', '']
  const calls = new Map<number, { id: string; name: string; text: string; extra: unknown }>()
  const details: unknown[] = []
  let finish: string | undefined
  let [model, id]: [string | undefined, string | undefined] = [undefined, undefined]
  let usage: unknown

  const delta = (part: Row) => {
    const string = (name: string) => (typeof part[name] === 'string' ? part[name] : '')
    text += string('content')
    refusal += string('refusal')
    thought += string('reasoning_content')
    if (Array.isArray(part['reasoning_details'])) details.push(...(part['reasoning_details'] as unknown[]))
    for (const [at, raw] of rows(part['tool_calls']).entries()) {
      const index = typeof raw['index'] === 'number' ? raw['index'] : at
      const call = calls.get(index) ?? { id: '', name: '', text: '', extra: undefined }
      const fn = row(raw['function'])
      calls.set(index, {
        id: call.id || String(raw['id'] ?? ''),
        name: call.name || String(fn['name'] ?? ''),
        text:
          call.text +
          (typeof fn['arguments'] === 'string' ? fn['arguments'] : isObject(fn['arguments']) ? JSON.stringify(fn['arguments']) : ''),
        extra: raw['extra_content'] ?? call.extra,
      })
    }
    if (Object.entries(part).some(([name, value]) => name !== 'role' && value !== null && value !== '')) wire.content()
    wire.text(string('content'))
  }

  const add = (chunk: Row) => {
    if (typeof chunk['model'] === 'string') model = chunk['model']
    if (typeof chunk['id'] === 'string' && chunk['id'] !== '') id = chunk['id']
    if (isObject(chunk['usage'])) {
      usage = chunk['usage']
      wire.content()
    }
    const choice = rows(chunk['choices'])[0]
    if (!choice) return
    const part = choice['delta'] ?? choice['message']
    if (isObject(part)) delta(part)
    if (typeof choice['finish_reason'] === 'string') {
      finish = choice['finish_reason']
      wire.content()
    }
  }

  return {
    add,
    answer(request: ProviderRequest): ProviderAnswer {
      if (finish === undefined) throw failureOf('truncated', `The stream of ${options.name} ended before its answer did.`, wire.state)
      if (finish === 'error') throw failureOf('server', `The model behind ${options.name} failed while it answered.`, wire.state)
      const toolCalls: ToolCall[] = [...calls].map(([index, call]) => toolCall(call.id || `call_${index + 1}`, call.name, call.text))
      const extras = Object.fromEntries([...calls.values()].filter((call) => call.extra !== undefined).map((call) => [call.id, call.extra]))
      const state: State = {
        ...(details.length > 0 ? { reasoning_details: details } : {}),
        // only with the calls it led to; a finished thought is not asked back
        ...(thought !== '' && calls.size > 0 ? { reasoning_content: thought } : {}),
        ...(Object.keys(extras).length > 0 ? { extras } : {}),
      }
      return {
        text: refusal === '' ? text : text + refusal,
        toolCalls,
        stop: refusal !== '' || finish === 'content_filter' ? 'refusal' : finish === 'length' ? 'length' : calls.size > 0 ? 'tool' : 'end',
        usage: openaiUsage(usage),
        servedModel: model ?? request.model,
        remoteId: id ?? null,
        reportedCostUsd: reportedCost(usage),
        ...(Object.keys(state).length > 0 ? { state: { provider: options.name, data: state } } : {}),
        droppedParams: droppedParams(options, request),
        ...fromHeaders(wire.state),
      }
    },
  }
}
