import { describe, expect, it } from 'vitest'
import { type Settlement } from '../../src/core/queue/index.ts'
import { ENGINES, newJob } from '../support/queue.ts'
import { LEASE, code, useEngine } from '../support/queue-engine.ts'

describe.each(ENGINES)('the $name engine', ({ open }) => {
  const { at, add, claim, take, end, done, back, die, register, stateOf } = useEngine(open)

  describe('enqueue', () => {
    it('fills in what is left out', async () => {
      const [job] = await add()
      expect(await at.queue.get(job!.id)).toEqual({
        id: job!.id,
        queue: 'work',
        kind: 'k',
        payload: '{"a":1}',
        result: null,
        state: 'available',
        priority: 5,
        runAt: at.clock.now(),
        attempt: 0,
        maxAttempts: 4,
        crashes: 0,
        token: 0,
        leaseUntil: null,
        worker: null,
        uniqueKey: null,
        group: null,
        parentId: null,
        agentId: 'cli',
        taskType: 'k',
        complexity: 'medium',
        paid: false,
        lifetime: 'durable',
        deadlineAt: null,
        reason: null,
        errorMessage: null,
        createdAt: at.clock.now(),
        startedAt: null,
        finishedAt: null,
        updatedAt: at.clock.now(),
        publishedAt: at.clock.now(),
      })
      expect(await at.queue.get('nobody')).toBe(null)
    })

    it('knows the same job again, and refuses another with its id, all or nothing', async () => {
      const [job] = await add()
      expect(await at.queue.enqueue([job!])).toEqual([{ id: job!.id, status: 'pending', deduped: true }])
      const fresh = newJob()
      await expect(at.queue.enqueue([fresh, { ...job!, payload: '{"a":2}' }])).rejects.toEqual(code('ID_CONFLICT'))
      expect(await at.queue.get(fresh.id)).toBe(null)
    })

    it('has one living job per unique key and queue', async () => {
      const [first] = await add({ uniqueKey: 'u' })
      const [other] = await at.queue.enqueue([newJob({ uniqueKey: 'u' })])
      expect(other).toEqual({ id: first!.id, status: 'pending', deduped: true })
      expect((await at.queue.enqueue([newJob({ uniqueKey: 'u', queue: 'elsewhere' })]))[0]!.deduped).toBe(false)
      const held = await take()
      expect((await at.queue.enqueue([newJob({ uniqueKey: 'u' })]))[0]).toMatchObject({ id: first!.id, status: 'processing' })
      await done(held)
      expect((await at.queue.enqueue([newJob({ uniqueKey: 'u' })]))[0]!.deduped).toBe(false)
    })

    it('gives a caller its own row, once', async () => {
      const job = newJob()
      const own = await at.queue.enqueueClaimed(job, { workerId: 'me', leaseMs: LEASE })
      expect(own.result).toEqual({ id: job.id, status: 'processing', deduped: false })
      expect(own.claimed).toMatchObject({ id: job.id, token: 1, attempt: 1, state: 'running', worker: 'me', payload: job.payload })
      expect(own.claimed!.leaseUntil).toBe(at.clock.now() + LEASE)
      expect(await claim()).toEqual([])
      expect((await at.queue.enqueueClaimed(job, { workerId: 'other', leaseMs: LEASE })).claimed).toBe(null)
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
      const [job] = await add({ runAt: at.clock.now() + 1000 })
      expect(await claim()).toEqual([])
      expect(await at.queue.nextDueAt(['work'])).toBe(at.clock.now() + 1000)
      at.clock.advance(1000)
      expect((await take()).id).toBe(job!.id)
    })

    it('takes at once what was enqueued by a clock ahead of ours', async () => {
      await add()
      at.clock.jump(-3_600_000)
      expect(await claim()).toHaveLength(1)
    })

    it('respects a pause and the concurrency of a queue', async () => {
      await add({}, {}, {})
      await at.queue.setControl('work', { paused: true })
      expect(await claim()).toEqual([])
      await at.queue.setControl('work', { paused: false, concurrency: 2 })
      expect(await at.queue.control('work')).toEqual({ paused: false, concurrency: 2 })
      const two = await claim()
      expect(two).toHaveLength(2)
      expect(await claim(5, 'w2')).toEqual([])
      await done(two[0]!)
      expect(await claim(5, 'w2')).toHaveLength(1)
      await at.queue.setControl('work', { concurrency: null })
      expect(await at.queue.control('nowhere')).toEqual({ paused: false, concurrency: null })
    })

    it('respects the limit of a group and lets others pass', async () => {
      await at.queue.setGroupLimit('g', 1)
      const [a, b, c] = await add({ group: 'g' }, { group: 'g' }, { group: 'free' })
      const first = await claim()
      expect(first.map(({ id }) => id)).toEqual([a!.id, c!.id])
      expect(await claim()).toEqual([])
      await done(first[0]!)
      expect((await take()).id).toBe(b!.id)
      await at.queue.setGroupLimit('g', null)
      await add({ group: 'g' }, { group: 'g' })
      expect(await claim()).toHaveLength(2)
    })

    it('leaves jobs that live with their owner to him', async () => {
      const job = newJob({ lifetime: 'with_owner' })
      const { claimed } = await at.queue.enqueueClaimed(job, { workerId: 'me', leaseMs: LEASE })
      await back(claimed!)
      expect(await claim()).toEqual([])
      expect((await at.queue.claimById(job.id, { workerId: 'me', leaseMs: LEASE }))!.token).toBe(2)
      expect(await at.queue.claimById(job.id, { workerId: 'me', leaseMs: LEASE })).toBe(null)
    })

    it('runs a job that has crashed a worker alone', async () => {
      const [bad] = await add({ priority: 0 })
      await take()
      await register('w1', 7)
      at.processes.dead.add(7)
      expect((await at.queue.reap()).released).toEqual([bad!.id])
      await add({ priority: 1 }, { priority: 1 })
      const [other] = await at.queue.claim({ queues: ['work'], kinds: ['none', 'k'], limit: 1, workerId: 'busy', leaseMs: LEASE })
      expect(other!.id).toBe(bad!.id)
      expect(await claim(5, 'busy')).toEqual([])
      await back(other!, false)
      expect(await claim(5, 'w2')).toHaveLength(1)
      expect((await at.queue.get(bad!.id))!).toMatchObject({ state: 'running', worker: 'w2', crashes: 1 })
    })
  })

  describe('settle', () => {
    it('ends a job once, with its result', async () => {
      await add()
      const job = await take()
      expect(await end(job, { to: 'completed', result: '{"x":2}' })).toBe('applied')
      expect(await at.queue.get(job.id)).toMatchObject({
        state: 'completed',
        result: '{"x":2}',
        leaseUntil: null,
        finishedAt: at.clock.now(),
      })
      expect(await done(job)).toBe('fenced')
      expect((await at.queue.get(job.id))!.result).toBe('{"x":2}')
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
      expect(await at.queue.get(job!.id)).toMatchObject({ attempt: 0, state: 'available', reason: 'later', worker: null })
      await back(await take())
      expect(await at.queue.get(job!.id)).toMatchObject({ attempt: 1, state: 'available' })
      await back(await take())
      expect(await at.queue.get(job!.id)).toMatchObject({ attempt: 2, state: 'dead', reason: 'later', finishedAt: at.clock.now() })
    })

    it('waits for the moment it was put back for', async () => {
      await add()
      await back(await take(), true, at.clock.now() + 500)
      expect(await claim()).toEqual([])
      at.clock.advance(500)
      expect(await claim()).toHaveLength(1)
    })

    it('writes messages and follow-up jobs with the result, or nothing at all', async () => {
      await add()
      const job = await take()
      const next = newJob({ parentId: job.id })
      const bad = { ...newJob({ id: job.id }), payload: '"other"' }
      const message = { queue: 'ai_results', body: '{"n":1}', key: 'once' }
      const both: Settlement = { id: job.id, token: job.token, to: 'completed', result: '1', messages: [message], jobs: [next, bad] }
      await expect(at.queue.settle([both])).rejects.toEqual(code('ID_CONFLICT'))
      expect([await stateOf(job.id), await at.queue.get(next.id), await at.queue.read('ai_results', 5, 1000)]).toEqual([
        'running',
        null,
        [],
      ])
      expect(await at.queue.settle([{ ...both, jobs: [next] }])).toEqual(['applied'])
      expect((await at.queue.list({ parentId: job.id, limit: 5 })).jobs.map(({ id }) => id)).toEqual([next.id])
      expect((await at.queue.read('ai_results', 5, 1000)).map(({ body }) => body)).toEqual(['{"n":1}'])
    })

    it('applies nothing of what is fenced', async () => {
      await add()
      const job = await take()
      await done(job)
      const next = newJob()
      expect(await at.queue.settle([{ id: job.id, token: job.token, to: 'completed', result: '9', jobs: [next] }])).toEqual(['fenced'])
      expect(await at.queue.get(next.id)).toBe(null)
    })

    it('keeps the raw answer of what failed', async () => {
      await add()
      const job = await take()
      await end(job, { to: 'dead', reason: 'malformed_response.validation', errorMessage: 'no', result: '{"response":"raw"}' })
      expect(await at.queue.get(job.id)).toMatchObject({ state: 'dead', errorMessage: 'no', result: '{"response":"raw"}' })
    })
  })

  describe('cancel and retry', () => {
    it('cancels what waits at once', async () => {
      const [job] = await add()
      expect(await at.queue.cancel(job!.id, 'not needed')).toBe('cancelled')
      expect(await at.queue.get(job!.id)).toMatchObject({ state: 'cancelled', reason: 'not needed' })
      await expect(at.queue.cancel(job!.id, 'again')).rejects.toEqual(code('STATE_CONFLICT'))
      await expect(at.queue.cancel('nobody', 'x')).rejects.toEqual(code('NOT_FOUND'))
    })

    it('asks what runs, which may still complete or end as cancelled', async () => {
      await add({}, {})
      const [a, b] = await claim()
      at.clock.advance(5)
      expect(await at.queue.cancel(a!.id, 'stop')).toBe('asked')
      await at.queue.cancel(b!.id, 'stop')
      expect((await at.queue.get(a!.id))!.updatedAt).toBe(at.clock.now())
      expect(await at.queue.heartbeat('w1', [a!, b!], LEASE)).toEqual({ lost: [], cancelled: [a!.id, b!.id] })
      await done(a!)
      await back(b!)
      expect([await stateOf(a!.id), await stateOf(b!.id)]).toEqual(['completed', 'cancelled'])
      expect((await at.queue.get(b!.id))!.reason).toBe('stop')
    })

    it('takes the children along', async () => {
      const [parent] = await add()
      const [child] = await add({ parentId: parent!.id })
      const [grandchild] = await add({ parentId: child!.id })
      await at.queue.cancel(parent!.id, 'x')
      expect(await at.queue.get(grandchild!.id)).toMatchObject({ state: 'cancelled', reason: 'parent_cancelled' })
    })

    it('brings back the dead and the cancelled, and nothing else', async () => {
      const [job] = await add({ maxAttempts: 1, uniqueKey: 'u' })
      await expect(at.queue.retry(job!.id)).rejects.toEqual(code('STATE_CONFLICT'))
      await die(await take())
      await at.queue.retry(job!.id)
      expect(await at.queue.get(job!.id)).toMatchObject({
        state: 'available',
        attempt: 0,
        reason: null,
        errorMessage: null,
        finishedAt: null,
      })
      await die(await take())
      await add({ uniqueKey: 'u' })
      await expect(at.queue.retry(job!.id)).rejects.toEqual(code('STATE_CONFLICT'))
      await expect(at.queue.retry('nobody')).rejects.toEqual(code('NOT_FOUND'))
    })
  })

  describe('deadlines', () => {
    it('end what still waits, and leave alone what runs', async () => {
      const [late, running] = await add({ deadlineAt: at.clock.now() + 100 }, { deadlineAt: at.clock.now() + 100, priority: 0 })
      await take()
      at.clock.advance(100)
      expect(await claim()).toEqual([])
      expect((await at.queue.reap()).ended).toEqual([late!.id])
      expect(await at.queue.get(late!.id)).toMatchObject({ state: 'dead', reason: 'deadline' })
      expect(await stateOf(running!.id)).toBe('running')
    })
  })
})
