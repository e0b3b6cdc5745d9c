import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { QUEUE_MIGRATIONS } from '../../src/core/queue/engines/sqlite/migrations.ts'
import { loadSqlite } from '../../src/core/storage/index.ts'
import { type MockModels, startMockModels } from '../support/models.ts'
import { enqueue, requestLine, runPlain, startPlain } from '../support/queue-runs.ts'
import { type Playground, createPlayground, refuses } from './playground.ts'

let place: Playground
let mock: MockModels
beforeEach(async () => {
  place = createPlayground(null)
  mock = await startMockModels({ fallback: { text: 'yes' } })
  Object.assign(place.env, { OPENAI_BASE_URL: mock.baseUrl('responses'), OPENAI_API_KEY: 'key-of-the-test', LLM_MAX_RETRIES: '0' })
})
afterEach(async () => {
  await mock.close()
  place.cleanup()
})

const drain = (...args: string[]) => place.run(['queue', 'work', '--drain', ...args])
const statuses = async (): Promise<string[]> =>
  ((await place.run(['queue', 'list'])).json.data.requests as { status: string }[]).map(({ status }) => status)
const stall = { failure: { kind: 'stall', at: 'headers' } } as const

describe('a worker', () => {
  it('answers, and whoever waits for it in another process hears of it', async () => {
    const [id] = await enqueue(place, requestLine('Is 7 prime?', { agent_id: 'reviewer' }))
    const waiting = startPlain(place, ['queue', 'await', id!, '--timeout', '60s', '--json'])
    await waiting.sees('No worker is running')
    const working = startPlain(place, ['queue', 'work'])
    const { exitCode, stdout } = await waiting.done
    const json = JSON.parse(stdout)
    expect(exitCode).toBe(0)
    expect(json.data.responses).toMatchObject([{ id, status: 'completed', result: 'yes', source: 'llm', cached: false, attempts: 1 }])
    expect(json.data.responses[0].usage.total_tokens).toBeGreaterThan(0)
    expect(json.data.responses[0].cost_nusd).toBeGreaterThan(0)
    const { workers } = (await place.run(['queue', 'workers'])).json.data
    expect(workers).toMatchObject([{ pid: working.child.pid, role: 'worker', running: 0, stopping: false }])
    // now there is one: nothing to say
    expect((await runPlain(place, ['queue', 'await', id!])).stderr).toBe('')
    expect((await runPlain(place, ['queue', 'await', id!])).stdout).toBe('yes\n')
    expect((await place.run(['queue', 'stop', workers[0].id])).json.data).toEqual({ asked: 1 })
    const ended = await working.done
    expect(ended).toMatchObject({ exitCode: 0, stdout: '1 job completed\n' })
    expect(ended.stderr).toMatch(new RegExp(`begun +${id} +review +reviewer\\ncompleted +${id} +review +reviewer\\n$`))
    const { data } = (await place.run(['queue', 'show', id!])).json
    expect(data.request).toMatchObject({ status: 'completed', response: 'yes', error_message: null })
    expect(data.attempts).toMatchObject([{ n: 1, step: 'call', provider: 'openai', kind: null, cost_source: 'computed' }])
    await refuses(place, ['queue', 'retry', id!], 'STATE_CONFLICT', 1)
    const stats = (await place.run(['queue', 'stats'])).json.data
    expect(stats).toMatchObject({ completed_last_hour: 1, latency_ms: { pick_up: { n: 1 }, total: { n: 1 } } })
    expect(stats.success.by_agent).toEqual([{ agent_id: 'reviewer', completed: 1, failed: 0, rate: 1 }])
  })

  it('exits 0 whatever became of the requests, unless asked; awaiting tells the reason by its exit code', async () => {
    const http = (status: number, more: object = {}) => ({ failure: { kind: 'http', status, ...more } as const })
    mock.script(
      { match: 'bad one', ...http(400, { type: 'invalid_request_error', code: 'invalid_value' }) },
      { match: 'refused one', refusal: 'no' },
      { match: 'down one', ...http(503) },
    )
    const ids = await enqueue(place, ...['bad one', 'refused one', 'down one', 'good one'].map((text) => requestLine(text)))
    expect(await drain('--fail-on', 'failed')).toMatchObject({
      exitCode: 1,
      json: { ok: true, data: { ended: 'done', completed: 1, failed: 3 } },
    })
    expect(await drain('--fail-on', 'failed')).toMatchObject({ exitCode: 0 })
    const codes = await Promise.all(ids.map(async (id) => (await place.run(['queue', 'await', id])).exitCode))
    expect(codes).toEqual([2, 1, 7, 0])
    const all = await place.run(['queue', 'await', ...ids.slice(1)])
    expect(all).toMatchObject({ exitCode: 7, json: { ok: true } })
    expect(all.json.data.responses.map(({ status }: { status: string }) => status)).toEqual(['failed', 'failed', 'completed'])
    await place.run(['queue', 'retry', ids[2]!])
    expect(await drain()).toMatchObject({ exitCode: 0, json: { data: { completed: 1, failed: 0 } } })
  })

  it('without any key ends the request with the reason and exit 7', async () => {
    delete place.env['OPENAI_API_KEY']
    const [id] = await enqueue(place, requestLine())
    const { exitCode, stderr } = await runPlain(place, ['queue', 'work', '--drain'])
    expect(exitCode).toBe(0)
    expect(stderr).toMatch(new RegExp(`failed +${id} .*no key`))
    expect(await place.run(['queue', 'await', id!])).toMatchObject({
      exitCode: 7,
      json: { ok: true, data: { responses: [{ status: 'failed', reason: 'llm_not_configured' }] } },
    })
    expect(mock.requests).toHaveLength(0)
  })

  it('takes one job, or none, with --once; leaves when idle with --idle-exit; leaves a paused queue alone', async () => {
    await enqueue(place, requestLine('one'), requestLine('two'))
    await place.run(['queue', 'pause'])
    expect((await drain()).json.data).toMatchObject({ completed: 0 })
    await place.run(['queue', 'resume'])
    expect((await place.run(['queue', 'work', '--once'])).json.data).toMatchObject({ completed: 1 })
    expect((await statuses()).toSorted()).toEqual(['completed', 'pending'])
    expect((await place.run(['queue', 'work', '--idle-exit', '50ms'])).json.data).toMatchObject({ completed: 1, ended: 'idle' })
    expect((await place.run(['queue', 'work', '--once'])).json.data).toMatchObject({ completed: 0, ended: 'done' })
    await refuses(place, ['queue', 'work', '--once', '--drain'], 'USAGE', 2)
  })

  it('shares the work with another one; nothing is done twice', async () => {
    const ids = await enqueue(place, ...Array.from({ length: 40 }, (_each, n) => requestLine(`request ${n}`)))
    const reports = await Promise.all([drain('--concurrency', '2'), drain('--concurrency', '2')])
    expect(reports.map(({ exitCode }) => exitCode)).toEqual([0, 0])
    expect(reports.reduce((sum, { json }) => sum + json.data.completed, 0)).toBe(40)
    expect(mock.meter().calls).toBe(ids.length)
    expect((await place.run(['queue', 'verify'])).json.data).toEqual({ violations: [] })
  })
})

describe('a worker that is stopped', () => {
  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('puts back what runs: %s ends it with %i', async (signal, code) => {
    mock.script({ ...stall, forever: true })
    const [id] = await enqueue(place, requestLine())
    const working = startPlain(place, ['queue', 'work'])
    await mock.received(1)
    working.child.kill(signal)
    // Ctrl-C waits for what runs, once more does not
    if (signal === 'SIGINT') {
      await working.sees('Stopping')
      working.child.kill(signal)
    }
    expect(await working.done).toMatchObject({ exitCode: code, stdout: '0 jobs completed, 1 put back\n' })
    expect((await place.run(['queue', 'show', id!])).json.data.request).toMatchObject({ status: 'pending' })
    expect((await place.run(['queue', 'workers'])).json.data).toEqual({ workers: [] })
    expect((await place.run(['queue', 'verify'])).json.data).toEqual({ violations: [] })
  })

  it('asked by Ctrl-C lets what runs come to its end', async () => {
    mock.script({ text: 'late', delayMs: 500 })
    await enqueue(place, requestLine())
    const working = startPlain(place, ['queue', 'work'])
    await mock.received(1)
    working.child.kill('SIGINT')
    expect(await working.done).toMatchObject({ exitCode: 130, stdout: '1 job completed\n' })
  })

  it('cancels what somebody else cancels', async () => {
    mock.script({ ...stall, forever: true })
    const [id] = await enqueue(place, requestLine())
    const working = place.start(['queue', 'work', '--drain'])
    await mock.received(1)
    expect((await place.run(['queue', 'cancel', id!])).json.data).toEqual({ id, status: 'processing' })
    expect(await working.done).toMatchObject({ exitCode: 0, json: { data: { cancelled: 1 } } })
    expect(await place.run(['queue', 'await', id!])).toMatchObject({ exitCode: 1 })
  })

  it('by kill -9 leaves nothing behind that the next one does not take over', async () => {
    place.env['LLM_MAX_RETRIES'] = '1' // a crash is one of the attempts
    mock.script(stall)
    const [id] = await enqueue(place, requestLine())
    const working = startPlain(place, ['queue', 'work'])
    await mock.received(1)
    working.child.kill('SIGKILL')
    await working.done
    expect((await place.run(['queue', 'workers'])).json.data).toEqual({ workers: [] })
    expect((await place.run(['queue', 'verify'])).json.data).toEqual({ violations: [] })
    expect((await drain()).json.data).toMatchObject({ completed: 1 })
    const { attempts, request } = (await place.run(['queue', 'show', id!])).json.data
    expect(request.status).toBe('completed')
    expect(attempts).toHaveLength(2)
    expect((await place.run(['queue', 'verify'])).json.data).toEqual({ violations: [] })
  })

  it.each([
    ['a newer program owns the queue', 'newer'],
    ['the repository is gone', 'gone'],
  ])('ends with 6 when %s', async (_why, ended) => {
    const working = place.start(['queue', 'work'])
    await workerListed()
    const file = join(place.root, '.git', 'singularity', 'queue.db')
    if (ended === 'gone') rmSync(place.root, { recursive: true })
    else {
      const db = new (loadSqlite())(file)
      db.pragma(`user_version = ${QUEUE_MIGRATIONS.length + 1}`)
      db.close()
    }
    expect(await working.done).toMatchObject({ exitCode: 6, json: { ok: true, data: { ended } } })
    if (ended === 'newer') await refuses(place, ['queue', 'list'], 'STATE_NEWER', 6)
  })
})

/** Resolves when a worker has registered itself. */
async function workerListed(): Promise<void> {
  while (((await place.run(['queue', 'workers'])).json.data.workers as object[]).length === 0);
}
