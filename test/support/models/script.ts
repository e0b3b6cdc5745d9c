import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export type Protocol = 'responses' | 'chat' | 'messages'

/** Tokens as billed; `input` includes what came from the cache. */
export type Usage = { input: number; cacheRead: number; cacheWrite5m: number; cacheWrite1h: number; output: number; reasoning: number }

export type Failure =
  /** Refused before any work: a status with a body of the provider's form (or the given one). Billed: nothing. */
  | { kind: 'http'; status: number; type?: string; code?: string; errorCode?: string; body?: string }
  /** Closes the connection before any work. Billed: nothing. */
  | { kind: 'refuse' }
  /** Goes silent before the headers, in the body of one piece, or in the stream after some text. */
  | { kind: 'stall'; at: 'headers' | 'body' | 'stream' }
  /** Says nothing but keep-alives, from the start or after some text. */
  | { kind: 'keepalive' }
  /** Ends the stream without its last events; with `reset` the connection breaks. */
  | { kind: 'cut'; reset?: boolean }
  | { kind: 'body'; status?: number; type: string; text: string }
  /** An error event in the stream, after some text. */
  | { kind: 'event'; type: string; code?: string }
  /** Broken JSON in one event of the stream. */
  | { kind: 'broken_event' }
  /** Of Responses only: HTTP 200 with `status: failed`. */
  | { kind: 'failed'; code: string }

export type ScriptedAnswer = {
  text?: string
  toolCalls?: readonly { id?: string; name: string; arguments: string | Readonly<Record<string, unknown>> }[]
  /** Thoughts the provider wants back with the next turn. */
  reasoning?: string
  refusal?: string
  stop?: 'end' | 'tool' | 'length' | 'filter' | 'context' | 'pause' | 'refusal'
  usage?: Partial<Usage> | null
  /** `usage.cost`, as OpenRouter tells it. */
  costUsd?: number
  servedModel?: string
  headers?: Readonly<Record<string, string>>
  delayMs?: number
  /** Between two pieces of the text. */
  pieceDelayMs?: number
  /** Answers in one piece although a stream was asked for. */
  buffered?: boolean
  failure?: Failure
  /** Only for a request whose body holds this text. */
  match?: string
  /** Stays in the script. */
  forever?: boolean
}

export type MockRequest = {
  protocol: Protocol
  path: string
  headers: IncomingHttpHeaders
  raw: string
  body: Record<string, unknown>
  billedNusd: number
}

/** Nano-dollars per token. */
export type Prices = { input: number; output: number; cacheRead?: number; cacheWrite?: number }

export type MockOptions = {
  answers?: readonly ScriptedAnswer[]
  /** Before the script: an answer made from the request. */
  answer?: (request: MockRequest) => ScriptedAnswer | undefined
  /** What a request gets that no answer of the script is for. */
  fallback?: ScriptedAnswer
  prices?: Prices
  models?: readonly string[]
  port?: number
  /** Speaks HTTPS. */
  tls?: { key: string; cert: string }
  /** Further end points; undefined: not one of them. */
  handle?: (request: {
    path: string
    method: string
    headers: IncomingHttpHeaders
    raw: string
  }) => { status?: number; body: unknown } | undefined | Promise<{ status?: number; body: unknown } | undefined>
}

export type Answered = { request: MockRequest; response: ServerResponse; answer: ScriptedAnswer; usage: Usage; stopped: AbortSignal }

/** Tokens where the script names none: four bytes each, as a rule of thumb that every client stays below with its bound by bytes. */
export function usageOf(answer: ScriptedAnswer, raw: string): Usage {
  const output = (answer.text ?? '').length + JSON.stringify(answer.toolCalls ?? []).length + (answer.reasoning ?? '').length
  return {
    input: Math.ceil(Buffer.byteLength(raw) / 4),
    cacheRead: 0,
    cacheWrite5m: 0,
    cacheWrite1h: 0,
    output: Math.ceil(output / 4),
    reasoning: 0,
    ...answer.usage,
  }
}

export function billed(usage: Usage, prices: Prices = { input: 0, output: 0 }): number {
  const write = usage.cacheWrite5m + usage.cacheWrite1h
  const fresh = usage.input - usage.cacheRead - write
  return (
    fresh * prices.input +
    usage.cacheRead * (prices.cacheRead ?? prices.input) +
    write * (prices.cacheWrite ?? prices.input) +
    usage.output * prices.output
  )
}

/** The text in pieces, so that a stream has events between its first and its last. */
export function pieces(text: string): string[] {
  const size = Math.max(1, Math.ceil(text.length / 4))
  return text === ''
    ? []
    : Array.from({ length: Math.ceil(text.length / size) }, (_, index) => text.slice(index * size, (index + 1) * size))
}

/** One protocol's events for an answer, around the failures that all protocols share. */
export type Form = {
  /** The events before and with the text, piece by piece, and those after it. */
  opening: readonly string[]
  texts: readonly string[]
  closing: readonly string[]
  /** The whole answer in one piece. */
  whole: unknown
  errorBody(failure: Extract<Failure, { kind: 'http' }>): unknown
  errorEvent(failure: Extract<Failure, { kind: 'event' }>): string
}

/** Sends an answer, or fails as the script says. */
export async function deliver({ request, response, answer, stopped }: Answered, form: Form): Promise<void> {
  const { failure } = answer
  const left = new AbortController()
  response.on('close', () => left.abort())
  const signal = AbortSignal.any([stopped, left.signal])
  const pause = (ms: number | undefined) => (ms ? sleep(ms, undefined, { signal }).catch(() => {}) : undefined)
  // the connection stays until its client, or the test, ends it
  const forEver = () => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  const head = (status: number, type: string) =>
    response.writeHead(status, {
      'content-type': type,
      'x-request-id': 'req_mock',
      ...answer.headers,
    })

  await pause(answer.delayMs)
  if (failure?.kind === 'refuse') return void response.destroy()
  if (failure?.kind === 'stall' && failure.at === 'headers') return forEver()
  if (failure?.kind === 'http') {
    head(failure.status, 'application/json')
    return void response.end(failure.body ?? JSON.stringify(form.errorBody(failure)))
  }
  if (failure?.kind === 'body') {
    head(failure.status ?? 200, failure.type)
    return void response.end(failure.text)
  }
  if (failure?.kind === 'stall' && failure.at === 'body') {
    head(200, 'application/json').write('{"id":')
    return forEver()
  }
  if (answer.buffered || request.body['stream'] !== true) {
    head(200, 'application/json')
    return void response.end(JSON.stringify(form.whole))
  }
  head(200, 'text/event-stream').flushHeaders()
  if (failure?.kind === 'keepalive') return keepAlive(response, signal)
  const first = failure ? form.texts.slice(0, 2) : form.texts
  for (const event of [...form.opening, ...first]) {
    if (signal.aborted) return
    response.write(event)
    await pause(answer.pieceDelayMs)
  }
  if (failure?.kind === 'stall') return forEver()
  if (failure?.kind === 'cut' && failure.reset) return void response.destroy()
  if (failure?.kind === 'cut') return void response.end()
  if (failure?.kind === 'event') return void response.end(form.errorEvent(failure))
  if (failure?.kind === 'broken_event') return void response.end('event: message_delta\ndata: {"choices": [oops\n\n')
  for (const event of form.closing) response.write(event)
  response.end()
}

async function keepAlive(response: ServerResponse, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    response.write(': keep-alive\n\nevent: ping\ndata: {"type": "ping"}\n\n')
    await sleep(20, undefined, { signal }).catch(() => {})
  }
}

export function sse(data: unknown, event?: string): string {
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`
}

export function argumentText(call: NonNullable<ScriptedAnswer['toolCalls']>[number]): string {
  return typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments)
}
