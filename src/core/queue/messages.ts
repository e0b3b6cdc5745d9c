import { SingularityError, parseJson } from '../kernel/index.ts'
import type { QueueEngine } from './engine.ts'
import { NAMED_QUEUES } from './job.ts'

export type MessageDeps = {
  engine: QueueEngine
  /** Where a text stops being JSON. */
  findBreak: (text: string) => Promise<{ position: number; error: string; preview: string }>
  /** Publishes what other databases want published; called before anybody reads messages. */
  relay: (queue: string) => Promise<void>
}

/** The queues other programs use: what `queue send`, `read`, `ack` and `ensure` do. */
export function createMessages({ engine, findBreak, relay }: MessageDeps) {
  return {
    /** @throws REQUEST_INVALID where the body is not JSON, NOT_FOUND for an unknown queue */
    async send(queue: string, body: string): Promise<{ message_id: number }> {
      if (parseJson(body) === undefined) {
        const { position, error, preview } = await findBreak(body)
        throw new SingularityError('REQUEST_INVALID', `The message is not JSON: ${error} at position ${position}.`, {
          hints: ['singularity queue send --help'],
          data: { errors: [{ index: 0, path: '', message: `is not JSON: ${error} at position ${position}`, position, preview }] },
        })
      }
      return { message_id: await engine.send({ queue, body: body.trim() }) }
    },

    /** @throws NOT_FOUND */
    async read(
      queue: string,
      { limit, visibilityMs }: { limit: number; visibilityMs: number },
    ): Promise<{ messages: { message_id: number; read_count: number; enqueued_at: string; body: unknown }[] }> {
      await relay(queue)
      const messages = await engine.read(queue, limit, visibilityMs)
      return {
        messages: messages.map(({ id, readCount, enqueuedAt, body }) => ({
          message_id: id,
          read_count: readCount,
          enqueued_at: new Date(enqueuedAt).toISOString(),
          body: JSON.parse(body) as unknown,
        })),
      }
    },

    /** Answers how many of them still waited for it. */
    ack: async (queue: string, ids: readonly number[]): Promise<{ acknowledged: number }> => ({
      acknowledged: await engine.ack(queue, ids),
    }),

    async ensure(names: readonly string[]): Promise<{ queues: readonly string[] }> {
      const queues = names.length === 0 ? NAMED_QUEUES : names
      await engine.ensureQueues(queues)
      return { queues }
    },
  }
}
