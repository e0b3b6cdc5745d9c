import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { SingularityError } from '../../src/core/kernel/index.ts'
import { ACCOUNT_APPLICATION_ID, ACCOUNT_MIGRATIONS } from '../../src/core/llm/account/sql.ts'
import { type Account, type Cap, type SpendKey, createAccount } from '../../src/core/llm/index.ts'
import { type ProcessIdentity, createProcessInfo } from '../../src/core/process/index.ts'
import { openDatabase } from '../../src/core/storage/index.ts'

const CAPS: readonly Cap[] = [
  { scope: 'run', key: 'r', capNusd: 1000 },
  { scope: 'day', key: '', capNusd: 600 },
  { scope: 'month', key: '', capNusd: 900 },
  { scope: 'task', key: 'coder', capNusd: 800 },
  { scope: 'model', key: 'openai/x', capNusd: 700 },
]
const CAP_OF = new Map(CAPS.map(({ scope, capNusd }) => [scope as string, capNusd]))

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'singularity-money-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const who = fc.nat(2)
const which = fc.nat(30)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constant('reserve' as const), who, amount: fc.integer({ min: 0, max: 300 }) }) },
  { weight: 5, arbitrary: fc.record({ what: fc.constant('calling' as const), who, which }) },
  {
    weight: 5,
    arbitrary: fc.record({ what: fc.constant('settle' as const), who, which, part: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('release' as const), who, which }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('crash' as const), who }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('recover' as const), who }) },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('clock' as const), by: fc.constantFrom(-3_600_000, 3_600_000, 86_400_000, -60_000) }),
  },
)

/** What the outside world knows of one reservation. */
type Paid = { key: SpendKey; bound: number; owner: number; sent: boolean; billed: number | null; released: boolean }

it('spent and reserved money never exceed a cap, whatever happens in whatever order', () => {
  let round = 0
  let most = 0
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), (steps) => {
      const path = join(folder, `${round++}.db`)
      let now = Date.UTC(2026, 10, 20, 23, 30)
      const clock = { now: () => now, monotonic: () => now }
      const dead = new Set<number>()
      let nextPid = 1
      const identity = (pid: number): ProcessIdentity => ({ pid, pidStart: `${pid}`, bootId: 'b' })
      const open = (): { pid: number; account: Account } => {
        const pid = nextPid++
        const processes = { ...createProcessInfo(), self: identity(pid) }
        return { pid, account: createAccount({ path, clock, processes }) }
      }
      const workers = [open(), open(), open()]
      const ledger = openDatabase({ path, applicationId: ACCOUNT_APPLICATION_ID, migrations: ACCOUNT_MIGRATIONS })
      const paid: Paid[] = []
      let count = 0
      try {
        for (const each of steps) {
          if (each.what === 'clock') {
            now += each.by
            continue
          }
          const worker = workers[each.who]!
          const { account, pid } = worker
          const mine = 'which' in each && paid.length > 0 ? paid[each.which % paid.length] : undefined
          try {
            switch (each.what) {
              case 'reserve': {
                const key = { repository: 'r', request: `${++count}`, token: 1, attempt: 1 }
                account.reserve({
                  key,
                  boundNusd: each.amount,
                  caps: CAPS,
                  provider: 'openai',
                  model: 'openai/x',
                  taskType: 'coder',
                  owner: identity(pid),
                })
                paid.push({ key, bound: each.amount, owner: pid, sent: false, billed: null, released: false })
                break
              }
              case 'calling':
                if (!mine || mine.owner !== pid || mine.sent) break
                account.calling(mine.key)
                mine.sent = true
                break
              case 'settle':
                // a late answer may be settled by anybody who learns of it
                if (!mine?.sent || mine.released) break
                mine.billed ??= Math.floor(mine.bound * each.part)
                account.settle(mine.key, { nusd: mine.billed, source: 'computed' })
                break
              case 'release':
                if (!mine || mine.owner !== pid || mine.billed !== null) break
                account.release(mine.key)
                mine.released = true
                break
              case 'crash':
                account.close()
                dead.add(pid)
                workers[each.who] = open()
                break
              case 'recover':
                account.recover((owner) => !dead.has(owner.pid))
            }
          } catch (error) {
            if (!SingularityError.isInstance(error) || !['BUDGET_REACHED', 'STATE_CONFLICT'].includes(error.code)) throw error
          }
          for (const row of ledger.all<{ scope: string; spent_nusd: number; reserved_nusd: number }>('SELECT * FROM balance')) {
            expect(row.spent_nusd).toBeGreaterThanOrEqual(0)
            expect(row.reserved_nusd).toBeGreaterThanOrEqual(0)
            expect(row.spent_nusd + row.reserved_nusd).toBeLessThanOrEqual(CAP_OF.get(row.scope)!)
            most = Math.max(most, row.spent_nusd + row.reserved_nusd)
          }
        }
        expect(workers[0]!.account.verify()).toEqual([])
        // everything that was sent and not told otherwise is counted, in full
        for (const { pid } of workers) dead.add(pid)
        workers[0]!.account.recover((owner) => !dead.has(owner.pid))
        const sent = paid.filter((each) => each.sent && !each.released)
        const total = sent.reduce((sum, each) => sum + (each.billed ?? each.bound), 0)
        const [run] = workers[0]!.account.budget([CAPS[0]!])
        expect([run!.spent_nusd, run!.reserved_nusd]).toEqual([total, 0])
      } finally {
        ledger.close()
        for (const { account } of workers) account.close()
      }
    }),
    { numRuns: 60 },
  )
  expect(most, 'the cases come near the caps').toBeGreaterThan(500)
})
