import type { Logger } from '../telemetry/index.ts'
import { SingularityError, messageOf } from '../kernel/index.ts'
import type { QueueEngine } from './engine.ts'
import type { MessageHandler } from './handler.ts'
import type { Message } from './job.ts'

/** How long nobody else sees a message that is being consumed, ms. */
const VISIBILITY_MS = 60_000
/** A message that was read this often without an end is put aside. */
const MOST_READS = 5

export type ConsumerDeps = {
  engine: QueueEngine
  handlers: readonly MessageHandler[]
  /** Most messages taken at once. */
  batchSize: number
  log: Logger
}

/** Takes what waits in the queues that have a handler; answers how many messages were consumed. */
export async function consumeMessages({ engine, handlers, batchSize, log }: ConsumerDeps, signal: AbortSignal): Promise<number> {
  let consumed = 0
  for (const handler of handlers)
    for (;;) {
      if (signal.aborted) return consumed
      const messages = await engine.read(handler.queue, batchSize, VISIBILITY_MS)
      for (const message of messages) if (await consumeOne(engine, handler, message, log)) consumed++
      if (messages.length < batchSize) break
    }
  return consumed
}

async function consumeOne(engine: QueueEngine, handler: MessageHandler, message: Message, log: Logger): Promise<boolean> {
  const place = { queue: handler.queue, message: message.id }
  try {
    return await engine.intake(handler.queue, message.id, await handler.take(message))
  } catch (error) {
    log.error('message not consumed', { ...place, error: messageOf(error) })
    const isRefused = SingularityError.isInstance(error) && (error.kind === 'usage' || error.kind === 'conflict')
    if (!isRefused && message.readCount < MOST_READS) return false
    return engine.intake(handler.queue, message.id, {})
  }
}
