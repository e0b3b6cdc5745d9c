import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type MockModels, startMockModels } from '../support/models.ts'
import { PROGRAM, type Playground, createPlayground } from './playground.ts'

const KEY = 'sk-mock-0123456789abcdef'
const ANSWER = { text: '{"ok":true}', forever: true }

let place: Playground
let mock: MockModels
beforeEach(async () => {
  place = createPlayground()
  mock = await startMockModels({ answers: [ANSWER], models: ['gpt-6-luna', 'gpt-6-sol', 'claude-haiku-4-5'] })
})
afterEach(async () => {
  await mock.close()
  place.cleanup()
})

const openai = (more: Record<string, string> = {}) => ({ OPENAI_API_KEY: KEY, OPENAI_BASE_URL: mock.baseUrl('responses'), ...more })

type Step = { step: string; state: string }
const states = (steps: Step[]): Record<string, string> => Object.fromEntries(steps.map(({ step, state }) => [step, state]))

describe('llm check', () => {
  it('calls a provider once, settles the money, and says what each complexity would use', async () => {
    const { json, exitCode, stdout, stderr } = await place.run(['llm', 'check'], { env: openai() })
    expect({ exitCode, requests: mock.requests.length }, stdout + stderr).toEqual({ exitCode: 0, requests: 1 })
    const [provider] = json.data.providers
    expect(provider).toMatchObject({ provider: 'openai', state: 'ok', reason: null, fix: [], unblocked: false })
    expect(states(provider.steps)).toMatchObject({ connection: 'ok', key: 'ok', model: 'ok', answer: 'ok', schema: 'ok', tools: 'ok' })
    expect(provider.cost_nusd).toBeGreaterThan(0)
    expect(provider.cost_nusd).toBeLessThanOrEqual(10_000_000)
    expect(mock.requests[0]!.body).toMatchObject({ tools: [{ name: 'look_up' }], text: { format: { type: 'json_schema' } } })
    for (const { model, estimate_nusd: cost } of json.data.complexities) {
      expect(model).toMatch(/^openai\//)
      expect(cost.low).toBeLessThanOrEqual(cost.likely)
      expect(cost.likely).toBeLessThanOrEqual(cost.high)
    }
    // a durable row like any other
    const shown = await place.run(['queue', 'show', provider.request_id])
    expect(shown.json.data.request).toMatchObject({ task_type: 'check', status: 'completed', parsed_response: { ok: true } })
    const [, day] = (await place.run(['llm', 'budget'])).json.data.caps
    expect(day).toMatchObject({ spent_nusd: provider.cost_nusd, reserved_nusd: 0 })
    expect(stdout + stderr + shown.stdout).not.toContain(KEY)
  })

  it('a wrong key: exit 7, the step, the fix; with another key the same command lifts the block', async () => {
    mock.script({
      failure: { kind: 'http', status: 401, type: 'invalid_request_error', code: 'invalid_api_key' },
      match: '',
      forever: false,
    })
    const { json, exitCode } = await place.run(['llm', 'check'], { env: openai() })
    expect(exitCode).toBe(7)
    const [provider] = json.data.providers
    expect(provider).toMatchObject({ state: 'failed', http_status: 401, cost_nusd: 0 })
    expect(states(provider.steps)).toEqual({ connection: 'ok', key: 'failed' })
    expect(provider.fix[0]).toContain('export OPENAI_API_KEY=')
    expect(json.data.complexities.map(({ model }: { model: string | null }) => model)).toEqual([null, null, null])
    const [route] = (await place.run(['llm', 'routes'], { env: openai() })).json.data.routes
    expect(route.models[0]).toMatchObject({ usable: false, reason: expect.stringContaining('blocked: auth') })
    const again = await place.run(['llm', 'check'], { env: openai() })
    expect(again.exitCode).toBe(0)
    expect(again.json.data.providers[0]).toMatchObject({ state: 'ok', unblocked: true })
  })

  it('one provider of two fails: exit 0, told, and the other one is what would be used', async () => {
    mock.script({ failure: { kind: 'http', status: 404, type: 'not_found_error', code: 'model_not_found' }, match: 'gpt-6-luna' })
    const env = openai({ ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: mock.baseUrl('messages') })
    const { json, exitCode } = await place.run(['llm', 'check'], { env })
    expect(exitCode).toBe(0)
    const [first, second] = json.data.providers as { provider: string; state: string; steps: Step[]; fix: string[] }[]
    expect(first).toMatchObject({ provider: 'openai', state: 'failed', fix: ['singularity llm models --check', expect.any(String)] })
    expect(states(first!.steps)).toMatchObject({ model: 'failed' })
    expect(second).toMatchObject({ provider: 'anthropic', state: 'ok' })
    for (const { provider } of json.data.complexities) expect(provider).toBe('anthropic')
    // it stands until it is seen to be over
    const { models } = (await place.run(['llm', 'models'])).json.data as { models: { model: string; notice: string | null }[] }
    expect(models.find(({ model }) => model === 'openai/gpt-6-luna')!.notice).not.toBeNull()
  })

  it('a proxy that refuses: exit 7 without a long wait, the proxy is named, its address is not', async () => {
    const proxy = createServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'))
      socket.on('error', () => undefined)
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const { port } = proxy.address() as { port: number }
    const env = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: 'https://models.invalid/v1', HTTPS_PROXY: `http://ada:secret@127.0.0.1:${port}` }
    const { json, exitCode, stdout, stderr } = await place.run(['llm', 'check'], { env })
    await new Promise((resolve) => proxy.close(resolve))
    expect(exitCode).toBe(7)
    const [provider] = json.data.providers
    expect(states(provider.steps), stdout).toEqual({ connection: 'failed' })
    expect(provider.fix[0]).toContain('HTTPS_PROXY')
    expect(stdout + stderr).not.toContain('secret')
  })

  it('without a key, offline, or dry nothing is sent', async () => {
    const none = await place.run(['llm', 'check'])
    expect({ exitCode: none.exitCode, providers: none.json.data.providers }).toEqual({ exitCode: 7, providers: [] })
    expect(none.json.data.complexities[0].fix).toHaveLength(3)
    const env = { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: 'https://models.invalid/v1' }
    const offline = await place.run(['llm', 'check', '--offline'], { env })
    expect({ exitCode: offline.exitCode, state: offline.json.data.providers[0].reason }).toEqual({ exitCode: 7, state: 'offline' })
    const dry = await place.run(['llm', 'check', '--dry-run'], { env: openai() })
    expect({ exitCode: dry.exitCode, spent: dry.json.data.spent_nusd }).toEqual({ exitCode: 0, spent: 0 })
    expect(mock.requests).toHaveLength(0)
  })

  it('a provider that takes no tools beside a schema is asked again without; a smaller window is told', async () => {
    const userFile = join(place.folder, 'config', 'singularity', 'llm.json')
    mkdirSync(dirname(userFile), { recursive: true })
    const local = { api: 'chat', base_url: mock.baseUrl('chat'), data: 'local', caps: { tools: true, json_schema: 'strict' } }
    const models = { 'local/mock-small': { id: 'gpt-6-luna', context: 100_000, max_output: 1000 } }
    const routes = { simple: { models: ['local/mock-small'] } }
    writeFileSync(userFile, JSON.stringify({ providers: { local }, models, routes }))
    mock.script({ failure: { kind: 'http', status: 400, type: 'invalid_request_error' }, match: 'look_up' })
    const { json, exitCode } = await place.run(['llm', 'check'])
    expect(exitCode).toBe(7)
    const [provider] = json.data.providers
    expect(states(provider.steps)).toMatchObject({ answer: 'ok', tools: 'warned', window: 'warned' })
    expect(provider.window).toEqual({ table: 100_000, server: 8192 })
    expect(provider.fix).toEqual(['models."local/mock-small".context: 8192   # in your llm.json'])
    const [simple, medium] = json.data.complexities
    expect(simple).toMatchObject({ model: 'local/mock-small', estimate_nusd: { low: 0, likely: 0, high: 0 } })
    expect(medium).toMatchObject({ model: null })
  })

  it('a stored key that cannot be opened costs nothing and is told', async () => {
    const unlocked = { SINGULARITY_SECRETS_PASSPHRASE: 'correct horse' }
    await place.run(['secrets', 'set', 'OPENAI_API_KEY', '--store', 'file'], { env: unlocked, input: KEY })
    const { json } = await place.run(['llm', 'check'], { env: { OPENAI_BASE_URL: mock.baseUrl('responses') } })
    const [provider] = json.data.providers
    expect(provider).toMatchObject({
      state: 'failed',
      cost_nusd: 0,
      fix: [expect.stringContaining('SINGULARITY_SECRETS_PASSPHRASE'), expect.anything()],
    })
    const [, day] = (await place.run(['llm', 'budget'])).json.data.caps
    expect(day).toMatchObject({ spent_nusd: 0, reserved_nusd: 0 })
    expect(mock.requests).toHaveLength(0)
  })

  it('is a table on a terminal, and says what to do', () => {
    expect(() => execFileSync(process.execPath, [PROGRAM, 'llm', 'check'], { cwd: place.root, env: place.env, encoding: 'utf8' })).toThrow(
      expect.objectContaining({
        status: 7,
        stdout: expect.stringMatching(/No provider is set up\.[^]*A request would use:[^]*secrets set/),
      }),
    )
  })
})

describe('llm models --check and llm unblock', () => {
  it('marks what the provider does not know, until it does', async () => {
    const first = await place.run(['llm', 'models', '--check'], { env: openai() })
    const [listing] = first.json.data.checked
    expect({ exitCode: first.exitCode, state: listing.state }, first.stdout).toEqual({ exitCode: 1, state: 'listed' })
    expect(listing.unknown).toContain('openai/gpt-6-astra')
    expect(listing.unknown).not.toContain('openai/gpt-6-sol')
    const marked = (await place.run(['llm', 'models'])).json.data.models as { model: string; notice: string | null }[]
    expect(marked.find(({ model }) => model === 'openai/gpt-6-astra')!.notice).toBe('openai does not list it')
    const doctor = (await place.run(['doctor'], { env: openai() })).json.data.checks as { id: string; status: string; detail: string }[]
    expect(doctor.find(({ id }) => id === 'models')).toMatchObject({ status: 'warn', detail: expect.stringContaining('gpt-6-astra') })
    expect(mock.requests).toHaveLength(0)
  })

  it('nobody who answers is exit 7', async () => {
    await mock.close()
    const { json, exitCode } = await place.run(['llm', 'models', '--check'], { env: openai() })
    expect({ exitCode, state: json.data.checked[0].state }).toEqual({ exitCode: 7, state: 'failed' })
  })

  it('a block ends when a person says so', async () => {
    expect((await place.run(['llm', 'unblock', 'nobody'])).json.error?.code).toBe('NOT_FOUND')
    expect((await place.run(['llm', 'unblock', 'openai'])).json.data).toMatchObject({ provider: 'openai', was_blocked: false })
    mock.script({ failure: { kind: 'http', status: 401, type: 'invalid_request_error', code: 'invalid_api_key' }, match: '' })
    await place.run(['llm', 'check'], { env: openai() })
    const asked = await place.run(['ask', 'Explain monads'], { env: openai() })
    expect(asked.json.error).toMatchObject({ code: 'PROVIDER_UNAVAILABLE', hints: ['singularity llm unblock openai'] })
    expect((await place.run(['llm', 'unblock', 'openai'])).json.data).toMatchObject({
      was_blocked: true,
      reason: expect.stringMatching(/^auth/),
    })
    expect((await place.run(['ask', 'Explain monads'], { env: openai() })).exitCode).toBe(0)
  })
})
