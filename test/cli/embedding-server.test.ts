import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type MockModels, closeServer, startMockModels } from '../support/models.ts'
import { type Proxy, startProxy } from '../support/proxy.ts'
import { hasTerminal, openTerminal } from '../support/terminal.ts'
import { type Playground, createPlayground, refuses } from './playground.ts'

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'tls')
const pem = (name: string): string => readFileSync(join(FIXTURES, `${name}.pem`), 'utf8')
const TOKEN = 'ghp_0123456789abcdefghijABCDEFGHIJ012345'
const ENV_SECRET = 'a-secret-of-the-environment-77'
const FILES = {
  'src/config.js': `export function readConfig(path) {\n  const token = "${TOKEN}"\n  return JSON.parse(load(path, token))\n}\n`,
  'src/mail.js': `export function sendMail(to, message) {\n  return deliver(to, message, "${ENV_SECRET}")\n}\n`,
  '.env': 'PASSWORD=hunter2-of-the-env-file\n',
  'deploy/id_rsa': '-----BEGIN OPENSSH PRIVATE KEY-----\nnot-for-anybody\n-----END OPENSSH PRIVATE KEY-----\n',
  'notes.txt': '-----BEGIN RSA PRIVATE KEY-----\nhidden-in-a-text\n-----END RSA PRIVATE KEY-----\n',
}
const HOST = 'models.test'

let place: Playground
let mock: MockModels
let proxy: Proxy
let sent: string[][]
/** What the server answers instead; undefined: vectors by the words of a text. */
let instead: ((texts: string[]) => { status?: number; body: unknown }) | undefined
const WORDS = ['read', 'config', 'json', 'send', 'mail', 'deliver', 'draw', 'sort', 'date', 'user', 'wait', 'a']
const vectorOf = (text: string): number[] => WORDS.map((word) => (text.toLowerCase().includes(word) ? 1 : 0.01))
const rows = (vectors: readonly unknown[]) => ({
  body: { data: vectors.map((embedding, index) => ({ index, embedding })), usage: { prompt_tokens: 10 * vectors.length } },
})

beforeAll(async () => {
  place = createPlayground(FILES)
  mock = await startMockModels({
    tls: { key: pem('models-key'), cert: pem('models') },
    handle: ({ path, raw }) => {
      if (path !== '/v1/embeddings') return undefined
      const { input } = JSON.parse(raw) as { input: string[] }
      sent.push(input)
      return instead?.(input) ?? rows(input.map(vectorOf))
    },
  })
  // a provider on another machine: there is no such host without the proxy
  proxy = await startProxy(() => Number(new URL(mock.origin).port))
  Object.assign(place.env, {
    OPENAI_BASE_URL: `https://${HOST}/v1`,
    OPENAI_API_KEY: 'key-of-the-test',
    SOME_SECRET: ENV_SECRET,
    HTTPS_PROXY: proxy.url,
    NODE_EXTRA_CA_CERTS: join(FIXTURES, 'ca.pem'),
    EMBEDDING_MODEL: 'openai/text-embedding-3-small',
    LLM_MAX_RETRIES: '1',
  })
  sent = []
})
afterEach(() => {
  sent = []
  instead = undefined
})
afterAll(async () => {
  await mock.close()
  await closeServer(proxy.server)
  place.cleanup()
})

const settings = (content: object): void => {
  const file = join(place.folder, 'config', 'singularity', 'config.json')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify(content))
}
const left = async () => (await place.run(['index', 'status'])).json.data.left_the_machine
const spent = async (): Promise<number> =>
  (await place.run(['llm', 'budget'])).json.data.caps.find(({ scope }: { scope: string }) => scope === 'day').spent_nusd

it('nothing is sent to a host that the file of the user does not name; the environment cannot name one', async () => {
  const { json } = await refuses(place, ['index'], 'SENDING_NOT_ALLOWED', 4, { env: { SINGULARITY_EMBEDDING_ALLOW: HOST } })
  expect(json.error!.hints).toEqual([`singularity config set embedding.allow ${HOST}`])
  await refuses(place, ['embedding', 'consent', HOST], 'SENDING_NOT_ALLOWED', 4)
  await refuses(place, ['index', '--embedding-model', 'openai/nothing-of-the-table'], 'LLM_NOT_CONFIGURED', 7)
  expect(await left()).toEqual([])
  expect(sent).toEqual([])
})

it('nothing is sent before a person has said yes for this repository', async () => {
  settings({ embedding: { allow: [HOST] } })
  const { json } = await refuses(place, ['index'], 'SENDING_NOT_ALLOWED', 4)
  expect(json.error!.hints).toEqual([`singularity embedding consent ${HOST}`])
  expect(await place.run(['search', 'deliver mail'])).toMatchObject({ exitCode: 0 })
  await refuses(place, ['embedding', 'check'], 'SENDING_NOT_ALLOWED', 4)
  expect(await left()).toEqual([])
  expect(sent).toEqual([])
})

it('pieces without secrets are sent, paid for and recorded; the search asks the same model', async () => {
  expect(await place.run(['embedding', 'consent', HOST])).toMatchObject({ exitCode: 0, json: { data: { consent: true, changed: true } } })
  expect(await place.run(['index'])).toMatchObject({ exitCode: 0, json: { data: { embedded: 2 } } })
  const text = sent.flat().join('\n')
  expect(text).toContain('readConfig')
  for (const secret of [TOKEN, ENV_SECRET, 'hunter2', 'not-for-anybody', 'hidden-in-a-text']) expect(text).not.toContain(secret)
  const pieces = sent.flat().filter((each) => /readConfig\(path\) \{\n {2}const|deliver\(to/.test(each))
  expect(pieces).toHaveLength(2)
  const calls = sent.length

  const found = (await place.run(['search', 'deliver a mail to somebody'])).json.data
  expect(found).toMatchObject({ mode: 'hybrid', model: 'endpoint:openai/text-embedding-3-small:any', note: null })
  expect(found.results[0].path).toBe('src/mail.js')
  expect(sent.slice(calls)).toEqual([['deliver a mail to somebody']])

  const [index, query] = await left()
  const all = sent.slice(0, calls).flat()
  expect(index).toMatchObject({ host: HOST, model: 'openai/text-embedding-3-small', purpose: 'index' })
  // the questions that measure a new model were sent as questions
  expect(index.pieces + query.pieces).toBe(all.length + 1)
  expect(index.bytes + query.bytes).toBe(Buffer.byteLength([...all, 'deliver a mail to somebody'].join('')))
  // 10 tokens a text at 0.02 dollars per million
  expect(await spent()).toBe((all.length + 1) * 200)

  const forgotten = await place.run(['index', 'forget', 'src/mail.js'])
  expect(forgotten.json.data).toMatchObject({ files: 1, left_the_machine: [{ host: HOST }, { host: HOST }] })
})

it.each<[string, NonNullable<typeof instead>, string, number, Record<string, string>]>([
  ['is overloaded', () => ({ status: 503, body: {} }), 'PROVIDER_UNAVAILABLE', 7, {}],
  ['refuses the key', () => ({ status: 401, body: {} }), 'PROVIDER_UNAVAILABLE', 7, {}],
  ['answers fewer vectors', (texts) => rows(texts.slice(1).map(vectorOf)), 'MALFORMED_RESPONSE', 7, {}],
  ['answers NaN', (texts) => rows(texts.map(() => ['NaN', null, 1])), 'MALFORMED_RESPONSE', 7, {}],
  ['answers other dimensions than are set', (texts) => rows(texts.map(vectorOf)), 'MALFORMED_RESPONSE', 7, { EMBEDDING_DIMENSIONS: '99' }],
  ['answers other dimensions than the index has', (texts) => rows(texts.map(() => [1, 2, 3])), 'EMBEDDING_MISMATCH', 6, {}],
])('a server that %s: told, and the words are indexed all the same', async (name, answer, code, exitCode, env) => {
  instead = answer
  const symbol = `added${name.replace(/\W/g, '')}`
  place.write({ 'src/added.js': `export function ${symbol}() {\n  return send()\n}\n` })
  const account = { SINGULARITY_LEDGER: join(place.folder, `${symbol}.db`) }
  await refuses(place, ['index'], code, exitCode, { env: { ...env, ...account } })
  expect(sent).toHaveLength(code === 'PROVIDER_UNAVAILABLE' && name !== 'refuses the key' ? 2 : 1)
  if (name !== 'is overloaded') return
  const found = await place.run(['search', symbol, '--lexical'], { env: account })
  expect(found.json.data.results[0].path).toBe('src/added.js')
})

it('a server that is down costs a search its meaning, not its words; --offline asks nobody', async () => {
  expect(await place.run(['index'])).toMatchObject({ exitCode: 0 })
  sent = []
  const down = { HTTPS_PROXY: 'http://127.0.0.1:9', LLM_MAX_RETRIES: '0', SINGULARITY_LEDGER: join(place.folder, 'down.db') }
  const found = await place.run(['search', 'deliver mail'], { env: down })
  expect(found).toMatchObject({ exitCode: 0, json: { data: { mode: 'lexical', model: null, note: expect.stringContaining(HOST) } } })
  place.write({ 'src/more.js': 'export function moreOfIt() {}\n' })
  await refuses(place, ['index'], 'PROVIDER_UNAVAILABLE', 7, { env: down })
  await refuses(place, ['index'], 'LLM_NOT_CONFIGURED', 7, { env: { SINGULARITY_OFFLINE: 'true' } })
  expect(sent).toEqual([])
})

it('a cap that is reached: nothing is sent, nothing is recorded as sent', async () => {
  const before = await left()
  const env = { SINGULARITY_LLM_BUDGET_DAY: '0' }
  await refuses(place, ['index'], 'BUDGET_REACHED', 5, { env })
  expect(sent).toEqual([])
  expect(await left()).toEqual(before)
})

it('a consent that was taken back: nothing more is sent, what was is still told', async () => {
  expect(await place.run(['embedding', 'consent', HOST, '--revoke'])).toMatchObject({ json: { data: { consent: false, changed: true } } })
  const found = await place.run(['search', 'deliver mail'])
  expect(found).toMatchObject({ exitCode: 0, json: { data: { mode: 'lexical', note: expect.stringContaining(HOST) } } })
  expect(sent).toEqual([])
  expect(await left()).toHaveLength(2)
})

it.skipIf(!hasTerminal)('on a terminal the consent is asked for, and a yes is kept', async () => {
  const env = { ...place.env, SINGULARITY_LEDGER: join(place.folder, 'terminal.db') }
  const declined = openTerminal({ ...place, env }, ['index'])
  await declined.sees(`will be sent to ${HOST}`)
  declined.type('n\n')
  expect(await declined.done).toBe(4)
  expect(sent).toEqual([])
  const agreed = openTerminal({ ...place, env }, ['index'])
  await agreed.sees('[y]es, [n]o:')
  agreed.type('y\n')
  expect(await agreed.done).toBe(0)
  expect(sent.length).toBeGreaterThan(0)
  expect((await place.run(['embedding', 'consent', HOST])).json.data).toMatchObject({ consent: true, changed: false })
})

it('a server on this machine needs neither leave nor consent, and nothing leaves', async () => {
  const before = await left()
  const near = await startMockModels({ handle: ({ raw }) => rows((JSON.parse(raw) as { input: string[] }).input.map(vectorOf)) })
  try {
    const env = { OLLAMA_HOST: near.origin, SINGULARITY_OFFLINE: 'true' }
    const checked = await place.run(['embedding', 'check', '--embedding-model', 'ollama/tiny'], { env })
    expect(checked.json.data, checked.stdout).toMatchObject({
      model: 'endpoint:ollama/tiny:any',
      kind: 'endpoint',
      dimensions: WORDS.length,
    })
    expect(await left()).toEqual(before)
  } finally {
    await near.close()
  }
})
