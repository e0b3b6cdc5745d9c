import { SingularityError, messageOf } from '../kernel/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { QueueEngine } from './engine.ts'
import type { MessageHandler } from './handler.ts'
import type { Message } from './job.ts'

/** How long nobody else sees a message that is being consumed, ms. */
const VISIBILITY_MS = 60_000
/** What comes back because its reader died rings no bell: it is looked for this often, ms. What is new does ring. */
const RETURNED_MS = 10_000
/** A message that was read this often without an end is put aside. */
const MOST_READS = 5

export type ConsumerDeps = {
  engine: QueueEngine
  handlers: readonly MessageHandler[]
  /** Most messages taken at once. */
  batchSize: number
  log: Logger
}

/** The loop over the queues of other programs that have a handler here. */
export type MessageConsumer = {
  /** Takes what waits now; answers how many messages were consumed. */
  consume(): Promise<number>
  /** Goes on with it in the background: now, at every `wake` and every ten seconds. */
  start(onConsumed: (count: number) => void): void
  wake(): void
  /** Takes nothing more; resolves when what was taken has ended. */
  stop(): Promise<void>
}

export function createConsumer(deps: ConsumerDeps): MessageConsumer {
  const { engine, log } = deps
  const handlers = new Map(deps.handlers.map((handler) => [handler.queue, handler]))
  const stopping = new AbortController()
  let again = false
  let under: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let onConsumed: (count: number) => void = () => undefined

  async function consume(): Promise<number> {
    let consumed = 0
    for (const queue of await engine.waiting([...handlers.keys()]))
      for (let full = true; full && !stopping.signal.aborted;) {
        const messages = await engine.read(queue, deps.batchSize, VISIBILITY_MS)
        for (const message of messages)
          if (!stopping.signal.aborted && (await consumeOne(engine, handlers.get(queue)!, message, log))) consumed++
        full = messages.length === deps.batchSize
      }
    return consumed
  }

  async function loop(): Promise<void> {
    do {
      again = false
      onConsumed(await consume())
    } while (again && !stopping.signal.aborted)
  }

  function look(): void {
    clearTimeout(timer)
    if (stopping.signal.aborted) return
    if (under) {
      again = true
      return
    }
    under = loop()
      .catch((error: unknown) => log.warn('messages could not be consumed', { error }))
      .finally(() => {
        under = undefined
        if (!stopping.signal.aborted) timer = setTimeout(look, RETURNED_MS)
      })
  }

  return {
    consume,
    start(tell) {
      onConsumed = tell
      look()
    },
    wake: look,
    async stop() {
      stopping.abort()
      clearTimeout(timer)
      await under
    },
  }
}

async function consumeOne(engine: QueueEngine, handler: MessageHandler, message: Message, log: Logger): Promise<boolean> {
  try {
    return await engine.intake(handler.queue, message.id, await handler.take(message))
  } catch (error) {
    log.error('message not consumed', { queue: handler.queue, message: message.id, error: messageOf(error) })
    const isRefused = SingularityError.isInstance(error) && (error.kind === 'usage' || error.kind === 'conflict')
    if (!isRefused && message.readCount < MOST_READS) return false
    return engine.intake(handler.queue, message.id, {})
  }
}
