/**
 * Preloaded into the built program (`NODE_OPTIONS=--import=...`): its wall clock is off by TEST_CLOCK_OFFSET_MS, and jumps by
 * TEST_CLOCK_JUMP_MS at every SIGUSR2, as it does on a machine that was suspended. The monotonic clock knows nothing of it.
 */
import { syncBuiltinESMExports } from 'node:module'
import threads from 'node:worker_threads'

const now = Date.now.bind(Date)
const Real = Date
let offset = Number(process.env['TEST_CLOCK_OFFSET_MS'] ?? 0)
Date.now = () => now() + offset
globalThis.Date = class extends Real {
  constructor(...args: []) {
    super(...((args.length === 0 ? [Real.now()] : args) as []))
  }
} as DateConstructor
if (process.env['TEST_CLOCK_JUMP_MS']) process.on('SIGUSR2', () => (offset += Number(process.env['TEST_CLOCK_JUMP_MS'])))

// threads are not preloaded: what is started from a text gets the same clock put before it
const { Worker } = threads
const shift = `Date.now = ((now) => () => now() + ${offset})(Date.now.bind(Date));`
threads.Worker = class extends Worker {
  constructor(program: string | URL, options?: threads.WorkerOptions) {
    super(options?.eval ? shift + String(program) : program, options)
  }
}
syncBuiltinESMExports()
