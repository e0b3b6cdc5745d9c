import { Worker } from 'node:worker_threads'
import type { Clock } from '../../../kernel/index.ts'
import { sqliteLibrary } from '../../../storage/index.ts'
import type { LeaseKeeper, LeaseReport } from '../../engine.ts'
import { type ThreadOrder, type ThreadTask, heartbeatThread } from './heartbeat-thread.ts'
import { SQL } from './sql.ts'

/** Starts `heartbeatThread` from its own text: no file of its own is needed, neither beside the source nor beside the bundle. */
const PROGRAM = `const { parentPort, workerData } = require('node:worker_threads')
const Native = require(workerData.library)
;(${heartbeatThread.toString()})(workerData, parentPort, (path, options) => new Native(path, options))`

/** A thread with its own connection; it starts with the first lease and keeps no process alive. */
export function createKeeper(
  path: string,
  clock: Clock,
  options: { workerId: string; leaseMs: number; onReport: (report: LeaseReport) => void },
): LeaseKeeper {
  let thread: Worker | undefined
  let ended: Promise<void> | undefined

  function start(): Worker {
    const task: ThreadTask = {
      library: sqliteLibrary(),
      path,
      workerId: options.workerId,
      leaseMs: options.leaseMs,
      clockOffset: clock.now() - Date.now(),
      renew: SQL.renew,
      seen: SQL.seen,
    }
    const started = new Worker(PROGRAM, { eval: true, workerData: task })
    started.unref()
    started.on('message', (report: LeaseReport) => options.onReport(report))
    started.on('error', () => {
      // the next lease starts another one
      if (thread === started) thread = undefined
    })
    ended = new Promise((resolve) => started.once('exit', () => resolve()))
    return started
  }

  const order = (what: ThreadOrder): void => thread?.postMessage(what)
  return {
    hold(lease) {
      thread ??= start()
      order({ hold: { id: lease.id, token: lease.token } })
    },
    drop: (lease) => order({ drop: { id: lease.id, token: lease.token } }),
    check: () => order({ check: true }),
    async stop() {
      order({ stop: true })
      thread = undefined
      await ended
    },
  }
}
