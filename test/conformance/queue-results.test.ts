import { describe, expect, it } from 'vitest'
import type { ClaimedJob, ExecutionResult, Settlement } from '../../src/core/queue/index.ts'
import { ENGINES, newJob } from '../support/queue.ts'
import { useEngine } from '../support/queue-engine.ts'

describe.each(ENGINES)('what the $name engine publishes of jobs that have ended', ({ open }) => {
  const { at, add, claim, take, end, done, back, die, register } = useEngine(open)
  const results = async (): Promise<ExecutionResult[]> =>
    (await at.queue.read('job_results', 100, 1000)).map(({ body }) => JSON.parse(body) as ExecutionResult)
  const attempt = {
    step: 'call',
    provider: 'p',
    model: 'm',
    phase: 'settled',
    kind: null,
    reason: null,
    httpStatus: null,
    costSource: 'reported',
    ms: 1,
    skipped: [],
    droppedParams: [],
  } as const

  it('is the whole of a success, in the transaction that ends it', async () => {
    const [job] = await add({ agentId: 'me', payload: '{"a":{"b":1}}' })
    const claimed = await take()
    at.clock.advance(1500)
    const result = { usage: { total_tokens: 30 }, cost_nusd: 25_000_000, more: [1] }
    await expect(
      end(claimed, { to: 'completed', result: JSON.stringify(result), messages: [{ queue: 'nowhere', body: '1' }] }),
    ).rejects.toThrow('nowhere')
    expect(await results()).toEqual([])
    await end(claimed, { to: 'completed', result: JSON.stringify(result) })
    expect(await results()).toEqual([
      {
        workflow: 'k',
        instance_id: 'me',
        job_id: job!.id,
        input: { a: { b: 1 } },
        output: result,
        tokens_used: 30,
        cost_cents: 2.5,
        duration_ms: 1500,
        status: 'success',
      },
    ])
  })

  it('is a failure with what its tries cost, or a time-out, and nothing of what waits again', async () => {
    const [failed, timed, again] = await add({}, {}, {})
    const jobs = new Map((await claim()).map((job) => [job.id, job]))
    const held = (id: string): ClaimedJob => jobs.get(id)!
    const usage = { promptTokens: 1, completionTokens: 2, totalTokens: 3 }
    for (const costNusd of [10_000_000, 5_000_000]) await at.queue.openAttempt(held(failed!.id), { ...attempt, usage, costNusd })
    await die(held(failed!.id))
    await end(held(timed!.id), { to: 'dead', reason: 'run_timeout', errorMessage: 'late', result: '{"part":1}' })
    await back(held(again!.id))
    expect(await results()).toMatchObject([
      { job_id: failed!.id, output: null, tokens_used: 3 * 2, cost_cents: 1.5, status: 'failure' },
      { job_id: timed!.id, output: { part: 1 }, tokens_used: null, cost_cents: null, status: 'timeout' },
    ])
  })

  it('is there however a job ends: in a batch, cancelled, by its deadline, with its owner, by crashing', async () => {
    const batch = await add({}, {}, {}, {}, {})
    const held = await claim()
    await at.queue.settle(held.map(({ id, token }): Settlement => ({ id, token, to: 'completed', result: '1' })))
    expect((await results()).map(({ job_id, status }) => [job_id, status])).toEqual(batch.map(({ id }) => [id, 'success']))

    const [cancelled] = await add()
    await at.queue.cancel(cancelled!.id, 'cancelled')
    const [late] = await add({ deadlineAt: at.clock.now() + 5 })
    at.clock.advance(10)
    await at.queue.reap()
    await register('w7', 7)
    const [owned, crashed] = await add({ lifetime: 'with_owner' }, { maxAttempts: 1 })
    await at.queue.claimById(owned!.id, { workerId: 'w7', leaseMs: 1000 })
    await at.queue.claimById(crashed!.id, { workerId: 'w7', leaseMs: 1000 })
    at.processes.dead.add(7)
    await at.queue.reap()
    expect(new Map((await results()).map(({ job_id, status }) => [job_id, status]))).toEqual(
      new Map([
        [cancelled!.id, 'failure'],
        [late!.id, 'timeout'],
        [owned!.id, 'failure'],
        [crashed!.id, 'failure'],
      ]),
    )
  })

  it('comes once per end: not for who lost the claim, again for what was tried again', async () => {
    const [job] = await add()
    const first = await take()
    await die(first)
    expect(await done(first)).toBe('fenced')
    expect(await results()).toHaveLength(1)
    await at.queue.retry(job!.id)
    await done(await take())
    expect((await results()).map(({ status }) => status)).toEqual(['success'])
  })

  it('leaves requests to models to their own answers', async () => {
    await at.queue.enqueue([newJob({ queue: 'llm_requests' })])
    const [job] = await claim(1, 'w1', ['llm_requests'])
    await done(job!)
    expect(await results()).toEqual([])
  })
})

describe.each(ENGINES)('waking jobs of the $name engine', ({ open }) => {
  const { at, add, claim, take, back, stateOf } = useEngine(open)

  it('makes due what waits for a moment, and nothing else; the bell rings in any case', async () => {
    let rings = 0
    const release = await at.queue.subscribe(['work'], () => void rings++)
    const [later, other] = await add({ runAt: at.clock.now() + 60_000 }, { runAt: at.clock.now() + 60_000 })
    await at.queue.wake([later!.id])
    expect((await claim()).map(({ id }) => id)).toEqual([later!.id])
    expect(await stateOf(other!.id)).toBe('available')
    await at.queue.wake([later!.id, 'nobody'])
    expect(await stateOf(later!.id)).toBe('running')
    await expect.poll(() => rings).toBeGreaterThan(0)
    const before = rings
    await at.queue.wake([])
    await expect.poll(() => rings).toBeGreaterThan(before)
    release()
  })

  it('costs no attempt', async () => {
    const [job] = await add({ maxAttempts: 1 })
    await back(await take(), false, at.clock.now() + 60_000)
    await at.queue.wake([job!.id])
    expect(await take()).toMatchObject({ id: job!.id, attempt: 1 })
  })

  it('names every queue there is', async () => {
    await add({ queue: 'jobs-of-mine' })
    await at.queue.setControl('limited', { concurrency: 1 })
    expect(await at.queue.queues()).toEqual(expect.arrayContaining(['ai_results', 'job_results', 'jobs-of-mine', 'limited']))
    expect(await at.queue.queues()).not.toContain('nowhere')
  })
})
