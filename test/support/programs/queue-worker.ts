/**
 * A worker that can be killed: `queue-worker FOLDER LEASE_MS CLOCK_OFFSET_MS POINT COUNT`. At the COUNT-th time it comes to POINT
 * (claimed, working, settling, settled) it kills itself, as a crash would.
 */
import { join } from 'node:path'
import { systemClock } from '../../../src/core/kernel/index.ts'
import { createProcessInfo } from '../../../src/core/process/index.ts'
import { type JobHandler, type QueueEngine, createSqliteQueue, createWorker } from '../../../src/core/queue/index.ts'
import { silent } from '../queue.ts'

const [folder = '', leaseMs = '', offset = '', point = '', count = ''] = process.argv.slice(2)
let left = Number(count)
function pass(name: string): void {
  if (name === point && --left === 0) process.kill(process.pid, 'SIGKILL')
}

const clock = { now: () => systemClock.now() + Number(offset), monotonic: systemClock.monotonic }
const real = createSqliteQueue({ path: join(folder, 'queue.db'), runDir: join(folder, 'run'), clock, processes: createProcessInfo() })
const engine: QueueEngine = {
  ...real,
  async claim(request) {
    const jobs = await real.claim(request)
    if (jobs.length > 0) pass('claimed')
    return jobs
  },
  async settle(settlements) {
    pass('settling')
    const results = await real.settle(settlements)
    pass('settled')
    return results
  },
}
const work: JobHandler = {
  kind: 'k',
  queue: 'work',
  async run(job, { signal }) {
    const end = performance.now() + 5 + (job.id.charCodeAt(35) % 8) * 4
    while (performance.now() < end && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 4))
    pass('working')
    signal.throwIfAborted()
    return { to: 'completed', result: { by: process.pid }, messages: [{ queue: 'ai_results', body: `"${job.id}"` }] }
  },
}
const poison: JobHandler = {
  kind: 'poison',
  queue: 'work',
  run() {
    process.kill(process.pid, 'SIGKILL')
    return new Promise(() => undefined)
  },
}
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
const worker = createWorker({
  engine,
  handlers: [work, poison],
  clock,
  log: silent,
  version: '1',
  processes: createProcessInfo(),
  settings: { concurrency: 4, batch: { llm: 50, other: 100 }, leaseMs: Number(leaseMs), retentionDays: 90 },
})
await worker.run({ mode: 'forever', signal: stop.signal })
real.close()
