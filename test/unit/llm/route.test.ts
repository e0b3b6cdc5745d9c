import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SingularityError } from '../../../src/core/kernel/index.ts'
import {
  type RouteNeeds,
  type RouteState,
  type RoutingTable,
  complexityOf,
  findModel,
  loadRouting,
  route,
} from '../../../src/core/llm/index.ts'

const packagedFile = join(import.meta.dirname, '../../../templates_data/llm/routing.json')
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'singularity-route-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function tableOf(user: object = {}, env: Record<string, string> = {}): RoutingTable {
  const userFile = join(folder, 'llm.json')
  writeFileSync(userFile, JSON.stringify(user))
  return loadRouting({ packagedFile, userFile, repositoryFile: null, env })
}
const NEEDS: RouteNeeds = {
  complexity: 'medium',
  taskType: 'coder',
  schema: true,
  tools: true,
  mcp: false,
  inputTokens: 8000,
  maxOutputTokens: 4096,
  maxCostNusd: null,
  offline: false,
}
const STATE: RouteState = { hasKey: () => true, blocked: () => null, reopensAt: () => null, now: 1_700_000_000_000, leftNusd: 1e9 }
const only = (key: string): RouteState => ({ ...STATE, hasKey: (name) => name === key })

function refusal(table: RoutingTable, needs: Partial<RouteNeeds>, state: Partial<RouteState> = {}): SingularityError {
  try {
    const found = route(table, { ...NEEDS, ...needs }, { ...STATE, ...state })
    return expect.fail(`routed to ${found.candidates[0]!.model.name}`)
  } catch (error) {
    if (SingularityError.isInstance(error)) return error
    throw error
  }
}

describe.each(['simple', 'medium', 'complex'] as const)('a %s request', (complexity) => {
  it.each([
    ['openai', 'OPENAI_API_KEY'],
    ['anthropic', 'ANTHROPIC_API_KEY'],
    ['gemini', 'GOOGLE_AI_STUDIO_API_KEY'],
    ['groq', 'GROQ_API_KEY'],
    ['openrouter', 'OPENROUTER_API_KEY'],
    ['ollama', 'none'],
  ])('has a route with %s alone', (provider, key) => {
    const table = tableOf({}, provider === 'ollama' ? { OLLAMA_HOST: '127.0.0.1' } : {})
    const { candidates, skipped, timeoutMs } = route(table, { ...NEEDS, complexity }, only(key))
    expect(candidates.map((each) => each.provider.name)).toEqual([provider])
    expect(candidates[0]!.boundNusd).toSatisfy((bound: number) => (provider === 'ollama' ? bound === 0 : bound > 0))
    expect(skipped).toHaveLength(5)
    expect(timeoutMs).toBe({ simple: 30_000, medium: 300_000, complex: 1_800_000 }[complexity])
  })
})

describe('the order', () => {
  it('is that of the table; a default model comes first and the rest stays', () => {
    const names = (table: RoutingTable): string[] => route(table, NEEDS, STATE).candidates.map(({ model }) => model.name)
    const plain = names(tableOf())
    expect(plain[0]).toBe('anthropic/claude-sonnet-5')
    const changed = names(tableOf({}, { DEFAULT_LLM_MODEL: 'gpt-4o' }))
    expect(changed).toEqual(['openai/gpt-6-sol', ...plain.filter((name) => name !== 'openai/gpt-6-sol')])
  })

  it('an exact model is tried alone, by its name, an old name or its id', () => {
    for (const model of ['openai/gpt-6-astra', 'gpt-6-astra'])
      expect(route(tableOf(), { ...NEEDS, model }, STATE).candidates.map((each) => each.model.name)).toEqual(['openai/gpt-6-astra'])
    expect(findModel(tableOf(), 'claude_sonnet')!.id).toBe('claude-sonnet-5')
    expect(findModel(tableOf(), 'toString')).toBeUndefined()
    expect(refusal(tableOf(), { model: 'gpt-9' })).toMatchObject({ code: 'BAD_REQUEST', exitCode: 2 })
  })

  it('skips what cannot be used, and says why', () => {
    const table = tableOf({ privacy: { allow: ['no-train'] } }, { OLLAMA_HOST: 'localhost' })
    const { candidates, skipped } = route(table, NEEDS, {
      ...STATE,
      hasKey: (name) => name !== 'GROQ_API_KEY',
      blocked: (provider) => (provider === 'anthropic' ? 'quota' : null),
    })
    expect(candidates.map(({ model }) => model.name)).toEqual(['openai/gpt-6-sol'])
    expect(Object.fromEntries(skipped.map(({ model, reason }) => [model, reason]))).toEqual({
      'anthropic/claude-sonnet-5': 'blocked: quota',
      'gemini/gemini-3.5-flash': 'privacy: any is not allowed',
      'openrouter/claude-sonnet-5': 'privacy: any is not allowed',
      'groq/gpt-oss-120b': 'no key: GROQ_API_KEY',
      'ollama/auto': 'privacy: local is not allowed',
    })
  })
})

describe('no route', () => {
  it('names the time until a breaker lets a call through again, and where to look', () => {
    const error = refusal(tableOf(), {}, { reopensAt: () => STATE.now + 27_000 })
    expect(error.message).toContain('failed too often, is tried again in 27 s.')
    expect(error.hints[0]).toBe('singularity queue stats')
    expect(error.data).toMatchObject({ reopens_at: new Date(STATE.now + 27_000).toISOString() })
  })

  const noKey = { hasKey: () => false }

  it.each([
    ['no key', {}, noKey, 'LLM_NOT_CONFIGURED', 7],
    ['offline', { offline: true }, {}, 'OFFLINE', 7],
    ['too large', { inputTokens: 3_000_000 }, { leftNusd: Infinity }, 'CONTEXT_OVERFLOW', 5],
    ['the request may not cost that much', { maxCostNusd: 1000 }, {}, 'BUDGET_REACHED', 5],
    ['nothing is left', {}, { leftNusd: 0 }, 'BUDGET_REACHED', 5],
    ['nothing is left for any model', {}, { leftOfModel: () => 0 }, 'BUDGET_REACHED', 5],
    ['every provider is blocked', {}, { blocked: () => 'auth' }, 'PROVIDER_UNAVAILABLE', 7],
    ['every breaker is open', {}, { reopensAt: () => 1_700_000_000_000 }, 'PROVIDER_UNAVAILABLE', 7],
  ])('%s', (_name, needs, state, code, exitCode) => {
    const error = refusal(tableOf(), needs, state)
    expect(error).toMatchObject({ code, exitCode })
    expect(error.data).toMatchObject({ complexity: 'medium', task_type: 'coder', reason: expect.any(String), provider: expect.any(String) })
    expect(error.data!['model']).toMatch(/^\w+\/.+/)
    expect(error.data!['skipped']).toHaveLength(6)
    for (const word of ['medium', 'coder', String(error.data!['model']), String(error.data!['provider'])])
      expect(error.message).toContain(word)
  })

  it('without a key names the three ways out', () => {
    const { hints } = refusal(tableOf(), {}, noKey)
    expect(hints).toHaveLength(3)
    expect(hints.join('\n')).toMatch(/OPENAI_API_KEY[^]*secrets set[^]*OLLAMA_HOST/)
  })

  it("of a provider of one's own names its key, the tools it may call, the data it may get", () => {
    const mine = (more: object = {}) =>
      tableOf({
        routes: { medium: { models: ['mine/small'] } },
        providers: { mine: { api: 'chat', base_url: 'https://models.example.org/v1', key_env: 'MY_KEY', data: 'no-train' } },
        models: { 'mine/small': { id: 'small-1', context: 32_000, max_output: 4000, usd_per_mtok: { input: 0.1, output: 0.3 } } },
        ...more,
      })
    const hintsOf = (table: RoutingTable, state: Partial<RouteState> = {}): string => refusal(table, {}, state).hints.join('\n')
    expect(hintsOf(mine(), noKey)).toMatch(/export MY_KEY=[^]*secrets set MY_KEY[^]*OLLAMA_HOST/)
    expect(hintsOf(mine())).toContain('models."mine/small".caps.tools: true')
    expect(hintsOf(mine({ privacy: { allow: ['local'] } }))).toContain('privacy.allow: [..., "no-train"]')
  })

  it('an unpriced model under a cap; allowed ones get the dearest rates of the table; without a cap there is no bound', () => {
    const user = { models: { 'openai/new': { id: 'new', context: 100_000, max_output: 4096 } } }
    expect(refusal(tableOf(user), { model: 'new' })).toMatchObject({ code: 'MODEL_UNPRICED', exitCode: 5 })
    const allowed = route(tableOf({ ...user, allow_unpriced: true }), { ...NEEDS, model: 'new' }, STATE)
    expect(allowed.candidates[0]!.boundNusd).toBe(8000 * 20_000 + 4096 * 50_000)
    expect(route(tableOf(user), { ...NEEDS, model: 'new' }, { ...STATE, leftNusd: Infinity }).candidates[0]!.boundNusd).toBeNull()
  })

  it('a model on a loopback proxy keeps its price: somebody pays for it', () => {
    const table = tableOf({}, { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' })
    const { candidates } = route(table, { ...NEEDS, offline: true }, STATE)
    expect(candidates.map(({ model, boundNusd }) => [model.name, boundNusd])).toEqual([['openai/gpt-6-sol', 8000 * 4000 + 4096 * 10_000]])
  })

  it('a true window read from the server counts', () => {
    const table = tableOf({}, { OLLAMA_HOST: 'http://127.0.0.1:1234/v1' })
    const windows = new Map([['ollama/auto', 4096]])
    expect(refusal(table, { offline: true }, { windows })).toMatchObject({ code: 'CONTEXT_OVERFLOW' })
  })
})

it('the tasks of the seeds', () => {
  const { tasks } = tableOf()
  const expected = {
    simple: ['classifier', 'parser', 'web_search'],
    medium: ['coder', 'decomposition', 'planning', 'whatever'],
    complex: ['architect', 'refactoring', 'code_analysis', 'code_generation'],
  }
  for (const [complexity, names] of Object.entries(expected)) for (const name of names) expect(complexityOf(tasks, name)).toBe(complexity)
})
