import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hasTerminal, openTerminal } from '../support/terminal.ts'
import { type Playground, createPlayground, refuses } from './playground.ts'

const VALUE = 'sk-plaintext-0123456789abcdef'
const PASSPHRASE = { SINGULARITY_SECRETS_PASSPHRASE: 'correct horse battery' }

let place: Playground
beforeEach(() => {
  place = createPlayground()
})
afterEach(() => place.cleanup())

function put(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, JSON.stringify(value))
}
const userFile = (): string => join(place.folder, 'config', 'singularity', 'llm.json')
const repositoryFile = (): string => join(place.root, '.singularity', 'config.json')
const ledger = (): string => join(place.folder, 'state', 'singularity', 'account.db')

describe('llm routes and models', () => {
  it('without a key nothing can be used, nothing is made, and the way out is named', async () => {
    const { json, exitCode } = await place.run(['llm', 'routes'])
    expect(exitCode).toBe(0)
    const usable = (json.data.routes as { models: { usable: boolean; reason: string }[] }[]).flatMap(({ models }) => models)
    expect(
      usable.every((model) => !model.usable && /^no key: [A-Z_]+$|^not switched on: providers\.ollama\.enabled$/.test(model.reason)),
    ).toBe(true)
    expect(existsSync(ledger())).toBe(false)
    const terminal = execFileSync(process.execPath, [join(import.meta.dirname, '../../bin/run.js'), 'llm', 'routes'], {
      cwd: place.root,
      env: place.env,
      encoding: 'utf8',
    })
    expect(terminal).toContain('singularity secrets set OPENAI_API_KEY')
  })

  it('show where each value comes from', async () => {
    put(userFile(), { routes: { simple: { max_cost_usd: 0.02 } }, budgets: { tasks: { coder: 1 } } })
    put(repositoryFile(), { llm: { routes: { complex: { timeout_ms: 5000 } }, budgets: { day_usd: 2 } } })
    const env = { OPENAI_API_KEY: VALUE, LLM_TIMEOUT_MS: '1000', DEFAULT_LLM_MODEL: 'gpt-4o-mini' }
    const { json, stdout } = await place.run(['llm', 'routes'], { env })
    const [simple, , complex] = json.data.routes
    expect(simple).toMatchObject({
      max_cost_usd: 0.02,
      timeout_ms: 1000,
      origins: { max_cost_usd: 'user file', timeout_ms: 'environment', models: 'environment' },
    })
    expect(simple.models[0]).toEqual({ model: 'openai/gpt-6-luna', provider: 'openai', usable: true, reason: null })
    expect(complex).toMatchObject({ timeout_ms: 5000, origins: { timeout_ms: 'repository', max_cost_usd: 'default' } })
    expect(json.data.budgets).toMatchObject({
      day_usd: 2,
      tasks: { coder: 1 },
      origins: { day_usd: 'repository', 'tasks.coder': 'user file' },
    })
    expect(stdout).not.toContain(VALUE)
    const models = (await place.run(['llm', 'models'], { env })).json.data.models as {
      model: string
      usable: boolean
      usd_per_mtok: object
    }[]
    expect(models.find(({ model }) => model === 'openai/gpt-6-sol')).toMatchObject({
      usable: true,
      usd_per_mtok: { input: 4, output: 10, cache_read: 0.4, cache_write: 4 },
    })
    expect(models.filter(({ usable }) => usable).every(({ model }) => model.startsWith('openai/'))).toBe(true)
  })

  it.each([
    [{ providers: { openai: { base_url: 'https://evil.example' } } }, 'llm.providers'],
    [{ budgets: { day_usd: 500 } }, 'llm.budgets.day_usd'],
  ])('a repository that wants more is refused by name: %j', async (llm, key) => {
    put(repositoryFile(), { llm })
    const { json } = await refuses(place, ['llm', 'routes'], 'CONFIG_UNTRUSTED', 2)
    expect(json.error!.data).toEqual({ key, file: repositoryFile() })
    // what has nothing to do with models goes on working
    expect((await place.run(['config', 'list'])).exitCode).toBe(0)
  })
})

describe('llm budget', () => {
  it('belongs to the account: one repository sets it, another one sees it', async () => {
    expect((await place.run(['llm', 'budget'])).json.data.caps).toMatchObject([
      { scope: 'run', cap_nusd: 1e9 },
      { scope: 'day', cap_nusd: 5e9, spent_nusd: 0, left_nusd: 5e9, held: false },
      { scope: 'month', cap_nusd: 50e9 },
    ])
    await place.run(['llm', 'budget', 'set', 'day', '0.25'])
    const other = createPlayground()
    try {
      const { json } = await other.run(['llm', 'budget'], { env: { XDG_STATE_HOME: place.env['XDG_STATE_HOME']! } })
      expect(json.data.caps[1]).toMatchObject({ scope: 'day', cap_nusd: 250_000_000 })
    } finally {
      other.cleanup()
    }
    put(repositoryFile(), { llm: { budgets: { day_usd: 0.1 } } })
    expect((await place.run(['llm', 'budget'])).json.data.caps[1]).toMatchObject({ cap_nusd: 100_000_000 })
    put(userFile(), { budgets: { month_usd: null } })
    expect((await place.run(['llm', 'budget'])).json.data.caps[2]).toMatchObject({ cap_nusd: null, left_nusd: null })
  })

  it.each([
    [['day'], 'USAGE'],
    [['day', 'much'], 'USAGE'],
    [['day', '-1'], 'USAGE'],
    [['week', '1'], 'USAGE'],
    [['day', '99999999'], 'USAGE'],
  ])('set %j is refused', async (words, code) => {
    await refuses(place, ['llm', 'budget', 'set', ...words], code, 2)
  })

  it('without a ledger that can be written there is none', async () => {
    const env = { SINGULARITY_LEDGER: join(place.root, 'src', 'list.js', 'account.db') }
    await refuses(place, ['llm', 'budget'], 'LEDGER_UNUSABLE', 6, { env })
    const elsewhere = join(place.folder, 'mine.db')
    expect((await place.run(['llm', 'budget'], { env: { SINGULARITY_LEDGER: elsewhere } })).exitCode).toBe(0)
    expect(existsSync(elsewhere)).toBe(true)
  })
})

describe('secrets', () => {
  it('are stored encrypted, listed without their value, rotated, and warned of', async () => {
    const set = await place.run(['secrets', 'set', 'OPENAI_API_KEY', '--expires', '10d'], { env: PASSPHRASE, input: `${VALUE}\n` })
    expect(set.json.data).toMatchObject({ name: 'OPENAI_API_KEY', store: 'file', state: 'expires_soon' })
    const list = await place.run(['secrets', 'list'], { env: { GROQ_API_KEY: VALUE } })
    expect(list.json.data.secrets).toMatchObject([
      { name: 'GROQ_API_KEY', store: 'environment' },
      { name: 'OPENAI_API_KEY', store: 'file' },
    ])
    expect((await place.run(['llm', 'routes'])).json.data.routes[0].models[0]).toMatchObject({ provider: 'openai', usable: true })
    const doctor = await place.run(['doctor'])
    const check = doctor.json.data.checks.find(({ id }: { id: string }) => id === 'secrets')
    expect(check).toMatchObject({
      status: 'warn',
      detail: expect.stringMatching(/^OPENAI_API_KEY expires on \d{4}-/),
      fix: ['singularity secrets rotate OPENAI_API_KEY'],
    })
    const rotated = await place.run(['secrets', 'rotate', 'OPENAI_API_KEY'], { env: PASSPHRASE, input: `${VALUE}-new` })
    expect(rotated.json.data.rotated_at).not.toBeNull()
    for (const answer of [set, list, doctor, rotated]) expect(answer.stdout + answer.stderr).not.toContain(VALUE)
    // nowhere below the folder of home, settings, state and repository
    expect(() => execFileSync('grep', ['-rl', VALUE, place.folder])).toThrow(expect.objectContaining({ status: 1 }))
    expect(statSync(join(dirname(userFile()), 'secrets.age')).mode & 0o777).toBe(0o600)
  })

  it('are never asked for headless', async () => {
    await refuses(place, ['secrets', 'set', 'OPENAI_API_KEY'], 'SECRETS_LOCKED', 6, { input: VALUE })
    await refuses(place, ['secrets', 'set', 'OPENAI_API_KEY'], 'USAGE', 2, { env: PASSPHRASE, input: '' })
    await refuses(place, ['secrets', 'rotate', 'OPENAI_API_KEY'], 'NOT_FOUND', 2, { env: PASSPHRASE, input: VALUE })
    await refuses(place, ['secrets', 'set', 'OPENAI_API_KEY', VALUE], 'USAGE', 2, { env: PASSPHRASE, input: VALUE })
  })

  it.skipIf(!hasTerminal)('on a terminal are typed without being shown', async () => {
    const terminal = openTerminal(place, ['secrets', 'set', 'OPENAI_API_KEY'])
    await terminal.sees('OPENAI_API_KEY: ')
    terminal.type(`${VALUE}\n`)
    await terminal.sees('Passphrase of the encrypted file: ')
    terminal.type('correct horse\n')
    await terminal.sees('since ')
    expect(await terminal.done).toBe(0)
    expect(terminal.raw()).not.toContain(VALUE)
    expect(terminal.raw()).not.toContain('correct horse')
    expect(readFileSync(join(dirname(userFile()), 'secrets.age'), 'latin1')).not.toContain(VALUE)
  })
})
