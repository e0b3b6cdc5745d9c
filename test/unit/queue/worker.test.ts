import { rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newUuid, systemClock } from '../../../src/core/kernel/index.ts'
import { createProcessInfo } from '../../../src/core/process/index.ts'
import { type JobHandler, type QueueEngine, LLM_QUEUE, createCaller, createWorker } from '../../../src/core/queue/index.ts'
import { type QueueBench, newJob, openQueueBench, silent, until } from '../../support/queue.ts'

let bench: QueueBench
let queue: QueueEngine
beforeEach(() => {
  bench = openQueueBench()
  queue = bench.open()
})
afterEach(() => bench.cleanup())

const echo: JobHandler = {
  kind: 'k',
  queue: 'work',
  run: async (job) => ({ to: 'completed', result: { got: JSON.parse(job.payload) as unknown } }),
}
const settings = { concurrency: 4, batch: { llm: 50, other: 100 }, retentionDays: 90 }
const worker = (handlers: readonly JobHandler[], more: Partial<typeof settings & { leaseMs: number }> = {}) =>
  createWorker({
    engine: queue,
    handlers,
    clock: systemClock,
    log: silent,
    version: '1',
    processes: createProcessInfo(),
    settings: { ...settings, ...more },
  })
/** Runs until its signal aborts. */
const patient = (seen: (id: string) => void, kind = 'k', name = 'work'): JobHandler => ({
  kind,
  queue: name,
  run: (job, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
      seen(job.id)
    }),
})

describe('a worker', () => {
  it('drains what is there, follow-up jobs of both loops included', async () => {
    const next = newJob({ queue: LLM_QUEUE, kind: 'llm' })
    const first: JobHandler = { kind: 'first', queue: 'work', run: async () => ({ to: 'completed', result: 1, jobs: [next] }) }
    await queue.enqueue([newJob(), newJob({ kind: 'first' })])
    const report = await worker([echo, first, { ...echo, kind: 'llm', queue: LLM_QUEUE }]).run({ mode: 'drain' })
    expect(report).toEqual({ end: 'done', claimed: 3, completed: 3, failed: 0, cancelled: 0, waiting: 0, fenced: 0, messages: 0 })
    expect((await queue.get(next.id))!.result).toBe('{"got":{"a":1}}')
    expect(await queue.workers()).toEqual([])
  })

  it('takes one job or none with once', async () => {
    expect((await worker([echo]).run({ mode: 'once' })).claimed).toBe(0)
    await queue.enqueue([newJob(), newJob()])
    expect((await worker([echo]).run({ mode: 'once' })).completed).toBe(1)
  })

  it('wakes for what comes while it waits, and ends when idle', async () => {
    const done = worker([echo]).run({ mode: 'forever', idleExitMs: 300 })
    await until(async () => (await queue.workers()).length === 1, 'the worker stands in the list')
    const job = newJob()
    await bench.open().enqueue([job])
    await until(async () => (await queue.get(job.id))!.state === 'completed', 'the job ends')
    expect(await done).toMatchObject({ end: 'idle', completed: 1 })
  })

  it('stops on a signal and puts back what runs, at no cost', async () => {
    const stop = new AbortController()
    const started: string[] = []
    const [job] = [newJob()]
    await queue.enqueue([job])
    const done = worker([patient((id) => started.push(id))]).run({ mode: 'forever', signal: stop.signal })
    await until(() => started.length === 1, 'the job starts')
    stop.abort()
    expect(await done).toMatchObject({ end: 'signal', waiting: 1 })
    expect(await queue.get(job.id)).toMatchObject({ state: 'available', attempt: 0, reason: 'stopped', leaseUntil: null })
    expect(await queue.verify()).toEqual([])
  })

  it('stops when it is asked to', async () => {
    const done = worker([echo]).run({ mode: 'forever' })
    await until(async () => (await queue.workers()).length === 1, 'the worker stands in the list')
    expect(await bench.open().askToStop(null)).toBe(1)
    expect((await done).end).toBe('asked')
  })

  it('hears that a running job was cancelled', async () => {
    const started: string[] = []
    const job = newJob()
    await queue.enqueue([job])
    const done = worker([patient((id) => started.push(id))]).run({ mode: 'drain' })
    await until(() => started.length === 1, 'the job starts')
    expect(await bench.open().cancel(job.id, 'no longer wanted')).toBe('asked')
    expect(await done).toMatchObject({ cancelled: 1 })
    expect(await queue.get(job.id)).toMatchObject({ state: 'cancelled', reason: 'no longer wanted' })
  })

  it('tries what throws once more, then gives it up', async () => {
    const job = newJob()
    await queue.enqueue([job])
    const bad: JobHandler = { kind: 'k', queue: 'work', run: () => Promise.reject(new Error('boom')) }
    const stop = new AbortController()
    const done = worker([bad]).run({ mode: 'forever', signal: stop.signal })
    await until(async () => (await queue.get(job.id))!.state === 'dead', 'the job is dead')
    stop.abort()
    expect(await done).toMatchObject({ waiting: 1, failed: 1 })
    expect(await queue.get(job.id)).toMatchObject({ attempt: 2, reason: 'processing_exception', errorMessage: 'boom' })
  })

  it('never runs more of a kind than the kind allows', async () => {
    let now = 0
    let most = 0
    const narrow: JobHandler = {
      kind: 'narrow',
      queue: 'work',
      concurrency: 2,
      async run() {
        most = Math.max(most, ++now)
        await new Promise((resolve) => setImmediate(resolve))
        now--
        return { to: 'completed', result: null }
      },
    }
    await queue.enqueue(Array.from({ length: 12 }, () => newJob({ kind: 'narrow' })))
    expect((await worker([echo, narrow], { concurrency: 8 }).run({ mode: 'drain' })).completed).toBe(12)
    expect(most).toBe(2)
  })

  it('ends with a word for it when the file is gone', async () => {
    const done = worker([echo]).run({ mode: 'forever' })
    await until(async () => (await queue.workers()).length === 1, 'the worker stands in the list')
    rmSync(bench.path)
    expect((await done).end).toBe('gone')
  })
})

describe('a caller', () => {
  const caller = (handlers: readonly JobHandler[]) =>
    createCaller({ engine: queue, handlers, clock: systemClock, log: silent, version: '1', processes: createProcessInfo() })

  it('runs its own row to the end, through a retry', async () => {
    let tries = 0
    const flaky: JobHandler = {
      kind: 'k',
      queue: 'work',
      run: async () =>
        ++tries === 1
          ? { to: 'available', runAt: systemClock.now() + 60, counts: true, reason: 'provider_unavailable.connection' }
          : { to: 'completed', result: 'ok' },
    }
    const own = caller([flaky])
    const { result, detail } = await own.runOwn(newJob({ lifetime: 'with_owner' }))
    await own.close()
    expect(result.deduped).toBe(false)
    expect(detail).toMatchObject({ state: 'completed', result: '"ok"', attempt: 2 })
    expect(await queue.workers()).toEqual([])
  })

  it('is cancelled with its owner when the owner stops', async () => {
    const stop = new AbortController()
    const job = newJob({ id: newUuid(systemClock), lifetime: 'with_owner' })
    const own = caller([patient(() => stop.abort())])
    const { detail } = await own.runOwn(job, { signal: stop.signal })
    await own.close()
    expect(detail).toMatchObject({ state: 'cancelled', reason: 'owner_gone' })
  })

  it('follows a row somebody else is working on', async () => {
    const job = newJob()
    const [mine, theirs] = [caller([echo]), caller([echo])]
    const [one, two] = await Promise.all([mine.runOwn(job), theirs.runOwn(job)])
    await Promise.all([mine.close(), theirs.close()])
    expect([one.result.deduped, two.result.deduped].sort()).toEqual([false, true])
    expect(one.detail.state).toBe('completed')
    expect(two.detail.state).toBe('completed')
  })
})
