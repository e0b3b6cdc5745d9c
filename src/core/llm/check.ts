import { EXIT, SingularityError, messageOf } from '../kernel/index.ts'
import type { Attempt, Complexity, JobDetail } from '../queue/index.ts'
import type { Account } from './account.ts'
import { type CheckStep, fixesOf, reasonOf, stepsOf } from './check-steps.ts'
import { type Estimate, NUSD, boundOf, boundTokens } from './price.ts'
import type { LlmRequest, StoredRequest, StoredResult } from './request.ts'
import { keptFrom } from './route.ts'
import type { ModelEntry, ProviderEntry, Route, RoutingTable } from './routing.ts'
import type { Secrets } from './secrets/secrets.ts'
import type { ModelService } from './service.ts'

/** What a check may spend on one provider, all its calls together. */
export const CHECK_NUSD = 10_000_000

export type CheckDeps = {
  table: RoutingTable
  account: () => Account
  secrets: Pick<Secrets, 'has' | 'list'>
  service: Pick<ModelService, 'preview' | 'estimate' | 'listModels'>
  /** Runs one durable request with exactly this model, once. @throws whatever refuses it before anything is sent */
  ask(
    request: LlmRequest,
    hints: { model: string; run: { id: string; cap_nusd: number } },
  ): Promise<{ detail: JobDetail; attempts: readonly Attempt[] }>
  newId(): string
  offline: boolean
  /** Whether the environment names a proxy: then it may be what refuses. */
  proxied: boolean
}

export type ProviderCheck = {
  provider: string
  model: string | null
  state: 'ok' | 'failed' | 'skipped'
  reason: string | null
  steps: CheckStep[]
  /** Tokens: as the table says, and as the server says, which may not tell. */
  window: { table: number; server: number | null } | null
  request_id: string | null
  http_status: number | null
  latency_ms: number | null
  cost_nusd: number
  /** It was blocked, and works again. */
  unblocked: boolean
  fix: string[]
}

export type ComplexityCheck = {
  complexity: Complexity
  model: string | null
  provider: string | null
  /** Of a request of this size, nano-dollars; null: the model has no price. */
  estimate_nusd: Estimate | null
  typical: { prompt_bytes: number; max_output_tokens: number }
  reason: string | null
  skipped: { model: string; reason: string }[]
  fix: string[]
}

export type CheckReport = { providers: ProviderCheck[]; complexities: ComplexityCheck[]; spent_nusd: number }

/** What a request of each kind looks like, for the estimate. */
const TYPICAL: Readonly<Record<Complexity, ComplexityCheck['typical']>> = {
  simple: { prompt_bytes: 4_000, max_output_tokens: 500 },
  medium: { prompt_bytes: 24_000, max_output_tokens: 2_000 },
  complex: { prompt_bytes: 100_000, max_output_tokens: 8_000 },
}
const TIERS = ['simple', 'medium', 'complex'] as const
const SCHEMA = {
  title: 'check',
  type: 'object',
  properties: { ok: { type: 'boolean' } },
  required: ['ok'],
  additionalProperties: false,
} as const
const TOOL = {
  name: 'look_up',
  description: 'Looks a word up. Not needed for this answer.',
  parameters: { type: 'object', properties: { word: { type: 'string' } }, required: ['word'], additionalProperties: false },
} as const

/**
 * Calls every provider that is set up once, for at most a cent, and says what each complexity would use then. `dryRun` sends nothing.
 * @throws LEDGER_UNUSABLE, SECRETS_LOCKED: nothing could be tried then
 */
export async function checkModels(deps: CheckDeps, { dryRun }: { dryRun: boolean }): Promise<CheckReport> {
  const { table, secrets } = deps
  const setUp = [...table.providers.values()].filter((provider) => keptFrom(table, provider, (name) => secrets.has(name)) === null)
  const providers = await Promise.all(setUp.map((provider) => checkProvider(deps, provider, dryRun)))
  const failed = new Map(providers.filter(({ state }) => state === 'failed').map(({ provider, reason }) => [provider, reason ?? 'failed']))
  const complexities: ComplexityCheck[] = []
  for (const complexity of TIERS) complexities.push(await checkComplexity(deps, complexity, failed))
  return { providers, complexities, spent_nusd: providers.reduce((sum, { cost_nusd: cost }) => sum + cost, 0) }
}

async function checkProvider(deps: CheckDeps, provider: ProviderEntry, dryRun: boolean): Promise<ProviderCheck> {
  const model = cheapest(deps.table, provider.name)
  const nothing = {
    steps: [],
    window: null,
    request_id: null,
    http_status: null,
    latency_ms: null,
    cost_nusd: 0,
    unblocked: false,
    fix: [],
  }
  const skipped = (reason: string): ProviderCheck => ({
    ...nothing,
    provider: provider.name,
    model: model?.name ?? null,
    state: 'skipped',
    reason,
  })
  if (!model) return skipped('the table has no model of it')
  if (deps.offline && !provider.loopback) return skipped('offline')
  if (dryRun) return skipped('not called: --dry-run')
  const account = deps.account()
  const block = account.blocked(provider.name)
  // who asks for a check wants to know what is so now: a block is lifted for it, and comes back unless the provider works
  if (block) account.unblock(provider.name)
  let works = false
  try {
    const called = await callOnce(deps, provider, model)
    works = called.state === 'ok'
    const listed = works ? await readWindow(deps, model) : { window: null, steps: [] }
    const fix = [...called.fix, ...(listed.steps.some(({ state }) => state === 'warned') ? windowFixes(model, listed) : [])]
    return {
      ...nothing,
      ...called,
      provider: provider.name,
      model: model.name,
      steps: [...called.steps, ...listed.steps],
      window: listed.window,
      unblocked: block !== null && works,
      fix,
    }
  } finally {
    if (block && !works && !account.blocked(provider.name)) account.block(provider.name, block.reason, block.credential)
  }
}

type Called = Pick<ProviderCheck, 'state' | 'reason' | 'steps' | 'request_id' | 'http_status' | 'latency_ms' | 'cost_nusd' | 'fix'>

/** The call, and a second one without the tool where the provider takes no tool beside a schema. */
async function callOnce(deps: CheckDeps, provider: ProviderEntry, model: ModelEntry): Promise<Called> {
  const run = { id: `check:${deps.newId()}`, cap_nusd: CHECK_NUSD }
  const wanted = probeOf(model)
  const first = await tryCall(deps, provider, model, wanted, run)
  if (first.failure !== 'bad_request' || !wanted.tools) return first.called
  const { tools: _tools, ...without } = wanted
  const second = await tryCall(deps, provider, model, without, run)
  const cost_nusd = first.called.cost_nusd + second.called.cost_nusd
  if (second.called.state !== 'ok') return { ...first.called, cost_nusd }
  const steps = second.called.steps.map((each): CheckStep =>
    each.step === 'tools' ? { step: 'tools', state: 'warned', detail: 'refuses tools together with a schema' } : each,
  )
  return { ...second.called, steps, cost_nusd }
}

async function tryCall(
  deps: CheckDeps,
  provider: ProviderEntry,
  model: ModelEntry,
  request: LlmRequest,
  run: { id: string; cap_nusd: number },
): Promise<{ called: Called; failure: string | null }> {
  const place = { provider, model, proxied: deps.proxied, stored: deps.secrets.list([]).some(({ name }) => name === provider.keyName) }
  const empty = { request_id: null, http_status: null, latency_ms: null, cost_nusd: 0 }
  let answered: Awaited<ReturnType<CheckDeps['ask']>>
  try {
    answered = await deps.ask(request, { model: model.name, run })
  } catch (error) {
    if (!SingularityError.isInstance(error) || error.exitCode === EXIT.environment) throw error
    return { called: { ...empty, state: 'failed', reason: error.message, steps: [], fix: [...error.hints] }, failure: null }
  }
  const { detail, attempts } = answered
  const last = attempts.at(-1)
  const known = {
    request_id: detail.id,
    http_status: last?.httpStatus ?? null,
    latency_ms: last?.ms ?? null,
    cost_nusd: attempts.reduce((sum, { costNusd }) => sum + costNusd, 0),
  }
  if (detail.state === 'completed') {
    const steps = stepsOf(null, { result: JSON.parse(detail.result ?? 'null') as StoredResult, model, asked: request })
    return { called: { ...known, state: 'ok', reason: null, steps, fix: [] }, failure: null }
  }
  const failure = reasonOf(detail)
  const steps = stepsOf(failure, { result: null, model, asked: request })
  const reason = detail.errorMessage ?? detail.reason ?? 'failed'
  return { called: { ...known, state: 'failed', reason, steps, fix: fixesOf(failure, reason, place) }, failure }
}

/** The least that tries everything: a small schema, a tool that is not needed, as many tokens as the cent allows. */
function probeOf(model: ModelEntry): LlmRequest {
  const base: LlmRequest = {
    task_type: 'check',
    complexity: 'simple',
    agent_id: 'check',
    messages: [{ role: 'user', content: 'This is a test of the connection. Answer with the JSON object {"ok": true} and nothing else.' }],
    response_schema: SCHEMA,
    max_tokens: MOST_TOKENS,
    max_cost_usd: CHECK_NUSD / NUSD,
  }
  // JSON mode without a schema does not go together with tools
  const whole = model.capabilities.tools && model.capabilities.jsonSchema === 'strict' ? { ...base, tools: [TOOL] } : base
  for (const request of [whole, base]) {
    const tokens = affordable(model, request)
    if (tokens >= FEWEST_TOKENS) return { ...request, max_tokens: Math.min(MOST_TOKENS, tokens) }
  }
  return { ...base, max_tokens: FEWEST_TOKENS }
}

const MOST_TOKENS = 800
const FEWEST_TOKENS = 100

/** Output tokens that most of the cent pays for; the rest is for the second try of a wrong answer. */
function affordable({ price }: ModelEntry, request: LlmRequest): number {
  if (price === null || price.output === 0) return MOST_TOKENS
  const input = boundOf(price, { inputTokens: boundTokens({ ...request, context: {} }), maxOutputTokens: 0 })
  return Math.floor((CHECK_NUSD * 0.8 - input) / price.output)
}

function cheapest(table: RoutingTable, provider: string): ModelEntry | undefined {
  const own = [...table.models.values()].filter((model) => model.provider === provider)
  const routed = own.filter(({ name }) => TIERS.some((tier) => table.routes[tier].models.includes(name)))
  const cost = ({ price }: ModelEntry): number => (price === null ? 0 : price.input + price.output)
  return (routed.length > 0 ? routed : own).toSorted((a, b) => cost(a) - cost(b))[0]
}

const LIST_MS = 10_000

/** What the server says about the model; many servers do not tell. */
async function readWindow({ service }: CheckDeps, model: ModelEntry): Promise<{ window: ProviderCheck['window']; steps: CheckStep[] }> {
  const table = model.contextTokens
  try {
    const listed = await service.listModels(model, AbortSignal.timeout(LIST_MS))
    const found = model.id === 'auto' ? listed[0] : listed.find(({ id }) => id === model.id)
    const server = found?.contextWindow ?? null
    if (!found)
      return { window: { table, server }, steps: [{ step: 'window', state: 'warned', detail: 'the provider does not list this model' }] }
    if (server === null)
      return { window: { table, server }, steps: [{ step: 'window', state: 'skipped', detail: 'the provider does not tell' }] }
    const isSmaller = server < table
    const detail = `${server} tokens${isSmaller ? `, the table says ${table}` : ''}`
    return { window: { table, server }, steps: [{ step: 'window', state: isSmaller ? 'warned' : 'ok', detail }] }
  } catch (error) {
    return { window: { table, server: null }, steps: [{ step: 'window', state: 'skipped', detail: messageOf(error) }] }
  }
}

function windowFixes(model: ModelEntry, { window }: { window: ProviderCheck['window'] }): string[] {
  if (window?.server == null) return ['singularity llm models --check']
  return [`models."${model.name}".context: ${window.server}   # in your llm.json`]
}

async function checkComplexity(deps: CheckDeps, complexity: Complexity, failed: ReadonlyMap<string, string>): Promise<ComplexityCheck> {
  const typical = TYPICAL[complexity]
  const request: StoredRequest = {
    agent_id: 'check',
    task_type: 'check',
    complexity,
    messages: [{ role: 'user', content: ' '.repeat(typical.prompt_bytes) }],
    max_tokens: typical.max_output_tokens,
  }
  const none = { complexity, typical, model: null, provider: null, estimate_nusd: null }
  let found: Route
  try {
    found = await deps.service.preview(request)
  } catch (error) {
    if (!SingularityError.isInstance(error) || error.exitCode === EXIT.environment) throw error
    const skipped = (error.data?.['skipped'] ?? []) as ComplexityCheck['skipped']
    return { ...none, reason: error.message, skipped, fix: [...error.hints] }
  }
  const dropped = found.candidates.filter(({ provider }) => failed.has(provider.name))
  const skipped = [...dropped.map(({ model }) => ({ model: model.name, reason: 'its provider failed the check' })), ...found.skipped]
  const first = found.candidates.find(({ provider }) => !failed.has(provider.name))
  if (!first) return { ...none, reason: 'Every model of this route failed the check.', skipped, fix: ['singularity llm routes'] }
  const { model, provider } = first
  return {
    complexity,
    typical,
    model: model.name,
    provider: provider.name,
    estimate_nusd: deps.service.estimate(first, request),
    reason: null,
    skipped,
    fix: [],
  }
}
