import { type IncomingMessage, type Server, type ServerResponse, createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type WireApi, boundRequest } from '../../../src/core/agents/loopback/bound.ts'
import { type Gateway, openGateway } from '../../../src/core/agents/loopback/gateway.ts'
import type { LoopbackDeps } from '../../../src/core/agents/loopback/server.ts'
import { createUsageReader } from '../../../src/core/agents/loopback/usage.ts'
import { SingularityError } from '../../../src/core/kernel/index.ts'
import type { ModelEntry, ProviderEntry, ReservationRequest, SpendKey } from '../../../src/core/llm/index.ts'
import { type SandboxBench, openSandboxBench } from '../../support/sandbox.ts'

const FORWARDER = join(import.meta.dirname, '../../../templates_data/agents/forward.mjs')
/** 3 and 15 nano-dollars a token times 1000. */
const price = { input: 3000, output: 15_000, cacheRead: 300, cacheWrite: 3750, tiers: [], source: 'test', checked: '2026-11-22' }
const entry = (name: string, provider: string, id: string): ModelEntry =>
  ({ name, provider, id, contextTokens: 200_000, maxOutputTokens: 8000, price }) as unknown as ModelEntry
const table = {
  models: new Map([
    ['anthropic/claude', entry('anthropic/claude', 'anthropic', 'claude')],
    ['openai/gpt', entry('openai/gpt', 'openai', 'gpt')],
  ]),
  providers: new Map([
    ['anthropic', { name: 'anthropic', api: 'messages' } as ProviderEntry],
    ['openai', { name: 'openai', api: 'responses' } as ProviderEntry],
  ]),
  aliases: { 'claude-sonnet': 'anthropic/claude' },
}

/** Keeps the caps as the real one does, in memory. */
function memoryAccount(capNusd: number) {
  const rows = new Map<string, { bound: number; phase: string; nusd: number }>()
  const id = (key: SpendKey): string => JSON.stringify(key)
  const total = (): number => [...rows.values()].reduce((sum, { bound, phase, nusd }) => sum + (phase === 'settled' ? nusd : bound), 0)
  return {
    rows,
    total,
    reserve({ key, boundNusd }: ReservationRequest) {
      if (total() + boundNusd > capNusd) throw new SingularityError('BUDGET_REACHED', `The cap of the run is reached.`)
      rows.set(id(key), { bound: boundNusd, phase: 'reserved', nusd: 0 })
    },
    calling: (key: SpendKey) => void (rows.get(id(key))!.phase = 'calling'),
    settle: (key: SpendKey, { nusd }: { nusd: number }) => void Object.assign(rows.get(id(key))!, { phase: 'settled', nusd }),
    release: (key: SpendKey) => void rows.delete(id(key)),
  }
}

let provider: Server
let seen: { path: string; headers: IncomingMessage['headers']; body: Record<string, unknown> }[]
let reply: (body: Record<string, unknown>, response: ServerResponse) => void
let account: ReturnType<typeof memoryAccount>
let gateway: Gateway
let bench: SandboxBench

const SSE = [
  'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":50,"cache_read_input_tokens":100,"output_tokens":1}}}\n\n',
  'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"hel',
  'lo"}}\n\nevent: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":20}}\n\n',
  'event: message_stop\ndata: {"type":"message_stop"}\n\n',
]
const streamed = (_body: unknown, response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': 'req-1', 'set-cookie': 'x=1' })
  for (const part of SSE) response.write(part)
  response.end()
}
/** 50 fresh, 100 read from the cache, 20 out. */
const COST = 50 * 3000 + 100 * 300 + 20 * 15_000

beforeAll(async () => {
  provider = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>
      seen.push({ path: request.url!, headers: request.headers, body })
      reply(body, response)
    })
  }).listen(0, '127.0.0.1')
  await new Promise((ready) => provider.once('listening', ready))
  bench = await openSandboxBench()
})
afterAll(() => {
  provider.close()
  bench.cleanup()
})
beforeEach(() => {
  seen = []
  reply = streamed
})
afterEach(() => gateway.close())

const openFor = async (capNusd: number, jailed: boolean, more: Partial<LoopbackDeps> = {}): Promise<Gateway> => {
  account = memoryAccount(capNusd)
  const { port } = provider.address() as AddressInfo
  gateway = await openGateway(
    {
      account,
      table,
      upstream: async () => ({
        baseUrl: `http://127.0.0.1:${port}/v1`,
        headers: { 'x-api-key': 'real-key', authorization: 'Bearer real-key' },
      }),
      fetch: globalThis.fetch,
      owner: { pid: process.pid, pidStart: '', bootId: '' },
      repository: 'repository',
      request: 'r1',
      caps: () => [{ scope: 'run', key: 'r1', capNusd }],
      ...more,
    },
    { forwarder: FORWARDER, jailed },
  )
  return gateway
}

type Reply = { status: number; text: string; headers: IncomingMessage['headers'] }
/** Straight to the socket, as the forwarder does. */
const post = (path: string, body: unknown, headers: Record<string, string> = {}, method = 'POST'): Promise<Reply> =>
  new Promise((done, fail) => {
    const socketPath = gateway.wrap([])[2]!
    const key = { 'x-api-key': gateway.env['ANTHROPIC_API_KEY']! }
    const sent = httpRequest(
      { socketPath, path, method, headers: { 'content-type': 'application/json', ...key, ...headers } },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          done({ status: response.statusCode!, text: Buffer.concat(chunks).toString('utf8'), headers: response.headers }),
        )
        response.on('error', fail)
      },
    )
    sent.on('error', fail)
    sent.end(method === 'GET' ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
  })
const ASK = { model: 'claude', max_tokens: 100, stream: true, messages: [{ role: 'user', content: 'hi' }] }

describe('the metered loopback', () => {
  it('is reached from the jail without network; the key stays outside, the usage of the stream settles the call', async () => {
    await openFor(1_000_000_000, true)
    const profile = await bench.room.profile({ base: 'HEAD', binaries: ['sh', 'node'], include: [], env: {}, git: 'none', services: [] })
    const sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'edit', profile })
    const agent = `
      const url = process.env.ANTHROPIC_BASE_URL
      const answer = await fetch(url + '/v1/messages', { method: 'POST', headers: { 'x-api-key': process.env.ANTHROPIC_API_KEY, 'content-type': 'application/json' }, body: ${JSON.stringify(JSON.stringify(ASK))} })
      console.log(answer.status, (await answer.text()).includes('message_stop'), url.startsWith('http://127.0.0.1:'), process.env.OPENAI_BASE_URL === url + '/v1')
      console.log(JSON.stringify(process.env).includes('real-key'))
      process.exit(5)`
    const result = await sandbox.run({
      command: gateway.wrap(['node', '--input-type=module', '-e', agent]),
      mounts: gateway.mounts,
      env: gateway.env,
      timeoutMs: 30_000,
    })
    await sandbox.discard()
    expect(result.stdout, result.stderr).toBe('200 true true true\nfalse\n')
    expect(result.exitCode).toBe(5)
    expect(seen[0]).toMatchObject({ path: '/v1/messages', headers: { 'x-api-key': 'real-key' }, body: ASK })
    expect(gateway.spent()).toEqual({ nusd: COST, calls: 1, refused: 0 })
    expect(account.total()).toBe(COST)
  })

  it('answers 402 where the cap does not hold another request, and sends nothing', async () => {
    // one request is reserved with (bytes + 2048) * 3750 + 100 * 15000
    await openFor(10_000_000, false)
    expect((await post('/v1/messages', ASK)).status).toBe(200)
    expect((await post('/v1/messages', ASK)).status).toBe(402)
    const openai = await post('/v1/responses', { model: 'gpt', max_output_tokens: 4000, input: 'hi' })
    expect({ status: openai.status, error: JSON.parse(openai.text) }).toMatchObject({
      status: 402,
      error: { error: { code: 'insufficient_quota' } },
    })
    expect(seen).toHaveLength(1)
    expect(account.total()).toBeLessThanOrEqual(10_000_000)
    expect(gateway.spent()).toEqual({ nusd: COST, calls: 1, refused: 2 })
  })

  it('keeps to the cap with many requests at once', async () => {
    await openFor(40_000_000, false)
    // four fit under the cap: nobody is answered before all four are under way
    const waiting: ServerResponse[] = []
    reply = (body, response) => {
      waiting.push(response)
      if (waiting.length >= 4) for (const each of waiting) if (!each.headersSent) streamed(body, each)
    }
    const answers = await Promise.all(Array.from({ length: 12 }, () => post('/v1/messages', ASK)))
    const paid = answers.filter(({ status }) => status === 200).length
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 402]))
    expect(paid).toBeGreaterThanOrEqual(4)
    expect(account.total()).toBe(paid * COST)
  })

  it('takes nobody without the token of the run, and offers nothing else', async () => {
    await openFor(1_000_000_000, false)
    expect((await post('/v1/messages', ASK, { 'x-api-key': 'sk-other' })).status).toBe(401)
    expect((await post('/v1/files', ASK)).status).toBe(404)
    expect((await post('/v1/messages', ASK, { 'content-encoding': 'gzip' })).status).toBe(415)
    expect((await post('/v1/messages', 'not json')).status).toBe(400)
    const models = await post('/v1/models', undefined, {}, 'GET')
    expect(JSON.parse(models.text).data.map(({ id }: { id: string }) => id)).toEqual(['claude', 'gpt'])
    expect(seen).toEqual([])
  })

  it('hands back what clients need of the headers, and the errors of the provider, which cost nothing', async () => {
    await openFor(1_000_000_000, false)
    const { headers } = await post('/v1/messages', ASK, { 'anthropic-version': '2023-06-01', cookie: 'a=b' })
    expect(headers).toMatchObject({ 'request-id': 'req-1' })
    expect(headers['set-cookie']).toBeUndefined()
    expect(seen[0]!.headers).toMatchObject({ 'anthropic-version': '2023-06-01' })
    expect(seen[0]!.headers.cookie).toBeUndefined()
    reply = (_body, response) => response.writeHead(429, { 'retry-after': '7', 'content-type': 'application/json' }).end('{"error":{}}')
    const limited = await post('/v1/messages', ASK)
    expect({ status: limited.status, after: limited.headers['retry-after'] }).toEqual({ status: 429, after: '7' })
    expect(account.total()).toBe(COST)
  })

  it('counts in full what was cut off or tells no usage', async () => {
    await openFor(1_000_000_000, false)
    reply = (_body, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(SSE[0]!, () => response.destroy())
    }
    await expect(post('/v1/messages', ASK)).rejects.toThrow()
    await expect.poll(() => gateway.spent().nusd).toBeGreaterThan(COST)
    const cut = account.total()
    reply = (_body, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    await post('/v1/messages', { ...ASK, stream: false })
    expect(account.total()).toBeGreaterThan(cut + COST)
    expect([...account.rows.values()].every(({ phase }) => phase === 'settled')).toBe(true)
  })

  it('says that a provider cannot be reached, for nothing', async () => {
    const closed = createServer().listen(0, '127.0.0.1')
    await new Promise((ready) => closed.once('listening', ready))
    const { port } = closed.address() as AddressInfo
    await new Promise((done) => closed.close(done))
    await openFor(1_000_000_000, false, { upstream: async () => ({ baseUrl: `http://127.0.0.1:${port}`, headers: {} }) })
    expect((await post('/v1/messages', ASK)).status).toBe(502)
    expect(account.total()).toBe(0)
  })
})

describe('the bound of a request', () => {
  const bound = (api: WireApi, body: object) => boundRequest(api, JSON.stringify(body), table)
  beforeEach(() => openFor(0, false))

  it('knows a model by its exact id or an alias, which is sent on as what it was priced as; never by its family', () => {
    expect(JSON.parse((bound('messages', { ...ASK, model: 'claude-sonnet' }) as { body: string }).body)).toMatchObject({ model: 'claude' })
    expect(bound('messages', { ...ASK, model: 'claude-20250929\u001b[2J' })).toEqual({
      code: 'MODEL_UNPRICED',
      message: expect.stringMatching(
        /^The model "claude-20250929[^\u001b]*" is not in the routing table. The nearest with one is claude. See: singularity llm models$/,
      ),
    })
  })

  it.each([
    ['messages', { model: 'unknown', max_tokens: 1 }, 'MODEL_UNPRICED'],
    ['messages', { model: 'gpt', max_tokens: 1 }, 'MODEL_UNPRICED'],
    ['messages', { ...ASK, tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, 'COST_UNBOUNDED'],
    ['messages', { ...ASK, mcp_servers: [{ type: 'url' }] }, 'COST_UNBOUNDED'],
    ['messages', { ...ASK, speed: 'fast' }, 'COST_UNBOUNDED'],
    ['responses', { model: 'gpt', tools: [{ type: 'code_interpreter' }] }, 'COST_UNBOUNDED'],
    ['responses', { model: 'gpt', service_tier: 'priority' }, 'COST_UNBOUNDED'],
    ['responses', { model: 'gpt', background: true }, 'COST_UNBOUNDED'],
    ['chat', { model: 'gpt', n: 4 }, 'COST_UNBOUNDED'],
    ['chat', { model: 'gpt', web_search_options: {} }, 'COST_UNBOUNDED'],
  ] as [WireApi, object, string][])('%s %j: %s', (api, body, code) => {
    expect(bound(api, body)).toMatchObject({ code })
  })

  it('always has a limit of the output, and asks for the usage of a stream', () => {
    const open = bound('chat', { model: 'gpt', stream: true, messages: [] })
    expect(JSON.parse((open as { body: string }).body)).toMatchObject({
      max_completion_tokens: 8000,
      stream_options: { include_usage: true },
    })
    const large = bound('messages', { ...ASK, max_tokens: 1_000_000 })
    expect(JSON.parse((large as { body: string }).body)).toMatchObject({ max_tokens: 8000 })
  })

  it('counts a full window for what is not in the request', () => {
    const plain = bound('responses', { model: 'gpt', input: 'hi' }) as { boundNusd: number }
    const chained = bound('responses', { model: 'gpt', input: 'hi', previous_response_id: 'r' }) as { boundNusd: number }
    expect(chained.boundNusd - plain.boundNusd).toBeGreaterThanOrEqual(200_000 * 3000)
  })
})

describe('the usage of an answer', () => {
  beforeEach(() => openFor(0, false))

  it('is the same streamed and buffered', () => {
    const reader = createUsageReader('chat', 'text/event-stream; charset=utf-8')
    const text =
      'data: {"choices":[]}\r\n\r\ndata: {"usage":{"prompt_tokens":10,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":4}}}\n\ndata: [DONE]\n\n'
    for (const byte of Buffer.from(text)) reader.push(Uint8Array.of(byte))
    const buffered = createUsageReader('responses', 'application/json')
    buffered.push(Buffer.from('{"usage":{"input_tokens":10,"output_tokens":3,"input_tokens_details":{"cached_tokens":4}}}'))
    expect(reader.end()).toMatchObject({ input: 10, cacheRead: 4, output: 3 })
    expect(buffered.end()).toMatchObject({ input: 10, cacheRead: 4, output: 3 })
  })
})
