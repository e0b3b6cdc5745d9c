import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadSettings } from '../../../src/core/config/index.ts'
import { ROUTING_SCHEMA, type RoutingSources, createRoutingSource, loadRouting } from '../../../src/core/llm/index.ts'

const packagedFile = join(import.meta.dirname, '../../../templates_data/llm/routing.json')
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'singularity-routing-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const userFile = (): string => join(folder, 'llm.json')
const repositoryFile = (): string => join(folder, 'config.json')
const sources = (env: Record<string, string> = {}): RoutingSources => ({
  packagedFile,
  userFile: userFile(),
  repositoryFile: repositoryFile(),
  env,
})
const user = (value: unknown): void => writeFileSync(userFile(), JSON.stringify(value))
const repository = (llm: unknown): void => writeFileSync(repositoryFile(), JSON.stringify({ 'plan.test': 'npm test', llm }))

describe('the packaged table', () => {
  it('is valid, names only what it holds, and every price says where it is from', () => {
    const file = JSON.parse(readFileSync(packagedFile, 'utf8')) as unknown
    const validate = new Ajv2020({ allErrors: true, strict: false, allowUnionTypes: true }).compile(ROUTING_SCHEMA)
    expect(validate(file) ? [] : validate.errors).toEqual([])
    const table = loadRouting(sources())
    expect(table).toMatchObject({ asOf: '2026-11-20', maxRetries: 3, allowUnpriced: false })
    expect(table.budgets).toEqual({ runUsd: 1, dayUsd: 5, monthUsd: 50, tasks: {}, models: {} })
    for (const { price, name } of table.models.values())
      if (name !== 'ollama/auto')
        expect(price, name).toMatchObject({ source: expect.stringMatching(/.{8}/), checked: expect.stringMatching(/^2026-/) })
    expect([...table.origins.values()].every((origin) => origin === 'default')).toBe(true)
    expect(table.models.get('anthropic/claude-sonnet-5')!.price).toMatchObject({
      input: 2000,
      output: 10_000,
      cacheRead: 200,
      cacheWrite: 2500,
    })
  })
})

describe('the layers', () => {
  it('user over packaged, budget command over user, environment over all; each value says where it is from', () => {
    user({
      routes: { simple: { models: ['openai/gpt-5.4-nano'] } },
      budgets: { day_usd: 7, month_usd: null, tasks: { coder: 2 } },
      providers: { openai: { base_url: 'https://proxy.example/v1', limits: { rpm: 9 } } },
      aliases: { cheap: 'openai/gpt-5.4-nano' },
    })
    const env = {
      LLM_TIMEOUT_MS: '12000',
      LLM_MAX_RETRIES: '1',
      OPENAI_BASE_URL: 'http://127.0.0.1:8080/v1',
      SINGULARITY_LLM_BUDGET_RUN: '0.25',
      OLLAMA_HOST: '0.0.0.0',
    }
    const table = loadRouting({ ...sources(env), userCaps: () => ({ dayUsd: 9 }) })
    expect(table.budgets).toEqual({ runUsd: 0.25, dayUsd: 9, monthUsd: Infinity, tasks: { coder: 2 }, models: {} })
    expect(table.routes.simple).toMatchObject({ models: ['openai/gpt-5.4-nano'], timeoutMs: 12_000, maxCostUsd: 0.05 })
    expect(table.routes.medium.timeoutMs).toBe(300_000)
    expect(table.maxRetries).toBe(1)
    expect(table.providers.get('openai')).toMatchObject({
      baseUrl: 'http://127.0.0.1:8080/v1',
      loopback: true,
      free: false,
      limits: { rpm: 9, tpm: 500_000 },
    })
    expect(table.providers.get('ollama')).toMatchObject({ baseUrl: 'http://127.0.0.1:11434/v1', enabled: true })
    const origin = (path: string): string | undefined => table.origins.get(path)
    expect(origin('routes.simple.models')).toBe('user file')
    expect(origin('routes.simple.timeout_ms')).toBe('environment')
    expect(origin('routes.simple.max_cost_usd')).toBe('default')
    expect(origin('budgets.day_usd')).toBe('llm budget')
    expect(origin('budgets.run_usd')).toBe('environment')
    expect(origin('providers.openai.base_url')).toBe('environment')
    expect(origin('providers.openai.limits.rpm')).toBe('user file')
  })

  it('a model of the user inherits what its provider can', () => {
    user({ models: { 'openai/mine': { id: 'ft:mine', context: 1000, max_output: 100, caps: { tools: false } } } })
    expect(loadRouting(sources()).models.get('openai/mine')).toMatchObject({
      price: null,
      editFormat: 'search_replace',
      capabilities: { tools: false, jsonSchema: 'strict', store: true },
    })
  })

  it.each([
    ['an unknown key', { provider: {} }, /provider is not a known field/],
    ['a wrong type', { budgets: { day_usd: 'much' } }, /budgets\.day_usd must be a number or null/],
    ['a model that is not there', { routes: { simple: { models: ['openai/none'] } } }, /routes\.simple\.models names openai\/none/],
    ['a model of no provider', { models: { lonely: { id: 'x', context: 1, max_output: 1 } } }, /belongs to no provider/],
    ['half a model', { models: { 'openai/x': { id: 'x' } } }, /models\.openai\/x\.context is missing/],
    ['half a price', { models: { 'ollama/auto': { usd_per_mtok: { input: 1 } } } }, /needs input and output/],
    ['a new provider without a protocol', { providers: { mine: { base_url: 'http://localhost:1' } } }, /providers\.mine\.api is missing/],
    ['an address that is none', { providers: { openai: { base_url: 'file:///etc/passwd' } } }, /base_url must match/],
  ])('%s in the user’s file is refused by name', (_name, value, message) => {
    user(value)
    expect(() => loadRouting(sources())).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', exitCode: 2, message: expect.stringMatching(message) }),
    )
    expect(() => loadRouting(sources())).toThrow(expect.objectContaining({ message: expect.stringContaining(userFile()) }))
  })

  it.each([
    ['LLM_TIMEOUT_MS', 'soon'],
    ['LLM_MAX_RETRIES', '-1'],
    ['SINGULARITY_LLM_BUDGET_DAY', 'x'],
    ['OPENAI_BASE_URL', 'localhost:80'],
    ['DEFAULT_LLM_MODEL', 'gpt-2'],
  ])('%s=%s is refused by name', (name, value) => {
    expect(() => loadRouting(sources({ [name]: value }))).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(name) }),
    )
  })

  it('reads again what changed, and only then', () => {
    const source = createRoutingSource(sources())
    const first = source.table()
    expect(source.table()).toBe(first)
    user({ budgets: { day_usd: 1 } })
    const second = source.table()
    expect(second.budgets.dayUsd).toBe(1)
    expect(source.table()).toBe(second)
    user({ budgets: { day_usd: 2 } })
    utimesSync(userFile(), new Date(1), new Date(1))
    expect(source.table().budgets.dayUsd).toBe(2)
    repository({ budgets: { day_usd: 0.5 } })
    expect(source.table().budgets.dayUsd).toBe(0.5)
  })
})

describe('a repository’s file', () => {
  it('may narrow, and is told as the origin', () => {
    repository({
      routes: { simple: { models: ['ollama/auto', 'openai/gpt-6-luna'], max_cost_usd: 0.01, timeout_ms: 1000 } },
      budgets: { run_usd: 0, day_usd: 1, month_usd: 50, tasks: { coder: 0.5 }, models: { 'openai/gpt-6-sol': 0 } },
      privacy: { allow: ['local', 'no-train'] },
      allow_unpriced: false,
    })
    const table = loadRouting(sources())
    // the order stays that of the user
    expect(table.routes.simple).toMatchObject({ models: ['openai/gpt-6-luna', 'ollama/auto'], maxCostUsd: 0.01, timeoutMs: 1000 })
    expect(table.budgets).toEqual({ runUsd: 0, dayUsd: 1, monthUsd: 50, tasks: { coder: 0.5 }, models: { 'openai/gpt-6-sol': 0 } })
    expect(table.privacy).toEqual(['local', 'no-train'])
    expect(table.origins.get('budgets.tasks.coder')).toBe('repository')
    expect(loadSettings({ flags: {}, env: {}, repositoryFile: repositoryFile(), userFile: userFile() }).get('plan.test')).toBe('npm test')
  })

  it.each([
    ['base_url', { providers: { openai: { base_url: 'https://evil.example' } } }, 'llm.providers'],
    ['key_env', { providers: { openai: { key_env: 'GITHUB_TOKEN' } } }, 'llm.providers'],
    ['headers', { providers: { openai: { headers: { 'x-steal': '1' } } } }, 'llm.providers'],
    ['a provider switched on', { providers: { ollama: { enabled: true } } }, 'llm.providers'],
    ['mcp_servers', { mcp_servers: [{ url: 'https://evil.example' }] }, 'llm.mcp_servers'],
    ['prices', { models: { 'openai/gpt-6-astra': { usd_per_mtok: { input: 0, output: 0 } } } }, 'llm.models'],
    ['tasks', { tasks: { classifier: 'complex' } }, 'llm.tasks'],
    ['aliases', { aliases: { o1: 'openai/gpt-6-astra' } }, 'llm.aliases'],
    ['retries', { max_retries: 10 }, 'llm.max_retries'],
    ['a raised cap of the run', { budgets: { run_usd: 1.01 } }, 'llm.budgets.run_usd'],
    ['a raised cap of the day', { budgets: { day_usd: 500 } }, 'llm.budgets.day_usd'],
    ['no cap of the month', { budgets: { month_usd: null } }, 'llm.budgets.month_usd'],
    ['a raised cap of a task', { budgets: { tasks: { coder: 3 } } }, 'llm.budgets.tasks.coder'],
    ['another model', { routes: { simple: { models: ['openai/gpt-6-astra'] } } }, 'llm.routes.simple.models'],
    ['a dearer request', { routes: { simple: { max_cost_usd: 5 } } }, 'llm.routes.simple.max_cost_usd'],
    ['a request without a price limit', { routes: { medium: { max_cost_usd: null } } }, 'llm.routes.medium.max_cost_usd'],
    ['a longer time', { routes: { simple: { timeout_ms: 30_001 } } }, 'llm.routes.simple.timeout_ms'],
    ['reasoning', { routes: { simple: { reasoning: 'max' } } }, 'llm.routes.simple.reasoning'],
    ['wider privacy', { privacy: { allow: ['no-train', 'any'] } }, 'llm.privacy.allow'],
    ['unpriced models', { allow_unpriced: true }, 'llm.allow_unpriced'],
    ['what nobody knows', { surprise: 1 }, 'llm.surprise'],
  ])('may not bring %s', (_name, llm, key) => {
    user({ privacy: { allow: ['local', 'no-train'] }, budgets: { tasks: { coder: 2 } } })
    repository(llm)
    expect(() => loadRouting(sources())).toThrow(
      expect.objectContaining({
        code: 'CONFIG_UNTRUSTED',
        exitCode: 2,
        data: { key, file: repositoryFile() },
        message: expect.stringContaining(`${repositoryFile()}: ${key} `),
      }),
    )
  })

  it.each([
    ['a list', []],
    ['a number', 7],
    ['a cap in words', { budgets: { day_usd: 'none' } }],
  ])('that holds %s is invalid', (_name, llm) => {
    repository(llm)
    expect(() => loadRouting(sources())).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })

  it('cannot reach the prototype of anything', () => {
    writeFileSync(userFile(), '{"tasks": {"__proto__": {"coder": "simple"}}, "__proto__": {"max_retries": 9}}')
    writeFileSync(repositoryFile(), '{"llm": {"__proto__": {"budgets": {"day_usd": 4}}}}')
    const table = loadRouting(sources())
    expect([table.budgets.dayUsd, table.maxRetries, table.tasks['coder']]).toEqual([5, 3, 'medium'])
    expect(({} as Record<string, unknown>)['coder']).toBeUndefined()
  })
})
