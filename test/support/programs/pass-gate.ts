import { createAccount } from '../../../src/core/llm/index.ts'
import { createProcessInfo } from '../../../src/core/process/index.ts'

/** Asks for the probe and for a place in the bucket many times, at a time that stands still; tells what it got. */
process.on('message', ({ path, now }: { path: string; now: number }) => {
  const account = createAccount({ path, clock: { now: () => now, monotonic: () => now }, processes: createProcessInfo() })
  let [probes, taken] = [0, 0]
  for (let index = 0; index < 10; index++) {
    if (account.admit('openai', 'x').allowed) probes++
    if (account.take('openai', { rpm: 17, tpm: null }, 0) === 0) taken++
  }
  process.send!({ probes, taken })
})
process.send!('ready')
