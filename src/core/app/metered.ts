import type { AgentWorkDeps } from '../agents/index.ts'
import type { Embedder, Llm, ProviderEntry } from '../llm/index.ts'
import type { FloatEmbedder } from '../embedding/index.ts'
import { SingularityError } from '../kernel/index.ts'
import { createProcessInfo } from '../process/index.ts'
import type { Database } from '../storage/index.ts'
import { secretValues } from '../telemetry/index.ts'
import type { ModelParts } from './models.ts'
import { transportOptions } from './network.ts'

/** Who reaches a provider beside requests: coding agents through the metered loopback, and what compares questions. */
export function composeMetered(parts: ModelParts, llm: () => Promise<Llm>) {
  const { env, clock } = parts.context
  const processes = createProcessInfo()
  const room = () => import('../llm/index.ts')

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
      const transport = createTransport(transportOptions(env))
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
    const transport = createTransport(transportOptions(env))
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

  /** A model of a server as a space of the index. @throws SENDING_NOT_ALLOWED, LLM_NOT_CONFIGURED, MODEL_UNUSABLE */
  const vectorSpace = async (model: string, dimensions: number | null, database: () => Promise<Database>): Promise<FloatEmbedder> => {
    const [{ createSentRecord, createTransport, openTextVectors }, { createFloatEmbedder }, opened, resolved] = [
      await room(),
      await import('../embedding/index.ts'),
      await llm(),
      await parts.settings(),
    ]
    const provider = model.slice(0, model.indexOf('/'))
    if (!opened.routing.table().providers.has(provider))
      throw new SingularityError(
        'MODEL_UNUSABLE',
        `There is no provider ${provider} for ${model}, and no model is downloaded by its name.`,
        {
          hints: [`singularity config set embedding.model ~/models/${model.slice(model.indexOf('/') + 1)}`, 'singularity llm routes'],
        },
      )
    const transport = createTransport(transportOptions(env))
    parts.onClose(() => transport.close())
    const server = await openTextVectors({
      llm: opened,
      fetch: transport.fetch,
      clock,
      self: processes.self,
      repository: await parts.repositoryId(),
      offline: resolved.get<boolean>('offline'),
      model,
      dimensions,
      timeoutMs: resolved.get('embedding.timeout'),
      batch: resolved.get('embedding.batch'),
      random: Math.random,
      allow: resolved.get('embedding.allow'),
      known: [...secretValues(env), ...opened.secrets.known()],
      record: async () => createSentRecord({ db: await database(), clock }),
    })
    return createFloatEmbedder({
      id: `endpoint:${model}:${dimensions ?? 'any'}`,
      dimensions,
      async vectors(kind, texts) {
        const made = await server.embed(kind === 'query' ? 'query' : 'index', texts)
        return made.map((vector) => ({ vector, unknown: false }))
      },
      broken: (why) => new SingularityError('MALFORMED_RESPONSE', `${model}: ${why}.`),
      close: () => Promise.resolve(),
    })
  }

  return { agents, embedder, vectorSpace }
}
