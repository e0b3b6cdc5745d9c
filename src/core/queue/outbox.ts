import { type Clock, isoTime } from '../kernel/index.ts'
import type { Database } from '../storage/index.ts'
import type { QueueEngine } from './engine.ts'
import type { NewJob, NewMessage } from './job.ts'

/**
 * Something another database has decided to publish. Two WAL files are not crash-atomic, so the decision is a row there, and this
 * row is relayed as often as needed: `key` makes it arrive once.
 */
export type OutboxRow = { key: string } & ({ message: Omit<NewMessage, 'key'> } | { job: Omit<NewJob, 'uniqueKey'> })

/**
 * Publishes rows in their order and writes the published id back, one by one: after a crash at any point the next relay goes on
 * where this one ended, and what was published already is recognised by its key (a message) or its id (a job).
 * @param markPublished writes the id into the row's own database
 */
export async function relayOutbox(options: {
  rows: readonly OutboxRow[]
  engine: Pick<QueueEngine, 'send' | 'enqueue'>
  markPublished: (key: string, publishedId: string) => void | Promise<void>
}): Promise<number> {
  for (const row of options.rows) await options.markPublished(row.key, await publish(options.engine, row))
  return options.rows.length
}

async function publish(engine: Pick<QueueEngine, 'send' | 'enqueue'>, row: OutboxRow): Promise<string> {
  if ('message' in row) return String(await engine.send({ ...row.message, key: row.key }))
  const [result] = await engine.enqueue([{ ...row.job, uniqueKey: row.key }])
  return result!.id
}

const SQL = {
  add: `INSERT INTO outbox (queue, key, body, created_at) VALUES (?, ?, ?, ?)`,
  waiting: `SELECT queue, key, body FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT ?`,
  published: `UPDATE outbox SET message_id = ?, published_at = ?, body = NULL WHERE key = ?`,
} as const

export type Outbox = ReturnType<typeof createOutbox>

/** The table `outbox` of another database. A row is written in the transaction of what it tells of. */
export function createOutbox({ db, clock }: { db: Database; clock: Clock }) {
  return {
    add: (queue: string, key: string, body: Record<string, unknown>): void =>
      void db.run(SQL.add, queue, key, JSON.stringify(body), isoTime(clock)),
    /** What waits to be published, oldest first. */
    waiting: (limit: number): { queue: string; key: string; body: string }[] => db.all(SQL.waiting, limit),
    /** What was in a message does not stay here: it may hold a token. */
    published: (key: string, messageId: string): void => void db.run(SQL.published, messageId, isoTime(clock), key),
  }
}

const AT_ONCE = 100

/** Sends what an outbox holds; answers how many messages that were. */
export async function relayWaiting(outbox: Outbox, engine: QueueEngine): Promise<number> {
  let sent = 0
  for (;;) {
    const waiting = outbox.waiting(AT_ONCE)
    if (waiting.length === 0) return sent
    await engine.ensureQueues([...new Set(waiting.map(({ queue }) => queue))])
    const rows = waiting.map(({ key, queue, body }) => ({ key, message: { queue, body } }))
    sent += await relayOutbox({ rows, engine, markPublished: (key, id) => outbox.published(key, id) })
  }
}
