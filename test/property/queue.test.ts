import fc from 'fast-check'
import { expect, it } from 'vitest'
import { messageOf, SingularityError } from '../../src/core/kernel/index.ts'
import type { ClaimedJob, Lease, NewJob, QueueEngine, Settlement } from '../../src/core/queue/index.ts'
import { ENGINES, manualClock, namedProcesses } from '../support/queue.ts'

const LEASE = 1000
const QUEUES = ['work', 'other'] as const
const id = fc.constantFrom('j0', 'j1', 'j2', 'j3', 'j4', 'j5', 'j6', 'j7')
const worker = fc.constantFrom('w1', 'w2', 'w3')
const PIDS: Readonly<Record<string, number>> = { w1: 1, w2: 2, w3: 3 }

type Step =
  | { op: 'enqueue'; job: NewJob; delay: number | undefined; deadline: number | undefined }
  | { op: 'own'; job: NewJob; worker: string }
  | { op: 'claim'; worker: string; limit: number; queues: readonly string[] }
  | { op: 'claimById'; id: string; worker: string }
  | { op: 'settle'; to: Settlement['to']; pick: number; stale: boolean; counts: boolean; delay: number }
  | { op: 'heartbeat'; worker: string }
  | { op: 'cancel' | 'retry'; id: string }
  | { op: 'advance'; ms: number }
  | { op: 'die' | 'register'; worker: string }
  | { op: 'reap' }
  | { op: 'control'; queue: string; paused: boolean; concurrency: number | null }
  | { op: 'group'; limit: number | null }

const newJob: fc.Arbitrary<NewJob> = fc
  .record(
    {
      id,
      queue: fc.constantFrom(...QUEUES),
      kind: fc.constant('k'),
      payload: fc.constantFrom('1', '2'),
      priority: fc.nat(3),
      maxAttempts: fc.integer({ min: 1, max: 3 }),
      uniqueKey: fc.constantFrom('u', 'v'),
      group: fc.constantFrom('g', 'h'),
      parentId: id,
      lifetime: fc.constantFrom('durable' as const, 'durable' as const, 'with_owner' as const),
      paid: fc.boolean(),
    },
    { requiredKeys: ['id', 'queue', 'kind', 'payload'] },
  )
  .filter((job) => job.parentId === undefined || job.parentId < job.id)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('enqueue' as const),
      job: newJob,
      delay: fc.option(fc.integer({ min: 1, max: 3000 }), { nil: undefined }),
      deadline: fc.option(fc.integer({ min: 1, max: 5000 }), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('own' as const), job: newJob, worker }) },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('claim' as const),
      worker,
      limit: fc.integer({ min: 1, max: 4 }),
      queues: fc.subarray([...QUEUES], { minLength: 1 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('claimById' as const), id, worker }) },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('settle' as const),
      to: fc.constantFrom('completed' as const, 'available' as const, 'available' as const, 'dead' as const, 'cancelled' as const),
      pick: fc.nat(7),
      stale: fc.boolean(),
      counts: fc.boolean(),
      delay: fc.constantFrom(0, 500),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('heartbeat' as const), worker }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom('cancel' as const, 'retry' as const), id }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 1500 }) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom('die' as const, 'register' as const), worker }) },
  { weight: 2, arbitrary: fc.constant({ op: 'reap' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('control' as const),
      queue: fc.constantFrom(...QUEUES),
      paused: fc.boolean(),
      concurrency: fc.option(fc.integer({ min: 1, max: 2 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('group' as const), limit: fc.option(fc.integer({ min: 1, max: 2 })) }) },
)

type World = { queue: QueueEngine; clock: ReturnType<typeof manualClock>; processes: ReturnType<typeof namedProcesses>; held: ClaimedJob[] }

/** One step in one world; what it answers is what the worlds are compared by. */
async function take(world: World, one: Step): Promise<unknown> {
  const { queue, clock, processes, held } = world
  const keep = (jobs: readonly (ClaimedJob | null)[]) => {
    for (const job of jobs) if (job) held.push(job)
    return jobs
  }
  switch (one.op) {
    case 'enqueue': {
      const times = {
        ...(one.delay !== undefined && { runAt: clock.now() + one.delay }),
        ...(one.deadline !== undefined && { deadlineAt: clock.now() + one.deadline }),
      }
      return queue.enqueue([{ ...one.job, ...times }])
    }
    case 'own': {
      const own = await queue.enqueueClaimed(one.job, { workerId: one.worker, leaseMs: LEASE })
      keep([own.claimed])
      return own
    }
    case 'claim':
      return keep(await queue.claim({ queues: one.queues, kinds: ['k'], limit: one.limit, workerId: one.worker, leaseMs: LEASE }))
    case 'claimById':
      return keep([await queue.claimById(one.id, { workerId: one.worker, leaseMs: LEASE })])
    case 'settle': {
      const job = held[one.pick % Math.max(1, held.length)]
      if (!job) return 'nothing held'
      if (!one.stale) held.splice(held.indexOf(job), 1)
      return queue.settle([settlementOf(one, job, clock.now())])
    }
    case 'heartbeat':
      return queue.heartbeat(one.worker, held, LEASE)
    case 'cancel':
      return queue.cancel(one.id, 'asked')
    case 'retry':
      return queue.retry(one.id)
    case 'advance':
      return clock.advance(one.ms)
    case 'die':
      return processes.dead.add(PIDS[one.worker]!)
    case 'register': {
      processes.dead.delete(PIDS[one.worker]!)
      const identity = processes.identity(PIDS[one.worker]!)
      return queue.registerWorker({ ...identity, id: one.worker, queues: [], version: '1', startedAt: 0, role: 'worker' })
    }
    case 'reap': {
      const report = await queue.reap()
      const sorted = (ids: readonly string[]) => [...ids].sort()
      return { released: sorted(report.released), dead: sorted(report.dead), ended: sorted(report.ended), orphans: report.orphans.length }
    }
    case 'control':
      return queue.setControl(one.queue, { paused: one.paused, concurrency: one.concurrency })
    case 'group':
      return queue.setGroupLimit('g', one.limit)
  }
}

function settlementOf(one: Extract<Step, { op: 'settle' }>, { id: jobId, token }: Lease, now: number): Settlement {
  const lease = { id: jobId, token }
  if (one.to === 'completed') return { ...lease, to: 'completed', result: '"done"' }
  if (one.to === 'dead') return { ...lease, to: 'dead', reason: 'bad', errorMessage: 'no' }
  if (one.to === 'cancelled') return { ...lease, to: 'cancelled', reason: 'stopped' }
  return { ...lease, to: 'available', runAt: now + one.delay, counts: one.counts, reason: 'later' }
}

async function told(world: World, one: Step): Promise<unknown> {
  try {
    return await take(world, one)
  } catch (error) {
    if (!SingularityError.isInstance(error)) throw error
    return { code: error.code, message: messageOf(error) }
  }
}

it('the SQLite engine answers every sequence of calls as the memory engine does, and stays sound', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const worlds = ENGINES.map(({ open }) => {
        const [clock, processes] = [manualClock(), namedProcesses()]
        return { ...open({ clock, processes }), clock, processes, held: [] as ClaimedJob[] }
      })
      try {
        for (const one of steps) {
          const [first, second] = [await told(worlds[0]!, one), await told(worlds[1]!, one)]
          expect(first).toEqual(second)
        }
        const [sqlite, memory] = await Promise.all(
          worlds.map(async ({ queue }) => ({
            jobs: await Promise.all((await queue.list({ limit: 100 })).jobs.map(({ id: jobId }) => queue.get(jobId))),
            events: await queue.events(0, 1000),
            due: await queue.nextDueAt(QUEUES),
          })),
        )
        expect(sqlite!.jobs).toEqual(memory!.jobs)
        const order = ({ type, id: jobId, detail }: { type: string; id: string; detail: string | null }) => `${jobId} ${type} ${detail}`
        expect(sqlite!.events.map(order).sort()).toEqual(memory!.events.map(order).sort())
        expect(sqlite!.due).toBe(memory!.due)
        expect(await worlds[0]!.queue.verify()).toEqual([])
      } finally {
        for (const { cleanup } of worlds) cleanup()
      }
    }),
    { numRuns: 120 },
  )
})
