import { writeFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { serveModel } from '../../core/embedding/index.ts'
import { reply } from './reply.ts'

/**
 * The process that runs an embedding model: questions on standard input, answers on descriptor 3. Where memory runs out it is the one
 * the system should take.
 */
try {
  writeFileSync('/proc/self/oom_score_adj', '1000')
} catch {
  // not Linux
}
// a run holds the thread of this process: another one sees that who asked is gone, however that ended
const watch =
  "const { ppid } = require('node:worker_threads').workerData; setInterval(() => process.ppid === ppid || process.kill(process.pid, 'SIGKILL'), 500)"
new Worker(watch, { eval: true, workerData: { ppid: process.ppid } }).unref()
await serveModel(process.stdin, reply)
// a run that never ends would hold back an orderly end
process.kill(process.pid, 'SIGKILL')
