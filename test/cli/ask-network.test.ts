import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AskBench, KEY, expectFailure, openAskBench } from '../support/asking.ts'
import { closeServer } from '../support/models.ts'
import { type Proxy, startProxy } from '../support/proxy.ts'

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'tls')
const pem = (name: string): string => readFileSync(join(FIXTURES, `${name}.pem`), 'utf8')

let bench: AskBench
let proxy: Proxy
/** A provider behind a proxy, with a certificate of a private authority; there is no such host without the proxy. */
let behind: Record<string, string>
beforeAll(async () => {
  bench = await openAskBench({ tls: { key: pem('models-key'), cert: pem('models') }, fallback: { text: 'through' } })
  proxy = await startProxy(() => Number(new URL(bench.mock.origin).port))
  behind = { OPENAI_BASE_URL: 'https://models.test/v1', HTTPS_PROXY: proxy.url, NODE_EXTRA_CA_CERTS: join(FIXTURES, 'ca.pem') }
})
afterAll(async () => {
  await bench.close()
  await closeServer(proxy.server)
})

it.each([
  ['OpenAI', 'openai', () => ({})],
  ['Anthropic', 'anthropic', () => ({ OPENAI_API_KEY: '', ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: 'https://models.test' })],
])('HTTPS_PROXY and a private authority lead to %s', async (name, provider, more) => {
  const tunnels = proxy.seen.length
  const answer = await bench.ask([`Through, ${name}?`], [], { env: { ...behind, ...more() } })
  expect(answer.json.data, answer.stdout).toMatchObject({ answer: 'through', sent: { provider } })
  expect(proxy.seen.slice(tunnels)).toEqual(['models.test:443'])
  expect(answer.seen[0]!.headers.host).toBe('models.test')
})

it('lower-case names of the variables count as well', async () => {
  const answer = await bench.ask(['Through in small letters?'], [], { env: { ...behind, HTTPS_PROXY: '', https_proxy: proxy.url } })
  expect(answer.json.data, answer.stdout).toMatchObject({ answer: 'through' })
})

it.each([
  ['NO_PROXY goes around it, to a host that is not there', { NO_PROXY: 'models.test' }, 0],
  ['an authority that was not named is not trusted', { NODE_EXTRA_CA_CERTS: '' }, 1],
  ['a file with authorities that is not there is as if it was not named', { NODE_EXTRA_CA_CERTS: '/nowhere/ca.pem' }, 1],
  ['a proxy that is not there', { HTTPS_PROXY: 'http://127.0.0.1:9' }, 0],
])('%s: exit 7, nothing was sent and nothing is owed', async (name, more, tunnels) => {
  const before = proxy.seen.length
  const answer = await bench.ask([`Why not: ${name}?`], [], { env: { ...behind, ...more } })
  const { data, message } = expectFailure(answer, 'PROVIDER_UNAVAILABLE', 7)
  expect(data).toMatchObject({ reason: 'provider_unavailable.connection' })
  expect(message).toMatch(/cannot be reached: [A-Z_]+/)
  expect(answer.seen).toEqual([])
  expect(proxy.seen.length - before).toBe(tunnels)
  const { json } = await bench.place.run(['queue', 'show', String(data!['id'])])
  expect(json.data.attempts).toMatchObject([{ cost_nusd: 0 }])
})

it('a proxy that wants to know who asks: the credentials of its address are given, and stand nowhere', async () => {
  const env = { ...behind, HTTPS_PROXY: proxy.url.replace('//', '//ada:proxy-password-1234@') }
  const answer = await bench.ask(['Who asks?', '--verbose'], [], { env })
  expect(answer.json.data, answer.stdout).toMatchObject({ answer: 'through' })
  expect(proxy.headers.at(-1)).toBe(`Basic ${Buffer.from('ada:proxy-password-1234').toString('base64')}`)
  expect(answer.stdout + answer.stderr).not.toContain('proxy-password')
  expect(bench.holding('proxy-password')).toEqual([])
})
