import { setImmediate as breathe } from 'node:timers/promises'
import type { Clock } from '../../../kernel/index.ts'
import type { Connection } from './connection.ts'

const DAY_MS = 86_400_000
const CHUNK = 500
const BUDGET_MS = 50

/** Requests to models have an index of their own; nothing changes in them after their end. */
const OLD = `SELECT seq FROM job WHERE finished_at IS NOT NULL AND queue <> 'llm_requests' AND finished_at < @before
  UNION ALL SELECT seq FROM job WHERE finished_at IS NOT NULL AND queue = 'llm_requests' AND state IN ('completed', 'dead', 'cancelled')
    AND updated_at < @before`

/** What is thrown away, in order: a payload goes before the row that tells what it cost. */
export const CHORES: readonly { sql: string; counts?: boolean }[] = [
  { sql: `DELETE FROM job_data WHERE seq IN (SELECT seq FROM job_data WHERE seq IN (${OLD}) LIMIT ${CHUNK})` },
  { sql: `DELETE FROM job_result WHERE seq IN (SELECT seq FROM job_result WHERE seq IN (${OLD}) LIMIT ${CHUNK})` },
  { sql: `DELETE FROM job WHERE seq IN (${OLD} LIMIT ${CHUNK})`, counts: true },
  {
    sql: `DELETE FROM message WHERE id IN (SELECT id FROM message WHERE acked_at IS NOT NULL AND acked_at < @before LIMIT ${CHUNK})`,
    counts: true,
  },
  { sql: `DELETE FROM orphan_result WHERE id IN (SELECT id FROM orphan_result WHERE at < @before LIMIT ${CHUNK})` },
  // only the oldest are looked at: they stand in order of time
  {
    sql: `DELETE FROM job_event WHERE at < @before AND seq < min(${CHUNK} + (SELECT min(seq) FROM job_event), (SELECT max(seq) FROM job_event))`,
  },
  // the next number follows from the newest, so its row stays, as no job's
  {
    sql: `UPDATE job_event SET type = 'pruned', job = 0, detail = NULL WHERE at < @before AND job > 0 AND seq = (SELECT max(seq) FROM job_event)`,
  },
]

/** Chunks of 500 rows with a pause between, until nothing is left or the time is up. */
export async function maintain(
  store: Connection,
  clock: Clock,
  options: { now?: boolean; budgetMs?: number; retentionDays: number },
): Promise<{ pruned: number; done: boolean }> {
  const { db } = store
  const start = clock.monotonic()
  const budget = options.budgetMs ?? BUDGET_MS
  const last = db.get<{ at: number }>("SELECT at FROM chore WHERE name = 'prune'")?.at ?? 0
  if (options.now !== true && Math.abs(clock.now() - last) < DAY_MS) return { pruned: 0, done: true }
  const before = clock.now() - options.retentionDays * DAY_MS
  let pruned = 0
  for (const chore of CHORES)
    for (;;) {
      if (clock.monotonic() - start >= budget) return { pruned, done: false }
      const changed = await store.write(() => db.run(chore.sql, { before }), 'light')
      if (chore.counts) pruned += changed
      if (changed < CHUNK) break
      await breathe()
    }
  const done = "INSERT INTO chore (name, at) VALUES ('prune', ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at"
  await store.write(() => db.run(done, clock.now()), 'light')
  db.get('PRAGMA wal_checkpoint(PASSIVE)')
  return { pruned, done: true }
}
