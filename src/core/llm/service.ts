import type { Clock } from '../kernel/index.ts'
import { SingularityError, sha256 } from '../kernel/index.ts'
import type { ProcessIdentity } from '../process/index.ts'
import type { JobHandler } from '../queue/index.ts'
import { redactSecrets } from '../telemetry/index.ts'
import type { Account } from './account.ts'
import { type CapNeeds, capsFor, routeStateOf } from './caps.ts'
import { createProvider } from './create-provider.ts'
import { ProviderFailure } from './failure.ts'
import { type JudgedAnswer, type LlmHandlerDeps, createLlmHandler } from './handler.ts'
import { type Estimate, assertBounded, boundTokens, costOf, estimateCost, nusdOf } from './price.ts'
import type { Provider, ProviderAnswer } from './provider.ts'
import type { StoredRequest, StoredResult } from './request.ts'
import { route } from './route.ts'
import type { Llm } from './open.ts'
import type { Candidate, ModelEntry, ProviderEntry, Route, RouteNeeds, RoutingTable } from './routing.ts'
import { createSlots } from './slots.ts'
import { createAnswerChecker, invalid, reask } from './structured.ts'
import { maxOutputOf, toToolSpec } from './translate.ts'
import type { Transport } from './providers/transport.ts'
import { type Tries, triesOf } from './tries.ts'

export type ModelServiceDeps = {
  llm: Pick<Llm, 'account' | 'routing' | 'secrets'>
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
  onAnswer?: (request: StoredRequest, result: StoredResult) => void | Promise<void>
}

export type ModelService = ReturnType<typeof createModelService>

/** Models behind one door: what the queue's worker and waiting commands run requests with. */
export function createModelService(deps: ModelServiceDeps) {
  const { routing, secrets } = deps.llm
  const checker = createAnswerChecker()
  const slots = createSlots()
  const providers = new Map<string, Promise<Provider>>()
  const account = (): Account => deps.llm.account()

  async function open({ model, provider }: Candidate): Promise<Provider> {
    const apiKey = provider.keyName === null ? 'none' : await secrets.get(provider.keyName)
    if (apiKey === null)
      throw new ProviderFailure('provider_unavailable', 'auth', `There is no key ${provider.keyName}.`, { outcome: 'not_sent' })
    // a header would refuse it and repeat it in its error
    // oxlint-disable-next-line no-control-regex -- exactly those are looked for
    if (/[^\t\u0020-\u007e\u0080-\u00ff]/.test(apiKey))
      throw new ProviderFailure('provider_unavailable', 'auth', `The key ${provider.keyName} cannot be sent.`, { outcome: 'not_sent' })
    const opened = await createProvider(provider.api, {
      name: provider.name,
      apiKey,
      ...(provider.baseUrl !== null && { baseUrl: provider.baseUrl }),
      headers: provider.headers,
      capabilities: model.capabilities,
      fetch: deps.transport.fetch,
    })
    return {
      ...opened,
      // what goes wrong is stored and shown, and a provider may repeat the key it was given
      send: (request, context) => opened.send(request, context).catch((error: unknown) => Promise.reject(withoutKey(error, apiKey))),
    }
  }

  /** Equal for equal keys; says nothing about them. */
  async function credentialOf({ keyName }: ProviderEntry): Promise<string | null> {
    const key = keyName === null ? null : await secrets.get(keyName)
    return key === null ? null : sha256(key).slice(0, 16)
  }

  /** Who has been given another key may be asked again. */
  async function liftBlocks(table: RoutingTable): Promise<void> {
    for (const provider of table.providers.values()) {
      const refused = account().blocked(provider.name)?.credential
      if (refused && provider.keyName !== null && secrets.has(provider.keyName) && (await credentialOf(provider)) !== refused)
        account().unblock(provider.name)
    }
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

  async function routeOf(request: StoredRequest, tries: Tries, id: string): Promise<Route> {
    const table = routing.table()
    const needs = capNeedsOf(request, id)
    // what a killed process had reserved is free again before anybody is told that nothing is left
    account().recover(deps.isAlive)
    assertBounded(request, capsFor(table, needs).length > 0)
    await liftBlocks(table)
    const found = route(table, needsOf(request, deps.offline, tries), routeStateOf(table, account(), secrets, needs, deps.clock.now()))
    return without(found, tries, request)
  }

  function costOfAnswer({ model, provider, boundNusd }: Candidate, answer: ProviderAnswer): ReturnType<LlmHandlerDeps['costOf']> {
    if (provider.costUnit === 'usd' && answer.reportedCostUsd !== null)
      return { nusd: Math.ceil(nusdOf(answer.reportedCostUsd)), source: 'reported' }
    if (model.price === null) return provider.free ? { nusd: 0, source: 'computed' } : { nusd: boundNusd ?? 0, source: 'unknown' }
    const nusd = answer.usage === null ? null : costOf(model.price, answer.usage)
    return nusd === null ? { nusd: boundNusd ?? 0, source: 'unknown' } : { nusd, source: 'computed' }
  }

  async function check(request: StoredRequest, answer: ProviderAnswer): Promise<JudgedAnswer> {
    try {
      if (answer.stop === 'tool') {
        if (request.tools && !request.tool_loop) await checker.checkTools(answer.toolCalls, request.tools.map(toToolSpec))
        return { parsed: toolForm(answer), repaired: false }
      }
      const checked = await checker.check(answer, { schema: request.response_schema })
      if (answer.text.trim() === '' && !request.tool_loop) throw invalid([{ field: '$', message: 'must not be empty' }])
      return checked
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error
      return { failure: error, reask: error.kind === 'malformed_response' ? reask(answer, error) : null }
    }
  }

  return {
    openProvider,
    /** The route a request would take now. @throws as the request itself would end, before anything is stored */
    preview: (request: StoredRequest, id = ''): Promise<Route> => routeOf(request, triesOf([]), id),

    /** Nano-dollars of a request before it is sent; null where the model has no price. */
    estimate({ model, provider }: Candidate, request: StoredRequest): Estimate | null {
      if (model.price) return estimateCost(model.price, request, maxOutputOf(request, model), account().bytesPerToken(model.name))
      return provider.loopback ? { low: 0, likely: 0, high: 0 } : null
    },

    /** What a provider itself lists, through one of its models of the table. @throws ProviderFailure */
    async listModels(model: ModelEntry, signal: AbortSignal): Promise<{ id: string; contextWindow: number | null }[]> {
      const provider = routing.table().providers.get(model.provider)!
      return (await openProvider({ model, provider, boundNusd: null })).listModels({ signal })
    },

    handler(options: { onText?: (delta: string) => void; once?: boolean } = {}): JobHandler {
      return createLlmHandler({
        account,
        clock: deps.clock,
        repository: deps.repository,
        self: deps.self,
        openProvider,
        costOf: costOfAnswer,
        route: routeOf,
        capsOf: (request, job, { model }) => capsFor(routing.table(), capNeedsOf(request, job.id), model.name),
        check,
        credentialOf,
        takeSlot: ({ provider }, signal) => slots(provider.name, provider.limits.concurrency, signal),
        maxRetries: () => routing.table().maxRetries,
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

function capNeedsOf(request: StoredRequest, id: string): CapNeeds {
  return {
    taskType: request.task_type,
    // a request outside a run is a run of its own
    run: request.run ? { id: request.run.id, capNusd: request.run.cap_nusd } : { id },
    request: { id, maxCostUsd: request.max_cost_usd ?? null },
  }
}

/** What a request needs of a model. Input tokens are an upper bound, because the reservation is made from it. */
function needsOf(request: StoredRequest, offline: boolean, { reask: told, longer }: Tries): RouteNeeds {
  return {
    complexity: request.complexity,
    taskType: request.task_type,
    ...(request.model !== undefined && { model: request.model }),
    schema: request.response_schema !== undefined,
    tools: (request.tools?.length ?? 0) > 0,
    mcp: (request.mcp_servers?.length ?? 0) > 0,
    // a re-ask sends the wrong answer along, and a second try may say more
    inputTokens: boundTokens({ ...request, messages: [...request.messages, ...(told ?? [])] }),
    continues: request.previous_response_id !== undefined,
    maxOutputTokens: maxOutputOf(request, { maxOutputTokens: Infinity }, longer),
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

function withoutKey(error: unknown, apiKey: string): unknown {
  if (error instanceof ProviderFailure && apiKey.length >= 8) error.message = redactSecrets(error.message, [apiKey])
  return error
}
