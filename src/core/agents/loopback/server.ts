import { randomBytes, timingSafeEqual } from 'node:crypto'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import { SingularityError, messageOf } from '../../kernel/index.ts'
import { type Account, type Cap, type RoutingTable, type SpendKey, costOf } from '../../llm/index.ts'
import type { ProcessIdentity } from '../../process/index.ts'
import { type Bounded, type Refusal, type WireApi, boundRequest } from './bound.ts'
import { createUsageReader } from './usage.ts'

export type Upstream = { baseUrl: string; headers: Readonly<Record<string, string>> }

export type LoopbackDeps = {
  account: Pick<Account, 'reserve' | 'calling' | 'settle' | 'release'>
  table: Pick<RoutingTable, 'models' | 'providers' | 'aliases'>
  /** Where requests go, with the key; null: there is none. The key never leaves this process. */
  upstream(provider: string): Promise<Upstream | null>
  fetch: typeof globalThis.fetch
  owner: ProcessIdentity
  repository: string
  /** Names the run in the ledger. */
  request: string
  caps(model: string): readonly Cap[]
}

export type Loopback = {
  /** What the agent shows in place of a key. */
  token: string
  spent(): { nusd: number; calls: number; refused: number }
  close(): Promise<void>
}

const LARGEST_BODY = 32 * 1024 * 1024
const ROUTES: Readonly<Record<string, WireApi>> = {
  '/v1/messages': 'messages',
  '/v1/chat/completions': 'chat',
  '/v1/responses': 'responses',
}
const SENT_ON = ['content-type', 'accept', 'anthropic-version', 'anthropic-beta', 'openai-beta', 'user-agent']
const SENT_BACK = /^(?:content-type|retry-after(?:-ms)?|request-id|x-request-id|x-should-retry|x-ratelimit-.*|anthropic-ratelimit-.*)$/
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'])

/**
 * Stands between an agent in the jail and its provider, on a socket only the jail can reach. Every request is reserved before it goes
 * out and settled by the usage in its answer; a reached cap answers 402. @throws what listening throws
 */
export async function openLoopback(deps: LoopbackDeps, socketPath: string): Promise<Loopback> {
  const token = randomBytes(24).toString('hex')
  const totals = { nusd: 0, calls: 0, refused: 0 }
  const running = new Set<Promise<void>>()
  const stop = new AbortController()
  let attempt = 0

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = new URL(request.url ?? '/', 'http://loopback').pathname
    const api = ROUTES[path]
    const refuse = (status: number, type: string, message: string): void => {
      totals.refused += 1
      sendError(response, path.startsWith('/v1/messages') ? 'messages' : 'chat', status, type, message)
    }
    if (!isKnown(request, token)) return refuse(401, 'authentication_error', 'This address is for one run only.')
    if (request.method === 'GET' && path === '/v1/models') return listModels(deps, response)
    if (request.method !== 'POST' || !api) return refuse(404, 'not_found_error', `${request.method} ${path} is not offered here.`)
    if (request.headers['content-encoding'] !== undefined)
      return refuse(415, 'invalid_request_error', 'A packed request cannot be metered.')
    const text = await readBody(request)
    if (text === null) return refuse(413, 'request_too_large', 'The request is too large.')
    const bounded = boundRequest(api, text, deps.table)
    if (isRefusal(bounded)) return refuse(400, 'invalid_request_error', `${bounded.code}: ${bounded.message}`)
    const upstream = await deps.upstream(bounded.model.provider)
    if (!upstream) return refuse(503, 'api_error', `There is no key for ${bounded.model.provider}.`)
    attempt += 1
    const key: SpendKey = { repository: deps.repository, request: deps.request, token: 0, attempt }
    try {
      deps.account.reserve({
        key,
        boundNusd: bounded.boundNusd,
        caps: deps.caps(bounded.model.name),
        provider: bounded.model.provider,
        model: bounded.model.name,
        taskType: 'agent',
        owner: deps.owner,
      })
    } catch (error) {
      const isCap = SingularityError.isInstance(error) && error.code === 'BUDGET_REACHED'
      return refuse(isCap ? 402 : 503, isCap ? 'billing_error' : 'api_error', messageOf(error))
    }
    totals.calls += 1
    const spent = await forward({ deps, api, bounded, upstream, request, response, key, signal: stop.signal })
    totals.nusd += spent
  }

  const server = createServer((request, response) => {
    const work = serve(request, response)
      .catch((error: unknown) => {
        if (response.headersSent) response.destroy()
        else sendError(response, 'chat', 500, 'api_error', messageOf(error))
      })
      .finally(() => running.delete(work))
    running.add(work)
  })
  await listen(server, socketPath)
  return {
    token,
    spent: () => ({ ...totals }),
    /** Calls in flight are cut, and counted. */
    async close() {
      const closed = new Promise<void>((done) => server.close(() => done()))
      stop.abort()
      await Promise.all(running)
      server.closeAllConnections()
      await closed
    },
  }
}

type Forwarded = {
  deps: LoopbackDeps
  api: WireApi
  bounded: Bounded
  upstream: Upstream
  request: IncomingMessage
  response: ServerResponse
  key: SpendKey
  signal: AbortSignal
}

/** Sends one reserved request on and its answer back; answers what it cost, which is settled by then. */
async function forward({ deps, api, bounded, upstream, request, response, key, signal }: Forwarded): Promise<number> {
  const { account } = deps
  const settle = (nusd: number, source: 'computed' | 'unknown'): number => {
    account.settle(key, { nusd, source })
    return nusd
  }
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  account.calling(key)
  let answer: Response
  try {
    const path = new URL(request.url ?? '/', 'http://loopback').pathname.replace(/^\/v1/, '')
    answer = await deps.fetch(`${upstream.baseUrl.replace(/\/+$/, '')}${path}`, {
      method: 'POST',
      headers: { ...headersOf(request), ...upstream.headers },
      body: bounded.body,
      signal: AbortSignal.any([signal, gone.signal]),
      redirect: 'error',
    })
  } catch (error) {
    const isNotSent = NEVER_SENT.has((error as { cause?: { code?: string } }).cause?.code ?? '')
    if (!response.headersSent) sendError(response, api, 502, 'api_error', 'The provider cannot be reached.')
    // who cannot be reached bills nothing; anything else may have arrived
    return isNotSent ? settle(0, 'computed') : settle(bounded.boundNusd, 'unknown')
  }
  const reader = createUsageReader(api, answer.headers.get('content-type') ?? '')
  let whole = true
  try {
    const back = [...answer.headers].filter(([name]) => SENT_BACK.test(name))
    response.writeHead(answer.status, Object.fromEntries(back))
    for await (const chunk of answer.body ?? []) {
      reader.push(chunk as Uint8Array)
      if (!response.write(chunk)) await drained(response)
    }
    response.end()
  } catch {
    whole = false
    response.destroy()
  }
  if (answer.status >= 400) return settle(0, 'computed')
  const usage = whole ? reader.end() : null
  const cost = usage === null ? null : costOf(bounded.model.price!, usage)
  return cost === null ? settle(bounded.boundNusd, 'unknown') : settle(cost, 'computed')
}

/** @throws Error where the other side is gone: it never drains then */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((done, fail) => {
    response.once('drain', done)
    response.once('close', () => fail(new Error('closed')))
  })
}

function headersOf(request: IncomingMessage): Record<string, string> {
  const found = SENT_ON.flatMap((name) => {
    const value = request.headers[name]
    return typeof value === 'string' ? [[name, value] as const] : []
  })
  return Object.fromEntries(found)
}

function isKnown(request: IncomingMessage, token: string): boolean {
  const shown = request.headers['x-api-key'] ?? request.headers.authorization?.replace(/^Bearer\s+/i, '')
  const [given, wanted] = [Buffer.from(typeof shown === 'string' ? shown : ''), Buffer.from(token)]
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size > LARGEST_BODY) return null
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function isRefusal(value: Bounded | Refusal): value is Refusal {
  return 'code' in value
}

/** In the form the client of each provider understands. */
function sendError(response: ServerResponse, api: WireApi, status: number, type: string, message: string): void {
  const error = { type, message, ...(api === 'messages' ? {} : { code: status === 402 ? 'insufficient_quota' : type }) }
  response.writeHead(status, { 'content-type': 'application/json', 'x-should-retry': 'false' })
  response.end(JSON.stringify(api === 'messages' ? { type: 'error', error } : { error }))
}

function listModels({ table }: LoopbackDeps, response: ServerResponse): void {
  const data = [...table.models.values()].filter(({ price }) => price !== null).map(({ id }) => ({ id, object: 'model', type: 'model' }))
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ object: 'list', data, has_more: false }))
}

function listen(server: Server, socketPath: string): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', fail)
    server.listen(socketPath, () => done())
  })
}
