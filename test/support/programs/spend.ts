import { appendFileSync } from 'node:fs'
import { type SpendKey, createAccount } from '../../../src/core/llm/index.ts'
import { SingularityError } from '../../../src/core/kernel/index.ts'
import { createProcessInfo } from '../../../src/core/process/index.ts'

type Order = { path: string; meter: string; repository: string; capNusd: number; skewMs: number }

/** Spends under one cap until it is reached. What it is billed goes to the meter first: whoever kills it cannot make that undone. */
process.once('message', (order: Order) => {
  const processes = createProcessInfo()
  const clock = { now: () => Date.now() + order.skewMs, monotonic: () => performance.now() }
  const account = createAccount({ path: order.path, clock, processes })
  account.recover((owner) => processes.isAlive(owner))
  let count = 0
  const next = (): void => {
    const key: SpendKey = { repository: order.repository, request: `${process.pid}-${++count}`, token: 1, attempt: 1 }
    const boundNusd = 50 + ((process.pid + count * 37) % 100)
    try {
      account.reserve({
        key,
        boundNusd,
        caps: [
          { scope: 'run', key: 'everybody', capNusd: order.capNusd },
          { scope: 'day', key: '', capNusd: order.capNusd },
        ],
        provider: 'openai',
        model: 'openai/x',
        taskType: 'coder',
        owner: processes.self,
      })
    } catch (error) {
      if (!SingularityError.isInstance(error) || error.code !== 'BUDGET_REACHED') throw error
      process.exit(0)
    }
    account.calling(key)
    const billed = boundNusd - (count % 3 === 0 ? 20 : 0)
    appendFileSync(order.meter, `${billed}\n`)
    // the parent may kill us here: billed, and not settled
    process.send!('billed', () => {
      account.settle(key, { nusd: billed, source: 'computed' })
      setImmediate(next)
    })
  }
  next()
})
process.send!('ready')
