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
