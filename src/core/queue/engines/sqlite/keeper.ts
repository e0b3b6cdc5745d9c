import { Worker } from 'node:worker_threads'
import type { Clock } from '../../../kernel/index.ts'
import { type Database, sqliteLibrary } from '../../../storage/index.ts'
import type { LeaseKeeper, LeaseReport } from '../../engine.ts'
import type { Lease } from '../../job.ts'
import { type ThreadOrder, type ThreadReport, type ThreadTask, heartbeatThread } from './heartbeat-thread.ts'
import { SQL } from './sql.ts'

/** Starts `heartbeatThread` from its own text: no file of its own is needed, neither beside the source nor beside the bundle. */
const PROGRAM = `const { parentPort, workerData } = require('node:worker_threads')
const Native = require(workerData.library)
;(${heartbeatThread.toString()})(workerData, parentPort, (path, options) => new Native(path, options))`

/** A thread with its own connection. It starts with the first lease, again where it has died, and keeps no process alive. */
export function createKeeper(
  { path, journal }: Pick<Database, 'path' | 'journal'>,
  clock: Clock,
  options: { workerId: string; leaseMs: number; onReport: (report: LeaseReport) => void },
): LeaseKeeper {
  const held = new Map<string, Lease>()
  let thread: { send(order: ThreadOrder): void; ended: Promise<void>; stay(): void } | undefined

  function start(): NonNullable<typeof thread> {
    const task: ThreadTask = {
      library: sqliteLibrary(),
      path,
      synchronous: journal === 'rollback' ? 'FULL' : 'NORMAL',
      workerId: options.workerId,
      leaseMs: options.leaseMs,
      startedAt: clock.now(),
      renew: SQL.renew,
      seen: SQL.seen,
    }
    const worker = new Worker(PROGRAM, { eval: true, workerData: task })
    worker.unref()
    worker.on('message', ({ lost, cancelled }: ThreadReport) => {
      const ours = (leases: readonly Lease[]): string[] =>
        leases.filter(({ id, token }) => held.get(id)?.token === token).map(({ id }) => id)
      const report = { lost: ours(lost), cancelled: ours(cancelled) }
      if (report.lost.length > 0 || report.cancelled.length > 0) options.onReport(report)
    })
    worker.on('error', () => {
      // it could not open the file, or found it broken: the next lease tries again
      if (thread === started) thread = undefined
    })
    const started = {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      send: (order: ThreadOrder) => worker.postMessage(order),
      ended: new Promise<void>((resolve) => worker.once('exit', () => resolve())),
      stay: () => worker.ref(),
    }
    for (const lease of held.values()) started.send({ hold: lease })
    return started
  }

  return {
    hold({ id, token }) {
      held.set(id, { id, token })
      if (thread) thread.send({ hold: { id, token } })
      else thread = start()
    },
    drop({ id, token }) {
      if (held.get(id)?.token === token) held.delete(id)
      thread?.send({ drop: { id, token } })
    },
    check: () => thread?.send({ check: true }),
    async stop() {
      const last = thread
      thread = undefined
      held.clear()
      last?.stay()
      last?.send({ stop: true })
      await last?.ended
    },
  }
}
