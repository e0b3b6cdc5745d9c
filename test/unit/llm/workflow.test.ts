import { afterEach, describe, expect, test, vi } from 'vitest'
import type { StoredResult } from '../../../src/core/llm/index.ts'
import { systemClock } from '../../../src/core/kernel/index.ts'
import { createProcessInfo } from '../../../src/core/process/index.ts'
import { createWorker } from '../../../src/core/queue/index.ts'
import { loadSqlite } from '../../../src/core/storage/index.ts'
import { type LlmBench, type LlmBenchOptions, openLlmBench } from '../../support/llm.ts'
import { newJob, silent } from '../../support/queue.ts'

const benches: LlmBench[] = []
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.cleanup()
})

async function open(options: LlmBenchOptions): Promise<LlmBench> {
  const bench = await openLlmBench(options)
  benches.push(bench)
  return bench
}

const resultOf = (result: string | null): StoredResult & { steps: { step: string }[] } => JSON.parse(result ?? 'null')
const SCHEMA = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'], additionalProperties: false }
const CAPS_OFF = { budgets: { run_usd: null, day_usd: null, month_usd: null } }

describe('an answered request', () => {
  test('keeps text, usage, cost and the four steps; the money is settled to the cent the provider billed', async () => {
    const bench = await open({ fallback: { text: 'forty-two', usage: { input: 1000, output: 10 } } })
    const { detail, attempts } = await bench.ask({}, { model: 'openai/gpt-6-luna' })
    expect(detail).toMatchObject({ state: 'completed', reason: null })
    const result = resultOf(detail.result)
    expect(result).toMatchObject({
      response: 'forty-two',
      model: 'openai/gpt-6-luna',
      usage: { prompt_tokens: 1000, completion_tokens: 10, total_tokens: 1010 },
      cost_source: 'computed',
      // 1000 tokens at 200 and 10 at 500 nano-dollars
      cost_nusd: 205_000,
    })
    expect(result.steps.map(({ step }) => step)).toEqual(['validate', 'route', 'publish', 'track_metrics'])
    expect(attempts).toMatchObject([{ step: 'call', phase: 'settled', kind: null, costNusd: 205_000 }])
    expect(bench.paid).toHaveLength(1)
    expect(bench.account.verify()).toEqual([])
    expect(await bench.engine.verify()).toEqual([])
  })

  test('is told to other programs in the same transaction', async () => {
    const bench = await open({ fallback: { text: 'yes', usage: { input: 10, output: 1 } } })
    const { detail } = await bench.ask()
    const [message] = await bench.engine.read('ai_results', 10, 1000)
    expect(JSON.parse(message!.body)).toMatchObject({ request_id: detail.id, response: 'yes', tokens_used: 11 })
    expect(await bench.engine.read('llm_results', 10, 1000)).toHaveLength(1)
  })
})

describe('a failed call', () => {
  test('that is tried again by hand is told again: first as failed, then with its answer', async () => {
    const bench = await open({
      answers: [{ failure: { kind: 'http', status: 400, type: 'invalid_request_error' } }],
      fallback: { text: 'yes' },
    })
    const { detail } = await bench.ask({}, { model: 'openai/gpt-6-luna' })
    expect(detail.state).toBe('dead')
    await bench.engine.retry(detail.id)
    const { id, queue, kind, payload } = detail
    expect((await bench.caller.runOwn({ id, queue, kind, payload })).detail.state).toBe('completed')
    const told = (await bench.engine.read('ai_results', 10, 1000)).map(({ body }) => JSON.parse(body) as { response: string | null })
    expect(told.map(({ response }) => response)).toEqual([null, 'yes'])
  })

  test.each([
    ['a key that was refused', { kind: 'http', status: 401, type: 'invalid_request_error', code: 'invalid_api_key' }],
    ['a model that is not there', { kind: 'http', status: 404, type: 'invalid_request_error', code: 'model_not_found' }],
  ] as const)('over %s is forgotten by a retry by hand, its attempt is not', async (_name, failure) => {
    const bench = await open({ answers: [{ failure }], fallback: { text: 'yes' } })
    const { detail } = await bench.ask({}, { model: 'openai/gpt-6-luna' })
    expect(detail.state).toBe('dead')
    bench.account.unblock('openai')
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(detail.finishedAt!))
    await bench.engine.retry(detail.id)
    const { id, queue, kind, payload } = detail
    const again = (await bench.caller.runOwn({ id, queue, kind, payload })).detail
    expect(again, again.errorMessage ?? '').toMatchObject({ state: 'completed' })
    expect(await bench.engine.attempts(id)).toMatchObject([
      { n: 1, beforeRetry: true },
      { n: 2, kind: null },
    ])
  })

  test('of a provider that is down waits, is tried again, then the next provider answers', async () => {
    const bench = await open({
      answer: ({ protocol }) =>
        protocol === 'messages' ? { failure: { kind: 'http', status: 529, type: 'overloaded_error' } } : { text: 'from the other one' },
    })
    const { detail, attempts } = await bench.ask({ complexity: 'medium' })
    expect(detail.state).toBe('completed')
    expect(attempts.map(({ provider, reason }) => [provider, reason])).toEqual([
      ['anthropic', 'overloaded'],
      ['anthropic', 'overloaded'],
      ['openai', null],
    ])
    expect(attempts[2]!.skipped).toContainEqual({ model: 'anthropic/claude-sonnet-5', reason: 'failed twice, waits' })
  })

  test('with a wrong key blocks the provider for everybody and falls back at once, costing nothing', async () => {
    const bench = await open({
      answer: ({ protocol }) =>
        protocol === 'messages' ? { failure: { kind: 'http', status: 401, type: 'authentication_error' } } : { text: 'ok' },
    })
    const { detail, attempts } = await bench.ask({ complexity: 'medium' })
    expect(detail.state).toBe('completed')
    expect(attempts.map(({ reason, costNusd }) => [reason, costNusd > 0])).toEqual([
      ['auth', false],
      [null, true],
    ])
    expect(bench.account.blocked('anthropic')?.reason).toContain('auth')
    await bench.ask({ complexity: 'medium' })
    expect(bench.mock.requests.filter(({ protocol }) => protocol === 'messages')).toHaveLength(1)
  })

  test('four times ends the request, with its kind and the seeds’ searchable word', async () => {
    const bench = await open({ fallback: { failure: { kind: 'http', status: 500 } }, keys: ['OPENAI_API_KEY'] })
    const { detail, attempts } = await bench.ask({ complexity: 'simple' }, { model: 'openai/gpt-6-luna' })
    expect(detail).toMatchObject({ state: 'dead', reason: 'provider_unavailable.server' })
    expect(detail.errorMessage).toMatch(/LLM provider unavailable \(server\).*openai\/gpt-6-luna, simple coder/)
    expect(attempts).toHaveLength(4)
    expect(bench.account.verify()).toEqual([])
  }, 60_000)

  test('that was a wrong request, or a refusal, ends at once', async () => {
    const bench = await open({
      answers: [{ failure: { kind: 'http', status: 400, type: 'invalid_request_error' } }, { refusal: 'I will not.' }],
    })
    const wrong = await bench.ask({}, { model: 'openai/gpt-6-luna' })
    expect([wrong.detail.reason, wrong.attempts.length]).toEqual(['processing_exception.bad_request', 1])
    const refused = await bench.ask({}, { model: 'openai/gpt-6-luna' })
    expect([refused.detail.reason, refused.attempts.length]).toEqual(['processing_exception.refused', 1])
  })

  test('with a rate limit costs no attempt', async () => {
    const limited = { failure: { kind: 'http' as const, status: 429, code: 'rate_limit_exceeded' }, headers: { 'retry-after': '1' } }
    const bench = await open({ answers: [limited, limited], fallback: { text: 'at last' }, maxRetries: 0, keys: ['OPENAI_API_KEY'] })
    const { detail, attempts } = await bench.ask({}, { model: 'openai/gpt-6-luna' })
    expect(detail).toMatchObject({ state: 'completed' })
    expect(attempts.map(({ reason }) => reason)).toEqual(['rate_limited', 'rate_limited', null])
  }, 60_000)
})

describe('an answer against its schema', () => {
  test('is asked for again with the field errors, each a paid attempt of its own', async () => {
    const bench = await open({ answers: [{ text: '{"n":"one"}' }, { text: '{"n":1}' }] })
    const { detail, attempts } = await bench.ask({ response_schema: SCHEMA }, { model: 'openai/gpt-6-luna' })
    expect(resultOf(detail.result)).toMatchObject({ parsed_response: { n: 1 }, repaired: false })
    expect(attempts.map(({ step, reason }) => [step, reason])).toEqual([
      ['call', 'validation'],
      ['reask', null],
    ])
    expect(bench.mock.requests[1]!.raw).toContain('must be integer')
    expect(resultOf(detail.result).cost_nusd).toBe(attempts[0]!.costNusd + attempts[1]!.costNusd)
  })

  test('that never fits fails with the seeds’ sentence, the fields and the raw text', async () => {
    const bench = await open({ fallback: { text: '{"n":"one"}' }, keys: ['OPENAI_API_KEY'] })
    const { detail, attempts } = await bench.ask({ response_schema: SCHEMA }, { model: 'openai/gpt-6-luna' })
    expect(detail.errorMessage).toBe('Malformed or invalid LLM response (Instructor validation failed)')
    expect(JSON.parse(detail.result!)).toMatchObject({
      validation_errors: [{ field: 'n', message: 'must be integer' }],
      response: '{"n":"one"}',
    })
    expect(attempts.map(({ step }) => step)).toEqual(['call', 'reask', 'reask'])
  })

  test('that was cut at its length gets one longer try', async () => {
    const bench = await open({ answers: [{ text: '{"n":', stop: 'length' }, { text: '{"n":2}' }] })
    const { detail } = await bench.ask({ response_schema: SCHEMA, max_tokens: 100 }, { model: 'openai/gpt-6-luna' })
    expect(resultOf(detail.result).parsed_response).toEqual({ n: 2 })
    expect(bench.mock.requests.map(({ body }) => body['max_output_tokens'])).toEqual([100, 200])
  })

  test('plain text needs none, and text that looks like JSON has to be JSON', async () => {
    const bench = await open({ answers: [{ text: 'I need to look.' }, { text: '{"tool_calls": [{' }], fallback: { text: '{"a":1}' } })
    expect((await bench.ask({}, { model: 'openai/gpt-6-luna' })).detail.state).toBe('completed')
    const { detail, attempts } = await bench.ask({}, { model: 'openai/gpt-6-luna' })
    expect(detail.state).toBe('completed')
    expect(attempts[0]).toMatchObject({ kind: 'malformed_response', reason: 'json_decode_error' })
  })
})

describe('money', () => {
  test('a worker whose ledger breaks puts requests back; whoever waits is told', async () => {
    const bench = await open({ fallback: { text: 'never' } })
    const other = new (loadSqlite())(bench.accountPath)
    other.exec(`CREATE TRIGGER broken BEFORE INSERT ON reservation BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END`)
    other.close()
    const { detail } = await bench.ask({}, { model: 'openai/gpt-6-luna' })
    expect(detail).toMatchObject({ state: 'dead', reason: 'ledger_unusable' })
    const job = newJob({ queue: detail.queue, kind: detail.kind, payload: detail.payload })
    await bench.engine.enqueue([job])
    const worker = createWorker({
      engine: bench.engine,
      handlers: [bench.llm.handler()],
      clock: systemClock,
      log: silent,
      version: '0',
      processes: createProcessInfo(),
      settings: { concurrency: 1, batch: { llm: 1, other: 1 }, retentionDays: 90 },
    })
    expect(await worker.run({ mode: 'drain' })).toMatchObject({ claimed: 1, waiting: 1, failed: 0 })
    expect(await bench.engine.get(job.id)).toMatchObject({ state: 'available', attempt: 0, reason: 'ledger_unusable' })
    expect(bench.mock.requests).toEqual([])
  })

  test('an answer is kept where the ledger breaks while it comes, and counts in full', async () => {
    const bench = await open({
      answer() {
        const other = new (loadSqlite())(bench.accountPath)
        other.exec(`CREATE TRIGGER broken BEFORE UPDATE OF phase ON reservation WHEN new.phase = 'settled'
          BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END`)
        other.close()
        return { text: 'forty-two' }
      },
    })
    const { detail, attempts } = await bench.ask({}, { model: 'openai/gpt-6-luna' })
    expect(detail).toMatchObject({ state: 'completed' })
    expect(resultOf(detail.result)).toMatchObject({ response: 'forty-two', cost_source: 'unknown', cost_nusd: attempts[0]!.costNusd })
    const [day] = bench.account.budget([{ scope: 'day', key: '', capNusd: 1e9 }])
    expect(day).toMatchObject({ spent_nusd: 0, reserved_nusd: attempts[0]!.costNusd })
  })

  test.each([
    ['a re-ask, which carries the wrong answer', { text: `{"n":"${'x'.repeat(20_000)}"}` }],
    ['a longer try, which may say twice as much', { text: '{"n":', stop: 'length' as const }],
  ])('%s is reserved at what it can cost', async (_name, first) => {
    let calls = 0
    // a provider that makes a token of every byte, and says as much as it may
    const bench = await open({
      answer: ({ body }) => ({
        ...(calls++ === 0 ? first : { text: '{"n":1}' }),
        usage: { input: JSON.stringify(body['input']).length, output: Number(body['max_output_tokens']) },
      }),
    })
    const { detail } = await bench.ask({ response_schema: SCHEMA, max_tokens: 1000 }, { model: 'openai/gpt-6-luna' })
    expect(detail.state).toBe('completed')
    expect(bench.mock.requests).toHaveLength(2)
    expect(bench.account.verify()).toEqual([])
  })

  test('a conversation that goes on at the provider is reserved at the whole window: nobody here knows how long it is', async () => {
    const bench = await open({ fallback: { text: 'yes', usage: { input: 900_000, output: 10 } }, file: { budgets: { run_usd: 2 } } })
    const request = { previous_response_id: 'resp_1', max_cost_usd: 2 }
    expect((await bench.ask(request, { model: 'openai/gpt-6-luna' })).detail.state).toBe('completed')
    expect(bench.mock.requests[0]!.body).toMatchObject({ previous_response_id: 'resp_1' })
    expect(bench.account.verify()).toEqual([])
  })

  test('a request that could cost more than is left is not sent', async () => {
    const bench = await open({ fallback: { text: 'no' }, file: { budgets: { day_usd: 0.000001 } } })
    const { detail, attempts } = await bench.ask({}, { model: 'openai/gpt-6-luna' })
    expect(detail).toMatchObject({ state: 'dead', reason: 'budget_reached' })
    expect(attempts).toEqual([])
    expect(bench.mock.requests).toEqual([])
  })

  test('servers the provider calls by itself have no upper bound: refused under a cap, passed on without one', async () => {
    const servers = [{ type: 'url', name: 'docs', url: 'http://127.0.0.1:9/mcp' }]
    const bench = await open({ fallback: { text: 'no' } })
    const { detail } = await bench.ask({ mcp_servers: servers }, { model: 'openai/gpt-6-sol' })
    expect(detail).toMatchObject({ state: 'dead', reason: 'cost_unbounded' })
    const free = await open({ fallback: { text: 'yes' }, file: CAPS_OFF })
    const passed = await free.ask({ mcp_servers: servers, max_tokens: 100 }, { model: 'openai/gpt-6-sol' })
    expect(passed.detail.errorMessage).toBeNull()
    expect(free.mock.requests[0]!.raw).toContain('127.0.0.1:9/mcp')
  })

  test('a body that was cut may have been billed: it counts in full', async () => {
    const bench = await open({ answers: [{ text: 'half an answer', failure: { kind: 'cut' } }], fallback: { text: 'whole' } })
    const { detail, attempts } = await bench.ask({ max_tokens: 100 }, { model: 'openai/gpt-6-luna' })
    expect(detail.state).toBe('completed')
    expect(attempts[0]).toMatchObject({ reason: 'truncated', phase: 'unknown', costSource: 'unknown' })
    expect(attempts[0]!.costNusd).toBeGreaterThan(attempts[1]!.costNusd)
    const day = bench.account.budget([{ scope: 'day', key: '', capNusd: 1e9 }])[0]!
    expect(day.spent_nusd).toBe(attempts[0]!.costNusd + attempts[1]!.costNusd)
  })
})

test('a stopped caller leaves no paid work behind', async () => {
  const bench = await open({ fallback: { text: 'late', failure: { kind: 'stall', at: 'headers' } } })
  const stop = new AbortController()
  const asked = bench.ask({}, { model: 'openai/gpt-6-luna', signal: stop.signal })
  await bench.mock.received(1)
  stop.abort()
  const { detail, attempts } = await asked
  expect(detail.state).toBe('cancelled')
  expect(attempts).toMatchObject([{ phase: 'unknown', reason: 'cancelled' }])
  expect(bench.account.verify()).toEqual([])
})
