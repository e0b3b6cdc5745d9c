import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { answerChat } from './models/chat.ts'
import { answerMessages } from './models/messages.ts'
import { answerResponses } from './models/responses.ts'
import type { Answered, MockOptions, MockRequest, Protocol, ScriptedAnswer } from './models/script.ts'
import { billed, usageOf } from './models/script.ts'

export type { Failure, MockRequest, Protocol, ScriptedAnswer } from './models/script.ts'

export type MockModels = {
  /** 'http://127.0.0.1:PORT' */
  origin: string
  /** Base URL for a protocol, as settings name it. */
  baseUrl(protocol: Protocol): string
  /** Every request to a model so far, with its raw body. */
  requests: readonly MockRequest[]
  /** Adds answers to the end of the script. */
  script(...answers: ScriptedAnswer[]): void
  /** Nano-dollars this provider takes for what it worked on, whether or not its client was still there. */
  meter(): { nusd: number; calls: number }
  /** Resolves when that many requests have come. */
  received(count: number): Promise<void>
  /** Resolves when that many requests have ended: answered in full, or left by their client. */
  ended(count: number): Promise<void>
  close(): Promise<void>
}

const PATHS: Readonly<Record<string, Protocol>> = {
  '/v1/chat/completions': 'chat',
  '/api/v1/chat/completions': 'chat',
  '/v1/responses': 'responses',
  '/v1/messages': 'messages',
}

const WIRE = { chat: answerChat, responses: answerResponses, messages: answerMessages }

/**
 * A provider on loopback that speaks the three wire protocols from a script. A request takes the first answer of the script whose
 * `match` is part of its body, else the first without `match`; with an empty script it gets the fallback. What it worked on it bills
 * at once, so that a client that dies half-way still owes.
 */
export async function startMockModels(options: MockOptions = {}): Promise<MockModels> {
  const requests: MockRequest[] = []
  const queue = [...(options.answers ?? [])]
  const total = { nusd: 0, calls: 0 }
  const waiting: { event: 'received' | 'ended'; count: number; resolve: () => void }[] = []
  const counts = { received: 0, ended: 0 }
  const stopped = new AbortController()

  const happened = (event: 'received' | 'ended') => {
    counts[event]++
    for (const each of waiting.filter((one) => one.event === event && counts[event] >= one.count)) {
      waiting.splice(waiting.indexOf(each), 1)
      each.resolve()
    }
  }
  const until = (event: 'received' | 'ended', count: number) =>
    new Promise<void>((resolve) => (counts[event] >= count ? resolve() : waiting.push({ event, count, resolve })))

  const next = (raw: string): ScriptedAnswer => {
    const matching = queue.findIndex((answer) => answer.match !== undefined && raw.includes(answer.match))
    const index = matching === -1 ? queue.findIndex((answer) => answer.match === undefined) : matching
    if (index === -1) return options.fallback ?? { text: 'ok' }
    const found = queue[index]!
    if (!found.forever) queue.splice(index, 1)
    return found
  }

  const model = async (protocol: Protocol, request: MockRequest, response: ServerResponse) => {
    const answer = options.answer?.(request) ?? next(request.raw)
    const usage = usageOf(answer, request.raw)
    const failure = answer.failure
    // who refuses before working takes nothing
    if (failure?.kind !== 'http' && failure?.kind !== 'refuse') {
      total.nusd += billed(usage, options.prices)
      total.calls++
    }
    request.billedNusd = failure?.kind === 'http' || failure?.kind === 'refuse' ? 0 : billed(usage, options.prices)
    response.on('close', () => happened('ended'))
    const answered: Answered = { request, response, answer, usage, stopped: stopped.signal }
    await WIRE[protocol](answered)
  }

  const listener = (request: IncomingMessage, response: ServerResponse) => {
    response.on('error', () => {})
    void handle(request, response).catch((error: unknown) => response.destroy(error as Error))
  }
  const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener)
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = new URL(request.url ?? '/', 'http://mock')
    const raw = await bodyOf(request)
    const protocol = PATHS[pathname]
    if (protocol && request.method === 'POST') {
      const entry: MockRequest = { protocol, path: pathname, headers: request.headers, raw, body: parsed(raw), billedNusd: 0 }
      requests.push(entry)
      happened('received')
      return model(protocol, entry, response)
    }
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    const own = await options.handle?.({ path: pathname, method: request.method ?? 'GET', headers: request.headers, raw })
    if (own !== undefined) return void json(own.status ?? 200, own.body)
    if (pathname === '/mock/meter') return void json(200, total)
    if (pathname === '/mock/requests') return void json(200, requests)
    if (pathname === '/mock/script') {
      queue.push(...(parsed(raw) as unknown as ScriptedAnswer[]))
      return void json(200, {})
    }
    if (pathname === '/v1/models' || pathname === '/api/v1/models') return void json(200, modelList(options, request))
    if (pathname === '/v1/messages/count_tokens') return void json(200, { input_tokens: countOf(raw) })
    if (pathname === '/v1/responses/input_tokens') return void json(200, { object: 'response.input_tokens', input_tokens: countOf(raw) })
    return void json(404, { error: { type: 'not_found_error', code: null, message: `no ${pathname} here` } })
  }

  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const origin = `${options.tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    baseUrl: (protocol) => (protocol === 'messages' ? origin : `${origin}/v1`),
    requests,
    script: (...answers) => void queue.push(...answers),
    meter: () => ({ ...total }),
    received: (count) => until('received', count),
    ended: (count) => until('ended', count),
    close: () => closeServer(server, () => stopped.abort()),
  }
}

/** Closes a server with every connection somebody still holds. */
export function closeServer(server: Server, before: () => void = () => {}): Promise<void> {
  before()
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

function countOf(raw: string): number {
  return usageOf({}, raw).input
}

function modelList(options: MockOptions, request: IncomingMessage): unknown {
  const ids = options.models ?? ['mock-small', 'mock-large']
  if (request.headers['anthropic-version'])
    return { data: ids.map((id) => ({ type: 'model', id, display_name: id, max_input_tokens: 200_000 })), has_more: false }
  return { object: 'list', data: ids.map((id) => ({ object: 'model', id, max_model_len: 8192 })) }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(raw: string): Record<string, unknown> {
  try {
    return JSON.parse(raw) as Record<string, unknown>
  } catch {
    return {}
  }
}
