import { join } from 'node:path'
import type { ProcessInfo } from '../../../process/index.ts'
import { insist } from '../../../storage/index.ts'
import { createBell } from '../../bell.ts'
import { createBatcher } from '../../batch.ts'
import type { JobEvent, LeaseReport, QueueEngine, ReapReport, WorkerRow } from '../../engine.ts'
import { type Attempt, LLM_QUEUE, type Message, type SettleResult, type Settlement } from '../../job.ts'
import { openAttempt, updateAttempt } from './attempts.ts'
import { claimJobs, claimOne, paidWaits } from './claim.ts'
import { type ConnectionOptions, openConnection } from './connection.ts'
import { cancelJob, getJob, retryJob, wakeJobs } from './ends.ts'
import { insertJob } from './enqueue.ts'
import { createKeeper } from './keeper.ts'
import { listJobs } from './list.ts'
import { maintain } from './maintenance.ts'
import { createReaper, isGone } from './reap.ts'
import { type StoredWorker, toAttempt, toWorker } from './rows.ts'
import { demandNamed, insertMessage, settleAll } from './settle.ts'
import { SQL } from './sql.ts'
import { readStatistics } from './statistics.ts'
import { STATISTICS } from './statistics-sql.ts'
import type { CallRecord } from '../../statistics.ts'
import { verifyQueue } from './verify.ts'

export type SqliteQueueOptions = ConnectionOptions & {
  processes: ProcessInfo
  /** Folder of the bell. */
  runDir: string
  /** Settlements and attempts of the same few milliseconds share commits. Off where left out: whoever works alone waits for nobody. */
  settleBatch?: { ms: number; size: number }
  /** Where the bell is deaf, claims are tried this often: requests to models, all other queues. 100 and 1000 ms. */
  poll?: { llmMs: number; otherMs: number }
  /** How often the version of the data is looked at; 250 ms. */
  tickMs?: number
}

const JUST_MS = 100

/** What a program with many requests at once uses: sixteen answers wait for the disk once, and nobody notices two milliseconds. */
export const SHARED_COMMITS = { ms: 2, size: 50 } as const

/**
 * The queue in one SQLite file.
 * @throws STATE_NEWER, STATE_UNUSABLE, DISK_FULL, READ_ONLY
 */
export function createSqliteQueue(options: SqliteQueueOptions): QueueEngine {
  const { clock, processes } = options
  const store = openConnection(options)
  const { db } = store
  // the first look after somebody else closed the file may find it held for recovery
  const version = (): number => insist(() => db.get<{ data_version: number }>('PRAGMA data_version')!.data_version)
  const bell = createBell(join(options.runDir, 'bell'), version, options.tickMs === undefined ? {} : { tickMs: options.tickMs })
  const reaper = createReaper(clock, processes)

  async function change<T>(body: () => T): Promise<T> {
    const result = await store.write(body)
    bell.ring()
    return result
  }
  const read = <T>(body: () => T): Promise<T> => store.patiently(body)

  const settleNow = (settlements: readonly Settlement[]): Promise<SettleResult[]> => change(() => settleAll(db, clock, settlements))
  const shared = <T, R>(run: (items: readonly T[]) => Promise<R[]>): ((items: readonly T[]) => Promise<R[]>) =>
    options.settleBatch ? createBatcher(run, options.settleBatch) : run
  const settle = shared(settleNow)
  type Opening = Parameters<QueueEngine['openAttempt']>
  type Update = Parameters<QueueEngine['updateAttempt']>
  const open = shared((items: readonly Opening[]) =>
    store.write(() => items.map(([lease, attempt]) => openAttempt(db, clock, lease, attempt))),
  )
  const update = shared((items: readonly Update[]) => store.write(() => items.map(([id, n, values]) => updateAttempt(db, id, n, values))))

  const renew = (workerId: string, held: readonly { id: string; token: number }[], leaseMs: number): LeaseReport => {
    const report: LeaseReport = { lost: [], cancelled: [] }
    const now = clock.now()
    for (const { id, token } of held) {
      const row = db.get<{ cancelReason: string | null }>(SQL.renew, { id, token, worker: workerId, until: now + leaseMs, leaseMs })
      if (!row) report.lost.push(id)
      else if (row.cancelReason !== null) report.cancelled.push(id)
    }
    db.run(SQL.seen, now, workerId)
    return report
  }

  return {
    capabilities: { crossHost: false, serverClock: false, durable: true },

    async enqueue(jobs) {
      store.demandSpace()
      return change(() => jobs.map((job) => insertJob(db, clock, job)))
    },
    async enqueueClaimed(job, claim) {
      store.demandSpace()
      return change(() => {
        const result = insertJob(db, clock, job, claim)
        if (result.deduped) return { result, claimed: null }
        const { publishedAt: _published, result: _none, ...row } = getJob(db, job.id)!
        return { result, claimed: row }
      })
    },
    claimById: (id, claim) => store.write(() => claimOne(db, clock, id, claim)),
    async claim(request) {
      if (request.limit <= 0 || request.queues.length === 0) return []
      const paid = await read(() => paidWaits(db, request.queues))
      return store.write(() => claimJobs(db, clock, request), paid ? 'lasting' : 'light')
    },
    settle,
    heartbeat: (workerId, held, leaseMs) => store.write(() => renew(workerId, held, leaseMs), 'light'),
    keepLeases: (wanted) => createKeeper(store.path, clock, wanted),
    async reap() {
      const report: ReapReport = await store.write(() => reaper(db))
      if (report.released.length + report.dead.length + report.ended.length > 0) bell.ring()
      return report
    },

    openAttempt: async (...opening) => (await open([opening]))[0]!,
    updateAttempt: async (...values) => void (await update([values])),
    attempts: (id) => read(() => db.all<Parameters<typeof toAttempt>[0]>(SQL.attempts, id).map(toAttempt) as Attempt[]),

    get: (id) => read(() => getJob(db, id)),
    list: (filter) => read(() => listJobs(db, filter)),
    retry: (id) => change(() => retryJob(db, clock, id)),
    cancel: (id, reason) => change(() => cancelJob(db, clock, id, reason)),
    wake: (ids) => change(() => wakeJobs(db, clock, ids)),
    queues: () => read(() => db.all<{ name: string }>(SQL.queues).map(({ name }) => name)),
    control: (queue) =>
      read(() => {
        const row = db.get<{ paused: number; concurrency: number | null }>(SQL.control, queue)
        return { paused: row?.paused === 1, concurrency: row?.concurrency ?? null }
      }),
    setControl: (queue, wanted) =>
      change(() => {
        db.run(SQL.ensureQueue, queue)
        if (wanted.paused !== undefined) db.run(SQL.pause, wanted.paused ? 1 : 0, queue)
        if (wanted.concurrency !== undefined) db.run(SQL.limitQueue, wanted.concurrency, queue)
      }),
    setGroupLimit: (group, concurrency) =>
      change(() => {
        if (concurrency === null) db.run(SQL.freeGroup, group)
        else db.run(SQL.limitGroup, group, concurrency)
      }),

    ensureQueues: (names) => store.write(() => names.forEach((name) => db.run(SQL.ensureNamed, name))),
    send: (message) => change(() => insertMessage(db, clock, message)),
    read: (queue, limit, visibilityMs) =>
      store.write(() => {
        demandNamed(db, queue)
        const now = clock.now()
        return db.all<Message>(SQL.read, { queue, limit, now, until: now + visibilityMs }).sort((a, b) => a.id - b.id)
      }),
    ack: (queue, ids) =>
      store.write(() => {
        demandNamed(db, queue)
        return ids.reduce((count, id) => count + db.run(SQL.ack, clock.now(), queue, id), 0)
      }),
    waiting: (queues) => read(() => db.all<{ queue: string }>(SQL.someWait, JSON.stringify(queues), clock.now()).map(({ queue }) => queue)),
    intake(queue, messageId, { jobs = [], messages = [] }) {
      if (jobs.length > 0) store.demandSpace()
      return change(() => {
        if (db.run(SQL.ack, clock.now(), queue, messageId) === 0) return false
        for (const job of jobs) insertJob(db, clock, job)
        for (const message of messages) insertMessage(db, clock, message)
        return true
      })
    },

    registerWorker: (worker) =>
      store.write(() => {
        const pidNamespace = processes.pidNamespace ?? ''
        db.run(SQL.addWorker, { ...worker, queues: JSON.stringify(worker.queues), pidNamespace, now: clock.now() })
      }),
    removeWorker: (id) => change(() => void db.run(SQL.removeWorker, id)),
    workers: () =>
      read((): WorkerRow[] =>
        db
          .all<StoredWorker>(SQL.workers)
          .filter((worker) => !isGone(worker, processes))
          .map(toWorker),
      ),
    askToStop: (id) => change(() => db.run(SQL.stopWorkers, id, id)),

    nextDueAt: (queues) =>
      read(() => db.get<{ at: number | null }>(SQL.nextDue, { queues: JSON.stringify(queues), just: clock.now() - JUST_MS })!.at),
    async subscribe(queues, onWake) {
      const poll = options.poll ?? { llmMs: 100, otherMs: 1000 }
      return bell.listen(onWake, queues.includes(LLM_QUEUE) ? poll.llmMs : poll.otherMs)
    },
    maintain: (wanted) => maintain(store, clock, wanted),
    events: (afterSeq, limit) => read(() => db.all<JobEvent>(SQL.events, afterSeq, limit)),
    lastEvent: () => read(() => db.get<{ seq: number }>(SQL.lastEvent)!.seq),
    calls: (since) => read(() => db.all<CallRecord>(STATISTICS.calls, since)),
    statistics: () => read(() => readStatistics(db, clock.now())),
    health: () => store.health(),
    verify: () => read(() => verifyQueue(db)),
    close() {
      bell.close()
      store.close()
    },
  }
}
