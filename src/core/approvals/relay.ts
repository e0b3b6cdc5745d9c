import type { QueueEngine } from '../queue/index.ts'
import type { Approvals } from './approvals.ts'

const AT_ONCE = 100

/**
 * Sends what the outbox of state.db holds to queue.db and writes back under which number. The two files are not crash-atomic
 * together: after a kill in between it is sent again, which the key makes the same message.
 */
export async function relayOutbox(approvals: Approvals, engine: QueueEngine): Promise<number> {
  let sent = 0
  for (;;) {
    const rows = approvals.unpublished(AT_ONCE)
    if (rows.length > 0) await engine.ensureQueues([...new Set(rows.map(({ queue }) => queue))])
    for (const { id, queue, key, body } of rows) {
      approvals.published(id, await engine.send({ queue, body, key }))
      sent++
    }
    if (rows.length < AT_ONCE) return sent
  }
}
