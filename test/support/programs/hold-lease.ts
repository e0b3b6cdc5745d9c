/** Holds a lease with the heartbeat thread while its own thread computes: `hold-lease FOLDER LEASE_MS BUSY_MS`. */
import { join } from 'node:path'
import { systemClock } from '../../../src/core/kernel/index.ts'
import { createProcessInfo } from '../../../src/core/process/index.ts'
import { createSqliteQueue } from '../../../src/core/queue/index.ts'

const [folder = '', leaseMs = '', busyMs = ''] = process.argv.slice(2)
const queue = createSqliteQueue({
  path: join(folder, 'queue.db'),
  runDir: join(folder, 'run'),
  clock: systemClock,
  processes: createProcessInfo(),
})
const keeper = queue.keepLeases({
  workerId: 'busy',
  leaseMs: Number(leaseMs),
  onReport: (report) => process.stdout.write(`${JSON.stringify(report)}\n`),
})
const [job] = await queue.claim({ queues: ['work'], kinds: ['k'], limit: 1, workerId: 'busy', leaseMs: Number(leaseMs) })
keeper.hold(job!)
process.stdout.write('held\n')
const end = performance.now() + Number(busyMs)
while (performance.now() < end);
const [settled] = await queue.settle([{ id: job!.id, token: job!.token, to: 'completed', result: '1' }])
await keeper.stop()
queue.close()
process.stdout.write(`${settled}\n`)
