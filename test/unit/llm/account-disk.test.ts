import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/kernel/index.ts'
import { type Account, type SpendKey, createAccount } from '../../../src/core/llm/index.ts'
import { createProcessInfo } from '../../../src/core/process/index.ts'
import { mayMount, mountTiny, unmount } from '../../support/mounts.ts'

const processes = createProcessInfo()
const key = (n: number): SpendKey => ({ repository: 'r', request: `request-${n}`, token: 1, attempt: 1 })
const asked = (n: number) => ({ key: key(n), boundNusd: 10, caps: [], provider: 'p', model: 'm', taskType: 't', owner: processes.self })
const unusable = expect.objectContaining({ code: 'LEDGER_UNUSABLE', exitCode: 6 }) as Error

let folder = ''
const opened: Account[] = []
type More = Partial<Parameters<typeof createAccount>[0]>
const open = (more: More = {}): Account => {
  const account = createAccount({ path: join(folder, 'account.db'), clock: systemClock, processes, ...more })
  opened.push(account)
  return account
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'account-disk-'))
})
afterEach(() => {
  for (const account of opened.splice(0)) account.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('a ledger without room', () => {
  it('pays for nothing new below the floor, and settles what was begun', () => {
    let free = 1e12
    const room: More = { floorBytes: 1e6, freeBytes: () => free, clock: { ...systemClock, monotonic: () => (steady += 2000) } }
    let steady = 0
    const account = open(room)
    account.reserve(asked(1))
    account.calling(key(1))
    free = 10
    expect(() => account.reserve(asked(2))).toThrow(unusable)
    expect(existsSync(join(folder, 'account.db.ballast'))).toBe(true)
    account.settle(key(1), { nusd: 7, source: 'computed' })
    expect(account.budget([{ scope: 'day', key: '', capNusd: 100 }])).toMatchObject([{ spent_nusd: 7, reserved_nusd: 0 }])
  })

  it.skipIf(!mayMount)('on a disk that becomes full gives up its ballast so that what was paid can be written down', () => {
    const mount = join(folder, 'small')
    expect(mountTiny(mount, 'size=4m')).toBe(true)
    try {
      const account = open({ path: join(mount, 'account.db'), floorBytes: 0 })
      const calls = Array.from({ length: 40 }, (_, n) => n)
      for (const n of calls) {
        account.reserve(asked(n))
        account.calling(key(n))
      }
      expect(existsSync(join(mount, 'account.db.ballast'))).toBe(true)
      try {
        writeFileSync(join(mount, 'hog'), Buffer.alloc(8 * 1024 * 1024))
      } catch {
        // now it is full
      }
      for (const n of calls) account.settle(key(n), { nusd: 7, source: 'computed' })
      expect(existsSync(join(mount, 'account.db.ballast'))).toBe(false)
      expect(account.budget([{ scope: 'day', key: '', capNusd: 1000 }])).toMatchObject([{ spent_nusd: 280, reserved_nusd: 0 }])
      expect(account.verify()).toEqual([])
      account.close()
    } finally {
      unmount(mount)
    }
  })

  it('on a network or shared file system is not used at all', () => {
    expect(() => open({ fileSystem: () => 'NFS' })).toThrow(unusable)
    expect(readdirSync(folder)).toEqual([])
  })
})
