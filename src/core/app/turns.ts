import type { CompleteTurn } from '../agents/index.ts'
import type { CheckDeps, Llm, ModelService, StoredRequest, StoredResult } from '../llm/index.ts'
import { createProcessInfo } from '../process/index.ts'
import type { Caller } from '../queue/index.ts'
import type { ModelParts } from './models.ts'

export type TurnParts = { llm: () => Promise<Llm>; service: () => Promise<ModelService>; caller: () => Promise<Caller> }

/** Requests that are a row of their own whoever waits: the turns of a conversation, and the one call of a check. */
export function composeTurns(parts: ModelParts, { llm, service, caller }: TurnParts) {
  const { clock, version } = parts.context
  const room = () => import('../llm/index.ts')

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
      version,
      processes: createProcessInfo(),
      leaseMs: (await parts.settings()).get('queue.lease_ms'),
    })
    try {
      const { detail } = await asker.runOwn({ ...job, lifetime: 'with_owner' })
      return { detail, attempts: await engine.attempts(detail.id) }
    } finally {
      await asker.close()
    }
  }

  return { completeTurn, askOnce }
}
