import { describe, expect, it } from 'vitest'
import { type Attempt, NAMED_QUEUES } from '../../src/core/queue/index.ts'
import { ENGINES, newJob, until } from '../support/queue.ts'
import { LEASE, code, useEngine } from '../support/queue-engine.ts'

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
  const { at, add, claim, take, done, back, die, register, stateOf } = useEngine(open)

  describe('leases', () => {
    it('are renewed by who holds them, and by nobody else', async () => {
      await add()
      const job = await take()
      at.clock.advance(10_000)
      expect(await at.queue.heartbeat('w1', [job], LEASE)).toEqual({ lost: [], cancelled: [] })
      expect((await at.queue.get(job.id))!.leaseUntil).toBe(at.clock.now() + LEASE)
      expect((await at.queue.heartbeat('w2', [job], LEASE)).lost).toEqual([job.id])
      expect((await at.queue.heartbeat('w1', [{ id: job.id, token: 99 }], LEASE)).lost).toEqual([job.id])
    })

    it('fall at once when their owner is seen dead', async () => {
      const [job] = await add()
      await register('w1', 7)
      const held = await take()
      expect(await at.queue.reap()).toEqual({ released: [], dead: [], ended: [], orphans: [] })
      at.processes.dead.add(7)
      expect(await at.queue.reap()).toEqual({ released: [job!.id], dead: [], ended: [], orphans: [{ id: job!.id, token: held.token }] })
      expect(await at.queue.get(job!.id)).toMatchObject({ state: 'available', crashes: 1, attempt: 1, reason: 'owner_lost' })
      expect((await at.queue.heartbeat('w1', [held], LEASE)).lost).toEqual([job!.id])
      expect(await done(held)).toBe('fenced')
      expect(await at.queue.workers()).toEqual([])
    })

    it('fall after a second look where nobody knows', async () => {
      await add()
      const held = await take()
      at.clock.advance(LEASE + 1)
      expect((await at.queue.reap()).released).toEqual([])
      at.clock.advance(LEASE - 1)
      expect((await at.queue.reap()).released).toEqual([])
      at.clock.advance(1)
      expect((await at.queue.reap()).released).toEqual([held.id])
    })

    it('stay with a living owner whose machine or clock made a jump', async () => {
      await add()
      const held = await take()
      at.clock.jump(3_600_000)
      await at.queue.reap()
      at.clock.advance(1000)
      expect((await at.queue.reap()).released).toEqual([])
      await at.queue.heartbeat('w1', [held], LEASE)
      at.clock.jump(-7_200_000)
      await at.queue.reap()
      at.clock.advance(LEASE - 1)
      expect((await at.queue.reap()).released).toEqual([])
    })

    it('fall in the end also when the clock of their owner was ahead', async () => {
      await add()
      await take()
      at.clock.jump(-3_600_000)
      await at.queue.reap()
      at.clock.advance(LEASE)
      expect((await at.queue.reap()).released).toHaveLength(1)
    })

    it('put back by a clock an hour ahead wait as long as they were told to, not an hour more', async () => {
      const [told, wanted] = await add({}, { runAt: at.clock.now() + 7_200_000 })
      await back(await take(), true, at.clock.now() + 5000)
      at.clock.jump(-3_600_000)
      const appointed = (await at.queue.get(wanted!.id))!.runAt
      await at.queue.reap()
      expect(await at.queue.nextDueAt(['work'])).toBe(at.clock.now() + 5000)
      at.clock.advance(4999)
      await at.queue.reap()
      expect(await claim()).toEqual([])
      at.clock.advance(1)
      expect((await claim()).map(({ id }) => id)).toEqual([told!.id])
      // what somebody asked for at a time of day stays there
      expect((await at.queue.get(wanted!.id))!.runAt).toBe(appointed)
    })

    it('count as attempts: a job that crashes every worker ends dead', async () => {
      const [job] = await add({ maxAttempts: 2 })
      for (const pid of [11, 12]) {
        await register(`w${pid}`, pid)
        await take(`w${pid}`)
        at.processes.dead.add(pid)
        await at.queue.reap()
      }
      expect(await at.queue.get(job!.id)).toMatchObject({ state: 'dead', reason: 'crashed', crashes: 2 })
    })

    it('take jobs that live with their owner along', async () => {
      await register('me', 9, 'caller')
      const running = newJob({ lifetime: 'with_owner' })
      const waiting = newJob({ lifetime: 'with_owner' })
      await at.queue.enqueueClaimed(running, { workerId: 'me', leaseMs: LEASE })
      const { claimed } = await at.queue.enqueueClaimed(waiting, { workerId: 'me', leaseMs: LEASE })
      await back(claimed!, true, at.clock.now() + 50_000)
      expect((await at.queue.reap()).ended).toEqual([])
      at.processes.dead.add(9)
      expect(new Set((await at.queue.reap()).ended)).toEqual(new Set([running.id, waiting.id]))
      expect(await at.queue.get(waiting.id)).toMatchObject({ state: 'cancelled', reason: 'owner_gone' })
    })

    it('are held by a keeper, which tells once what is cancelled and what is lost', async () => {
      await add({}, {})
      const [a, b] = await claim()
      const reports: unknown[] = []
      const keeper = at.queue.keepLeases({ workerId: 'w1', leaseMs: LEASE, onReport: (report) => reports.push(report) })
      keeper.hold(a!)
      keeper.hold(b!)
      await at.queue.cancel(a!.id, 'x')
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
      expect(await at.queue.openAttempt(job, ATTEMPT)).toBe(1)
      expect(await at.queue.openAttempt(job, { ...ATTEMPT, step: 'reask' })).toBe(2)
      const usage = { promptTokens: 1, completionTokens: 2, totalTokens: 3 }
      await at.queue.updateAttempt(job.id, 2, { phase: 'settled', usage, costNusd: 42, httpStatus: 200, kind: null, skipped: [] })
      expect(await at.queue.attempts(job.id)).toEqual([
        { ...ATTEMPT, n: 1, startedAt: at.clock.now() },
        { ...ATTEMPT, n: 2, step: 'reask', startedAt: at.clock.now(), phase: 'settled', usage, costNusd: 42, httpStatus: 200, skipped: [] },
      ])
      await at.queue.updateAttempt(job.id, 1, { phase: 'settled' })
      await expect(at.queue.updateAttempt(job.id, 3, { ms: 1 })).rejects.toEqual(code('NOT_FOUND'))
    })

    it('of before a retry are marked, and count on', async () => {
      const [added] = await add()
      const job = await take()
      await at.queue.openAttempt(job, ATTEMPT)
      await die(job)
      at.clock.advance(1000)
      await at.queue.retry(added!.id)
      await at.queue.openAttempt(await take(), ATTEMPT)
      expect((await at.queue.attempts(added!.id)).map(({ n, beforeRetry }) => [n, beforeRetry])).toEqual([
        [1, true],
        [2, undefined],
      ])
    })

    it('are refused to who lost the claim, and unknown when the owner dies in a call', async () => {
      await add()
      await register('w1', 7)
      const job = await take()
      await at.queue.openAttempt(job, { ...ATTEMPT, phase: 'calling' })
      at.processes.dead.add(7)
      await at.queue.reap()
      expect((await at.queue.attempts(job.id))[0]!.phase).toBe('unknown')
      await expect(at.queue.openAttempt(job, ATTEMPT)).rejects.toEqual(code('STATE_CONFLICT'))
      await at.queue.updateAttempt(job.id, 1, { phase: 'settled', costNusd: 5 })
      expect((await at.queue.attempts(job.id))[0]).toMatchObject({ phase: 'settled', costNusd: 5 })
    })
  })

  describe('list', () => {
    it('filters, newest first, page by page', async () => {
      const jobs = await add({ agentId: 'a' }, { agentId: 'b', taskType: 't' }, { agentId: 'a' }, { agentId: 'a', queue: 'other' })
      const ids = (page: { jobs: { id: string }[] }) => page.jobs.map(({ id }) => id)
      expect(ids(await at.queue.list({ limit: 10 }))).toEqual(jobs.map(({ id }) => id).reverse())
      const first = await at.queue.list({ queue: 'work', agentId: 'a', limit: 1 })
      expect(ids(first)).toEqual([jobs[2]!.id])
      const second = await at.queue.list({ queue: 'work', agentId: 'a', limit: 1, cursor: first.next! })
      expect([ids(second), second.next]).toEqual([[jobs[0]!.id], null])
      expect(ids(await at.queue.list({ taskType: 't', limit: 10 }))).toEqual([jobs[1]!.id])
      await take()
      expect(ids(await at.queue.list({ states: ['running', 'dead'], limit: 10 }))).toEqual([jobs[0]!.id])
      expect(ids(await at.queue.list({ since: at.clock.now() + 1, limit: 10 }))).toEqual([])
    })
  })

  describe('messages', () => {
    it('lie in queues that are there from the start, or were made', async () => {
      for (const name of NAMED_QUEUES) expect(await at.queue.read(name, 1, 1000)).toEqual([])
      await expect(at.queue.read('mine', 1, 1000)).rejects.toEqual(code('NOT_FOUND'))
      await expect(at.queue.send({ queue: 'mine', body: '1' })).rejects.toEqual(code('NOT_FOUND'))
      await at.queue.ensureQueues(['mine', 'ai_requests'])
      expect(await at.queue.send({ queue: 'mine', body: '1' })).toBeGreaterThan(0)
    })

    it('are JSON, as payloads are', async () => {
      await expect(at.queue.send({ queue: 'ai_results', body: 'no' })).rejects.toEqual(code('REQUEST_INVALID'))
      await expect(at.queue.enqueue([newJob({ payload: '{' })])).rejects.toEqual(code('REQUEST_INVALID'))
    })

    it('are hidden while they are read, come again, and go when acknowledged', async () => {
      const ids = [
        await at.queue.send({ queue: 'ai_results', body: '{"n":1}' }),
        await at.queue.send({ queue: 'ai_results', body: '{"n":2}' }),
      ]
      const [first] = await at.queue.read('ai_results', 1, 1000)
      expect(first).toEqual({ id: ids[0], readCount: 1, enqueuedAt: at.clock.now(), body: '{"n":1}' })
      expect((await at.queue.read('ai_results', 5, 1000)).map(({ id }) => id)).toEqual([ids[1]])
      at.clock.advance(1000)
      expect(await at.queue.ack('ai_results', [ids[1]!, 999])).toBe(1)
      expect((await at.queue.read('ai_results', 5, 1000)).map(({ id, readCount }) => [id, readCount])).toEqual([[ids[0], 2]])
      expect(await at.queue.ack('ai_results', [ids[1]!])).toBe(0)
      expect(await at.queue.ack('ai_requests', [ids[0]!])).toBe(0)
    })

    it('with a key are sent once, also after they were acknowledged', async () => {
      const id = await at.queue.send({ queue: 'ai_results', body: '1', key: 'k' })
      expect(await at.queue.send({ queue: 'ai_results', body: '2', key: 'k' })).toBe(id)
      await at.queue.read('ai_results', 1, 1)
      await at.queue.ack('ai_results', [id])
      expect(await at.queue.send({ queue: 'ai_results', body: '3', key: 'k' })).toBe(id)
      at.clock.advance(1000)
      expect(await at.queue.read('ai_results', 1, 1)).toEqual([])
      expect(await at.queue.send({ queue: 'ai_requests', body: '3', key: 'k' })).not.toBe(id)
    })
  })

  describe('workers and the rest', () => {
    it('lists the living with what they run, and asks them to stop', async () => {
      await register('w1', 7)
      await register('w2', 8, 'caller')
      await add()
      await take()
      at.processes.dead.add(8)
      expect(await at.queue.workers()).toEqual([
        {
          ...at.processes.identity(7),
          id: 'w1',
          queues: ['work'],
          version: '1',
          startedAt: at.clock.now(),
          seenAt: at.clock.now(),
          running: 1,
          stopping: false,
          role: 'worker',
        },
      ])
      expect(await at.queue.askToStop('w1')).toBe(1)
      expect((await at.queue.workers())[0]!.stopping).toBe(true)
      expect(await at.queue.askToStop('nobody')).toBe(0)
      await at.queue.removeWorker('w1')
      expect(await at.queue.workers()).toEqual([])
    })

    it('tells what happened to a job, in order', async () => {
      const [job] = await add()
      const start = await at.queue.lastEvent()
      await back(await take())
      await die(await take('w2'))
      await at.queue.retry(job!.id)
      await at.queue.cancel(job!.id, 'enough')
      const events = await at.queue.events(start, 50)
      expect(events.map(({ type, id, detail }) => [type, id === job!.id, detail])).toEqual([
        ['claimed', true, 'w1'],
        ['released', true, 'later'],
        ['claimed', true, 'w2'],
        ['dead', true, 'processing_exception'],
        ['retried', true, null],
        ['cancelled', true, 'enough'],
      ])
      expect((await at.queue.events(start, 2)).length).toBe(2)
      expect(await at.queue.events(await at.queue.lastEvent(), 50)).toEqual([])
    })

    it('wakes who subscribed', async () => {
      let wakes = 0
      const release = await at.queue.subscribe(['work'], () => wakes++)
      await add()
      await until(() => wakes > 0, 'a wake')
      release()
    })

    it('throws away what ended long ago', async () => {
      const [old] = await add()
      await done(await take())
      const [waiting] = await add()
      at.clock.advance(91 * 86_400_000)
      expect(await at.queue.maintain({ retentionDays: 90, now: true })).toEqual({ pruned: 1, done: true })
      expect([await at.queue.get(old!.id), await stateOf(waiting!.id)]).toEqual([null, 'available'])
    })
  })
})
