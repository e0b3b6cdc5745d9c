import type { CallContext, ProviderAnswer, ProviderOptions } from '../provider.ts'
import { type AttemptState, classify, failureOf, providerTime, requestIdOf, unsent } from './classify.ts'
import { startClocks } from './clocks.ts'

/** What an adapter has of the attempt it works in. */
export type Wire = {
  readonly signal: AbortSignal
  /** For the SDK's client: tells the clocks about headers, and the caller about the first byte. */
  readonly fetch: typeof globalThis.fetch
  readonly state: AttemptState
  /** The parsed body of a server that answered in one piece although a stream was asked for. */
  buffered(): Readonly<Record<string, unknown>> | undefined
  /** Something that is not a keep-alive came. */
  content(): void
  text(delta: string): void
}

/** The SDKs' own clock must never be the first to ring. In ms: the longest a timer of Node takes. */
export const SDK_TIMEOUT_MS = 2 ** 31 - 1

/** For calls without clocks of their caller: lists of models, counts of tokens. */
const SHORT = { headersMs: 30_000, idleMs: 30_000, totalMs: 60_000 }

/**
 * Runs one call under the three clocks; whatever goes wrong comes out as ProviderFailure.
 * @throws ProviderFailure
 */
export async function attempt<T>(
  options: ProviderOptions,
  context: Pick<CallContext, 'signal'> & Partial<CallContext>,
  work: (wire: Wire) => Promise<T>,
): Promise<T> {
  const clocks = startClocks({ signal: context.signal, clocks: context.clocks ?? SHORT })
  const state = unsent(options)
  let buffered: Readonly<Record<string, unknown>> | undefined
  // the SDKs wrap what their fetch throws, and some lose its code on the way
  let network: unknown

  const wire: Wire = {
    signal: clocks.signal,
    state,
    buffered: () => buffered,
    content: clocks.content,
    text(delta) {
      if (delta !== '' && clocks.stopped() === null) context.onText?.(delta)
    },
    async fetch(input, init) {
      if (!state.sent) {
        state.sent = true
        context.onSent?.()
      }
      try {
        // a request follows nobody to another address: what it holds was meant for this one
        const response = await options.fetch(input, { ...init, redirect: 'manual' })
        state.status = response.status
        state.headers = response.headers
        clocks.headers()
        if (!response.ok || response.headers.get('content-type')?.includes('text/event-stream')) return response
        buffered = await wholeBody(response, state)
        return Response.json(buffered, { headers: withoutBodyHeaders(response.headers) })
      } catch (error) {
        network = error
        throw error
      }
    },
  }
  try {
    if (clocks.stopped() !== null) return await clocks.race(new Promise<never>(() => {}))
    return await clocks.race(work(wire))
  } catch (error) {
    state.stopped = clocks.stopped()
    throw classify(network ?? error, state)
  } finally {
    clocks.end()
  }
}

/** What answered in one piece is JSON or no answer at all: a proxy's page, nothing, half a body. */
async function wholeBody(response: Response, state: AttemptState): Promise<Readonly<Record<string, unknown>>> {
  const text = await response.text()
  const start = text.trimStart()
  if (start === '') throw failureOf('truncated', `The provider ${state.provider} answered with nothing.`, state)
  if (!start.startsWith('{'))
    throw failureOf('truncated', `The provider ${state.provider} answered with something that is not JSON.`, state)
  // a SyntaxError is told as broken JSON
  const body = JSON.parse(text) as { error?: unknown }
  // some compatible servers wrap the failure of the model behind them into a success
  if (body.error) throw Object.assign(new Error('an error in a successful answer'), body)
  return body
}

function withoutBodyHeaders(headers: Headers): Headers {
  const rest = new Headers(headers)
  for (const name of ['content-length', 'content-encoding', 'transfer-encoding', 'content-type']) rest.delete(name)
  return rest
}

/** What every answer tells beside its content. */
export function fromHeaders(state: AttemptState): Pick<ProviderAnswer, 'providerRequestId' | 'rateLimit'> {
  const { headers } = state
  return {
    providerRequestId: requestIdOf(headers),
    rateLimit: {
      remainingRequests: count(headers, 'x-ratelimit-remaining-requests', 'anthropic-ratelimit-requests-remaining'),
      remainingTokens: count(headers, 'x-ratelimit-remaining-tokens', 'anthropic-ratelimit-tokens-remaining'),
      resetAt: resetAt(state),
    },
  }
}

function count(headers: Headers | null, ...names: string[]): number | null {
  const text = names.map((name) => headers?.get(name)).find((value) => value)
  return text && /^\d+$/.test(text) ? Number(text) : null
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** When the later of the two buckets is full again: a date at Anthropic, a span such as `6m0s` at OpenAI, in ms since 1970. */
function resetAt(state: AttemptState): number | null {
  const now = state.clock.now()
  const names = [
    'x-ratelimit-reset-requests',
    'x-ratelimit-reset-tokens',
    'anthropic-ratelimit-requests-reset',
    'anthropic-ratelimit-tokens-reset',
  ]
  const times = names.flatMap((name) => {
    const text = state.headers?.get(name)
    if (!text) return []
    if (text.includes('T')) return [now + Date.parse(text) - providerTime(state)]
    const parts = [...text.matchAll(/([\d.]+)(ms|s|m|h|d)/g)]
    return parts.length > 0 ? [now + parts.reduce((sum, [, value, unit]) => sum + Number(value) * UNIT_MS[unit!]!, 0)] : []
  })
  const known = times.filter((time) => !Number.isNaN(time))
  return known.length > 0 ? Math.max(...known) : null
}
