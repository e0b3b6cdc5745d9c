import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type QueueBench, newJob, openQueueBench, until } from '../../support/queue.ts'
import { buildProgram } from '../../support/supervisor.ts'

const LEASE = 400
let program: string
let bench: QueueBench
beforeAll(() => {
  program = buildProgram('hold-lease')
})
afterAll(() => rmSync(program, { force: true }))
beforeEach(() => {
  bench = openQueueBench()
})
afterEach(() => bench.cleanup())

it('keeps a lease while the main thread of its owner computes for many times as long', async () => {
  const queue = bench.open()
  const job = newJob()
  await queue.enqueue([job])
  const child = spawn(process.execPath, [program, bench.folder, String(LEASE), String(LEASE * 5)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const closed = once(child, 'close')
  await until(() => said.includes('held'), 'the lease is held')
  const leases = new Set<number>()
  while (child.exitCode === null) {
    expect(await queue.reap()).toMatchObject({ released: [], dead: [], ended: [] })
    const { leaseUntil } = (await queue.get(job.id))!
    if (leaseUntil !== null) leases.add(leaseUntil)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await closed
  expect(said.trim().split('\n')).toEqual(['held', 'applied'])
  expect(leases.size).toBeGreaterThan(5)
})

it('tells its owner when the lease is lost all the same', async () => {
  const queue = bench.open()
  await queue.enqueue([newJob()])
  const [job] = await queue.claim({ queues: ['work'], kinds: ['k'], limit: 1, workerId: 'w', leaseMs: LEASE })
  const lost: string[] = []
  const keeper = queue.keepLeases({ workerId: 'w', leaseMs: LEASE, onReport: (report) => lost.push(...report.lost) })
  keeper.hold(job!)
  await bench.open().settle([{ id: job!.id, token: job!.token, to: 'available', runAt: 0, counts: false, reason: 'taken' }])
  await until(() => lost.length > 0, 'the loss is told')
  expect(lost).toEqual([job!.id])
  await keeper.stop()
})
