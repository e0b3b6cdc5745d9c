import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ProviderFailure, type TransportOptions, createProvider, createTransport } from '../../src/core/llm/index.ts'
import { type MockModels, closeServer, startMockModels } from '../support/models.ts'
import { CASES, EVERYTHING } from '../support/providers.ts'
import { type Proxy, startProxy } from '../support/proxy.ts'

const tls = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')
const CA = tls('ca')

let models: MockModels
let proxy: Proxy
const closing: (() => Promise<unknown>)[] = []

beforeEach(async () => {
  models = await startMockModels({ tls: { key: tls('models-key'), cert: tls('models') }, fallback: { text: 'through' } })
  proxy = await startProxy(() => Number(new URL(models.origin).port))
  closing.push(
    () => models.close(),
    () => closeServer(proxy.server),
  )
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const close of closing.splice(0).reverse()) await close()
})

async function ask(options: TransportOptions, baseUrl = 'https://models.test/v1', api = CASES[1]!.api): Promise<string> {
  const transport = createTransport(options)
  closing.push(() => transport.close())
  const provider = await createProvider(api, { name: 'x', apiKey: 'k', baseUrl, capabilities: EVERYTHING, fetch: transport.fetch })
  const context = { signal: new AbortController().signal, clocks: { headersMs: 10_000, idleMs: 10_000, totalMs: 20_000 } }
  return (await provider.send({ model: 'm', maxOutputTokens: 9, messages: [{ role: 'user', content: 'x' }] }, context)).text
}

const failureOf = (promise: Promise<unknown>): Promise<ProviderFailure> =>
  promise.then(
    (value) => Promise.reject(new Error(String(value))),
    (error: unknown) => error as ProviderFailure,
  )

describe('a proxy and a private authority', () => {
  it.each(CASES)('$name goes through them', async ({ api }) => {
    const base = api === 'messages' ? 'https://models.test' : 'https://models.test/v1'
    expect(await ask({ proxies: { https: proxy.url }, extraCa: CA }, base, api)).toBe('through')
    expect(proxy.seen).toEqual(['models.test:443'])
    expect(models.requests[0]!.headers.host).toBe('models.test')
  })

  it('credentials in the address of the proxy are given to it', async () => {
    await ask({ proxies: { https: proxy.url.replace('//', '//ada:secret@') }, extraCa: CA })
    expect(proxy.headers).toEqual([`Basic ${Buffer.from('ada:secret').toString('base64')}`])
  })

  it('an authority nobody named is not trusted, and nothing was sent', async () => {
    expect(await failureOf(ask({ proxies: { https: proxy.url } }))).toMatchObject({ reason: 'connection', outcome: 'not_sent' })
    expect(models.requests).toHaveLength(0)
  })

  it('a proxy that refuses is no connection, and nothing was sent', async () => {
    const strict = await startProxy(() => 0, true)
    closing.push(() => closeServer(strict.server))
    expect(await failureOf(ask({ proxies: { https: strict.url }, extraCa: CA }))).toMatchObject({
      reason: 'connection',
      outcome: 'not_sent',
    })
    expect(strict.seen).toEqual(['models.test:443'])
  })

  it.each(['models.test', '.test', 'a.example, models.test:443', '*'])('NO_PROXY=%s goes around it', async (no) => {
    // there is no such host without the proxy
    expect(await failureOf(ask({ proxies: { https: proxy.url, no }, extraCa: CA }))).toMatchObject({
      reason: 'connection',
      outcome: 'not_sent',
    })
    expect(proxy.seen).toEqual([])
  })

  it('models of this machine are never asked for through a proxy', async () => {
    const local = await startMockModels({ fallback: { text: 'at home' } })
    closing.push(() => local.close())
    expect(await ask({ proxies: { http: proxy.url, https: proxy.url } }, local.baseUrl('chat'))).toBe('at home')
    expect(proxy.seen).toEqual([])
  })

  it('only what was passed in counts, not the environment of the process', async () => {
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy']) vi.stubEnv(name, 'http://127.0.0.1:9')
    const local = await startMockModels({ fallback: { text: 'direct' } })
    closing.push(() => local.close())
    expect(await ask({}, local.baseUrl('chat'))).toBe('direct')
    vi.stubEnv('NO_PROXY', '*')
    expect(await ask({ proxies: { https: proxy.url }, extraCa: CA })).toBe('through')
  })

  it('closing cuts what is in flight', async () => {
    const local = await startMockModels({ fallback: { text: 'never', failure: { kind: 'stall', at: 'stream' } } })
    closing.push(() => local.close())
    const transport = createTransport()
    const provider = await createProvider('chat', {
      name: 'x',
      apiKey: 'k',
      baseUrl: local.baseUrl('chat'),
      capabilities: EVERYTHING,
      fetch: transport.fetch,
    })
    const context = {
      signal: new AbortController().signal,
      clocks: { headersMs: 10_000, idleMs: 10_000, totalMs: 20_000 },
      onText: () => void transport.close(),
    }
    expect(
      await failureOf(provider.send({ model: 'm', maxOutputTokens: 9, messages: [{ role: 'user', content: 'x' }] }, context)),
    ).toMatchObject({ reason: 'truncated', outcome: 'unknown' })
    await local.ended(1)
  })
})
