import { type QueueEngine, relayOutbox } from '../queue/index.ts'
import type { Approvals } from './approvals.ts'

const AT_ONCE = 100

/** Sends what the outbox of state.db holds to queue.db; answers how many messages that were. */
export async function relayApprovals(approvals: Approvals, engine: QueueEngine): Promise<number> {
  let sent = 0
  for (;;) {
    const waiting = approvals.unpublished(AT_ONCE)
    if (waiting.length === 0) return sent
    await engine.ensureQueues([...new Set(waiting.map(({ queue }) => queue))])
    const rows = waiting.map(({ key, queue, body }) => ({ key, message: { queue, body } }))
    sent += await relayOutbox({ rows, engine, markPublished: (key, id) => approvals.published(key, id) })
  }
}
