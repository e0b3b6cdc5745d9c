import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Account, type Cap, type SpendKey, createAccount } from '../../../src/core/llm/index.ts'
import { ACCOUNT_APPLICATION_ID, ACCOUNT_MIGRATIONS } from '../../../src/core/llm/account/sql.ts'
import { type ProcessIdentity, createProcessInfo } from '../../../src/core/process/index.ts'
import { openDatabase } from '../../../src/core/storage/index.ts'

const DAY = 86_400_000
const NOON = Date.UTC(2026, 10, 20, 12)
const GONE: ProcessIdentity = { pid: 999_999, pidStart: '1', bootId: 'another' }

let folder = ''
let now = NOON
const clock = { now: () => now, monotonic: () => now }
const opened: Account[] = []
const processes = createProcessInfo()
const open = (self: ProcessIdentity = processes.self): Account => {
  const account = createAccount({ path: join(folder, 'account.db'), clock, processes: { ...processes, self } })
  opened.push(account)
  return account
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'singularity-account-'))
  now = NOON
})
afterEach(() => {
  for (const account of opened.splice(0)) account.close()
  rmSync(folder, { recursive: true, force: true })
})

const key = (request: string, attempt = 1): SpendKey => ({ repository: 'r', request, token: 1, attempt })
const DAY_CAP: Cap = { scope: 'day', key: '', capNusd: 100 }
const asked = (request: string, boundNusd: number, caps: readonly Cap[] = [DAY_CAP], owner = processes.self) => ({
  key: key(request),
  boundNusd,
  caps,
  provider: 'openai',
  model: 'openai/x',
  taskType: 'coder',
  owner,
})
const sums = (account: Account, cap = DAY_CAP) => {
  const [{ spent_nusd, reserved_nusd, left_nusd } = expect.fail()] = account.budget([cap])
  return [spent_nusd, reserved_nusd, left_nusd]
}

describe('money', () => {
  it('is reserved, then spent; the rest is free again', () => {
    const account = open()
    account.reserve(asked('a', 60))
    expect(sums(account)).toEqual([0, 60, 40])
    account.calling(key('a'))
    account.settle(key('a'), { nusd: 25, source: 'computed' })
    account.settle(key('a'), { nusd: 99, source: 'computed' })
    expect(sums(account)).toEqual([25, 0, 75])
    account.reserve(asked('b', 75))
    account.release(key('b'))
    account.release(key('b'))
    expect(sums(account)).toEqual([25, 0, 75])
    expect(account.verify()).toEqual([])
  })

  it('ends at the cap, which is named with what is left and when it resets', () => {
    const account = open()
    account.reserve(asked('a', 60))
    expect(() => account.reserve(asked('b', 41))).toThrow(
      expect.objectContaining({
        code: 'BUDGET_REACHED',
        exitCode: 5,
        data: { scope: 'day', key: '2026-11-20', cap_nusd: 100, left_nusd: 40, bound_nusd: 41, resets_at: '2026-11-21T00:00:00.000Z' },
      }),
    )
    expect(sums(account)).toEqual([0, 60, 40])
    account.reserve(asked('b', 40))
    now += DAY
    expect(sums(account)).toEqual([0, 0, 100])
  })

  it.each([
    ['run', 'r1', null],
    ['request', 'q1', null],
    ['day', '2026-11-20', '2026-11-21T00:00:00.000Z'],
    ['month', '2026-11', '2026-12-01T00:00:00.000Z'],
    ['task', 'coder', '2026-12-01T00:00:00.000Z'],
    ['model', 'openai/x', '2026-12-01T00:00:00.000Z'],
  ] as const)('the cap of a %s holds by itself', (scope, name, resets) => {
    const account = open()
    const cap: Cap = { scope, key: name, capNusd: 50 }
    account.reserve(asked('a', 30, [cap]))
    expect(() => account.reserve(asked('b', 30, [cap]))).toThrow(expect.objectContaining({ code: 'BUDGET_REACHED' }))
    account.reserve(asked('c', 30, []))
    expect(account.budget([cap])).toMatchObject([{ scope, key: name, cap_nusd: 50, resets_at: resets }])
  })

  it('what was spent before a cap was set counts', () => {
    const account = open()
    account.reserve(asked('a', 80, []))
    expect(() => account.reserve(asked('b', 30, [DAY_CAP]))).toThrow(expect.objectContaining({ code: 'BUDGET_REACHED' }))
  })

  it('of a dead owner: reserved is free again, calling counts in full until a late answer', () => {
    const account = open()
    account.reserve(asked('a', 30, [DAY_CAP], GONE))
    account.reserve(asked('b', 40, [DAY_CAP], GONE))
    account.reserve(asked('c', 5))
    account.calling(key('b'))
    const alive = (owner: ProcessIdentity): boolean => processes.isAlive(owner)
    expect(account.recover(alive)).toEqual({ released: 1, counted: 1 })
    expect(account.recover(alive)).toEqual({ released: 0, counted: 0 })
    expect(sums(account)).toEqual([40, 5, 55])
    expect(() => account.calling(key('a'))).toThrow(expect.objectContaining({ code: 'STATE_CONFLICT' }))
    account.settle(key('b'), { nusd: 7, source: 'reported' })
    expect(sums(account)).toEqual([7, 5, 88])
    expect(account.verify()).toEqual([])
  })

  it('above the bound is stored as it is, and told', () => {
    const account = open()
    account.reserve(asked('a', 30))
    account.calling(key('a'))
    account.settle(key('a'), { nusd: 300, source: 'reported' })
    expect(sums(account)).toEqual([300, 0, 0])
    expect(account.verify()).toMatchObject([{ rule: 'settled within the reservation', id: 'a#1' }])
  })

  it('the same reservation twice is one', () => {
    const account = open()
    account.reserve(asked('a', 30))
    account.reserve(asked('a', 30))
    expect(sums(account)).toEqual([0, 30, 70])
  })

  it('a cap binds a home without history only from now on, and says so', () => {
    const caps: Cap[] = [DAY_CAP, { scope: 'month', key: '', capNusd: 100 }, { scope: 'run', key: 'r', capNusd: 1 }]
    const held = (account: Account) => account.budget(caps).map((each) => each.held)
    expect(held(open())).toEqual([false, false, true])
    now += DAY
    expect(held(open())).toEqual([true, false, true])
    now += 31 * DAY
    expect(held(open())).toEqual([true, true, true])
  })

  it('a clock that is set back an hour after midnight does not open yesterday again', () => {
    const account = open()
    now = Date.UTC(2026, 10, 21, 0, 10)
    account.reserve(asked('a', 100))
    now -= 3_600_000
    expect(() => account.reserve(asked('b', 1))).toThrow(expect.objectContaining({ code: 'BUDGET_REACHED' }))
  })

  it('the user sets caps of days and months', () => {
    open().setCap('day', 2e9)
    open().setCap('day', 3e9)
    expect(open().userCaps()).toEqual({ day: 3e9 })
  })
})

describe('the ledger', () => {
  it.each([
    ['a folder stands there', (path: string) => mkdirSync(path)],
    ['it is another program’s', (path: string) => writeFileSync(path, 'hello, this is no database at all')],
    ['its folder cannot be made', () => writeFileSync(join(folder, 'account.db'), '')],
  ])('that cannot be used stops every paid call: %s', (name, spoil) => {
    const path = join(folder, 'account.db')
    spoil(path)
    const place = name.startsWith('its folder') ? join(path, 'below', 'account.db') : path
    expect(() => createAccount({ path: place, clock, processes })).toThrow(
      expect.objectContaining({ code: 'LEDGER_UNUSABLE', exitCode: 6 }),
    )
  })

  it.runIf(existsSync('/proc/self'))('below a folder the system makes nothing in is refused, not tried for ever', () => {
    expect(() => createAccount({ path: '/proc/none/account.db', clock, processes })).toThrow(
      expect.objectContaining({ code: 'LEDGER_UNUSABLE', exitCode: 6 }),
    )
  })

  it('that is damaged while we work stops the next paid call', () => {
    const account = open()
    const db = openDatabase({ path: join(folder, 'account.db'), applicationId: ACCOUNT_APPLICATION_ID, migrations: ACCOUNT_MIGRATIONS })
    db.run('DROP TABLE balance')
    db.close()
    expect(() => account.reserve(asked('a', 1))).toThrow(expect.objectContaining({ code: 'LEDGER_UNUSABLE', exitCode: 6 }))
  })

  it('of a newer program is left alone', () => {
    open()
    const db = openDatabase({ path: join(folder, 'account.db'), applicationId: ACCOUNT_APPLICATION_ID, migrations: ACCOUNT_MIGRATIONS })
    db.run('PRAGMA user_version = 99')
    db.close()
    expect(() => open()).toThrow(expect.objectContaining({ code: 'STATE_NEWER', exitCode: 6 }))
  })
})

describe('a provider', () => {
  const DOWN = { ok: false, countable: true, costNusd: 0 }
  const GOOD = { ok: true, countable: true, costNusd: 0 }
  const fail = (account: Account, times: number): void => {
    for (let index = 0; index < times; index++) account.report('openai', 'x', DOWN)
  }

  it('is blocked until a person says so', () => {
    open().block('openai', 'quota')
    expect(open().blocked('openai')).toEqual({ reason: 'quota', since: '2026-11-20T12:00:00.000Z', credential: null })
    expect(open().unblock('openai')).toBe(true)
    expect(open().unblock('openai')).toBe(false)
    expect(open().blocked('openai')).toBeNull()
  })

  it('that fails five times in a row is left alone for 30 s, doubling to 10 min; one process of all gets the probe', () => {
    const [a, b] = [open(), open()]
    fail(a, 4)
    expect(b.admit('openai', 'x')).toEqual({ allowed: true, probe: false })
    fail(a, 1)
    for (let backoff = 30_000, round = 0; round < 7; round++, backoff = Math.min(600_000, backoff * 2)) {
      expect(b.admit('openai', 'x')).toEqual({ allowed: false, reopensAt: now + backoff })
      expect(b.reopensAt('openai', 'x')).toBe(now + backoff)
      now += backoff
      expect(a.reopensAt('openai', 'x')).toBeNull()
      expect(b.admit('openai', 'x')).toEqual({ allowed: true, probe: true })
      expect(a.admit('openai', 'x')).toMatchObject({ allowed: false })
      fail(b, 1)
    }
    now += 600_000
    expect(a.admit('openai', 'x')).toEqual({ allowed: true, probe: true })
    a.report('openai', 'x', GOOD)
    expect(b.admit('openai', 'x')).toEqual({ allowed: true, probe: false })
    expect(b.admit('openai', 'y')).toEqual({ allowed: true, probe: false })
    expect(b.breakers()).toMatchObject([{ provider: 'openai', model: 'x', state: 'closed', failures: 0, reopensAt: null }])
  })

  it('whose probe died is probed by somebody else; a rate limit gives the probe back', () => {
    fail(open(), 5)
    now += 30_000
    expect(open(GONE).admit('openai', 'x')).toEqual({ allowed: true, probe: true })
    const account = open()
    expect(account.admit('openai', 'x')).toEqual({ allowed: true, probe: true })
    expect(account.admit('openai', 'x')).toMatchObject({ allowed: false })
    account.report('openai', 'x', { ok: false, countable: false, costNusd: 0 })
    expect(account.admit('openai', 'x')).toEqual({ allowed: true, probe: true })
  })

  it('that fails half of its last twenty calls is left alone; rate limits and bad requests say nothing', () => {
    const account = open()
    for (let index = 0; index < 50; index++) account.report('openai', 'x', { ok: false, countable: false, costNusd: 0 })
    for (let index = 0; index < 19; index++) account.report('openai', 'x', index % 2 === 0 ? GOOD : DOWN)
    expect(account.admit('openai', 'x').allowed).toBe(true)
    account.report('openai', 'x', DOWN)
    expect(account.admit('openai', 'x').allowed).toBe(false)
  })

  it('that burns money on failures is left alone', () => {
    const account = open()
    const expensive = { ok: false, countable: false, costNusd: 300_000_000 }
    account.report('openai', 'x', expensive)
    now += 700_000
    account.report('openai', 'x', expensive)
    expect(account.admit('openai', 'x').allowed).toBe(true)
    account.report('openai', 'x', expensive)
    expect(account.admit('openai', 'x').allowed).toBe(false)
  })

  it('is retried for a fifth of the calls and three more', () => {
    const account = open()
    const granted = (): number => {
      let count = 0
      while (account.mayRetry('openai')) count++
      return count
    }
    expect(granted()).toBe(3)
    fail(account, 4)
    expect(granted()).toBe(0)
    fail(account, 96)
    expect(granted()).toBe(23)
    expect(granted()).toBe(0)
    fail(account, 100)
    expect(granted()).toBe(23)
  })

  it('gets so many requests and tokens a minute, from all processes together', () => {
    const limits = { rpm: 2, tpm: 1000 }
    expect(open().take('openai', limits, 600)).toBe(0)
    expect(open().take('openai', limits, 600)).toBe(12_000)
    now += 12_000
    expect(open().take('openai', limits, 600)).toBe(0)
    expect(open().take('openai', { rpm: 2, tpm: null }, 0)).toBe(18_000)
    expect(open().take('groq', { rpm: null, tpm: 100 }, 1_000_000)).toBe(0)
    expect(open().take('groq', { rpm: null, tpm: 100 }, 1_000_000)).toBe(60_000)
  })

  it('that says "not before" is not called before, by nobody; the longer wait holds', () => {
    open().closeUntil('openai', now + 5000)
    open().closeUntil('openai', now + 2000)
    expect(open().take('openai', { rpm: null, tpm: null }, 1)).toBe(5000)
    now += 5000
    expect(open().take('openai', { rpm: null, tpm: null }, 1)).toBe(0)
  })

  it('is not shut for an hour because the clock was set back', () => {
    const account = open()
    fail(account, 5)
    account.closeUntil('openai', now + 5000)
    now -= 3_600_000
    expect(account.admit('openai', 'x')).toEqual({ allowed: true, probe: true })
    expect(account.take('openai', { rpm: null, tpm: null }, 1)).toBe(0)
  })

  it('gets no more and no less from processes whose clocks are an hour apart', () => {
    let up = 1_000_000
    const at = (offset: number): Account => {
      const shifted = { now: () => now + offset, monotonic: () => now, uptime: () => up }
      const account = createAccount({ path: join(folder, 'account.db'), clock: shifted, processes })
      opened.push(account)
      return account
    }
    const [fast, slow] = [at(3_600_000), at(0)]
    const pass = (ms: number): void => {
      now += ms
      up += ms
    }
    const limits = { rpm: 2, tpm: null }
    expect([fast.take('openai', limits, 1), slow.take('openai', limits, 1)]).toEqual([0, 0])
    // taking turns, they would each find an hour gone by
    for (let turn = 0; turn < 4; turn++) expect([slow, fast].map((each) => each.take('openai', limits, 1))).toEqual([30_000, 30_000])
    pass(30_000)
    expect([fast.take('openai', limits, 1), slow.take('openai', limits, 1)]).toEqual([0, 30_000])
    pass(30_000)
    expect([slow.take('openai', limits, 1), fast.take('openai', limits, 1)]).toEqual([0, 30_000])
    // after an hour it holds what fits in, not more
    pass(3_600_000)
    expect([fast, slow, fast].map((each) => each.take('openai', limits, 1))).toEqual([0, 0, 30_000])

    const closed = { rpm: null, tpm: null }
    fast.closeUntil('groq', now + 3_600_000 + 5000)
    expect([slow, fast].map((each) => each.take('groq', closed, 1))).toEqual([5000, 5000])
    slow.closeUntil('groq', now + 9000)
    expect([slow, fast].map((each) => each.take('groq', closed, 1))).toEqual([9000, 9000])
    pass(9000)
    expect([slow, fast].map((each) => each.take('groq', closed, 1))).toEqual([0, 0])
  })

  it('fills by the wall clock after the machine was started again', () => {
    const limits = { rpm: 1, tpm: null }
    const at = (bootId: string, up: number): Account => {
      const after = { ...processes, self: { ...processes.self, bootId } }
      const account = createAccount({ path: join(folder, 'account.db'), clock: { ...clock, uptime: () => up }, processes: after })
      opened.push(account)
      return account
    }
    expect(at('one', 900_000).take('openai', limits, 1)).toBe(0)
    now += 60_000
    expect(at('two', 10_000).take('openai', limits, 1)).toBe(0)
    expect(at('two', 10_000).take('openai', limits, 1)).toBe(60_000)
  })

  it('fills up again for those behind a clock that was ahead', () => {
    const account = open()
    const limits = { rpm: 1, tpm: null }
    now += 3_600_000
    expect(account.take('openai', limits, 1)).toBe(0)
    now -= 3_600_000
    expect(account.take('openai', limits, 1)).toBe(60_000)
    now += 60_000
    expect(account.take('openai', limits, 1)).toBe(0)
  })
})
