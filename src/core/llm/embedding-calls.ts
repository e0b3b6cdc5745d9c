import { type Clock, SingularityError, newUuid } from '../kernel/index.ts'
import type { ProcessIdentity } from '../process/index.ts'
import type { SpendKey } from './account.ts'
import { capsFor } from './caps.ts'
import { type Embeddings, requestEmbeddings } from './embeddings.ts'
import { ProviderFailure } from './failure.ts'
import type { Llm } from './open.ts'
import { boundFor, boundTokens, costOf } from './price.ts'
import { keptFrom } from './route.ts'
import type { EmbeddingEntry, ProviderEntry, RoutingTable } from './routing.ts'
import { upstreamOf } from './upstream.ts'

export type EmbedderDeps = {
  llm: Pick<Llm, 'account' | 'routing' | 'secrets'>
  fetch: typeof globalThis.fetch
  clock: Clock
  self: ProcessIdentity
  /** Names this repository in the ledger. */
  repository: string
  offline: boolean
  /** 'ollama/nomic-embed-text': one of the table, or any model of a server on this machine. */
  model: string
  /** How long its vectors are; null: whatever they are. */
  dimensions: number | null
}

export type EmbeddingCalls = {
  entry: EmbeddingEntry
  provider: ProviderEntry
  /**
   * One call: the account first, the wire second; `onSend` between them.
   * @throws ProviderFailure, BUDGET_REACHED, LEDGER_UNUSABLE, LLM_NOT_CONFIGURED
   */
  send(texts: readonly string[], options: { timeoutMs: number; signal?: AbortSignal | undefined; onSend?: () => void }): Promise<Embeddings>
}

const TASK_TYPE = 'embedding'

/**
 * Calls of one embedding model, each reserved in the account before it is sent, and settled.
 * @throws LLM_NOT_CONFIGURED where the model is unknown, its provider may not be used, or nobody knows what it costs under a cap
 */
export function createEmbeddingCalls(deps: EmbedderDeps): EmbeddingCalls {
  const { clock, llm } = deps
  const { provider, entry } = usable(deps, llm.routing.table())

  const send: EmbeddingCalls['send'] = async (texts, { timeoutMs, signal, onSend }) => {
    const table = llm.routing.table()
    const { caps, boundNusd } = limitsOf(table, deps, texts)
    const upstream = await upstreamOf(table, llm.secrets, provider.name)
    if (upstream === null) throw unusable(entry.name, `there is no key ${provider.keyName}`)
    const account = llm.account()
    if (account.blocked(provider.name)) throw unusable(entry.name, `${provider.name} is blocked`)
    const key: SpendKey = { repository: deps.repository, request: newUuid(clock), token: 0, attempt: 1 }
    account.reserve({ key, boundNusd, caps, provider: provider.name, model: entry.name, taskType: TASK_TYPE, owner: deps.self })
    try {
      onSend?.()
    } catch (error) {
      account.release(key)
      throw error
    }
    account.calling(key)
    try {
      const made = await requestEmbeddings(
        {
          ...upstream,
          model: entry.id,
          dimensions: deps.dimensions,
          sendDimensions: provider.api === 'responses',
          timeoutMs,
          fetch: deps.fetch,
        },
        texts,
        signal,
      )
      const nusd = made.tokens === null || !entry.price ? null : costOf(entry.price, usageOf(made.tokens))
      account.settle(
        key,
        nusd === null ? { nusd: boundNusd, source: boundNusd === 0 ? 'computed' : 'unknown' } : { nusd, source: 'computed' },
      )
      return made
    } catch (error) {
      const refused = error instanceof ProviderFailure && error.outcome === 'answered'
      account.settle(key, refused ? { nusd: 0, source: 'computed' } : { nusd: boundNusd, source: 'unknown' })
      throw error
    }
  }

  return { entry, provider, send }
}

const unusable = (model: string, why: string): SingularityError =>
  new SingularityError('LLM_NOT_CONFIGURED', `No embeddings by ${model}: ${why}.`, { hints: ['singularity llm routes'] })

/** The model and its provider, where they may be used. */
function usable({ model, offline, llm }: EmbedderDeps, table: RoutingTable): { provider: ProviderEntry; entry: EmbeddingEntry } {
  const slash = model.indexOf('/')
  const provider = slash === -1 ? undefined : table.providers.get(model.slice(0, slash))
  if (!provider) throw unusable(model, 'its name does not start with a provider of the table, and a slash')
  // what a server on this machine serves costs nothing and needs no entry
  const own = { name: model, provider: provider.name, id: model.slice(slash + 1), price: null }
  const entry = table.embeddings.get(model) ?? (provider.loopback ? own : undefined)
  if (!entry) throw unusable(model, 'it is not in the table (embeddings of your llm.json)')
  if (provider.api === 'messages') throw unusable(model, `${provider.name} makes none`)
  const kept = keptFrom(table, provider, (name) => llm.secrets.has(name))
  if (kept) throw unusable(model, kept.reason)
  if (offline && !provider.loopback) throw unusable(model, 'offline')
  return { provider, entry }
}

/** What binds a call, and the most it can cost. @throws LLM_NOT_CONFIGURED where nobody can say */
function limitsOf(
  table: RoutingTable,
  deps: EmbedderDeps,
  texts: readonly string[],
): { caps: ReturnType<typeof capsFor>; boundNusd: number } {
  const { provider, entry } = usable(deps, table)
  const caps = capsFor(table, { taskType: TASK_TYPE, run: { id: newUuid(deps.clock) }, request: { id: '', maxCostUsd: null } }, entry.name)
  const size = { inputTokens: boundTokens({ messages: texts.map((content) => ({ content })) }), maxOutputTokens: 0 }
  const boundNusd = boundFor(entry, provider, table, size)
  if (boundNusd === null && caps.length > 0) throw unusable(entry.name, 'its price is not known, and a cap is set')
  return { caps, boundNusd: boundNusd ?? 0 }
}

function usageOf(tokens: number): Parameters<typeof costOf>[1] {
  return { input: tokens, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: 0 }
}
