import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ModelCall } from '../answering/index.ts'
import type { Settings } from '../config/index.ts'
import type { Clock } from '../kernel/index.ts'
import type { Account, Llm, RoutingSource, StoredRequest, StoredResult } from '../llm/index.ts'
import { createProcessInfo } from '../process/index.ts'
import type { Caller, QueueEngine } from '../queue/index.ts'
import { type Logger, secretValues } from '../telemetry/index.ts'
import type { AppContext } from './context.ts'

export type ModelParts = {
  context: AppContext
  engine: () => Promise<QueueEngine>
  settings: () => Promise<Settings>
  /** null outside a repository. */
  repositoryRoot: () => Promise<string | null>
  /** Names the repository in the ledger. */
  repositoryId: () => Promise<string>
  log: (part: string) => Promise<Logger>
  onClose: (close: () => void | Promise<void>) => void
  /** Everything that was paid for. */
  onAnswer?: (request: StoredRequest, result: StoredResult) => void
}

export type Models = ReturnType<typeof composeModels>

/** Models, the account and whoever waits for an answer; nothing is opened or loaded before it is needed. */
export function composeModels(parts: ModelParts) {
  const { context } = parts
  const { env, clock } = context
  const processes = createProcessInfo()
  const state = join(context.stateHome, 'singularity')
  const ledger = env['SINGULARITY_LEDGER'] || join(state, 'account.db')
  const room = () => import('../llm/index.ts')
  const memory: { account?: Account; routing?: Promise<RoutingSource>; llm?: Promise<Llm>; caller?: Promise<Caller> } = {}

  async function openAccount(): Promise<() => Account> {
    const { createAccount } = await room()
    return () => {
      if (memory.account) return memory.account
      const opened = createAccount({ path: ledger, clock, processes })
      parts.onClose(() => opened.close())
      return (memory.account = opened)
    }
  }

  const routing = (): Promise<RoutingSource> =>
    (memory.routing ??= (async () => {
      const [{ createRoutingSource, NUSD }, account, root] = [await room(), await openAccount(), await parts.repositoryRoot()]
      const inDollars = (nusd: number | undefined): number | undefined => (nusd === undefined ? undefined : nusd / NUSD)
      /** A ledger that cannot be read stops whoever pays, not whoever reads the table. */
      const ownCaps = (): ReturnType<Account['userCaps']> => {
        try {
          return existsSync(ledger) ? account().userCaps() : {}
        } catch {
          return {}
        }
      }
      return createRoutingSource({
        packagedFile: join(context.packageRoot, 'templates_data', 'llm', 'routing.json'),
        userFile: join(context.configHome, 'llm.json'),
        repositoryFile: root === null ? null : join(root, '.singularity', 'config.json'),
        env,
        userCaps: () => {
          const { day, month } = ownCaps()
          const [dayUsd, monthUsd] = [inDollars(day), inDollars(month)]
          return { ...(dayUsd !== undefined && { dayUsd }), ...(monthUsd !== undefined && { monthUsd }) }
        },
      })
    })())

  /** The table that holds now. */
  const table = async () => (await routing()).table()

  const llm = (): Promise<Llm> =>
    (memory.llm ??= (async () => {
      const { createLlm, createTransport } = await room()
      const opened = createLlm({
        account: await openAccount(),
        routing: await routing(),
        keyOf: async (name) => env[name] || null,
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
        handlers: [(await llm()).handler()],
        clock,
        log: await parts.log('cli'),
        version: context.version,
        processes,
      })
      parts.onClose(() => made.close())
      return made
    })())

  /** What a request is checked against. */
  const requestContext = async (): Promise<{ clock: Clock; tasks: Awaited<ReturnType<typeof table>>['tasks']; known: string[] }> => ({
    clock,
    tasks: (await table()).tasks,
    known: secretValues(env),
  })

  /** Asks a model and waits: this process holds the row and runs it. A model that cannot be reached costs no row. */
  const callModel: ModelCall = async ({ request, uniqueKey, model, maxCostNusd, deadlineMs, signal }) => {
    const { NUSD, answerError, createRequestJob } = await room()
    const asked = {
      ...request,
      ...(maxCostNusd !== undefined && { max_cost_usd: maxCostNusd / NUSD }),
      ...(deadlineMs !== undefined && { deadline_ms: deadlineMs }),
    }
    const job = await createRequestJob(asked, await requestContext(), model === undefined ? {} : { model })
    await (await llm()).preview(JSON.parse(job.payload) as StoredRequest, job.id)
    const own = { ...job, lifetime: 'with_owner' as const, ...(uniqueKey !== null && { uniqueKey }) }
    for (;;) {
      const { detail } = await (await caller()).runOwn(own, signal ? { signal } : {})
      if (detail.state === 'completed' && detail.result !== null)
        return { id: detail.id, result: JSON.parse(detail.result) as StoredResult, bytes: Buffer.byteLength(detail.payload) }
      // somebody else had asked the same and was stopped: it is our question still
      if (detail.id === own.id || detail.state !== 'cancelled' || signal?.aborted) throw answerError(detail)
    }
  }

  return { account: openAccount, routing, table, llm, caller, callModel, requestContext }
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
