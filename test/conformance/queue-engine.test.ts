import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Attempt, NAMED_QUEUES, type ClaimedJob, type NewJob, type QueueEngine, type Settlement } from '../../src/core/queue/index.ts'
import { ENGINES, manualClock, namedProcesses, newJob, until } from '../support/queue.ts'

const LEASE = 30_000
const ATTEMPT: Omit<Attempt, 'n' | 'startedAt'> = {
  step: 'call',
  provider: 'p',
  model: 'm',
  phase: 'reserved',
  kind: null,
  reason: null,
  httpStatus: null,
  usage: null,
  costNusd: 0,
  costSource: 'estimated',
  ms: 0,
  skipped: [{ model: 'x', reason: 'offline' }],
  droppedParams: ['temperature'],
}

describe.each(ENGINES)('the $name engine', ({ open }) => {
  let clock: ReturnType<typeof manualClock>
  let processes: ReturnType<typeof namedProcesses>
  let queue: QueueEngine
  let cleanup: () => void
  beforeEach(() => {
    clock = manualClock()
    processes = namedProcesses()
    ;({ queue, cleanup } = open({ clock, processes }))
  })
  afterEach(async () => {
    expect(await queue.verify()).toEqual([])
    cleanup()
  })

  const add = async (...more: Partial<NewJob>[]): Promise<NewJob[]> => {
    const jobs = (more.length === 0 ? [{}] : more).map((one) => newJob(one))
    await queue.enqueue(jobs)
    return jobs
  }
  const claim = (limit = 10, workerId = 'w1', queues = ['work']): Promise<ClaimedJob[]> =>
    queue.claim({ queues, kinds: ['k'], limit, workerId, leaseMs: LEASE })
  const take = async (workerId = 'w1'): Promise<ClaimedJob> => (await claim(1, workerId))[0]!
  const end = (job: ClaimedJob, settlement: Partial<Settlement> & { to: Settlement['to'] }) =>
    queue.settle([{ id: job.id, token: job.token, ...settlement } as Settlement]).then(([result]) => result)
  const done = (job: ClaimedJob) => end(job, { to: 'completed', result: '1' })
  const back = (job: ClaimedJob, counts = true, runAt = 0) => end(job, { to: 'available', runAt, counts, reason: 'later' })
  const die = (job: ClaimedJob) => end(job, { to: 'dead', reason: 'processing_exception', errorMessage: 'boom' })
  const stateOf = async (id: string) => (await queue.get(id))!.state
  const register = (id: string, pid: number, role: 'worker' | 'caller' = 'worker') =>
    queue.registerWorker({ ...processes.identity(pid), id, queues: ['work'], version: '1', startedAt: clock.now(), role })
  const code = (name: string) => expect.objectContaining({ code: name }) as unknown

  describe('enqueue', () => {
    it('fills in what is left out', async () => {
      const [job] = await add()
      expect(await queue.get(job!.id)).toEqual({
        ...{ id: job!.id, queue: 'work', kind: 'k', payload: '{"a":1}', result: null, state: 'available', priority: 5 },
        ...{ runAt: clock.now(), attempt: 0, maxAttempts: 4, crashes: 0, token: 0, leaseUntil: null, worker: null, uniqueKey: null },
        ...{ group: null, parentId: null, agentId: 'cli', taskType: 'k', complexity: 'medium', paid: false, lifetime: 'durable' },
        ...{ deadlineAt: null, reason: null, errorMessage: null, createdAt: clock.now(), startedAt: null, finishedAt: null },
        ...{ updatedAt: clock.now(), publishedAt: clock.now() },
      })
      expect(await queue.get('nobody')).toBe(null)
    })

    it('knows the same job again, and refuses another with its id, all or nothing', async () => {
      const [job] = await add()
      expect(await queue.enqueue([job!])).toEqual([{ id: job!.id, status: 'pending', deduped: true }])
      const fresh = newJob()
      await expect(queue.enqueue([fresh, { ...job!, payload: '{"a":2}' }])).rejects.toEqual(code('ID_CONFLICT'))
      expect(await queue.get(fresh.id)).toBe(null)
    })

    it('has one living job per unique key and queue', async () => {
      const [first] = await add({ uniqueKey: 'u' })
      const [other] = await queue.enqueue([newJob({ uniqueKey: 'u' })])
      expect(other).toEqual({ id: first!.id, status: 'pending', deduped: true })
      expect((await queue.enqueue([newJob({ uniqueKey: 'u', queue: 'elsewhere' })]))[0]!.deduped).toBe(false)
      const held = await take()
      expect((await queue.enqueue([newJob({ uniqueKey: 'u' })]))[0]).toMatchObject({ id: first!.id, status: 'processing' })
      await done(held)
      expect((await queue.enqueue([newJob({ uniqueKey: 'u' })]))[0]!.deduped).toBe(false)
    })

    it('gives a caller its own row, once', async () => {
      const job = newJob()
      const own = await queue.enqueueClaimed(job, { workerId: 'me', leaseMs: LEASE })
      expect(own.result).toEqual({ id: job.id, status: 'processing', deduped: false })
      expect(own.claimed).toMatchObject({ id: job.id, token: 1, attempt: 1, state: 'running', worker: 'me', payload: job.payload })
      expect(own.claimed!.leaseUntil).toBe(clock.now() + LEASE)
      expect(await claim()).toEqual([])
      expect((await queue.enqueueClaimed(job, { workerId: 'other', leaseMs: LEASE })).claimed).toBe(null)
      expect(await done(own.claimed!)).toBe('applied')
    })
  })

  describe('claim', () => {
    it('keeps to priority, then to arrival', async () => {
      const [a, b, c, d] = await add({ priority: 5 }, { priority: 0 }, { priority: 9 }, { priority: 0 })
      expect((await claim()).map(({ id }) => id)).toEqual([b, d, a, c].map((job) => job!.id))
    })

    it('keeps to priority across queues', async () => {
      const [a, b, c] = await add({ queue: 'work', priority: 4 }, { queue: 'other', priority: 3 }, { queue: 'third', priority: 0 })
      expect((await claim(2, 'w1', ['work', 'other'])).map(({ id }) => id)).toEqual([b!.id, a!.id])
      expect(await stateOf(c!.id)).toBe('available')
    })

    it('takes no more than asked for, and only kinds it is asked for', async () => {
      await add({}, {}, { kind: 'another' })
      expect(await claim(0)).toEqual([])
      expect(await claim(1)).toHaveLength(1)
      expect(await claim(9)).toHaveLength(1)
    })

    it('gives a job to one of many', async () => {
      await add(...Array.from({ length: 20 }, () => ({})))
      const shares = await Promise.all(['a', 'b', 'c'].map((worker) => claim(10, worker)))
      const ids = shares.flat().map(({ id }) => id)
      expect(new Set(ids).size).toBe(20)
      expect(ids).toHaveLength(20)
    })

    it('waits for run_at, and says when', async () => {
      const [job] = await add({ runAt: clock.now() + 1000 })
      expect(await claim()).toEqual([])
      expect(await queue.nextDueAt(['work'])).toBe(clock.now() + 1000)
      clock.advance(1000)
      expect((await take()).id).toBe(job!.id)
    })

    it('takes at once what was enqueued by a clock ahead of ours', async () => {
      await add()
      clock.jump(-3_600_000)
      expect(await claim()).toHaveLength(1)
    })

    it('respects a pause and the concurrency of a queue', async () => {
      await add({}, {}, {})
      await queue.setControl('work', { paused: true })
      expect(await claim()).toEqual([])
      await queue.setControl('work', { paused: false, concurrency: 2 })
      expect(await queue.control('work')).toEqual({ paused: false, concurrency: 2 })
      const two = await claim()
      expect(two).toHaveLength(2)
      expect(await claim(5, 'w2')).toEqual([])
      await done(two[0]!)
      expect(await claim(5, 'w2')).toHaveLength(1)
      await queue.setControl('work', { concurrency: null })
      expect(await queue.control('nowhere')).toEqual({ paused: false, concurrency: null })
    })

    it('respects the limit of a group and lets others pass', async () => {
      await queue.setGroupLimit('g', 1)
      const [a, b, c] = await add({ group: 'g' }, { group: 'g' }, { group: 'free' })
      const first = await claim()
      expect(first.map(({ id }) => id)).toEqual([a!.id, c!.id])
      expect(await claim()).toEqual([])
      await done(first[0]!)
      expect((await take()).id).toBe(b!.id)
      await queue.setGroupLimit('g', null)
      await add({ group: 'g' }, { group: 'g' })
      expect(await claim()).toHaveLength(2)
    })

    it('leaves jobs that live with their owner to him', async () => {
      const job = newJob({ lifetime: 'with_owner' })
      const { claimed } = await queue.enqueueClaimed(job, { workerId: 'me', leaseMs: LEASE })
      await back(claimed!)
      expect(await claim()).toEqual([])
      expect((await queue.claimById(job.id, { workerId: 'me', leaseMs: LEASE }))!.token).toBe(2)
      expect(await queue.claimById(job.id, { workerId: 'me', leaseMs: LEASE })).toBe(null)
    })

    it('runs a job that has crashed a worker alone', async () => {
      const [bad] = await add({ priority: 0 })
      await take()
      await register('w1', 7)
      processes.dead.add(7)
      expect((await queue.reap()).released).toEqual([bad!.id])
      await add({ priority: 1 }, { priority: 1 })
      const [other] = await queue.claim({ queues: ['work'], kinds: ['none', 'k'], limit: 1, workerId: 'busy', leaseMs: LEASE })
      expect(other!.id).toBe(bad!.id)
      expect(await claim(5, 'busy')).toEqual([])
      await back(other!, false)
      expect(await claim(5, 'w2')).toHaveLength(1)
      expect((await queue.get(bad!.id))!).toMatchObject({ state: 'running', worker: 'w2', crashes: 1 })
    })
  })

  describe('settle', () => {
    it('ends a job once, with its result', async () => {
      await add()
      const job = await take()
      expect(await end(job, { to: 'completed', result: '{"x":2}' })).toBe('applied')
      expect(await queue.get(job.id)).toMatchObject({ state: 'completed', result: '{"x":2}', leaseUntil: null, finishedAt: clock.now() })
      expect(await done(job)).toBe('fenced')
      expect((await queue.get(job.id))!.result).toBe('{"x":2}')
    })

    it('is fenced by the token', async () => {
      await add()
      const first = await take()
      await back(first)
      const second = await take()
      expect(second.token).toBeGreaterThan(first.token)
      expect(await done(first)).toBe('fenced')
      expect(await stateOf(first.id)).toBe('running')
      expect(await done(second)).toBe('applied')
    })

    it('puts back, with and without spending an attempt, and gives up after the last', async () => {
      const [job] = await add({ maxAttempts: 2 })
      await back(await take(), false)
      expect(await queue.get(job!.id)).toMatchObject({ attempt: 0, state: 'available', reason: 'later', worker: null })
      await back(await take())
      expect(await queue.get(job!.id)).toMatchObject({ attempt: 1, state: 'available' })
      await back(await take())
      expect(await queue.get(job!.id)).toMatchObject({ attempt: 2, state: 'dead', reason: 'later', finishedAt: clock.now() })
    })

    it('waits for the moment it was put back for', async () => {
      await add()
      await back(await take(), true, clock.now() + 500)
      expect(await claim()).toEqual([])
      clock.advance(500)
      expect(await claim()).toHaveLength(1)
    })

    it('writes messages and follow-up jobs with the result, or nothing at all', async () => {
      await add()
      const job = await take()
      const next = newJob({ parentId: job.id })
      const bad = { ...newJob({ id: job.id }), payload: '"other"' }
      const message = { queue: 'job_results', body: '{"n":1}', key: 'once' }
      const both: Settlement = { id: job.id, token: job.token, to: 'completed', result: '1', messages: [message], jobs: [next, bad] }
      await expect(queue.settle([both])).rejects.toEqual(code('ID_CONFLICT'))
      expect([await stateOf(job.id), await queue.get(next.id), await queue.read('job_results', 5, 1000)]).toEqual(['running', null, []])
      expect(await queue.settle([{ ...both, jobs: [next] }])).toEqual(['applied'])
      expect((await queue.list({ parentId: job.id, limit: 5 })).jobs.map(({ id }) => id)).toEqual([next.id])
      expect((await queue.read('job_results', 5, 1000)).map(({ body }) => body)).toEqual(['{"n":1}'])
    })

    it('applies nothing of what is fenced', async () => {
      await add()
      const job = await take()
      await done(job)
      const next = newJob()
      expect(await queue.settle([{ id: job.id, token: job.token, to: 'completed', result: '9', jobs: [next] }])).toEqual(['fenced'])
      expect(await queue.get(next.id)).toBe(null)
    })

    it('keeps the raw answer of what failed', async () => {
      await add()
      const job = await take()
      await end(job, { to: 'dead', reason: 'malformed_response.validation', errorMessage: 'no', result: '{"response":"raw"}' })
      expect(await queue.get(job.id)).toMatchObject({ state: 'dead', errorMessage: 'no', result: '{"response":"raw"}' })
    })
  })

  describe('cancel and retry', () => {
    it('cancels what waits at once', async () => {
      const [job] = await add()
      expect(await queue.cancel(job!.id, 'not needed')).toBe('cancelled')
      expect(await queue.get(job!.id)).toMatchObject({ state: 'cancelled', reason: 'not needed' })
      await expect(queue.cancel(job!.id, 'again')).rejects.toEqual(code('STATE_CONFLICT'))
      await expect(queue.cancel('nobody', 'x')).rejects.toEqual(code('NOT_FOUND'))
    })

    it('asks what runs, which may still complete or end as cancelled', async () => {
      await add({}, {})
      const [a, b] = await claim()
      expect(await queue.cancel(a!.id, 'stop')).toBe('asked')
      await queue.cancel(b!.id, 'stop')
      expect(await queue.heartbeat('w1', [a!, b!], LEASE)).toEqual({ lost: [], cancelled: [a!.id, b!.id] })
      await done(a!)
      await back(b!)
      expect([await stateOf(a!.id), await stateOf(b!.id)]).toEqual(['completed', 'cancelled'])
      expect((await queue.get(b!.id))!.reason).toBe('stop')
    })

    it('takes the children along', async () => {
      const [parent] = await add()
      const [child] = await add({ parentId: parent!.id })
      const [grandchild] = await add({ parentId: child!.id })
      await queue.cancel(parent!.id, 'x')
      expect(await queue.get(grandchild!.id)).toMatchObject({ state: 'cancelled', reason: 'parent_cancelled' })
    })

    it('brings back the dead and the cancelled, and nothing else', async () => {
      const [job] = await add({ maxAttempts: 1, uniqueKey: 'u' })
      await expect(queue.retry(job!.id)).rejects.toEqual(code('STATE_CONFLICT'))
      await die(await take())
      await queue.retry(job!.id)
      expect(await queue.get(job!.id)).toMatchObject({ state: 'available', attempt: 0, reason: null, errorMessage: null, finishedAt: null })
      await die(await take())
      await add({ uniqueKey: 'u' })
      await expect(queue.retry(job!.id)).rejects.toEqual(code('STATE_CONFLICT'))
      await expect(queue.retry('nobody')).rejects.toEqual(code('NOT_FOUND'))
    })
  })

  describe('deadlines', () => {
    it('end what still waits, and leave alone what runs', async () => {
      const [late, running] = await add({ deadlineAt: clock.now() + 100 }, { deadlineAt: clock.now() + 100, priority: 0 })
      await take()
      clock.advance(100)
      expect(await claim()).toEqual([])
      expect((await queue.reap()).ended).toEqual([late!.id])
      expect(await queue.get(late!.id)).toMatchObject({ state: 'dead', reason: 'deadline' })
      expect(await stateOf(running!.id)).toBe('running')
    })
  })

  describe('leases', () => {
    it('are renewed by who holds them, and by nobody else', async () => {
      await add()
      const job = await take()
      clock.advance(10_000)
      expect(await queue.heartbeat('w1', [job], LEASE)).toEqual({ lost: [], cancelled: [] })
      expect((await queue.get(job.id))!.leaseUntil).toBe(clock.now() + LEASE)
      expect((await queue.heartbeat('w2', [job], LEASE)).lost).toEqual([job.id])
      expect((await queue.heartbeat('w1', [{ id: job.id, token: 99 }], LEASE)).lost).toEqual([job.id])
    })

    it('fall at once when their owner is seen dead', async () => {
      const [job] = await add()
      await register('w1', 7)
      const held = await take()
      expect(await queue.reap()).toEqual({ released: [], dead: [], ended: [], orphans: [] })
      processes.dead.add(7)
      expect(await queue.reap()).toEqual({ released: [job!.id], dead: [], ended: [], orphans: [{ id: job!.id, token: held.token }] })
      expect(await queue.get(job!.id)).toMatchObject({ state: 'available', crashes: 1, attempt: 1, reason: 'owner_lost' })
      expect((await queue.heartbeat('w1', [held], LEASE)).lost).toEqual([job!.id])
      expect(await done(held)).toBe('fenced')
      expect(await queue.workers()).toEqual([])
    })

    it('fall after a second look where nobody knows', async () => {
      await add()
      const held = await take()
      clock.advance(LEASE + 1)
      expect((await queue.reap()).released).toEqual([])
      clock.advance(LEASE - 1)
      expect((await queue.reap()).released).toEqual([])
      clock.advance(1)
      expect((await queue.reap()).released).toEqual([held.id])
    })

    it('stay with a living owner whose machine or clock made a jump', async () => {
      await add()
      const held = await take()
      clock.jump(3_600_000)
      await queue.reap()
      clock.advance(1000)
      expect((await queue.reap()).released).toEqual([])
      await queue.heartbeat('w1', [held], LEASE)
      clock.jump(-7_200_000)
      await queue.reap()
      clock.advance(LEASE - 1)
      expect((await queue.reap()).released).toEqual([])
    })

    it('fall in the end also when the clock of their owner was ahead', async () => {
      await add()
      await take()
      clock.jump(-3_600_000)
      await queue.reap()
      clock.advance(LEASE)
      expect((await queue.reap()).released).toHaveLength(1)
    })

    it('count as attempts: a job that crashes every worker ends dead', async () => {
      const [job] = await add({ maxAttempts: 2 })
      for (const pid of [11, 12]) {
        await register(`w${pid}`, pid)
        await take(`w${pid}`)
        processes.dead.add(pid)
        await queue.reap()
      }
      expect(await queue.get(job!.id)).toMatchObject({ state: 'dead', reason: 'crashed', crashes: 2 })
    })

    it('take jobs that live with their owner along', async () => {
      await register('me', 9, 'caller')
      const running = newJob({ lifetime: 'with_owner' })
      const waiting = newJob({ lifetime: 'with_owner' })
      await queue.enqueueClaimed(running, { workerId: 'me', leaseMs: LEASE })
      const { claimed } = await queue.enqueueClaimed(waiting, { workerId: 'me', leaseMs: LEASE })
      await back(claimed!, true, clock.now() + 50_000)
      expect((await queue.reap()).ended).toEqual([])
      processes.dead.add(9)
      expect(new Set((await queue.reap()).ended)).toEqual(new Set([running.id, waiting.id]))
      expect(await queue.get(waiting.id)).toMatchObject({ state: 'cancelled', reason: 'owner_gone' })
    })

    it('are held by a keeper, which tells once what is cancelled and what is lost', async () => {
      await add({}, {})
      const [a, b] = await claim()
      const reports: unknown[] = []
      const keeper = queue.keepLeases({ workerId: 'w1', leaseMs: LEASE, onReport: (report) => reports.push(report) })
      keeper.hold(a!)
      keeper.hold(b!)
      await queue.cancel(a!.id, 'x')
      await done(b!)
      keeper.check()
      await until(() => reports.length > 0, 'a report')
      keeper.check()
      await keeper.stop()
      expect(reports).toEqual([{ lost: [b!.id], cancelled: [a!.id] }])
    })
  })

  describe('attempts', () => {
    it('are numbered, changed, and listed as they were given', async () => {
      await add()
      const job = await take()
      expect(await queue.openAttempt(job, ATTEMPT)).toBe(1)
      expect(await queue.openAttempt(job, { ...ATTEMPT, step: 'reask' })).toBe(2)
      const usage = { promptTokens: 1, completionTokens: 2, totalTokens: 3 }
      await queue.updateAttempt(job.id, 2, { phase: 'settled', usage, costNusd: 42, httpStatus: 200, kind: null, skipped: [] })
      expect(await queue.attempts(job.id)).toEqual([
        { ...ATTEMPT, n: 1, startedAt: clock.now() },
        { ...ATTEMPT, n: 2, step: 'reask', startedAt: clock.now(), phase: 'settled', usage, costNusd: 42, httpStatus: 200, skipped: [] },
      ])
      await queue.updateAttempt(job.id, 1, { phase: 'settled' })
      await expect(queue.updateAttempt(job.id, 3, { ms: 1 })).rejects.toEqual(code('NOT_FOUND'))
    })

    it('are refused to who lost the claim, and unknown when the owner dies in a call', async () => {
      await add()
      await register('w1', 7)
      const job = await take()
      await queue.openAttempt(job, { ...ATTEMPT, phase: 'calling' })
      processes.dead.add(7)
      await queue.reap()
      expect((await queue.attempts(job.id))[0]!.phase).toBe('unknown')
      await expect(queue.openAttempt(job, ATTEMPT)).rejects.toEqual(code('STATE_CONFLICT'))
      await queue.updateAttempt(job.id, 1, { phase: 'settled', costNusd: 5 })
      expect((await queue.attempts(job.id))[0]).toMatchObject({ phase: 'settled', costNusd: 5 })
    })
  })

  describe('list', () => {
    it('filters, newest first, page by page', async () => {
      const jobs = await add({ agentId: 'a' }, { agentId: 'b', taskType: 't' }, { agentId: 'a' }, { agentId: 'a', queue: 'other' })
      const ids = (page: { jobs: { id: string }[] }) => page.jobs.map(({ id }) => id)
      expect(ids(await queue.list({ limit: 10 }))).toEqual(jobs.map(({ id }) => id).reverse())
      const first = await queue.list({ queue: 'work', agentId: 'a', limit: 1 })
      expect(ids(first)).toEqual([jobs[2]!.id])
      const second = await queue.list({ queue: 'work', agentId: 'a', limit: 1, cursor: first.next! })
      expect([ids(second), second.next]).toEqual([[jobs[0]!.id], null])
      expect(ids(await queue.list({ taskType: 't', limit: 10 }))).toEqual([jobs[1]!.id])
      await take()
      expect(ids(await queue.list({ states: ['running', 'dead'], limit: 10 }))).toEqual([jobs[0]!.id])
      expect(ids(await queue.list({ since: clock.now() + 1, limit: 10 }))).toEqual([])
    })
  })

  describe('messages', () => {
    it('lie in queues that are there from the start, or were made', async () => {
      for (const name of NAMED_QUEUES) expect(await queue.read(name, 1, 1000)).toEqual([])
      await expect(queue.read('mine', 1, 1000)).rejects.toEqual(code('NOT_FOUND'))
      await expect(queue.send({ queue: 'mine', body: '1' })).rejects.toEqual(code('NOT_FOUND'))
      await queue.ensureQueues(['mine', 'ai_requests'])
      expect(await queue.send({ queue: 'mine', body: '1' })).toBeGreaterThan(0)
    })

    it('are hidden while they are read, come again, and go when acknowledged', async () => {
      const ids = [await queue.send({ queue: 'ai_results', body: '{"n":1}' }), await queue.send({ queue: 'ai_results', body: '{"n":2}' })]
      const [first] = await queue.read('ai_results', 1, 1000)
      expect(first).toEqual({ id: ids[0], readCount: 1, enqueuedAt: clock.now(), body: '{"n":1}' })
      expect((await queue.read('ai_results', 5, 1000)).map(({ id }) => id)).toEqual([ids[1]])
      clock.advance(1000)
      expect(await queue.ack('ai_results', [ids[1]!, 999])).toBe(1)
      expect((await queue.read('ai_results', 5, 1000)).map(({ id, readCount }) => [id, readCount])).toEqual([[ids[0], 2]])
      expect(await queue.ack('ai_results', [ids[1]!])).toBe(0)
      expect(await queue.ack('ai_requests', [ids[0]!])).toBe(0)
    })

    it('with a key are sent once, also after they were acknowledged', async () => {
      const id = await queue.send({ queue: 'ai_results', body: '1', key: 'k' })
      expect(await queue.send({ queue: 'ai_results', body: '2', key: 'k' })).toBe(id)
      await queue.read('ai_results', 1, 1)
      await queue.ack('ai_results', [id])
      expect(await queue.send({ queue: 'ai_results', body: '3', key: 'k' })).toBe(id)
      clock.advance(1000)
      expect(await queue.read('ai_results', 1, 1)).toEqual([])
      expect(await queue.send({ queue: 'ai_requests', body: '3', key: 'k' })).not.toBe(id)
    })
  })

  describe('messages that become something', () => {
    it('are acknowledged together with it, once', async () => {
      const id = await queue.send({ queue: 'ai_requests', body: '{}' })
      expect(await queue.waiting(['ai_requests', 'ai_results'])).toEqual(['ai_requests'])
      const became = { jobs: [newJob()], messages: [{ queue: 'ai_results', body: '{"b":1}' }] }
      expect(await queue.intake('ai_requests', id, became)).toBe(true)
      expect(await queue.intake('ai_requests', id, { jobs: [newJob()] })).toBe(false)
      expect(await queue.waiting(['ai_requests', 'ai_results'])).toEqual(['ai_results'])
      expect(await queue.get(became.jobs[0]!.id)).toMatchObject({ state: 'available' })
      expect((await queue.list({ limit: 10 })).jobs).toHaveLength(1)
    })

    it('stay where what they became is refused', async () => {
      const [job] = await add()
      const id = await queue.send({ queue: 'ai_requests', body: '{}' })
      const other = { ...job!, payload: '{"a":2}' }
      await expect(queue.intake('ai_requests', id, { jobs: [newJob(), other] })).rejects.toEqual(code('ID_CONFLICT'))
      expect(await queue.waiting(['ai_requests'])).toEqual(['ai_requests'])
      expect((await queue.list({ limit: 10 })).jobs).toHaveLength(1)
    })
  })

  it('answers the questions of its statistics', async () => {
    const llm = (agentId: string, more: Partial<NewJob> = {}): NewJob =>
      newJob({ queue: 'llm_requests', agentId, taskType: 'review', ...more })
    const tools = '{"tools":[{"name":"bash"}]}'
    await queue.enqueue([llm('a'), llm('a'), llm('b', { payload: tools }), llm('b'), llm('c'), llm('c'), newJob()])
    clock.advance(1000)
    const claimed = await claim(4, 'w1', ['llm_requests'])
    clock.advance(2000)
    await end(claimed[0]!, { to: 'completed', result: '{"tool_calls":[{"tool_name":"bash"},{"tool_name":"read"},{"tool_name":"bash"}]}' })
    await end(claimed[1]!, { to: 'dead', reason: 'provider_unavailable.connection', errorMessage: 'no line' })
    const wrong = {
      to: 'dead',
      reason: 'malformed_response.validation',
      errorMessage: 'wrong',
      result: '{"validation_errors":[{"path":"x"}]}',
    } as const
    await end(claimed[2]!, wrong)
    await queue.send({ queue: 'ai_results', body: '1' })
    clock.advance(500)
    const failed = { id: claimed[2]!.id, agent_id: 'b', error_message: 'wrong' }
    const found = await queue.statistics()
    expect(found.backlog.messages.find((each) => each.queue === 'ai_results')).toEqual({
      queue: 'ai_results',
      waiting: 1,
      oldest_ms: 500,
      paused: false,
    })
    expect({ ...found, backlog: { ...found.backlog, messages: [] } }).toEqual({
      backlog: { llm: { pending: 2, processing: 1, oldest_ms: 3500 }, other: { pending: 1, processing: 0, oldest_ms: 3500 }, messages: [] },
      pending_by_agent: [{ agent_id: 'c', pending: 2 }],
      completed_last_hour: 1,
      failed_with_validation_errors: [failed],
      outages: [{ reason: 'provider_unavailable.connection', failed: 1, last_at: new Date(clock.now() - 500).toISOString() }],
      success: {
        by_agent: [
          { agent_id: 'a', completed: 1, failed: 1, rate: 0.5 },
          { agent_id: 'b', completed: 0, failed: 1, rate: 0 },
        ],
        by_task_type: [{ task_type: 'review', completed: 1, failed: 2, rate: 1 / 3 }],
      },
      tool_calls: {
        requests: 1,
        by_type: [
          { tool_name: 'bash', calls: 2 },
          { tool_name: 'read', calls: 1 },
        ],
        failed: [failed],
      },
      latency_ms: { pick_up: { p50: 1000, p95: 1000, p99: 1000, n: 3 }, total: { p50: 3000, p95: 3000, p99: 3000, n: 3 } },
      throughput_per_s: { llm: 3, other: null },
    })
  })

  describe('workers and the rest', () => {
    it('lists the living with what they run, and asks them to stop', async () => {
      await register('w1', 7)
      await register('w2', 8, 'caller')
      await add()
      await take()
      processes.dead.add(8)
      expect(await queue.workers()).toEqual([
        {
          ...{ ...processes.identity(7), id: 'w1', queues: ['work'], version: '1', startedAt: clock.now(), seenAt: clock.now() },
          ...{ running: 1, stopping: false, role: 'worker' },
        },
      ])
      expect(await queue.askToStop('w1')).toBe(1)
      expect((await queue.workers())[0]!.stopping).toBe(true)
      expect(await queue.askToStop('nobody')).toBe(0)
      await queue.removeWorker('w1')
      expect(await queue.workers()).toEqual([])
    })

    it('tells what happened to a job, in order', async () => {
      const [job] = await add()
      const start = await queue.lastEvent()
      await back(await take())
      await die(await take('w2'))
      await queue.retry(job!.id)
      await queue.cancel(job!.id, 'enough')
      const events = await queue.events(start, 50)
      expect(events.map(({ type, id, detail }) => [type, id === job!.id, detail])).toEqual([
        ['claimed', true, 'w1'],
        ['released', true, 'later'],
        ['claimed', true, 'w2'],
        ['dead', true, 'processing_exception'],
        ['retried', true, null],
        ['cancelled', true, 'enough'],
      ])
      expect((await queue.events(start, 2)).length).toBe(2)
      expect(await queue.events(await queue.lastEvent(), 50)).toEqual([])
    })

    it('wakes who subscribed', async () => {
      let wakes = 0
      const release = await queue.subscribe(['work'], () => wakes++)
      await add()
      await until(() => wakes > 0, 'a wake')
      release()
    })

    it('throws away what ended long ago', async () => {
      const [old] = await add()
      await done(await take())
      const [waiting] = await add()
      clock.advance(91 * 86_400_000)
      expect(await queue.maintain({ retentionDays: 90, now: true })).toEqual({ pruned: 1, done: true })
      expect([await queue.get(old!.id), await stateOf(waiting!.id)]).toEqual([null, 'available'])
    })
  })
})
