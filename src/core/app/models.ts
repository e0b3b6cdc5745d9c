import { readFileSync } from 'node:fs'
import type { AgentWorkDeps, CompleteTurn } from '../agents/index.ts'
import type { ModelCall } from '../answering/index.ts'
import type { Settings } from '../config/index.ts'
import type { Embedder, Llm, ModelService, ProviderEntry, StoredRequest, StoredResult } from '../llm/index.ts'
import { createProcessInfo } from '../process/index.ts'
import type { Caller, QueueEngine } from '../queue/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { AppContext } from './context.ts'

export type ModelParts = {
  context: AppContext
  engine: () => Promise<QueueEngine>
  settings: () => Promise<Settings>
  /** .singularity/config.json of the working tree; null outside a repository. */
  repositoryFile: () => Promise<string | null>
  /** Names the repository in the ledger. */
  repositoryId: () => Promise<string>
  log: (part: string) => Promise<Logger>
  onClose: (close: () => void | Promise<void>) => void
  /** Everything that was paid for, also what comes too late for who asked. */
  onAnswer?: (request: StoredRequest, result: StoredResult) => Promise<void>
}

export type Models = ReturnType<typeof composeModels>

/** Models, the account and whoever waits for an answer; nothing is opened or loaded before it is needed. */
export function composeModels(parts: ModelParts) {
  const { context } = parts
  const { env, clock } = context
  const processes = createProcessInfo()
  const room = () => import('../llm/index.ts')
  const memory: { llm?: Promise<Llm>; service?: Promise<ModelService>; caller?: Promise<Caller> } = {}

  /** Account, routing table and keys. `askPassphrase` of the first call counts; without it nobody is asked. */
  const llm = (askPassphrase: (() => Promise<string | null>) | null = null): Promise<Llm> =>
    (memory.llm ??= (async () => {
      const { stateHome, configHome, packageRoot } = context
      const { openLlm } = await room()
      const shared = { env, stateHome, configHome, packageRoot, clock, platform: process.platform, askPassphrase }
      const opened = openLlm({ ...shared, repositoryFile: await parts.repositoryFile(), processes })
      parts.onClose(() => opened.close())
      return opened
    })())

  const service = (): Promise<ModelService> =>
    (memory.service ??= (async () => {
      const { createModelService, createTransport } = await room()
      const opened = createModelService({
        llm: await llm(),
        transport: createTransport({ proxies: proxiesOf(env), extraCa: extraCa(env) }),
        clock,
        random: Math.random,
        self: processes.self,
        isAlive: (owner) => processes.isAlive(owner),
        repository: await parts.repositoryId(),
        offline: (await parts.settings()).get<boolean>('offline'),
        ...(parts.onAnswer && { onAnswer: parts.onAnswer }),
      })
      parts.onClose(() => opened.close())
      return opened
    })())

  const caller = (): Promise<Caller> =>
    (memory.caller ??= (async () => {
      const { createCaller } = await import('../queue/index.ts')
      const made = createCaller({
        engine: await parts.engine(),
        handlers: [(await service()).handler()],
        clock,
        log: await parts.log('cli'),
        version: context.version,
        processes,
        leaseMs: (await parts.settings()).get('queue.lease_ms'),
      })
      parts.onClose(() => made.close())
      return made
    })())

  /** Asks a model and waits: this process holds the row and runs it. A model that cannot be reached costs no row. */
  const callModel: ModelCall = async ({ request, uniqueKey, model, maxCostNusd, deadlineMs, signal }) => {
    const { NUSD, answerError, createRequestJob } = await room()
    const asked = {
      ...request,
      ...(maxCostNusd !== undefined && { max_cost_usd: maxCostNusd / NUSD }),
      ...(deadlineMs !== undefined && { deadline_ms: deadlineMs }),
    }
    // who shares with nobody keeps nothing either
    const hints = { ...(model !== undefined && { model }), ...(uniqueKey === null && { no_cache: true }) }
    const job = await createRequestJob(asked, (await llm()).requestContext(), hints)
    await (await service()).preview(JSON.parse(job.payload) as StoredRequest, job.id)
    const own = { ...job, lifetime: 'with_owner' as const, ...(uniqueKey !== null && { uniqueKey }) }
    for (;;) {
      const { detail } = await (await caller()).runOwn(own, signal ? { signal } : {})
      if (detail.state === 'completed' && detail.result !== null)
        return { id: detail.id, result: JSON.parse(detail.result) as StoredResult, bytes: Buffer.byteLength(detail.payload) }
      // somebody else had asked the same and was stopped: it is our question still
      if (detail.id === own.id || detail.state !== 'cancelled' || signal?.aborted) throw answerError(detail)
    }
  }

  /**
   * One turn of a conversation: its row outlives this process, so that who comes again finds the answer that was paid for. The id
   * follows from conversation and turn.
   */
  const completeTurn: CompleteTurn = async (request, { id, parentId, signal }) => {
    const { answerError, createRequestJob } = await room()
    const { model, no_cache, run, tool_loop, ...plain } = request
    const hints = { ...(model !== undefined && { model }), ...(no_cache !== undefined && { no_cache }), ...(run && { run }) }
    const job = await createRequestJob(
      { ...plain, id, parent_id: parentId },
      (await llm()).requestContext(),
      tool_loop === undefined ? hints : { ...hints, tool_loop },
    )
    const engine = await parts.engine()
    const known = await engine.get(job.id)
    if (known?.state === 'completed' && known.result !== null) return JSON.parse(known.result) as StoredResult
    await (await service()).preview(JSON.parse(job.payload) as StoredRequest, job.id)
    // what failed in an earlier run of the same goal is asked for again
    if (known?.state === 'dead' || known?.state === 'cancelled') await engine.retry(job.id)
    const { detail } = await (await caller()).runOwn(job, signal ? { signal } : {})
    if (detail.state === 'completed' && detail.result !== null) return JSON.parse(detail.result) as StoredResult
    throw answerError(detail)
  }

  /** The wire protocols of coding agents and whose key they are metered with. */
  const providerOf = async (api: ProviderEntry['api']): Promise<ProviderEntry | undefined> =>
    (await llm()).routing.table().providers.get(api === 'messages' ? 'anthropic' : 'openai')

  const agents: Pick<AgentWorkDeps, 'loopback' | 'hasKey'> = {
    async hasKey(api) {
      const provider = await providerOf(api)
      return provider !== undefined && provider.keyName !== null && (await llm()).secrets.has(provider.keyName)
    },
    async loopback({ id, budgetNusd }) {
      const [{ capsFor, createTransport, upstreamOf }, opened] = [await room(), await llm()]
      const table = opened.routing.table()
      const transport = createTransport({ proxies: proxiesOf(env), extraCa: extraCa(env) })
      parts.onClose(() => transport.close())
      const needs = {
        taskType: 'agent',
        run: { id, ...(budgetNusd !== null && { capNusd: budgetNusd }) },
        request: { id, maxCostUsd: null },
      }
      return {
        account: opened.account(),
        table,
        upstream: (name) => upstreamOf(table, opened.secrets, name),
        fetch: transport.fetch,
        owner: processes.self,
        repository: await parts.repositoryId(),
        request: id,
        caps: (model) => capsFor(table, needs, model),
      }
    },
  }

  /** Compares questions; its calls are paid like any other. @throws LLM_NOT_CONFIGURED */
  const embedder = async (model: string, dimensions: number | null): Promise<Embedder> => {
    const { createEmbedder, createTransport } = await room()
    const transport = createTransport({ proxies: proxiesOf(env), extraCa: extraCa(env) })
    parts.onClose(() => transport.close())
    return createEmbedder({
      llm: await llm(),
      fetch: transport.fetch,
      clock,
      self: processes.self,
      repository: await parts.repositoryId(),
      offline: (await parts.settings()).get<boolean>('offline'),
      model,
      dimensions,
    })
  }

  return { llm, service, caller, callModel, completeTurn, embedder, agents }
}

function proxiesOf(env: AppContext['env']): { https: string | undefined; http: string | undefined; no: string | undefined } {
  const either = (name: string): string | undefined => env[name] ?? env[name.toLowerCase()]
  return { https: either('HTTPS_PROXY'), http: either('HTTP_PROXY'), no: either('NO_PROXY') }
}

/** Node reads this file by itself for its own fetch only. One that cannot be read is as if it were not named, as there. */
function extraCa(env: AppContext['env']): string | undefined {
  try {
    return env['NODE_EXTRA_CA_CERTS'] ? readFileSync(env['NODE_EXTRA_CA_CERTS'], 'utf8') : undefined
  } catch {
    return undefined
  }
}
