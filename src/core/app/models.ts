import { readFileSync } from 'node:fs'
import type { AgentWorkDeps, CompleteTurn } from '../agents/index.ts'
import type { ModelCall, ModelRequest } from '../answering/index.ts'
import type { Settings } from '../config/index.ts'
import { SingularityError, formatDuration, newUuid } from '../kernel/index.ts'
import type {
  CheckDeps,
  CheckReport,
  Embedder,
  Llm,
  ModelService,
  ProviderEntry,
  ProviderListing,
  RequestEstimate,
  StoredRequest,
  StoredResult,
} from '../llm/index.ts'
import { createProcessInfo } from '../process/index.ts'
import type { Caller, NewJob, QueueEngine } from '../queue/index.ts'
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

/** `uniqueKey`: null where the answer is shared with nobody, absent where nobody asked yet. */
type AnyRequest = Omit<ModelRequest, 'uniqueKey'> & { uniqueKey?: string | null }

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
      const { openLlm } = await import('./open-models.ts')
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

  /** A question as a row of the queue, checked and without secrets. @throws REQUEST_INVALID */
  const createJob = async ({ request, model, maxCostNusd, deadlineMs, ...rest }: AnyRequest): Promise<NewJob> => {
    const { NUSD, createRequestJob } = await room()
    const asked = {
      ...request,
      ...(maxCostNusd !== undefined && { max_cost_usd: maxCostNusd / NUSD }),
      ...(deadlineMs !== undefined && { deadline_ms: deadlineMs }),
    }
    // who shares with nobody keeps nothing either
    const hints = { ...(model !== undefined && { model }), ...(rest.uniqueKey === null && { no_cache: true }) }
    return createRequestJob(asked, (await llm()).requestContext(), hints)
  }

  /** What a request would use and cost; nothing is sent, no row is made. @throws as the request itself would be refused */
  const estimate = async (asked: Omit<ModelRequest, 'uniqueKey'>): Promise<RequestEstimate> => {
    const job = await createJob(asked)
    const request = JSON.parse(job.payload) as StoredRequest
    const opened = await service()
    const { candidates, skipped } = await opened.preview(request, job.id)
    const route = candidates.map(({ model, provider }) => ({ model: model.name, provider: provider.name }))
    const { complexity, task_type } = request
    return {
      complexity,
      task_type,
      route,
      skipped,
      estimate_nusd: opened.estimate(candidates[0]!, request),
      bytes: (await room()).sentBytes(request),
    }
  }

  /**
   * Asks a model and waits: this process holds the row and runs it. A model that cannot be reached costs no row.
   * @throws LIMIT_REACHED after `deadlineMs`, INTERRUPTED where the signal aborts: the request is cancelled then
   */
  const callModel: ModelCall = async (asked) => {
    const { uniqueKey, deadlineMs, signal, record, replay } = asked
    const { answerError, openRecorder, openRecording, sentBytes } = await room()
    const job = await createJob(asked)
    const request = JSON.parse(job.payload) as StoredRequest
    if (replay !== undefined) return { id: job.id, result: openRecording(replay).answerTo(request), bytes: 0, replayed: true }
    const recorder = record === undefined ? undefined : openRecorder(record)
    await (await service()).preview(request, job.id)
    const own = { ...job, lifetime: 'with_owner' as const, ...(uniqueKey !== null && { uniqueKey }) }
    const limit = deadlineMs === undefined ? undefined : AbortSignal.timeout(deadlineMs)
    const stop = AbortSignal.any([signal, limit].filter((each) => each !== undefined))
    for (;;) {
      const { detail } = await (await caller()).runOwn(own, { signal: stop })
      if (detail.state === 'completed' && detail.result !== null) {
        const result = JSON.parse(detail.result) as StoredResult
        recorder?.add(request, result)
        return { id: detail.id, result, bytes: sentBytes(request) }
      }
      if (signal?.aborted) throw new SingularityError('INTERRUPTED', 'Stopped; the request was cancelled.', { data: { id: own.id } })
      if (limit?.aborted)
        throw new SingularityError('LIMIT_REACHED', `No answer came within ${formatDuration(deadlineMs!)}; the request was cancelled.`, {
          hints: ['singularity ask PROMPT --detach'],
          data: { id: own.id },
        })
      // somebody else had asked the same and was stopped: it is our question still
      if (detail.id === own.id || detail.state !== 'cancelled') throw answerError(detail)
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

  /** One durable request, tried once: what would have to wait has failed. @throws what refuses it before anything is sent */
  const askOnce: CheckDeps['ask'] = async (request, hints) => {
    const [{ createRequestJob }, { createCaller }, opened] = [await room(), await import('../queue/index.ts'), await service()]
    const job = await createRequestJob(request, (await llm()).requestContext(), hints)
    await opened.preview(JSON.parse(job.payload) as StoredRequest, job.id)
    const engine = await parts.engine()
    const asker = createCaller({
      engine,
      handlers: [opened.handler({ once: true })],
      clock,
      log: await parts.log('cli'),
      version: context.version,
      processes,
      leaseMs: (await parts.settings()).get('queue.lease_ms'),
    })
    try {
      const { detail } = await asker.runOwn({ ...job, lifetime: 'with_owner' })
      return { detail, attempts: await engine.attempts(detail.id) }
    } finally {
      await asker.close()
    }
  }

  const lookDeps = async () => {
    const [opened, { routing, account, secrets }] = [await service(), await llm()]
    const offline = (await parts.settings()).get<boolean>('offline')
    return { table: routing.table(), account, secrets, service: opened, offline }
  }

  /** `llm check`: calls every provider that is set up, each once. */
  const check = async (options: { dryRun: boolean }): Promise<CheckReport> => {
    const { https, http } = proxiesOf(env)
    const { checkModels } = await room()
    const more = { ask: askOnce, newId: () => newUuid(clock), proxied: Boolean(https || http) }
    return checkModels({ ...(await lookDeps()), ...more }, options)
  }

  /** `llm models --check`: which models of the table their providers know. */
  const listings = async (): Promise<{ providers: ProviderListing[] }> => (await room()).compareListings(await lookDeps())

  /** Whether a model only writes whole files, as the routing table knows it. */
  const writesWhole = async (name: string): Promise<boolean> =>
    (await room()).findModel((await llm()).routing.table(), name)?.editFormat === 'whole'

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

  return { llm, service, caller, createJob, estimate, callModel, completeTurn, embedder, check, listings, writesWhole, agents }
}

function proxiesOf(env: AppContext['env']): { https: string | undefined; http: string | undefined; no: string | undefined } {
  const either = (name: string): string | undefined => env[name] || env[name.toLowerCase()]
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
