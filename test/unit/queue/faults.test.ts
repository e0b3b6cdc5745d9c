import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadSqlite } from '../../../src/core/storage/index.ts'
import { type QueueBench, newJob, openQueueBench } from '../../support/queue.ts'

let bench: QueueBench
beforeEach(() => {
  bench = openQueueBench()
})
afterEach(() => bench.cleanup())

const failing = (code: string) => expect.objectContaining({ code, exitCode: 6 }) as unknown
const opening = (): unknown => {
  try {
    return bench.open()
  } catch (error) {
    return error
  }
}

describe('a disk without room', () => {
  it('takes nothing new below the floor, and goes on with what is there', async () => {
    let free = 1e12
    const queue = bench.open({ freeBytes: () => free, floorBytes: 1e6 })
    await queue.enqueue([newJob()])
    free = 10
    const later = bench.open({ freeBytes: () => free, floorBytes: 1e6 })
    await expect(later.enqueue([newJob()])).rejects.toEqual(failing('DISK_FULL'))
    const [job] = await later.claim({ queues: ['work'], kinds: ['k'], limit: 1, workerId: 'w', leaseMs: 1000 })
    expect(await later.settle([{ id: job!.id, token: job!.token, to: 'completed', result: '1' }])).toEqual(['applied'])
  })

  it('gives up its ballast so that results can still be written', async (context) => {
    const mount = join(bench.folder, 'small')
    mkdirSync(mount)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mount], { stdio: 'ignore' })
    } catch {
      return context.skip('mount is needed')
    }
    try {
      const queue = bench.open({ path: join(mount, 'queue.db'), runDir: join(bench.folder, 'run'), floorBytes: 0 })
      const jobs = Array.from({ length: 20 }, () => newJob())
      await queue.enqueue(jobs)
      const claimed = await queue.claim({ queues: ['work'], kinds: ['k'], limit: 20, workerId: 'w', leaseMs: 60_000 })
      expect(existsSync(join(mount, 'queue.db.ballast'))).toBe(true)
      try {
        writeFileSync(join(mount, 'hog'), Buffer.alloc(8 * 1024 * 1024))
      } catch {
        // now it is full
      }
      const result = JSON.stringify('x'.repeat(5000))
      const settled = await queue.settle(claimed.map(({ id, token }) => ({ id, token, to: 'completed' as const, result })))
      expect(settled).toEqual(jobs.map(() => 'applied'))
      expect(existsSync(join(mount, 'queue.db.ballast'))).toBe(false)
      expect(await queue.verify()).toEqual([])
      queue.close()
    } finally {
      execFileSync('umount', ['-l', mount], { stdio: 'ignore' })
    }
  })
})

describe('a file that cannot be used', () => {
  it('of a newer program is refused, and told to who works with it', () => {
    const queue = bench.open()
    const native = new (loadSqlite())(bench.path)
    native.pragma('user_version = 99')
    native.close()
    expect(queue.health()).toBe('newer')
    expect(opening()).toEqual(failing('STATE_NEWER'))
  })

  it('that was replaced is gone for who has the old one open', () => {
    const queue = bench.open()
    expect(queue.health()).toBe('ok')
    renameSync(bench.path, `${bench.path}.old`)
    copyFileSync(`${bench.path}.old`, bench.path)
    expect(queue.health()).toBe('gone')
  })

  it('that is no database is refused', () => {
    writeFileSync(bench.path, 'this is not a database at all, whatever its name says. '.repeat(40))
    expect(opening()).toEqual(failing('STATE_UNUSABLE'))
  })

  it('that is damaged is refused where the damage is', async () => {
    const queue = bench.open()
    await queue.enqueue(Array.from({ length: 200 }, () => newJob()))
    queue.close()
    const bytes = readFileSync(bench.path)
    bytes.fill(0x5a, 8192)
    writeFileSync(bench.path, bytes)
    const damaged = opening()
    if (damaged instanceof Error) expect(damaged).toEqual(failing('STATE_UNUSABLE'))
    else await expect(bench.open().list({ limit: 500 })).rejects.toEqual(failing('STATE_UNUSABLE'))
  })

  it('held by another process for too long is told as such, without blocking this one', async () => {
    let steady = 0
    const clock = { now: () => Date.now(), monotonic: () => (steady += 4000) }
    const queue = bench.open({ clock })
    const native = new (loadSqlite())(bench.path)
    native.exec('BEGIN IMMEDIATE')
    await expect(queue.enqueue([newJob()])).rejects.toEqual(failing('STATE_UNUSABLE'))
    native.exec('COMMIT')
    native.close()
    expect(await queue.enqueue([newJob()])).toHaveLength(1)
  })

  it('on a read-only file system is refused', (context) => {
    const mount = join(bench.folder, 'sealed')
    mkdirSync(mount)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', mount], { stdio: 'ignore' })
    } catch {
      return context.skip('mount is needed')
    }
    try {
      expect(() => bench.open({ path: join(mount, 'state', 'queue.db') })).toThrow(failing('READ_ONLY'))
    } finally {
      execFileSync('umount', ['-l', mount], { stdio: 'ignore' })
    }
  })
})

it('shares one commit among settlements of the same moment, and keeps a bad one from stopping its neighbours', async () => {
  const queue = bench.open({ settleBatch: { ms: 5, size: 50 } })
  const jobs = [newJob(), newJob(), newJob()]
  await queue.enqueue(jobs)
  const claimed = await queue.claim({ queues: ['work'], kinds: ['k'], limit: 3, workerId: 'w', leaseMs: 1000 })
  const settled = await Promise.allSettled(
    claimed.map(({ id, token }, index) =>
      queue.settle([{ id, token, to: 'completed', result: '1', ...(index === 1 && { messages: [{ queue: 'nowhere', body: '1' }] }) }]),
    ),
  )
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect((await queue.list({ states: ['completed'], limit: 9 })).jobs).toHaveLength(2)
})

it('shares one commit among attempts of the same moment, and tells only the one whose claim was lost', async () => {
  const queue = bench.open({ settleBatch: { ms: 5, size: 50 } })
  await queue.enqueue([newJob(), newJob(), newJob()])
  const claimed = await queue.claim({ queues: ['work'], kinds: ['k'], limit: 3, workerId: 'w', leaseMs: 1000 })
  const attempt = { step: 'call', provider: 'p', model: 'm', phase: 'reserved', kind: null, reason: null, httpStatus: null } as const
  const rest = { usage: null, costNusd: 1, costSource: 'estimated', ms: 0, skipped: [], droppedParams: [] } as const
  const opened = await Promise.allSettled(
    claimed.map(({ id, token }, index) => queue.openAttempt({ id, token: index === 1 ? token - 1 : token }, { ...attempt, ...rest })),
  )
  expect(opened).toEqual([
    { status: 'fulfilled', value: 1 },
    { status: 'rejected', reason: expect.objectContaining({ code: 'STATE_CONFLICT' }) as unknown },
    opened[0],
  ])
  await Promise.all([claimed[0]!, claimed[2]!].map(({ id }, index) => queue.updateAttempt(id, 1, { phase: 'settled', costNusd: index })))
  expect((await queue.attempts(claimed[2]!.id)).map(({ n, phase, costNusd }) => ({ n, phase, costNusd }))).toEqual([
    { n: 1, phase: 'settled', costNusd: 1 },
  ])
  expect(await queue.attempts(claimed[1]!.id)).toEqual([])
})
