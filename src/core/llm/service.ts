import type { Clock } from '../kernel/index.ts'
import { SingularityError } from '../kernel/index.ts'
import type { ProcessIdentity } from '../process/index.ts'
import type { JobHandler } from '../queue/index.ts'
import type { Account } from './account.ts'
import { capsFor } from './caps.ts'
import { createProvider } from './create-provider.ts'
import { ProviderFailure } from './failure.ts'
import { type JudgedAnswer, type LlmHandlerDeps, createLlmHandler } from './handler.ts'
import { assertBounded, boundTokens, costOf, nusdOf } from './price.ts'
import type { Provider, ProviderAnswer } from './provider.ts'
import type { StoredRequest, StoredResult } from './request.ts'
import { route } from './route.ts'
import type { RoutingSource } from './routing-table.ts'
import type { Candidate, Route, RouteNeeds, RoutingTable } from './routing.ts'
import { createAnswerChecker, reask } from './structured.ts'
import { maxOutputOf, toToolSpec } from './translate.ts'
import type { Transport } from './transport.ts'
import type { Tries } from './tries.ts'

export type LlmDeps = {
  /** Opened when the first call needs it. @throws LEDGER_UNUSABLE */
  account: () => Account
  routing: RoutingSource
  /** A key by its name, from the environment or the secret store; null: there is none. */
  keyOf: (name: string) => Promise<string | null>
  transport: Transport
  clock: Clock
  /** In [0, 1), for jitter. */
  random: () => number
  self: ProcessIdentity
  isAlive: (owner: ProcessIdentity) => boolean
  /** Names this repository in the ledger. */
  repository: string
  offline: boolean
  /** Everything that was paid for: feeds the exact cache. */
  onAnswer?: (request: StoredRequest, result: StoredResult) => void
}

export type Llm = ReturnType<typeof createLlm>

/** Models behind one door: what the queue's worker and waiting commands run requests with. */
export function createLlm(deps: LlmDeps) {
  const checker = createAnswerChecker()
  const providers = new Map<string, Promise<Provider>>()
  let recovered = false

  const account = (): Account => {
    const opened = deps.account()
    // whatever a killed process had reserved is free again before the first new reservation
    if (!recovered) opened.recover(deps.isAlive)
    recovered = true
    return opened
  }

  async function open({ model, provider }: Candidate): Promise<Provider> {
    const apiKey = provider.keyName === null ? 'none' : await deps.keyOf(provider.keyName)
    if (apiKey === null)
      throw new ProviderFailure('provider_unavailable', 'auth', `There is no key ${provider.keyName}.`, { outcome: 'not_sent' })
    return createProvider(provider.api, {
      name: provider.name,
      apiKey,
      ...(provider.baseUrl !== null && { baseUrl: provider.baseUrl }),
      headers: provider.headers,
      capabilities: model.capabilities,
      fetch: deps.transport.fetch,
    })
  }

  /** One adapter per model: capabilities differ. */
  function openProvider(candidate: Candidate): Promise<Provider> {
    const known = providers.get(candidate.model.name)
    if (known) return known
    const opening = open(candidate)
    providers.set(candidate.model.name, opening)
    opening.catch(() => providers.delete(candidate.model.name))
    return opening
  }

  async function keysAtHand(table: RoutingTable): Promise<Set<string>> {
    const names = [...table.providers.values()].flatMap(({ keyName }) => keyName ?? [])
    const found = await Promise.all(names.map(async (name) => ((await deps.keyOf(name)) === null ? [] : [name])))
    return new Set(found.flat())
  }

  async function routeOf(request: StoredRequest, tries: Tries, id: string): Promise<Route> {
    const table = deps.routing.table()
    const keys = await keysAtHand(table)
    const now = deps.clock.now()
    const ledger = account()
    const caps = capsFor(table, request, { id, now })
    assertBounded(request, caps.length > 0)
    const left = ledger.budget(caps).map(({ left_nusd }) => left_nusd)
    const breakers = new Map(ledger.breakers().map((each) => [`${each.provider} ${each.model}`, each]))
    const found = route(table, needsOf(request, deps.offline), {
      hasKey: (name) => keys.has(name),
      blocked: (provider) => ledger.blocked(provider)?.reason ?? null,
      reopensAt: (provider, model) => {
        const at = breakers.get(`${provider} ${model}`)?.reopensAt ?? null
        return at !== null && at > now ? at : null
      },
      leftNusd: Math.min(Infinity, ...left),
      leftOfModel: (model) =>
        Math.min(
          Infinity,
          ...ledger
            .budget(capsFor(table, request, { id, now, model }).filter(({ scope }) => scope === 'model'))
            .map((each) => each.left_nusd),
        ),
    })
    return without(found, tries, request)
  }

  function costOfAnswer({ model, provider, boundNusd }: Candidate, answer: ProviderAnswer): ReturnType<LlmHandlerDeps['costOf']> {
    if (provider.costUnit === 'usd' && answer.reportedCostUsd !== null)
      return { nusd: Math.ceil(nusdOf(answer.reportedCostUsd)), source: 'reported' }
    if (model.price === null) return provider.loopback ? { nusd: 0, source: 'computed' } : { nusd: boundNusd ?? 0, source: 'unknown' }
    const nusd = answer.usage === null ? null : costOf(model.price, answer.usage)
    return nusd === null ? { nusd: boundNusd ?? 0, source: 'unknown' } : { nusd, source: 'computed' }
  }

  async function check(request: StoredRequest, answer: ProviderAnswer): Promise<JudgedAnswer> {
    try {
      if (answer.stop === 'tool') {
        if (request.tools && !request.tool_loop) await checker.checkTools(answer.toolCalls, request.tools.map(toToolSpec))
        return { parsed: toolForm(answer), repaired: false }
      }
      return await checker.check(answer, { schema: request.response_schema })
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error
      return { failure: error, reask: error.kind === 'malformed_response' ? reask(answer, error) : null }
    }
  }

  return {
    account,
    table: () => deps.routing.table(),
    keysAtHand: async () => keysAtHand(deps.routing.table()),
    openProvider,

    handler(options: { onText?: (delta: string) => void } = {}): JobHandler {
      return createLlmHandler({
        account,
        clock: deps.clock,
        repository: deps.repository,
        self: deps.self,
        openProvider,
        costOf: costOfAnswer,
        route: routeOf,
        capsOf: (request, job, { model }) =>
          capsFor(deps.routing.table(), request, { id: job.id, now: deps.clock.now(), model: model.name }),
        check,
        maxRetries: () => deps.routing.table().maxRetries,
        random: deps.random,
        ...(deps.onAnswer && { onAnswer: deps.onAnswer }),
        ...options,
      })
    },

    async close(): Promise<void> {
      for (const provider of providers.values()) await (await provider.catch(() => undefined))?.close()
      await deps.transport.close()
    },
  }
}

/** What a request needs of a model. Input tokens are an upper bound, because the reservation is made from it. */
function needsOf(request: StoredRequest, offline: boolean): RouteNeeds {
  return {
    complexity: request.complexity,
    taskType: request.task_type,
    ...(request.model !== undefined && { model: request.model }),
    schema: request.response_schema !== undefined,
    tools: (request.tools?.length ?? 0) > 0,
    mcp: (request.mcp_servers?.length ?? 0) > 0,
    inputTokens: boundTokens(request),
    maxOutputTokens: maxOutputOf(request, { maxOutputTokens: Infinity }),
    maxCostNusd: request.max_cost_usd === undefined ? null : nusdOf(request.max_cost_usd),
    offline,
  }
}

/** Leaves out what earlier attempts of this request have ruled out. @throws PROVIDER_UNAVAILABLE where nothing is left */
function without(found: Route, tries: Tries, request: StoredRequest): Route {
  const why = ({ model }: Candidate): string | null => {
    if (tries.unfit.has(model.name)) return 'failed for this request'
    if (tries.resting.has(model.name)) return 'failed twice, waits'
    return model.contextTokens <= tries.needsMoreThan ? 'its window is too small' : null
  }
  const candidates = found.candidates.filter((each) => why(each) === null)
  const skipped = [...found.skipped, ...found.candidates.flatMap((each) => ({ model: each.model.name, reason: why(each) ?? '' }))].filter(
    ({ reason }) => reason !== '',
  )
  if (candidates.length > 0) return { ...found, candidates, skipped }
  throw new SingularityError('PROVIDER_UNAVAILABLE', `No model is left for a ${request.complexity} request of task ${request.task_type}.`, {
    data: { complexity: request.complexity, task_type: request.task_type, reason: 'every model of the route has failed', skipped },
  })
}

/** The seeds' stored form of a turn with tool calls. */
function toolForm(answer: ProviderAnswer): unknown {
  return {
    tool_calls: answer.toolCalls.map(({ toolName, params }) => ({ tool_name: toolName, params })),
    final_response: answer.text === '' ? null : answer.text,
  }
}
