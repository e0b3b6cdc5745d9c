import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type AskBench, KEY, expectFailure, openAskBench } from '../support/asking.ts'
import type { Failure } from '../support/models.ts'
import { runPlain } from '../support/queue-runs.ts'

let bench: AskBench
beforeAll(async () => {
  bench = await openAskBench()
})
afterEach(() => bench.configure(null))
afterAll(() => bench.close())

const refused = (status: number, type: string, code?: string) => ({
  failure: { kind: 'http', status, type, ...(code !== undefined && { code }) } as Failure,
})

describe('keys', () => {
  it('no key: exit 7 LLM_NOT_CONFIGURED with three ways out, and no row is left', async () => {
    const answer = await bench.ask(['Explain monads.'], [], { env: { OPENAI_API_KEY: '' } })
    const { hints, data } = expectFailure(answer, 'LLM_NOT_CONFIGURED', 7)
    expect(hints).toHaveLength(3)
    expect(hints.join(' ')).toMatch(/OPENAI_API_KEY.*secrets set.*OLLAMA_HOST/)
    expect(data).toMatchObject({ complexity: 'medium', task_type: 'ask' })
    expect((await bench.place.run(['queue', 'list'])).json.data.requests).toEqual([])
  })

  it('wrong key: exit 7, names the variable, and the key stands nowhere', async () => {
    const body = JSON.stringify({ error: { message: `Incorrect API key provided: ${KEY}`, code: 'invalid_api_key', type: 'x' } })
    const ledger = { SINGULARITY_LEDGER: `${bench.place.folder}/wrong.db` }
    const wrong = { env: ledger }
    const answer = await bench.ask(['Why?', '--verbose'], [{ failure: { kind: 'http', status: 401, body } }], wrong)
    const { message, data } = expectFailure(answer, 'PROVIDER_UNAVAILABLE', 7)
    expect(message).toContain('OPENAI_API_KEY')
    expect(data).toMatchObject({ reason: 'provider_unavailable.auth', provider: 'openai', model: 'openai/gpt-6-sol', task_type: 'ask' })
    // the next one does not even try, a corrected key does
    const again = await bench.ask(['Why not?'], [], wrong)
    expect(expectFailure(again, 'PROVIDER_UNAVAILABLE', 7).message).toContain('OPENAI_API_KEY')
    expect(again.seen).toEqual([])
    const mended = await bench.ask(['Why not?'], [{ text: 'because' }], { env: { ...ledger, OPENAI_API_KEY: 'the-right-key-0987654321' } })
    expect(mended.json.data).toMatchObject({ answer: 'because' })
    const plain = await runPlain(bench.place, ['queue', 'show', String(data!['id'])], { env: bench.env })
    for (const text of [answer.stdout, answer.stderr, again.stdout, again.stderr, plain.stdout, plain.stderr])
      expect(text).not.toContain(KEY)
    expect(bench.holding(KEY)).toEqual([])
    expect(answer.seen[0]!.headers.authorization).toBe(`Bearer ${KEY}`)
  })

  it('a provider that repeats the key in another error does not get it stored', async () => {
    const body = JSON.stringify({ error: { message: `cannot serve Bearer ${KEY}`, type: 'invalid_request_error' } })
    const answer = await bench.ask(['Echo?'], [{ failure: { kind: 'http', status: 400, body } }])
    expectFailure(answer, 'BAD_REQUEST', 2)
    expect(answer.stdout + answer.stderr).not.toContain(KEY)
    expect(bench.holding(KEY)).toEqual([])
  })

  it('stored keys that do not open: exit 6 SECRETS_LOCKED, nothing is sent or spent; a model with another key answers', async () => {
    const KEYS = { OPENAI_API_KEY: '', SINGULARITY_SECRETS_PASSPHRASE: 'of the test' }
    await bench.place.run(['secrets', 'set', 'OPENAI_API_KEY', '--store', 'file'], { env: KEYS, input: KEY })
    const locked = await bench.ask(['Locked?'], [], { env: { OPENAI_API_KEY: '' } })
    const { message, hints } = expectFailure(locked, 'SECRETS_LOCKED', 6)
    expect(message).toContain('passphrase')
    expect(hints.join()).toContain('SINGULARITY_SECRETS_PASSPHRASE')
    expect(locked.seen).toEqual([])
    const shown = await bench.place.run(['queue', 'show', String(locked.json.error!.data!['id'])])
    expect(shown.json.data.attempts).toMatchObject([{ reason: 'secrets_locked', cost_nusd: 0 }])
    const env = { OPENAI_API_KEY: '', ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: bench.mock.origin }
    const other = await bench.ask(['Locked, and another one?'], [{ text: 'open' }], { env })
    expect(other.json.data, other.stdout).toMatchObject({ answer: 'open', model: expect.stringContaining('anthropic/') })
    const opened = await bench.ask(['Not locked?'], [{ text: 'by the file' }], { env: KEYS })
    expect(opened.json.data, opened.stdout).toMatchObject({ answer: 'by the file' })
    rmSync(join(bench.place.env['XDG_CONFIG_HOME']!, 'singularity', 'secrets.json'))
  })

  it('a key that cannot stand in a header is refused before anything is sent', async () => {
    const answer = await bench.ask(['Header?'], [], { env: { OPENAI_API_KEY: 'key with\nline break 123' } })
    expectFailure(answer, 'PROVIDER_UNAVAILABLE', 7)
    expect(answer.seen).toEqual([])
    expect(answer.stdout + answer.stderr).not.toContain('line break 123')
  })
})

describe('models', () => {
  it('one that is not in the table: exit 2 BAD_REQUEST', async () => {
    const answer = await bench.ask(['Q', '--model', 'nobody/nothing'])
    expect(expectFailure(answer, 'BAD_REQUEST', 2).message).toContain('nobody/nothing')
    expect(answer.seen).toEqual([])
  })

  it('one the provider does not know: exit 7', async () => {
    const answer = await bench.ask(['Unknown there?'], [refused(404, 'invalid_request_error', 'model_not_found')])
    expect(expectFailure(answer, 'PROVIDER_UNAVAILABLE', 7).data).toMatchObject({ reason: 'provider_unavailable.model_not_found' })
  })

  it('one without a price under a cap: exit 5 MODEL_UNPRICED, and nothing is sent', async () => {
    bench.configure({ models: { 'openai/new': { id: 'new', context: 100_000, max_output: 1000, usd_per_mtok: null } } })
    const answer = await bench.ask(['Q', '--model', 'openai/new'])
    expect(expectFailure(answer, 'MODEL_UNPRICED', 5).data).toMatchObject({ model: 'openai/new', reason: 'has no price, and a cap is set' })
    expect(answer.seen).toEqual([])
  })

  it.each([
    ['hosted tools', { tools: [{ type: 'web_search' }] }],
    ['servers of others', { mcp_servers: [{ type: 'url', name: 'x', url: 'https://x.example' }] }],
  ])('%s under a cap: COST_UNBOUNDED, exit 5', async (_name, more) => {
    const request = { task_type: 'coder', messages: [{ role: 'user', content: 'Search.' }], ...more }
    const { json } = await bench.place.run(['queue', 'enqueue', '-'], { input: JSON.stringify(request) })
    const before = bench.mock.requests.length
    await bench.place.run(['queue', 'work', '--drain'], { env: bench.env })
    const awaited = await bench.place.run(['queue', 'await', json.data.requests[0].id as string])
    expect(awaited).toMatchObject({ exitCode: 5, json: { data: { responses: [{ status: 'failed', reason: 'cost_unbounded' }] } } })
    expect(bench.mock.requests).toHaveLength(before)
  })
})

describe('too much', () => {
  it('10 MB of prompt: exit 5 CONTEXT_OVERFLOW, nothing is sent and nothing is stored', async () => {
    const answer = await bench.ask(['-'], [], { input: 'all work and no play '.repeat(500_000) })
    expect(expectFailure(answer, 'CONTEXT_OVERFLOW', 5).data).toMatchObject({ provider: 'openai' })
    expect(answer.seen).toEqual([])
    expect(bench.holding('all work and no play all work')).toEqual([])
  })

  it.each([
    ['nothing', ['--budget', '0'], 'BUDGET_REACHED', 5],
    ['less than it may cost', ['--budget', '0.000001'], 'BUDGET_REACHED', 5],
    ['no number', ['--budget', 'lots'], 'USAGE', 2],
    ['a debt', ['--budget', '-1'], 'USAGE', 2],
    ['more than there is', ['--budget', '1e9'], 'USAGE', 2],
    ['no amount', ['--budget', ''], 'USAGE', 2],
  ] as const)('a budget of %s', async (_name, args, code, exitCode) => {
    const answer = await bench.ask(['Cheap?', ...args])
    expectFailure(answer, code, exitCode)
    expect(answer.seen).toEqual([])
  })
})

describe('providers that misbehave', () => {
  it.each([
    ['stalls before the headers', { kind: 'stall', at: 'headers' }, 'timeout'],
    ['stalls in a body of one piece', { kind: 'stall', at: 'body' }, 'timeout'],
    ['stalls in the stream', { kind: 'stall', at: 'stream' }, 'timeout'],
    ['sends nothing but keep-alives', { kind: 'keepalive' }, 'timeout'],
    ['ends the stream early', { kind: 'cut' }, 'truncated'],
    ['breaks the connection', { kind: 'cut', reset: true }, 'truncated'],
    ['closes before it answers', { kind: 'refuse' }, 'connection'],
    ['answers 200 with HTML', { kind: 'body', type: 'text/html', text: '<html>Please log in</html>' }, 'truncated'],
    ['answers 200 with nothing', { kind: 'body', type: 'application/json', text: '' }, 'truncated'],
    ['is overloaded', { kind: 'http', status: 503, type: 'overloaded_error' }, 'overloaded'],
    ['breaks', { kind: 'http', status: 500, type: 'server_error' }, 'server'],
  ] as const)('%s: exit 7 PROVIDER_UNAVAILABLE', async (name, failure, reason) => {
    const args = [`When it ${name}?`, '--complexity', 'simple']
    const answer = await bench.ask(args, [{ text: 'half of an answer', failure }], { env: { LLM_TIMEOUT_MS: '700' } })
    const { data } = expectFailure(answer, 'PROVIDER_UNAVAILABLE', 7)
    expect(data!['reason']).toContain(`provider_unavailable.${reason}`)
    const { json } = await bench.place.run(['queue', 'show', String(data!['id'])])
    expect(json.data.request.status).toBe('failed')
    expect(json.data.attempts).toHaveLength(1)
    // whatever may have been worked on counts in full
    const mayBeBilled = !['http', 'refuse'].includes(failure.kind)
    if (mayBeBilled) expect(json.data.attempts[0]).toMatchObject({ cost_source: 'unknown', kind: 'provider_unavailable' })
    if (mayBeBilled) expect(json.data.attempts[0].cost_nusd).toBeGreaterThan(0)
  })

  it.each([
    ['negative', { input: -5, output: 3 }],
    ['absurd', { input: 1e15, output: 1e15 }],
    ['more cached than sent', { input: 5, cacheRead: 500, output: 3 }],
    ['no', null],
  ])('usage that cannot be true (%s): the answer counts, at the price that was reserved', async (name, usage) => {
    const answer = await bench.ask([`Usage, ${name}?`], [{ text: 'fine', usage }])
    expect(answer.exitCode, answer.stdout).toBe(0)
    expect(answer.json.data).toMatchObject({ answer: 'fine', cost_source: 'unknown' })
    expect(answer.json.data.cost_nusd).toBeGreaterThan(1_000_000)
  })

  it('falls back to the next provider, and says what was tried', async () => {
    const env = { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: bench.mock.baseUrl('messages') }
    const answer = await bench.ask(['Who is there?'], [refused(401, 'authentication_error'), { text: 'the other one' }], { env })
    expect(answer.json.data).toMatchObject({ answer: 'the other one', model: 'openai/gpt-6-sol', sent: { provider: 'openai' } })
    const { json } = await bench.place.run(['queue', 'show', answer.json.data.id as string])
    expect(json.data.attempts).toMatchObject([{ provider: 'anthropic', reason: 'auth', http_status: 401 }, { provider: 'openai' }])
  })
})
