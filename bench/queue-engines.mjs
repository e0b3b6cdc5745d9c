// The queues that are compared, behind the four operations that are timed: one job or a hundred in, one job or fifty claimed and
// completed. Payloads are JSON of 2.5 KB at the mean, the work is nothing.
import Database from 'better-sqlite3'
import { join } from 'node:path'
import PgBoss from 'pg-boss'
import { better, defineQueue } from 'plainjob'

/** Jobs of other queues publish a message each when they end, which no other queue here does: that costs as much as the end itself. */
export const QUEUE = 'llm_requests'
export const RESULT = '{"ok":true}'
export const BATCH = 50

/** JSON texts between 1 and 4 KB, always the same ones. */
export const PAYLOADS = Array.from({ length: 64 }, (_, index) =>
  JSON.stringify({ number: index, messages: [{ role: 'user', content: 'a request to a model '.repeat(46 + ((index * 37) % 64) * 2) }] }),
)
let used = 0
let queues = 0
export const nextPayload = () => PAYLOADS[used++ % PAYLOADS.length]

/** Our engine over a file. `durability` and `more` as in its options. */
export const openEngine = (core, folder, durability = 'per-operation', more = {}) =>
  core.queue.createSqliteQueue({
    path: join(folder, 'queue.db'),
    runDir: join(folder, 'run'),
    clock: core.kernel.systemClock,
    processes: core.process.createProcessInfo(),
    durability,
    ...more,
  })

export const newJob = (core, more = {}) => ({
  id: core.kernel.newUuid(core.kernel.systemClock),
  queue: QUEUE,
  kind: 'k',
  payload: nextPayload(),
  ...more,
})

/** Claims and completes up to `limit`; answers how many. */
export async function drainOnce(engine, limit, workerId = 'bench') {
  const jobs = await engine.claim({ queues: [QUEUE], kinds: ['k'], limit, workerId, leaseMs: 30_000 })
  const ends = await engine.settle(jobs.map(({ id, token }) => ({ id, token, to: 'completed', result: RESULT })))
  if (ends.some((end) => end !== 'applied')) throw new Error('A claim was lost while nobody else works.')
  return jobs.length
}

export function openOurs(core, folder, durability) {
  const engine = openEngine(core, folder, durability)
  return {
    add: (count) => engine.enqueue(Array.from({ length: count }, () => newJob(core))),
    drain: (limit) => drainOnce(engine, limit),
    close: () => engine.close(),
  }
}

/** What its worker does with a job, without the worker's logging and waiting; it has no way to take or to end several at once. */
export function openPlainjob(folder, synchronous) {
  const connection = better(new Database(join(folder, 'plainjob.db')))
  const queue = defineQueue({ connection, serializer: (text) => text })
  connection.pragma(`synchronous = ${synchronous}`)
  return {
    add: async (count) => {
      if (count === 1) queue.add(QUEUE, nextPayload())
      else queue.addMany(QUEUE, Array.from({ length: count }, nextPayload))
    },
    drain: async (limit) => {
      for (let done = 0; done < limit; done++) {
        const claimed = queue.getAndMarkJobAsProcessing(QUEUE)
        if (!claimed) return done
        queue.markJobAsDone(queue.getJobById(claimed.id).id)
      }
      return limit
    },
    close: () => queue.close(),
  }
}

/** Over a socket of a server that runs. `settings` of its sessions, as `-c name=value`. */
export async function openPgBoss(server, settings) {
  const boss = new PgBoss({ ...server, options: settings, max: 2, supervise: false, schedule: false })
  boss.on('error', (error) => console.error(`  pg-boss: ${error.message}`))
  await boss.start()
  // a queue is a table of its own there: every round starts with an empty one, like a new file
  const queue = `${QUEUE}-${++queues}`
  await boss.createQueue(queue)
  return {
    add: async (count) => {
      if (count === 1) await boss.send(queue, JSON.parse(nextPayload()))
      else await boss.insert(Array.from({ length: count }, () => ({ name: queue, data: JSON.parse(nextPayload()) })))
    },
    drain: async (limit) => {
      const jobs = await boss.fetch(queue, { batchSize: limit })
      if (jobs.length > 0)
        await boss.complete(
          queue,
          jobs.map(({ id }) => id),
        )
      return jobs.length
    },
    close: () => boss.stop({ graceful: false }),
  }
}
