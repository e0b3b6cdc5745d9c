import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { QUEUE_APPLICATION_ID, QUEUE_MIGRATIONS } from '../../../src/core/queue/engines/sqlite/migrations.ts'
import { CHORES } from '../../../src/core/queue/engines/sqlite/maintenance.ts'
import { STATISTICS } from '../../../src/core/queue/engines/sqlite/statistics-sql.ts'
import { SQL, claimSql } from '../../../src/core/queue/engines/sqlite/sql.ts'
import { LLM_QUEUE, type QueueEngine } from '../../../src/core/queue/index.ts'
import { type Database, openDatabase } from '../../../src/core/storage/index.ts'
import { type QueueBench, manualClock, newJob, openQueueBench } from '../../support/queue.ts'

/** As another program sees the file: through its views alone. */
let bench: QueueBench
let queue: QueueEngine
let db: Database
let clock: ReturnType<typeof manualClock>
beforeEach(() => {
  bench = openQueueBench()
  clock = manualClock(Date.UTC(2026, 4, 1, 12))
  queue = bench.open({ clock })
  db = openDatabase({ path: bench.path, applicationId: QUEUE_APPLICATION_ID, migrations: QUEUE_MIGRATIONS })
})
afterEach(() => {
  db.close()
  bench.cleanup()
})

const llmJob = (payload: object, more = {}) =>
  newJob({ queue: LLM_QUEUE, kind: 'k', taskType: 'summarise', payload: JSON.stringify(payload), ...more })
const claim = async () => (await queue.claim({ queues: [LLM_QUEUE, 'work'], kinds: ['k'], limit: 1, workerId: 'w', leaseMs: 1000 }))[0]!
const COLUMNS = [
  'id agent_id task_type complexity messages context status published_at error_message created_at updated_at',
  'response_schema response parsed_response validation_errors api_version max_tokens temperature previous_response_id mcp_servers store tools',
].flatMap((line) => line.split(' '))

describe('llm_requests', () => {
  it('has exactly the columns of the contract', () => {
    expect(db.all<{ name: string }>('PRAGMA table_info(llm_requests)').map(({ name }) => name)).toEqual(COLUMNS)
  })

  it('shows a bare request with the defaults', async () => {
    const job = llmJob({})
    await queue.enqueue([job, newJob()])
    const at = '2026-05-01T12:00:00.000Z'
    expect(db.all('SELECT * FROM llm_requests')).toEqual([
      {
        ...Object.fromEntries(COLUMNS.map((name) => [name, null])),
        id: job.id,
        agent_id: 'cli',
        task_type: 'summarise',
        complexity: 'medium',
        messages: '[]',
        context: '{}',
        status: 'pending',
        published_at: at,
        created_at: at,
        updated_at: at,
      },
    ])
  })

  it('shows what was asked for and what came of it', async () => {
    const asked = {
      messages: [{ role: 'user', content: 'hi' }],
      context: { a: 1 },
      response_schema: { type: 'object' },
      api_version: 'v1',
      options: { temperature: 0.5, max_tokens: 10 },
      max_tokens: 20,
      previous_response_id: 'r0',
      mcp_servers: [{ url: 'x' }],
      store: true,
      tools: [{ name: 't' }],
    }
    await queue.enqueue([llmJob(asked, { agentId: 'me', complexity: 'complex' })])
    const job = await claim()
    expect(db.get('SELECT status FROM llm_requests')).toEqual({ status: 'processing' })
    clock.advance(2500)
    const result = { response: '{"b":2}', parsed_response: { b: 2 }, validation_errors: null }
    await queue.settle([{ id: job.id, token: job.token, to: 'completed', result: JSON.stringify(result) }])
    expect(db.get('SELECT * FROM llm_requests')).toEqual({
      id: job.id,
      agent_id: 'me',
      task_type: 'summarise',
      complexity: 'complex',
      status: 'completed',
      error_message: null,
      messages: '[{"role":"user","content":"hi"}]',
      context: '{"a":1}',
      response_schema: '{"type":"object"}',
      response: '{"b":2}',
      parsed_response: '{"b":2}',
      validation_errors: null,
      api_version: 'v1',
      max_tokens: 20,
      temperature: 0.5,
      previous_response_id: 'r0',
      mcp_servers: '[{"url":"x"}]',
      store: 1,
      tools: '[{"name":"t"}]',
      published_at: '2026-05-01T12:00:00.000Z',
      created_at: '2026-05-01T12:00:00.000Z',
      updated_at: '2026-05-01T12:00:02.500Z',
    })
  })

  it('shows dead and cancelled requests as failed, with why and with the raw answer', async () => {
    await queue.enqueue([llmJob({}), llmJob({})])
    const job = await claim()
    const result = JSON.stringify({ response: 'raw', parsed_response: null, validation_errors: [{ path: '$' }] })
    const errorMessage = 'not the asked form'
    await queue.settle([{ id: job.id, token: job.token, to: 'dead', reason: 'malformed_response', errorMessage, result }])
    await queue.cancel((await claim()).id, 'x')
    const other = (await queue.list({ states: ['running'], limit: 1 })).jobs[0]!
    await queue.settle([{ id: other.id, token: other.token, to: 'cancelled', reason: 'y' }])
    expect(
      db.all('SELECT status, error_message, response, parsed_response, validation_errors FROM llm_requests ORDER BY id = ?', other.id),
    ).toEqual([
      { status: 'failed', error_message: errorMessage, response: 'raw', parsed_response: null, validation_errors: '[{"path":"$"}]' },
      { status: 'failed', error_message: 'x', response: null, parsed_response: null, validation_errors: null },
    ])
  })
})

describe('the views of results', () => {
  it('tell model, tokens and cents of an answer', async () => {
    await queue.enqueue([llmJob({ a: 1 })])
    const job = await claim()
    clock.advance(1200)
    const result = JSON.stringify({ response: 'x', model: 'm', usage: { total_tokens: 30 }, cost_nusd: 25_000_000 })
    await queue.settle([{ id: job.id, token: job.token, to: 'completed', result }])
    expect(db.all('SELECT * FROM ai_results')).toEqual([
      { request_id: job.id, response: 'x', model: 'm', tokens_used: 30, cost_cents: 2.5 },
    ])
    expect(db.all('SELECT * FROM job_results')).toEqual([
      {
        workflow: 'k',
        instance_id: 'cli',
        job_id: job.id,
        input: '{"a":1}',
        output: result,
        tokens_used: 30,
        cost_cents: 2.5,
        duration_ms: 1200,
        status: 'success',
      },
    ])
  })

  it('tell failures from time-outs, and take the cost from the attempts where there is no answer', async () => {
    await queue.enqueue([newJob(), newJob({ deadlineAt: clock.now() + 5 })])
    const job = await claim()
    const base = {
      step: 'call',
      provider: 'p',
      model: 'm',
      kind: null,
      reason: null,
      httpStatus: null,
      costSource: 'reported',
      ms: 1,
    } as const
    const usage = { promptTokens: 1, completionTokens: 2, totalTokens: 3 }
    for (const costNusd of [10_000_000, 5_000_000])
      await queue.openAttempt(job, { ...base, phase: 'settled', usage, costNusd, skipped: [], droppedParams: [] })
    await queue.settle([{ id: job.id, token: job.token, to: 'dead', reason: 'processing_exception', errorMessage: 'no' }])
    clock.advance(10)
    await queue.reap()
    expect(db.all('SELECT job_id = ? AS first, tokens_used, cost_cents, status FROM job_results ORDER BY first DESC', job.id)).toEqual([
      { first: 1, tokens_used: 6, cost_cents: 1.5, status: 'failure' },
      { first: 0, tokens_used: null, cost_cents: null, status: 'timeout' },
    ])
  })
})

describe('indexes', () => {
  const plan = (sql: string, ...params: Parameters<Database['all']>[1][]): string =>
    db
      .all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...params)
      .map(({ detail }) => detail)
      .join('\n')

  it('serve the claim and the reaper: no table is scanned', () => {
    const shared = { now: 0, limit: 1, worker: 'w', k0: 'k', k1: 'l' }
    const cares = [true, false].flatMap((groups) => [true, false].map((crashes) => ({ groups, crashes })))
    const claims = cares.flatMap((care) => [
      plan(claimSql(1, 2, care), { ...shared, q0: 'a' }),
      plan(claimSql(2, 2, care), { ...shared, q0: 'a', q1: 'b' }),
    ])
    expect(claims).toHaveLength(8)
    for (const text of claims) {
      expect(text).toMatch(/SEARCH job USING (COVERING )?INDEX job_claim_index/)
      expect(text).not.toMatch(/SCAN job$|SCAN job\n/)
    }
    // in order of the index: what waits behind is not looked at
    expect(plan(claimSql(1, 1, { groups: false, crashes: false }), { now: 0, limit: 1, q0: 'a', k0: 'k' })).not.toContain('B-TREE')
    expect(plan(SQL.takeMany, { now: 0, leaseUntil: 1, leaseMs: 1, worker: 'w', seqs: '[]' })).toMatch(
      /SEARCH job USING INTEGER PRIMARY KEY/,
    )
    expect(plan(SQL.heldMany, '[]')).toMatch(/SEARCH job USING INDEX sqlite_autoindex_job_1/)
    expect(plan(SQL.claimsHeld)).toMatch(/INDEX job_running_index/)
    expect(plan(SQL.missDeadline, { now: 0 })).toMatch(/INDEX job_deadline_index/)
    expect(plan(SQL.ownedWaiting)).toMatch(/INDEX job_owned_index/)
    expect(plan(SQL.paidWaits, 'q')).toMatch(/INDEX job_paid_index/)
    expect(plan(SQL.living, 'q', 'u')).toMatch(/INDEX job_unique_index/)
  })

  it('with the names of the seeds serve the view', () => {
    const view = 'SELECT id FROM llm_requests WHERE'
    const served = (sql: string, ...params: string[]): string[] =>
      plan(sql, ...params)
        .split('\n')
        .filter((line) => /^(SEARCH|SCAN) j\b/.test(line))
        .map((line) => /INDEX (\S+)/.exec(line)?.[1] ?? line)
    const [agent, task] = ['llm_requests_agent_id_index', 'llm_requests_task_type_index']
    const [ended, updated] = ['llm_requests_status_agent_created_index', 'llm_requests_status_updated_at_index']
    // waiting, running, completed, failed: what the others cannot answer is not looked for in them
    for (const sql of [
      `${view} status = 'completed' AND agent_id = 'a'`,
      `${view} agent_id = 'a' AND status = 'failed' ORDER BY created_at`,
    ])
      expect(served(sql)).toEqual([agent, agent, ended, ended])
    expect(served(`${view} status = ? AND agent_id = ?`, 'completed', 'a')).toEqual([agent, agent, ended, ended])
    expect(served(`${view} agent_id = 'a'`)).toEqual([agent, agent, ended, ended])
    expect(served(`${view} task_type = 't'`)).toEqual([task, task, task, task])
    expect(served(`${view} id = 'i'`)).toEqual(Array.from({ length: 4 }, () => 'sqlite_autoindex_job_1'))
    expect(served(`${view} status = 'completed' AND updated_at > '2026'`)).toEqual([
      'job_claim_index',
      'job_running_index',
      updated,
      updated,
    ])
    expect(served('SELECT status, count(*) FROM llm_requests GROUP BY status').join()).not.toMatch(/SCAN/)
    // a question goes through the view to the tables: payloads nobody asks for are not read
    expect(plan(`${view} status = 'completed' AND agent_id = 'a'`)).not.toMatch(/SEARCH d |SCAN/)
    const fifo = 'llm_requests_status_created_at_index'
    const pending = `SELECT id FROM job INDEXED BY ${fifo} WHERE queue = 'llm_requests' AND state = 'available' ORDER BY created_at`
    expect(plan(pending)).toBe(`SCAN job USING INDEX ${fifo}`)
    const table = `SELECT id FROM job WHERE queue = 'llm_requests' AND finished_at IS NOT NULL AND`
    expect(plan(`${table} state IN ('dead', 'cancelled') AND updated_at > 1`)).toContain(`${updated} (state=? AND updated_at>?)`)
  })

  it('serve statistics and pruning', () => {
    const updated = 'llm_requests_status_updated_at_index'
    expect(plan(STATISTICS.completedSince, 1)).toContain(`${updated} (state=? AND updated_at>?)`)
    for (const sql of [STATISTICS.times, STATISTICS.endedRequests]) expect(plan(sql, 1)).toContain(`${updated} (state=? AND updated_at>?)`)
    expect(plan(STATISTICS.endedOthers, 1)).toContain('job_finished_index (finished_at>?)')
    for (const { sql } of CHORES.filter(({ sql }) => sql.includes('updated_at'))) {
      const text = plan(sql, { before: 1 })
      expect(text).toMatch(/job_finished_index \(finished_at>\? AND finished_at<\?\)/)
      expect(text).toContain(`${updated} (state=? AND updated_at<?)`)
    }
  })
})
