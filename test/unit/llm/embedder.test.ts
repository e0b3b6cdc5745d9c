import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/kernel/index.ts'
import { type EmbedderDeps, type Llm, createEmbedder, openLlm } from '../../../src/core/llm/index.ts'
import { createProcessInfo } from '../../../src/core/process/index.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const FIRST = 'Copy the first file'
let folder: string
let llm: Llm
let sent: string[][]
let vectorOf: (text: string) => number[]
let reply: (body: object) => Response | Promise<Response>

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'singularity-embedder-'))
  sent = []
  vectorOf = (text) => (text.startsWith(FIRST) ? [1, 0] : [0, 1])
  reply = (body) => Response.json(body)
})
afterEach(() => {
  llm.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Answers as /v1/embeddings does; what it counts is 10 tokens a text. */
const fetched = (async (_url: unknown, init: { body: string }) => {
  const { input } = JSON.parse(init.body) as { input: string[] }
  sent.push(input)
  const data = input.map((text, index) => ({ index, embedding: vectorOf(text) }))
  return reply({ data, usage: { prompt_tokens: 10 * input.length } })
}) as unknown as typeof fetch

function embedder(file: object = {}, more: Partial<EmbedderDeps> = {}) {
  const configHome = join(folder, 'config')
  mkdirSync(configHome, { recursive: true })
  writeFileSync(join(configHome, 'llm.json'), JSON.stringify(file))
  const processes = createProcessInfo()
  const env = { OPENAI_API_KEY: 'key', OPENROUTER_API_KEY: 'key' }
  const shared = { env, stateHome: folder, configHome, packageRoot: ROOT, clock: systemClock, platform: process.platform, processes }
  llm = openLlm({ ...shared, repositoryFile: null, askPassphrase: null })
  return createEmbedder({
    llm,
    fetch: fetched,
    clock: systemClock,
    self: processes.self,
    repository: 'here',
    offline: false,
    model: 'openai/text-embedding-3-small',
    dimensions: null,
    ...more,
  })
}
const day = () => {
  const [cap] = llm.account().budget([{ scope: 'day', key: '', capNusd: 1_000_000_000 }])
  return { spent: cap!.spent_nusd, reserved: cap!.reserved_nusd }
}

test('a call is reserved and settled; the two probes go with the first texts only', async () => {
  const made = embedder()
  expect(made.mayAnswer).toBe(false)
  expect(await made.embed(['a question'])).toEqual([Float32Array.of(0, 1)])
  expect(made.mayAnswer).toBe(true)
  expect(day()).toEqual({ spent: 600, reserved: 0 })
  await made.embed(['another'])
  expect(sent.map(({ length }) => length)).toEqual([3, 1])
  expect(day()).toEqual({ spent: 800, reserved: 0 })
  expect(llm.account().verify()).toEqual([])
})

test('who cannot hear the order of words may never answer', async () => {
  vectorOf = () => [0.6, 0.8]
  const made = embedder()
  await made.embed(['a question'])
  expect(made.mayAnswer).toBe(false)
})

test('a cap that is reached: nothing is sent', async () => {
  await expect(embedder({ budgets: { day_usd: 0.000_000_1 } }).embed(['a question'])).rejects.toMatchObject({ code: 'BUDGET_REACHED' })
  expect(sent).toEqual([])
})

test('without a price, under a cap: nothing is sent; on this machine it costs nothing', async () => {
  const file = {
    embeddings: { 'openrouter/secret': { id: 'secret' } },
    providers: { ollama: { base_url: 'http://127.0.0.1:9/v1', enabled: true } },
  }
  await expect(embedder(file, { model: 'openrouter/secret' }).embed(['a'])).rejects.toThrow('its price is not known')
  expect(sent).toEqual([])
  llm.close()
  await embedder(file, { model: 'ollama/any-model', offline: true }).embed(['a'])
  expect(day()).toEqual({ spent: 0, reserved: 0 })
})

test('what may have been billed counts in full, a refusal not at all', async () => {
  reply = () => new Response('{}', { status: 500 })
  const made = embedder()
  await expect(made.embed(['a'])).rejects.toMatchObject({ reason: 'server' })
  expect(day()).toEqual({ spent: 0, reserved: 0 })
  reply = () => Promise.reject(new Error('reset'))
  await expect(made.embed(['a'])).rejects.toMatchObject({ reason: 'connection' })
  expect(day().spent).toBeGreaterThan(1_000)
  expect(day().reserved).toBe(0)
})

test.each<[string, object, Partial<EmbedderDeps>]>([
  ['no provider', {}, { model: 'codebert' }],
  ['an unknown model', {}, { model: 'openai/unknown' }],
  ['no network', {}, { offline: true }],
  ['privacy', { privacy: { allow: ['local'] } }, {}],
  ['a provider without embeddings', {}, { model: 'anthropic/any' }],
])('%s: it cannot be used, and says so', (_name, file, more) => {
  expect(() => embedder(file, more)).toThrow(expect.objectContaining({ code: 'LLM_NOT_CONFIGURED' }))
})
