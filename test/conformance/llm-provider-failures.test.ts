import { getEventListeners } from 'node:events'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { FailureReason, ProviderRequest } from '../../src/core/llm/index.ts'
import { systemClock } from '../../src/core/kernel/index.ts'
import type { Failure, ScriptedAnswer } from '../support/models.ts'
import { type Bench, CASES, type ProviderCase, createBench } from '../support/providers.ts'

let bench: Bench | undefined
afterEach(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  await bench?.close()
  bench = undefined
})

const REQUEST: ProviderRequest = { model: 'mock-small', maxOutputTokens: 100, messages: [{ role: 'user', content: 'Say hello.' }] }
const PATIENT = { headersMs: 10_000, idleMs: 10_000, totalMs: 20_000 }
const TEXT = 'Hello there, world'

const failing = async (adapter: ProviderCase, failure: Failure, more: ScriptedAnswer = {}) => {
  bench = await createBench(adapter, { answers: [{ text: TEXT, failure, ...more }] })
  return bench
}

describe.each(CASES)('$name: what goes wrong on the wire', (adapter) => {
  it.each([
    ['before its headers', { kind: 'stall', at: 'headers' }, 'timeout_headers'],
    ['in a body of one piece', { kind: 'stall', at: 'body' }, 'timeout_idle'],
    ['in the middle of its stream', { kind: 'stall', at: 'stream' }, 'timeout_idle'],
    ['but for keep-alives', { kind: 'keepalive' }, 'timeout_idle'],
  ] as [string, Failure, FailureReason][])('a provider that is silent %s is given up', async (_when, failure, reason) => {
    const { fails, send, mock } = (bench = await createBench(adapter, { answers: [{ text: TEXT }, { text: TEXT, failure }] }))
    // SDK and transport are loaded by the first call: what is not sent before a clock rings never comes
    await send(REQUEST)
    const short = reason === 'timeout_headers' ? { headersMs: 300 } : { idleMs: 150 }
    expect(await fails(REQUEST, { clocks: { ...PATIENT, ...short } })).toMatchObject({
      kind: 'provider_unavailable',
      reason,
      outcome: 'unknown',
    })
    // its connection is not left behind
    await mock.ended(2)
  })

  it('no clock goes beyond the total', async () => {
    const { fails } = await failing(adapter, { kind: 'stall', at: 'headers' })
    const clocks = { headersMs: 60_000, idleMs: 60_000, totalMs: 150 }
    expect(await fails(REQUEST, { clocks })).toMatchObject({ reason: 'timeout_total', outcome: 'unknown' })
  })

  it('the total ends also what never stops talking', async () => {
    bench = await createBench(adapter, { answers: [{ text: TEXT, pieceDelayMs: 100 }] })
    const clocks = { headersMs: 10_000, idleMs: 10_000, totalMs: 150 }
    expect(await bench.fails(REQUEST, { clocks })).toMatchObject({ reason: 'timeout_total' })
  })

  it('content keeps a slow stream alive beyond the idle clock', async () => {
    bench = await createBench(adapter, { answers: [{ text: TEXT, pieceDelayMs: 200 }] })
    const { text } = await bench.send(REQUEST, { clocks: { headersMs: 5000, idleMs: 700, totalMs: 20_000 } })
    expect(text).toBe(TEXT)
  })

  it.each([
    ['a stream without its last events', { kind: 'cut' }, 'provider_unavailable', 'truncated'],
    ['a connection that breaks in the stream', { kind: 'cut', reset: true }, 'provider_unavailable', 'truncated'],
    ['a page of HTML with 200', { kind: 'body', type: 'text/html', text: '<html>login</html>' }, 'provider_unavailable', 'truncated'],
    [
      'HTML that calls itself JSON',
      { kind: 'body', type: 'application/json', text: '<html>login</html>' },
      'provider_unavailable',
      'truncated',
    ],
    ['nothing with 200', { kind: 'body', type: 'application/json', text: '' }, 'provider_unavailable', 'truncated'],
    ['an empty stream', { kind: 'body', type: 'text/event-stream', text: '' }, 'provider_unavailable', 'truncated'],
    ['broken JSON with 200', { kind: 'body', type: 'application/json', text: '{"id": "x", ' }, 'malformed_response', 'json_decode_error'],
    ['broken JSON in the stream', { kind: 'broken_event' }, 'malformed_response', 'json_decode_error'],
    ['a connection closed before any answer', { kind: 'refuse' }, 'provider_unavailable', 'connection'],
    ['an error event: overloaded', { kind: 'event', type: 'overloaded_error' }, 'provider_unavailable', 'overloaded'],
    ['an error event: api_error', { kind: 'event', type: 'api_error' }, 'provider_unavailable', 'server'],
    ['an error event: rate limit', { kind: 'event', type: 'rate_limit_error' }, 'provider_unavailable', 'rate_limited'],
    ['an error event with a number', { kind: 'event', type: '503' }, 'provider_unavailable', 'overloaded'],
    ['an error event nobody knows', { kind: 'event', type: 'novel_error' }, 'provider_unavailable', 'server'],
    [
      'an error in a body with 200',
      { kind: 'body', type: 'application/json', text: '{"error": {"code": "server_error", "message": "x"}}' },
      'provider_unavailable',
      'server',
    ],
  ] as [string, Failure, string, FailureReason][])('%s', async (_what, failure, kind, reason) => {
    const { fails, mock } = await failing(adapter, failure)
    expect(await fails(REQUEST)).toMatchObject({ kind, reason, outcome: 'unknown' })
    expect(mock.requests).toHaveLength(1)
  })

  it('a port where nobody listens: nothing was sent', async () => {
    bench = await createBench(adapter)
    await bench.mock.close()
    expect(await bench.fails(REQUEST)).toMatchObject({ kind: 'provider_unavailable', reason: 'connection', outcome: 'not_sent' })
  })

  it('a name nobody knows: nothing was sent', async () => {
    bench = await createBench(adapter, {}, { baseUrl: 'http://no-such-host.invalid/v1' })
    expect(await bench.fails(REQUEST)).toMatchObject({ reason: 'connection', outcome: 'not_sent' })
  })

  it('a listener that throws is our own fault, not that of the provider', async () => {
    bench = await createBench(adapter, { answers: [{ text: TEXT }] })
    const onText = () => {
      throw new TypeError('a bug of ours')
    }
    expect(await bench.fails(REQUEST, { onText })).toMatchObject({ kind: 'processing_exception', reason: 'internal', outcome: 'unknown' })
  })

  it('a transport that cannot be loaded is our own fault too', async () => {
    const fetch = () => Promise.reject(new TypeError('Agent is not a constructor'))
    bench = await createBench(adapter, {}, { fetch })
    expect(await bench.fails(REQUEST)).toMatchObject({ kind: 'processing_exception', reason: 'internal' })
  })

  it('a request follows nobody to another address', async () => {
    const other = await createBench(adapter)
    const location = `${other.mock.baseUrl(adapter.api)}/elsewhere`
    bench = await createBench(adapter, { answers: [{ headers: { location }, failure: { kind: 'http', status: 307 } }] })
    expect(await bench.fails(REQUEST)).toMatchObject({ reason: 'connection', httpStatus: 307, outcome: 'answered' })
    expect(other.mock.requests).toHaveLength(0)
    await other.close()
  })

  it('stops at once when it is asked to', async () => {
    const { fails, mock } = await failing(adapter, { kind: 'stall', at: 'stream' })
    const controller = new AbortController()
    const failure = fails(REQUEST, { signal: controller.signal, onText: () => controller.abort() })
    expect(await failure).toMatchObject({ kind: 'processing_exception', reason: 'cancelled', outcome: 'unknown' })
    await mock.ended(1)
  })

  it('sends nothing when it was asked to stop before', async () => {
    bench = await createBench(adapter)
    const onSent = vi.fn<() => void>()
    expect(await bench.fails(REQUEST, { signal: AbortSignal.abort(), onSent })).toMatchObject({ reason: 'cancelled', outcome: 'not_sent' })
    expect(onSent).not.toHaveBeenCalled()
    expect(bench.mock.requests).toHaveLength(0)
  })

  it('leaves no timer and no listener behind, whatever came of the calls', async () => {
    const failures: (Failure | undefined)[] = [
      undefined,
      { kind: 'stall', at: 'stream' },
      { kind: 'cut' },
      { kind: 'http', status: 500 },
      undefined,
    ]
    bench = await createBench(adapter, { answers: failures.map((failure) => ({ text: TEXT, ...(failure ? { failure } : {}) })) })
    const { signal } = new AbortController()
    const set = vi.spyOn(globalThis, 'setTimeout')
    for (const failure of failures)
      await (failure ? bench.fails : bench.send)(REQUEST, { signal, clocks: { headersMs: 7001, idleMs: 150, totalMs: 7002 } }).catch(
        (error: unknown) => error,
      )
    const ours = set.mock.results
      .map((result) => result.value as NodeJS.Timeout)
      .filter((_timer, index) => Number(set.mock.calls[index]![1]) > 7000)
    expect(ours.length).toBeGreaterThan(failures.length)
    expect(ours.filter((timer) => !(timer as unknown as { _destroyed: boolean })._destroyed)).toEqual([])
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('writes nothing to stdout, also with the debug switches of the SDKs on', async () => {
    vi.stubEnv('OPENAI_LOG', 'debug')
    vi.stubEnv('ANTHROPIC_LOG', 'debug')
    const written = [vi.spyOn(process.stdout, 'write'), ...(['log', 'info', 'debug'] as const).map((name) => vi.spyOn(console, name))]
    bench = await createBench(adapter, {
      answers: [{ text: TEXT }, { failure: { kind: 'broken_event' } }, { failure: { kind: 'http', status: 500 } }],
    })
    await bench.send(REQUEST)
    await bench.fails(REQUEST)
    await bench.fails(REQUEST)
    for (const spy of written) expect(spy).not.toHaveBeenCalled()
  })
})

type Row = [Omit<Extract<Failure, { kind: 'http' }>, 'kind'>, FailureReason]

const BY_STATUS: Row[] = [
  [{ status: 400 }, 'bad_request'],
  [{ status: 401 }, 'auth'],
  [{ status: 402 }, 'quota'],
  [{ status: 403 }, 'auth'],
  [{ status: 404 }, 'model_not_found'],
  [{ status: 408 }, 'server'],
  [{ status: 409 }, 'server'],
  [{ status: 413 }, 'context_overflow'],
  [{ status: 422 }, 'bad_request'],
  [{ status: 429 }, 'rate_limited'],
  [{ status: 500 }, 'server'],
  [{ status: 502 }, 'server'],
  [{ status: 503 }, 'overloaded'],
  [{ status: 504 }, 'server'],
  [{ status: 529 }, 'overloaded'],
  [{ status: 502, body: '<html>bad gateway</html>' }, 'server'],
]

const OPENAI: Row[] = [
  [{ status: 429, type: 'requests', code: 'rate_limit_exceeded' }, 'rate_limited'],
  [{ status: 429, code: 'slow_down' }, 'rate_limited'],
  [{ status: 429, type: 'insufficient_quota', code: 'insufficient_quota' }, 'quota'],
  ...[
    'credit_balance_exhausted',
    'organization_spend_limit_exceeded',
    'project_spend_limit_exceeded',
    'organization_usage_limit_exceeded',
  ].map((code): Row => [{ status: 429, type: 'insufficient_quota', code }, 'quota']),
  [{ status: 401, type: 'invalid_request_error', code: 'invalid_api_key' }, 'auth'],
  [{ status: 400, type: 'invalid_request_error', code: 'model_not_found' }, 'model_not_found'],
  [{ status: 400, type: 'invalid_request_error', code: 'context_length_exceeded' }, 'context_overflow'],
  [{ status: 400, type: 'invalid_request_error', code: 'content_policy_violation' }, 'refused'],
  [{ status: 400, type: 'invalid_request_error', code: 'unsupported_parameter' }, 'bad_request'],
  [{ status: 503, type: 'server_error' }, 'server'],
]

const ANTHROPIC: Row[] = [
  [{ status: 429, type: 'rate_limit_error' }, 'rate_limited'],
  [{ status: 429, type: 'rate_limit_error', errorCode: 'ramp_limit_exceeded' }, 'rate_limited'],
  ...[
    'enforced_spend_limit_reached',
    'contract_spend_limit_reached',
    'linked_organization_spend_limit_reached',
    'organization_on_hold',
  ].map((errorCode): Row => [{ status: 429, type: 'rate_limit_error', errorCode }, 'quota']),
  [{ status: 402, type: 'billing_error' }, 'quota'],
  [{ status: 401, type: 'authentication_error' }, 'auth'],
  [{ status: 403, type: 'permission_error' }, 'auth'],
  [{ status: 404, type: 'not_found_error' }, 'model_not_found'],
  [{ status: 413, type: 'request_too_large' }, 'context_overflow'],
  [{ status: 400, type: 'invalid_request_error' }, 'bad_request'],
  [{ status: 529, type: 'overloaded_error' }, 'overloaded'],
  [{ status: 500, type: 'api_error' }, 'server'],
  [{ status: 504, type: 'timeout_error' }, 'server'],
]

const PROCESSING = new Set<FailureReason>(['bad_request', 'context_overflow', 'refused'])

describe.each(CASES)('$name: what a provider refuses', (adapter) => {
  it('is told by code and type, then by status; once, without a retry of the SDK', async () => {
    const rows = [...BY_STATUS, ...(adapter.api === 'messages' ? ANTHROPIC : OPENAI)]
    bench = await createBench(adapter, { answers: rows.map(([failure]) => ({ failure: { kind: 'http', ...failure } })) })
    for (const [failure, reason] of rows) {
      const told = await bench.fails(REQUEST)
      const kind = PROCESSING.has(reason) ? 'processing_exception' : 'provider_unavailable'
      const outcome = [408, 409, 502, 504].includes(failure.status) ? 'unknown' : 'answered'
      expect({ failure, reason: told.reason }).toEqual({ failure, reason })
      expect(told).toMatchObject({ kind, httpStatus: failure.status, outcome, providerRequestId: 'req_mock' })
    }
    expect(bench.mock.requests).toHaveLength(rows.length)
    expect(bench.mock.meter()).toEqual({ nusd: 0, calls: 0 })
  })

  it('comes with the wait and the advice of its headers', async () => {
    const at = new Date(Date.now() + 90_000).toUTCString()
    // an hour off: a date of the provider is read by the provider's own clock
    const clock = { ...systemClock, now: () => Date.now() + 3_600_000 }
    const headers = [
      { 'retry-after': '4' },
      { 'retry-after-ms': '250', 'retry-after': '9' },
      { 'retry-after': at },
      { 'x-should-retry': 'false' },
      {},
    ]
    const answers = headers.map((each): ScriptedAnswer => ({
      headers: each as Record<string, string>,
      failure: { kind: 'http', status: 429 },
    }))
    bench = await createBench(adapter, { answers }, { clock })
    const told = []
    for (const _each of headers) told.push(await bench.fails(REQUEST))
    expect(told.map((failure) => failure.retryAfterMs)).toEqual([4000, 250, expect.any(Number), null, null])
    expect(told[2]!.retryAfterMs).toBeGreaterThan(60_000)
    expect(told[2]!.retryAfterMs).toBeLessThanOrEqual(90_000)
    expect(told.map((failure) => failure.shouldRetry)).toEqual([null, null, null, false, null])
  })

  it('never tells the key', async () => {
    bench = await createBench(adapter, { answers: [{ failure: { kind: 'http', status: 401 } }] })
    const failure = await bench.fails(REQUEST)
    expect(JSON.stringify([failure, failure.message, failure.stack, failure.details])).not.toContain('key-of-the-test')
  })
})

describe('OpenAI Responses: a failure with HTTP 200', () => {
  it.each([
    ['server_error', 'provider_unavailable', 'server'],
    ['rate_limit_exceeded', 'provider_unavailable', 'rate_limited'],
    ['invalid_prompt', 'processing_exception', 'refused'],
    ['something_new', 'provider_unavailable', 'server'],
  ] as const)('status failed, %s', async (code, kind, reason) => {
    for (const buffered of [false, true]) {
      const { fails } = await failing(CASES[0]!, { kind: 'failed', code }, { buffered })
      expect(await fails(REQUEST)).toMatchObject({ kind, reason, outcome: 'unknown' })
      await bench!.close()
    }
    bench = undefined
  })
})

describe('a provider without its key', () => {
  it.each(CASES.filter((each) => each.api !== 'chat'))(
    '$name: nothing is sent, and no other place is searched for one',
    async (adapter) => {
      vi.stubEnv('OPENAI_API_KEY', 'key-from-elsewhere')
      vi.stubEnv('ANTHROPIC_API_KEY', 'key-from-elsewhere')
      vi.stubEnv('ANTHROPIC_AUTH_TOKEN', 'token-from-elsewhere')
      bench = await createBench(adapter, {}, { apiKey: '' })
      expect(await bench.fails(REQUEST)).toMatchObject({ kind: 'provider_unavailable', reason: 'auth', outcome: 'not_sent' })
      expect(bench.mock.requests).toHaveLength(0)
    },
  )
})
