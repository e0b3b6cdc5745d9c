import type { ModelCall, ModelRequest } from '../answering/index.ts'
import type { Settings } from '../config/index.ts'
import { SingularityError, formatDuration, newUuid } from '../kernel/index.ts'
import type { CheckReport, Llm, ModelService, ProviderListing, RequestEstimate, StoredRequest, StoredResult } from '../llm/index.ts'
import { createProcessInfo } from '../process/index.ts'
import type { Caller, NewJob, QueueEngine } from '../queue/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { AppContext } from './context.ts'
import { composeMetered } from './metered.ts'
import { proxiesOf, transportOptions } from './network.ts'
import { composeTurns } from './turns.ts'

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
        transport: createTransport(transportOptions(env)),
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

  const { completeTurn, askOnce } = composeTurns(parts, { llm, service, caller })

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

  const { agents, embedder, vectorSpace } = composeMetered(parts, () => llm())

  return { llm, service, caller, createJob, estimate, callModel, completeTurn, embedder, vectorSpace, check, listings, writesWhole, agents }
}
