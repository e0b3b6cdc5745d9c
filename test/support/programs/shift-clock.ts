/**
 * Preloaded into the built program (`NODE_OPTIONS=--import=...`): its wall clock is off by TEST_CLOCK_OFFSET_MS, and jumps by
 * TEST_CLOCK_JUMP_MS at every SIGUSR2, as it does on a machine that was suspended. The monotonic clock knows nothing of it.
 */
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
