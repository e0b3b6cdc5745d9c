import { afterEach, beforeEach, expect } from 'vitest'
import type { ClaimedJob, NewJob, QueueEngine, Settlement } from '../../src/core/queue/index.ts'
import { type TestEngine, manualClock, namedProcesses, newJob } from './queue.ts'

export const LEASE = 30_000

/** An error of ours with this code. */
export const code = (name: string) => expect.objectContaining({ code: name }) as unknown

type At = { clock: ReturnType<typeof manualClock>; processes: ReturnType<typeof namedProcesses>; queue: QueueEngine }

/** A fresh engine for every test, which has to be sound when the test is over, and short words for what tests do with it. */
export function useEngine(open: TestEngine['open']) {
  const at = {} as At
  let cleanup: () => void
  beforeEach(() => {
    const deps = { clock: manualClock(), processes: namedProcesses() }
    const opened = open(deps)
    cleanup = opened.cleanup
    Object.assign(at, deps, { queue: opened.queue })
  })
  afterEach(async () => {
    expect(await at.queue.verify()).toEqual([])
    cleanup()
  })

  const claim = (limit = 10, workerId = 'w1', queues = ['work']): Promise<ClaimedJob[]> =>
    at.queue.claim({ queues, kinds: ['k'], limit, workerId, leaseMs: LEASE })
  const end = (job: ClaimedJob, settlement: Partial<Settlement> & { to: Settlement['to'] }) =>
    at.queue.settle([{ id: job.id, token: job.token, ...settlement } as Settlement]).then(([result]) => result)
  return {
    at,
    claim,
    end,
    async add(...more: Partial<NewJob>[]): Promise<NewJob[]> {
      const jobs = (more.length === 0 ? [{}] : more).map((one) => newJob(one))
      await at.queue.enqueue(jobs)
      return jobs
    },
    take: async (workerId = 'w1'): Promise<ClaimedJob> => (await claim(1, workerId))[0]!,
    done: (job: ClaimedJob) => end(job, { to: 'completed', result: '1' }),
    back: (job: ClaimedJob, counts = true, runAt = 0) => end(job, { to: 'available', runAt, counts, reason: 'later' }),
    die: (job: ClaimedJob) => end(job, { to: 'dead', reason: 'processing_exception', errorMessage: 'boom' }),
    stateOf: async (id: string) => (await at.queue.get(id))!.state,
    register: (id: string, pid: number, role: 'worker' | 'caller' = 'worker') =>
      at.queue.registerWorker({ ...at.processes.identity(pid), id, queues: ['work'], version: '1', startedAt: at.clock.now(), role }),
  }
}
