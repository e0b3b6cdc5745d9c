import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ClaimedJob, NewJob, QueueEngine, Settlement } from '../../src/core/queue/index.ts'
import { ENGINES, manualClock, namedProcesses, newJob } from '../support/queue.ts'

describe.each(ENGINES)('the $name engine', ({ open }) => {
  let clock: ReturnType<typeof manualClock>
  let queue: QueueEngine
  let cleanup: () => void
  beforeEach(() => {
    clock = manualClock()
    ;({ queue, cleanup } = open({ clock, processes: namedProcesses() }))
  })
  afterEach(async () => {
    expect(await queue.verify()).toEqual([])
    cleanup()
  })

  const claim = (limit: number): Promise<ClaimedJob[]> =>
    queue.claim({ queues: ['llm_requests'], kinds: ['k'], limit, workerId: 'w1', leaseMs: 30_000 })
  const end = (job: ClaimedJob, settlement: Partial<Settlement> & { to: Settlement['to'] }) =>
    queue.settle([{ id: job.id, token: job.token, ...settlement } as Settlement])

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
      const job = newJob()
      await queue.enqueue([job])
      const id = await queue.send({ queue: 'ai_requests', body: '{}' })
      const other = { ...job, payload: '{"a":2}' }
      await expect(queue.intake('ai_requests', id, { jobs: [newJob(), other] })).rejects.toMatchObject({ code: 'ID_CONFLICT' })
      expect(await queue.waiting(['ai_requests'])).toEqual(['ai_requests'])
      expect((await queue.list({ limit: 10 })).jobs).toHaveLength(1)
    })
  })

  it('tells every call to a model, with what became of its request', async () => {
    await queue.enqueue([newJob({ queue: 'llm_requests', agentId: 'a', taskType: 'review' }), newJob({ queue: 'llm_requests' })])
    const [job, other] = (await claim(2)) as [ClaimedJob, ClaimedJob]
    const attempt = { provider: 'p', httpStatus: null, usage: null, skipped: [], droppedParams: [], costSource: 'computed' } as const
    const open = (owner: ClaimedJob, more: object) =>
      queue.openAttempt(
        { id: owner.id, token: owner.token },
        { ...attempt, step: 'call', model: 'p/m', phase: 'settled', kind: null, reason: null, costNusd: 5, ms: 7, ...more },
      )
    const began = clock.now()
    await open(job, { kind: 'malformed_response', reason: 'validation' })
    clock.advance(1000)
    await open(job, { step: 'reask' })
    clock.advance(1000)
    await open(other, {})
    await end(job, { to: 'completed', result: '{}' })
    const row = { id: job.id, agentId: 'a', taskType: 'review', status: 'completed', provider: 'p', model: 'p/m', phase: 'settled' }
    const times = { costNusd: 5, ms: 7, createdAt: began, finishedAt: began + 2000 }
    expect(await queue.calls(0)).toEqual([
      { ...row, ...times, n: 1, step: 'call', kind: 'malformed_response', startedAt: began },
      { ...row, ...times, n: 2, step: 'reask', kind: null, startedAt: began + 1000 },
      expect.objectContaining({ id: other.id, status: 'processing', finishedAt: null }),
    ])
    expect(await queue.calls(began + 1001)).toEqual([expect.objectContaining({ id: other.id })])
    await end(other, { to: 'completed', result: '{}' })
  })

  it('answers the questions of its statistics', async () => {
    const llm = (agentId: string, more: Partial<NewJob> = {}): NewJob =>
      newJob({ queue: 'llm_requests', agentId, taskType: 'review', ...more })
    const tools = '{"tools":[{"name":"bash"}]}'
    await queue.enqueue([llm('a'), llm('a'), llm('b', { payload: tools }), llm('b'), llm('c'), llm('c'), newJob()])
    clock.advance(1000)
    const claimed = await claim(4)
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
})
