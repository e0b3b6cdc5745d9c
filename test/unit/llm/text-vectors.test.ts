import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/kernel/index.ts'
import { type Llm, type TextVectorsDeps, createSentRecord, openLlm, openTextVectors } from '../../../src/core/llm/index.ts'
import { createProcessInfo } from '../../../src/core/process/index.ts'
import { type Database, STATE_MIGRATIONS, openDatabase } from '../../../src/core/storage/index.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const HOST = 'api.openai.com'
const MODEL = 'openai/text-embedding-3-small'
let folder: string
let llm: Llm
let db: Database
let sent: string[][]
/** What the server says to each call, in order; vectors where nothing is left. */
let replies: (() => Response)[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'singularity-vectors-'))
  db = openDatabase({ path: join(folder, 'state.db'), applicationId: 1, migrations: STATE_MIGRATIONS })
  sent = []
  replies = []
})
afterEach(() => {
  llm.close()
  db.close()
  rmSync(folder, { recursive: true, force: true })
})

const fetched = (async (_url: unknown, init: { body: string }) => {
  const { input } = JSON.parse(init.body) as { input: string[] }
  sent.push(input)
  const data = input.map((_text, index) => ({ index, embedding: [3, 4] }))
  return replies.shift()?.() ?? Response.json({ data, usage: { prompt_tokens: 10 * input.length } })
}) as unknown as typeof fetch

const record = () => createSentRecord({ db, clock: systemClock })

function open(env: Record<string, string> = {}, more: Partial<TextVectorsDeps> = {}) {
  const processes = createProcessInfo()
  llm = openLlm({
    env: { OPENAI_API_KEY: 'key', LLM_MAX_RETRIES: '2', ...env },
    stateHome: folder,
    configHome: folder,
    packageRoot: ROOT,
    clock: systemClock,
    platform: process.platform,
    processes,
    repositoryFile: null,
    askPassphrase: null,
  })
  return openTextVectors({
    llm,
    fetch: fetched,
    clock: systemClock,
    self: processes.self,
    repository: 'here',
    offline: false,
    model: MODEL,
    dimensions: null,
    timeoutMs: 10_000,
    batch: 2,
    random: () => 0,
    allow: [HOST],
    known: ['a-known-secret-value'],
    record: async () => record(),
    ...more,
  })
}
const status =
  (code: number, headers: Record<string, string> = {}) =>
  () =>
    new Response('{}', { status: code, headers })

test('texts go in batches without what is secret; each batch is recorded and paid', async () => {
  record().grantConsent(HOST, 'ada')
  const server = await open()
  expect(server).toMatchObject({ name: MODEL, host: HOST })
  expect(await server.embed('index', ['one', 'with a-known-secret-value', 'three'])).toHaveLength(3)
  expect(sent).toEqual([['one', 'with [hidden]'], ['three']])
  const [row] = record().list()
  expect(row).toMatchObject({ host: HOST, model: MODEL, purpose: 'index', pieces: 3, bytes: Buffer.byteLength('onewith [hidden]three') })
  expect(llm.account().verify()).toEqual([])
})

test('what may pass is tried again, as often as requests are', async () => {
  record().grantConsent(HOST, 'ada')
  const server = await open()
  replies = [status(503), status(429, { 'retry-after': '0' })]
  expect(await server.embed('query', ['again'])).toHaveLength(1)
  expect(sent).toHaveLength(3)
  // each try may have been read there
  expect(record().list()).toMatchObject([{ purpose: 'query', pieces: 3 }])
})

test('what does not pass, or cannot, ends with its reason', async () => {
  record().grantConsent(HOST, 'ada')
  const server = await open()
  replies = [status(503), status(503), status(503)]
  await expect(server.embed('query', ['again'])).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', data: { http_status: 503 } })
  expect(sent).toHaveLength(3)
  for (const [code, reason] of [
    [401, 'auth'],
    [404, 'model_not_found'],
    [400, 'bad_request'],
  ] as const) {
    replies = [status(code)]
    await expect(server.embed('query', ['once'])).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', data: { reason } })
  }
  expect(sent).toHaveLength(6)
  replies = [status(429, { 'retry-after': '3600' })]
  await expect(server.embed('query', ['in an hour'])).rejects.toMatchObject({ data: { reason: 'rate_limited' } })
})

test('a breaker that is open lets nothing out', async () => {
  record().grantConsent(HOST, 'ada')
  const server = await open({ LLM_MAX_RETRIES: '0' })
  for (let n = 0; llm.account().reopensAt('openai', MODEL) === null && n < 20; n++) {
    replies = [status(500)]
    await server.embed('index', ['x']).catch(() => undefined)
  }
  const before = sent.length
  await expect(server.embed('index', ['x'])).rejects.toMatchObject({
    code: 'PROVIDER_UNAVAILABLE',
    message: expect.stringContaining('too often'),
  })
  expect(sent).toHaveLength(before)
})

test('leave and consent are asked for before anything is sent, the consent before every call', async () => {
  await expect(open({}, { allow: ['api.openai.com.evil.test', 'openai.com'] })).rejects.toMatchObject({
    code: 'SENDING_NOT_ALLOWED',
    exitCode: 4,
  })
  llm.close()
  await expect(open()).rejects.toMatchObject({ code: 'SENDING_NOT_ALLOWED', data: { host: HOST, consent: true } })
  llm.close()
  record().grantConsent(HOST, 'ada')
  const server = await open()
  await server.embed('index', ['one'])
  record().revokeConsent(HOST)
  await expect(server.embed('index', ['two'])).rejects.toMatchObject({ code: 'SENDING_NOT_ALLOWED' })
  expect(sent).toEqual([['one']])
})

test('what a cap holds back is neither sent nor recorded', async () => {
  record().grantConsent(HOST, 'ada')
  const server = await open({ SINGULARITY_LLM_BUDGET_DAY: '0' })
  await expect(server.embed('index', ['one'])).rejects.toMatchObject({ code: 'BUDGET_REACHED' })
  expect(sent).toEqual([])
  expect(record().list()).toEqual([])
})
