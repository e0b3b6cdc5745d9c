import { type ErrorCode, SingularityError, formatDuration } from '../kernel/index.ts'
import { boundFor, nusdOf } from './price.ts'
import {
  type Candidate,
  type ModelEntry,
  type ProviderEntry,
  type Route,
  type RouteNeeds,
  type RoutingTable,
  findModel,
} from './routing.ts'

/** What is so at this moment; reading it costs nothing and promises nothing: the reservation decides. */
export type RouteState = {
  /** Whether the key of this name is in the environment or the secret store. */
  hasKey(keyName: string): boolean
  /** Why nobody calls this provider until a person says so; null: it may be called. */
  blocked(provider: string): string | null
  /** Wall-clock ms at which its breaker lets a call through again; null: now. */
  reopensAt(provider: string, model: string): number | null
  /** Wall-clock ms at which all this is so. */
  now: number
  /** Least that is left of the caps of run, day and month; Infinity without caps. */
  leftNusd: number
  /** Least that is left of the caps of this model; Infinity without one. */
  leftOfModel?(model: string): number
  /** True windows read from servers, by name of the model. */
  windows?: ReadonlyMap<string, number>
}

/** In the order of the filter: the model that came furthest says why there is none. */
const STAGES = ['key', 'privacy', 'offline', 'capability', 'window', 'unpriced', 'budget', 'blocked', 'breaker'] as const
type Stage = (typeof STAGES)[number]
type Passed = { stage: Stage; reason: string; reopensAt?: number }

const CODES: Readonly<Record<Stage, ErrorCode>> = {
  key: 'LLM_NOT_CONFIGURED',
  privacy: 'LLM_NOT_CONFIGURED',
  offline: 'OFFLINE',
  capability: 'LLM_NOT_CONFIGURED',
  window: 'CONTEXT_OVERFLOW',
  unpriced: 'MODEL_UNPRICED',
  budget: 'BUDGET_REACHED',
  blocked: 'PROVIDER_UNAVAILABLE',
  breaker: 'PROVIDER_UNAVAILABLE',
}

/** The three ways out where no model can be reached. */
export const WAYS_OUT: readonly string[] = [
  'export OPENAI_API_KEY=...   # or ANTHROPIC_API_KEY, GOOGLE_AI_STUDIO_API_KEY, GROQ_API_KEY, OPENROUTER_API_KEY',
  'singularity secrets set OPENAI_API_KEY',
  'export OLLAMA_HOST=127.0.0.1:11434   # a model on this machine, free and without a network',
]

/** Nobody has to open a breaker again; what failed, and who could answer meanwhile. */
const AFTER_FAILURES: readonly string[] = ['singularity queue stats', 'singularity llm routes']

/**
 * The models to try, in the order of the table, each with what it can cost at most. Pure.
 * @throws LLM_NOT_CONFIGURED, OFFLINE, CONTEXT_OVERFLOW, MODEL_UNPRICED, BUDGET_REACHED, PROVIDER_UNAVAILABLE naming model,
 * provider, complexity, task type and reason; BAD_REQUEST for a model that is not in the table
 */
export function route(table: RoutingTable, needs: RouteNeeds, state: RouteState): Route {
  const entry = table.routes[needs.complexity]
  const names = needs.model === undefined ? entry.models : [wanted(table, needs.model).name]
  const candidates: Candidate[] = []
  const passed: { model: ModelEntry; why: Passed }[] = []
  for (const name of names) {
    const model = table.models.get(name)!
    const found = consider(table, model, needs, state, needs.model === undefined ? entry.maxCostUsd : null)
    if ('stage' in found) passed.push({ model, why: found })
    else candidates.push(found)
  }
  const skipped = passed.map(({ model, why }) => ({ model: model.name, reason: why.reason }))
  if (candidates.length === 0) throw noRoute(table, needs, passed, skipped)
  return { candidates, skipped, timeoutMs: entry.timeoutMs, reasoning: entry.reasoning }
}

function wanted(table: RoutingTable, name: string): ModelEntry {
  const model = findModel(table, name)
  if (model) return model
  throw new SingularityError('BAD_REQUEST', `There is no model ${name} in the routing table.`, { hints: ['singularity llm models'] })
}

function consider(
  table: RoutingTable,
  model: ModelEntry,
  needs: RouteNeeds,
  state: RouteState,
  routeCostUsd: number | null,
): Candidate | Passed {
  const provider = table.providers.get(model.provider)!
  const at = (stage: Stage, reason: string): Passed => ({ stage, reason })
  const kept = keptFrom(table, provider, (name) => state.hasKey(name))
  if (kept) return kept
  if (needs.offline && !provider.loopback) return at('offline', 'offline')
  if (needs.tools && !model.capabilities.tools) return at('capability', 'cannot call tools')
  if (needs.mcp && !model.capabilities.mcp) return at('capability', 'takes no mcp_servers')
  const window = state.windows?.get(model.name) ?? model.contextTokens
  const maxOutputTokens = Math.min(needs.maxOutputTokens, model.maxOutputTokens)
  if (needs.inputTokens + maxOutputTokens > window)
    return at('window', `needs ${needs.inputTokens + maxOutputTokens} tokens, has ${window}`)
  const inputTokens = needs.continues && model.capabilities.previousResponse ? window - maxOutputTokens : needs.inputTokens
  const bound = boundFor(model, provider, table, { inputTokens, maxOutputTokens })
  const left = Math.min(state.leftNusd, state.leftOfModel?.(model.name) ?? Infinity)
  const ceiling = Math.min(needs.maxCostNusd ?? Infinity, routeCostUsd === null ? Infinity : nusdOf(routeCostUsd))
  if (bound === null && Math.min(left, ceiling) < Infinity) return at('unpriced', 'has no price, and a cap is set')
  if (bound !== null && bound > ceiling) return at('budget', `may cost ${usd(bound)}, more than ${usd(ceiling)} for one request`)
  if (bound !== null && bound > left) return at('budget', `may cost ${usd(bound)}, ${usd(Math.max(0, left))} is left`)
  const blocked = state.blocked(provider.name)
  if (blocked !== null) return at('blocked', `blocked: ${blocked}`)
  const reopensAt = state.reopensAt(provider.name, model.name)
  if (reopensAt !== null)
    return { ...at('breaker', `failed too often, is tried again in ${formatDuration(Math.max(1000, reopensAt - state.now))}`), reopensAt }
  return { model, provider, boundNusd: bound }
}

/** What keeps a provider from being used at all, whatever is asked; null: nothing does. */
export function keptFrom(
  table: Pick<RoutingTable, 'privacy'>,
  { name, enabled, keyName, data }: ProviderEntry,
  hasKey: (keyName: string) => boolean,
): { stage: 'key' | 'privacy'; reason: string } | null {
  if (!enabled) return { stage: 'key', reason: `not switched on: providers.${name}.enabled` }
  if (keyName !== null && !hasKey(keyName)) return { stage: 'key', reason: `no key: ${keyName}` }
  return table.privacy.includes(data) ? null : { stage: 'privacy', reason: `privacy: ${data} is not allowed` }
}

function noRoute(
  table: RoutingTable,
  needs: RouteNeeds,
  passed: readonly { model: ModelEntry; why: Passed }[],
  skipped: Route['skipped'],
): SingularityError {
  const rank = ({ stage }: Passed): number => STAGES.indexOf(stage)
  const [furthest] = passed.toSorted((a, b) => rank(b.why) - rank(a.why))
  const code = furthest ? CODES[furthest.why.stage] : 'LLM_NOT_CONFIGURED'
  const reopens = passed.flatMap(({ why }) => why.reopensAt ?? [])
  const place = `${needs.complexity} request of task ${needs.taskType}`
  const message = furthest
    ? `No model for a ${place}: ${furthest.model.name} of ${furthest.model.provider}: ${furthest.why.reason}.`
    : `No model for a ${place}: the route is empty.`
  return new SingularityError(code, message, {
    ...(furthest?.why.stage === 'breaker' && { hints: AFTER_FAILURES }),
    ...(code === 'LLM_NOT_CONFIGURED' && { hints: furthest ? unkept(table, furthest) : WAYS_OUT }),
    ...(furthest?.why.stage === 'blocked' && { hints: [`singularity llm unblock ${furthest.model.provider}`] }),
    data: {
      model: furthest?.model.name ?? null,
      provider: furthest?.model.provider ?? null,
      complexity: needs.complexity,
      task_type: needs.taskType,
      reason: furthest?.why.reason ?? 'the route is empty',
      skipped,
      ...(reopens.length > 0 && { reopens_at: new Date(Math.min(...reopens)).toISOString() }),
    },
  })
}

/** What lifts the reason a model was passed over for. */
function unkept(table: RoutingTable, { model, why }: { model: ModelEntry; why: Passed }): readonly string[] {
  const { keyName, enabled, data } = table.providers.get(model.provider)!
  if (why.stage === 'capability' && !model.capabilities.tools)
    return [`models."${model.name}".caps.tools: true   # in your llm.json, where it can`, 'singularity llm models']
  if (why.stage === 'privacy') return [`privacy.allow: [..., "${data}"]   # in your llm.json`]
  // a provider of one's own has a key of its own
  if (why.stage === 'key' && enabled && keyName !== null && !WAYS_OUT[0]!.includes(keyName))
    return [`export ${keyName}=...`, `singularity secrets set ${keyName}`, WAYS_OUT[2]!]
  return WAYS_OUT
}

const usd = (nusd: number): string => `$${(nusd / 1e9).toFixed(4)}`
