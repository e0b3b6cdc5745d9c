import type { CallContext, ProviderAnswer, ProviderOptions, ProviderRequest } from '../provider.ts'
import { attempt } from './attempt.ts'
import { failureOf } from './classify.ts'

type Row = Readonly<Record<string, unknown>>
type Context = Pick<CallContext, 'signal'>

/** More bytes than this for one token are not seen in text: what needs more tokens than a window has cannot fit. */
const MOST_BYTES_PER_TOKEN = 10
/** Usual bytes per token of English and of code, with room; for what is probable, not for what is certain. */
const USUAL_BYTES_PER_TOKEN = 5

/** What Ollama does besides the common protocol: it lists models with their abilities, and cuts what does not fit without a word. */
export function createOllama(options: ProviderOptions) {
  const base = (options.baseUrl ?? 'http://127.0.0.1:11434/v1').replace(/\/v1\/?$/, '')
  const shown = new Map<string, Promise<Row>>()

  const ask = (path: string, context: Context, body?: Row) =>
    attempt(options, { signal: context.signal }, async (wire) => {
      const init = { signal: wire.signal, headers: { ...options.headers, 'content-type': 'application/json' } }
      const response = await wire.fetch(`${base}${path}`, body ? { ...init, method: 'POST', body: JSON.stringify(body) } : init)
      if (!response.ok) throw Object.assign(new Error(`${path}: ${response.status}`), { status: response.status })
      return (await response.json()) as Row
    })

  const show = (model: string, context: Context) => {
    const known = shown.get(model) ?? ask('/api/show', context, { model })
    shown.set(model, known)
    // what failed once is asked again
    known.catch(() => shown.delete(model))
    return known
  }

  /** Tokens the server really has for a model: what is loaded, else what it is set to, else null. Its trained window is no promise. */
  const window = async (model: string, context: Context): Promise<number | null> => {
    const loaded = await ask('/api/ps', context)
    const row = ((loaded['models'] as Row[] | undefined) ?? []).find((each) => each['model'] === model || each['name'] === model)
    if (typeof row?.['context_length'] === 'number') return row['context_length']
    const { parameters } = await show(model, context)
    const set = typeof parameters === 'string' ? /^num_ctx\s+(\d+)/m.exec(parameters)?.[1] : undefined
    return set === undefined ? null : Number(set)
  }

  return {
    window,

    /** The first model of the server that can do what the request asks. @throws ProviderFailure model_not_found */
    async firstCapable(request: ProviderRequest, context: Context): Promise<string> {
      const { models } = await ask('/api/tags', context)
      const needs = ['completion', ...(options.capabilities.tools && (request.tools?.length ?? 0) > 0 ? ['tools'] : [])]
      for (const model of (models as Row[] | undefined) ?? []) {
        const name = String(model['model'] ?? model['name'])
        const { capabilities } = await show(name, context)
        // servers before 0.6 tell no abilities
        if (!Array.isArray(capabilities) || needs.every((need) => capabilities.includes(need))) return name
      }
      throw failureOf('model_not_found', `No model on ${options.name} can do this: ${needs.join(', ')}.`, nothingSent(options))
    },

    /** @throws ProviderFailure context_overflow, before a request that cannot fit is sent */
    async refuseOverflow(request: ProviderRequest, context: Context): Promise<void> {
      const tokens = await window(request.model, context)
      if (tokens === null || bytesOf(request) / MOST_BYTES_PER_TOKEN <= tokens) return
      throw failureOf('context_overflow', `The request does not fit into the ${tokens} tokens ${request.model} has.`, nothingSent(options))
    },

    /** @throws ProviderFailure context_overflow where the server worked on far less than it was sent */
    noticeTruncation(request: ProviderRequest, answer: ProviderAnswer): void {
      const read = answer.usage?.input
      const bytes = bytesOf(request)
      // small requests are mostly template: no ratio says anything about them
      if (read === undefined || bytes < 4096 || bytes / read <= USUAL_BYTES_PER_TOKEN * 2) return
      throw failureOf(
        'context_overflow',
        `${request.model} read ${read} tokens of a request of ${bytes} bytes: the rest was cut without a word. Give it a larger window.`,
        { ...nothingSent(options), sent: true, status: 200 },
      )
    },
  }
}

function nothingSent(options: ProviderOptions) {
  return { provider: options.name, stopped: null, sent: false, status: null, headers: null }
}

function bytesOf(request: ProviderRequest): number {
  const texts = request.messages.map((message) => message.content).concat(JSON.stringify(request.tools ?? []))
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}
