import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Account, type Cap, type SpendKey, createAccount } from '../../../src/core/llm/index.ts'
import { type ProcessIdentity, createProcessInfo } from '../../../src/core/process/index.ts'

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
