import { ProviderFailure } from '../failure.ts'
import type { CallContext, ProviderAnswer, ProviderOptions, ProviderRequest } from '../provider.ts'
import { attempt } from './attempt.ts'
import { failureOf, unsent } from './classify.ts'
import { row, rows } from './translate.ts'

type Row = Readonly<Record<string, unknown>>
/** With the clocks of the call these questions are a part of, where there is one. */
type Context = Pick<CallContext, 'signal'> & Partial<Pick<CallContext, 'clocks'>>

/** No text has more bytes per token than this: what would need more tokens than a window has cannot fit. */
const MOST_BYTES_PER_TOKEN = 10
/** Below this size most of a request is the model's template, and no ratio says anything. */
const SMALL_BYTES = 4096

/** What Ollama does besides the common protocol: it lists models with their abilities, and cuts what does not fit without a word. */
export function createOllama(options: ProviderOptions) {
  const base = (options.baseUrl ?? 'http://127.0.0.1:11434/v1').replace(/\/v1\/?$/, '')
  const shown = new Map<string, Promise<Row>>()

  const ask = (path: string, context: Context, body?: Row): Promise<Row> =>
    attempt(options, { signal: context.signal, ...(context.clocks ? { clocks: context.clocks } : {}) }, async (wire) => {
      const init = { signal: wire.signal, headers: { ...options.headers, 'content-type': 'application/json' } }
      const response = await wire.fetch(`${base}${path}`, body ? { ...init, method: 'POST', body: JSON.stringify(body) } : init)
      if (response.ok) return row(await response.json())
      throw Object.assign(new Error(`${path} answered ${response.status}`), { status: response.status })
    })

  const show = (model: string, context: Context): Promise<Row> => {
    const known = shown.get(model) ?? ask('/api/show', context, { model })
    shown.set(model, known)
    // what failed once is asked again
    known.catch(() => shown.delete(model))
    return known
  }

  const names = async (context: Context) =>
    rows((await ask('/api/tags', context))['models']).map((model) => String(model['model'] ?? model['name']))

  /** Tokens the server really has for a model: what is loaded, else what it is set to, else null. What it was trained with is no promise. */
  const windowOf = async (model: string, context: Context): Promise<number | null> => {
    const loaded = rows((await ask('/api/ps', context))['models'])
    const length = loaded.find((each) => each['model'] === model || each['name'] === model)?.['context_length']
    if (typeof length === 'number') return length
    const { parameters } = await show(model, context)
    const set = typeof parameters === 'string' ? /^num_ctx\s+(\d+)/m.exec(parameters)?.[1] : undefined
    return set === undefined ? null : Number(set)
  }

  /** The same where the answer is a help and no condition; a stop is still a stop. */
  const knownWindow = (model: string, context: Context): Promise<number | null> =>
    windowOf(model, context).catch((error: unknown) => {
      if (error instanceof ProviderFailure && error.reason === 'cancelled') throw error
      return null
    })

  return {
    /** Models with their real windows; undefined from a server that has no such list. */
    async list(context: Context): Promise<{ id: string; contextWindow: number | null }[] | undefined> {
      const found = await names(context).catch((error: unknown) => {
        if (error instanceof ProviderFailure && error.httpStatus === 404) return undefined
        throw error
      })
      if (!found) return undefined
      return await Promise.all(found.map(async (id) => ({ id, contextWindow: await knownWindow(id, context) })))
    },

    /** The first model of the server that can do what the request asks. @throws ProviderFailure model_not_found */
    async firstCapable(request: ProviderRequest, context: Context): Promise<string> {
      const needs = ['completion', ...(options.capabilities.tools && (request.tools?.length ?? 0) > 0 ? ['tools'] : [])]
      for (const name of await names(context)) {
        const { capabilities } = await show(name, context)
        // older servers tell no abilities
        if (!Array.isArray(capabilities) || needs.every((need) => capabilities.includes(need))) return name
      }
      throw failureOf('model_not_found', `No model of ${options.name} can do what is asked: ${needs.join(', ')}.`, unsent(options))
    },

    /** The window for a request, where it is known. @throws ProviderFailure context_overflow, before what cannot fit is sent */
    async demandRoom(request: ProviderRequest, context: Context): Promise<number | null> {
      const window = await knownWindow(request.model, context)
      if (window === null || bytesOf(request) / MOST_BYTES_PER_TOKEN <= window) return window
      throw failureOf('context_overflow', `The request does not fit into the ${window} tokens of ${request.model}.`, unsent(options))
    },

    /** @throws ProviderFailure context_overflow where the server read far less than it was sent, or all its window holds and no more */
    noticeTruncation(request: ProviderRequest, answer: ProviderAnswer, window: number | null): void {
      const read = answer.usage?.input
      const bytes = bytesOf(request)
      if (read === undefined || bytes < SMALL_BYTES) return
      const full = window !== null && read >= window * 0.98
      if (bytes / read <= MOST_BYTES_PER_TOKEN && !full) return
      const what = `${request.model} read ${read} tokens of a request of ${bytes} bytes: the rest was cut without a word.`
      throw failureOf('context_overflow', what, { ...unsent(options), sent: true, status: 200 })
    },
  }
}

function bytesOf(request: ProviderRequest): number {
  const texts = [...request.messages.map((message) => message.content), JSON.stringify(request.tools ?? [])]
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}
