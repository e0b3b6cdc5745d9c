import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enqueue, requestLine, runPlain } from '../support/queue-runs.ts'
import { type Playground, createPlayground, refuses } from './playground.ts'

const NOBODY = 'No worker is running'
const UNKNOWN = '01900000-0000-7000-8000-000000000000'

let place: Playground
beforeAll(() => {
  place = createPlayground(null)
})
afterAll(() => place.cleanup())

describe('putting requests into the queue', () => {
  it('prints one id per line and says that nobody works; a file, a pipe and JSON lines are the same', async () => {
    writeFileSync(join(place.root, 'requests.jsonl'), `${requestLine('one')}\n\n${requestLine('two')}\n`)
    const { exitCode, stdout, stderr } = await runPlain(place, ['queue', 'enqueue', 'requests.jsonl'])
    expect(exitCode).toBe(0)
    const ids = stdout.trim().split('\n')
    expect(ids).toHaveLength(2)
    expect(stderr).toContain(NOBODY)
    expect(stderr).toContain('singularity queue work')
    const { json } = await place.run(['queue', 'show', ids[1]!])
    expect(json.data.request).toMatchObject({
      status: 'pending',
      agent_id: 'cli',
      task_type: 'review',
      complexity: 'medium',
      messages: [{ role: 'user', content: 'two' }],
      context: {},
    })
    expect(json.data.attempts).toEqual([])
    const quiet = await runPlain(place, ['queue', 'enqueue', '-', '--quiet'], { input: requestLine() })
    expect(quiet).toMatchObject({ exitCode: 0, stderr: '' })
  })

  it('takes the same id with the same content once, and refuses other content', async () => {
    const id = '0190aaaa-0000-7000-8000-000000000001'
    const first = await place.run(['queue', 'enqueue', '-'], { input: requestLine('same', { id }) })
    expect(first.json.data).toEqual({ requests: [{ id, status: 'pending', deduped: false }], workers: 0 })
    const dry = async (input: string) => (await place.run(['queue', 'enqueue', '-', '--dry-run'], { input })).json
    const fresh = '0190aaaa-0000-7000-8000-000000000002'
    expect((await dry(requestLine('same', { id }))).data.requests).toEqual([{ id, status: 'pending', deduped: true }])
    expect((await dry(requestLine('other', { id }))).error?.code).toBe('ID_CONFLICT')
    expect((await dry(requestLine('same', { id: fresh }))).data.requests).toEqual([{ id: fresh, status: 'pending', deduped: false }])
    await refuses(place, ['queue', 'show', fresh], 'NOT_FOUND', 2)
    const again = await place.run(['queue', 'enqueue', '-'], { input: requestLine('same', { id }) })
    expect(again.json.data.requests).toEqual([{ id, status: 'pending', deduped: true }])
    expect((await place.run(['queue', 'show', id.toUpperCase()])).json.data.request.id).toBe(id)
    await refuses(place, ['queue', 'enqueue', '-'], 'ID_CONFLICT', 2, { input: requestLine('other', { id }) })
  })

  it.each([
    ['broken JSON', '{"task_type":"review",\n"messages":[}', [{ index: 0, position: 35 }]],
    ['broken JSON in the third line', `${requestLine()}\n${requestLine()}\n{"task_type"`, [{ index: 2, position: 12 }]],
    ['an unknown field', requestLine('x', { temprature: 1 }), [{ index: 0, path: 'temprature' }]],
    [
      'a value given twice differently',
      requestLine('x', { temperature: 1, options: { temperature: 0 } }),
      [{ path: 'options.temperature' }],
    ],
    ['no message', '{"task_type":"review","messages":[]}', [{ index: 0, path: 'messages' }]],
    ['nothing', '', [{ index: 0 }]],
  ])('refuses %s, and takes none of the others', async (_name, input, errors) => {
    const before = (await place.run(['queue', 'list', '--limit', '10000'])).json.data.requests.length as number
    const { json } = await refuses(place, ['queue', 'enqueue', '-'], 'REQUEST_INVALID', 2, { input })
    expect(json.error!.data!['errors']).toMatchObject(errors)
    expect((await place.run(['queue', 'list', '--limit', '10000'])).json.data.requests).toHaveLength(before)
  })

  it('refuses what is no text and what is not there', async () => {
    const noText = new Uint8Array([0x22, 0xff, 0xfe, 0x22])
    expect((await refuses(place, ['queue', 'enqueue', '-'], 'REQUEST_INVALID', 2, { input: noText })).json.error!.message).toContain(
      'UTF-8',
    )
    await refuses(place, ['queue', 'enqueue', 'nowhere.json'], 'USAGE', 2)
  })

  it('takes 10 MB', async () => {
    const [id] = await enqueue(place, requestLine('x'.repeat(10_000_000), { agent_id: 'large' }))
    const { json } = await place.run(['queue', 'show', id!])
    expect(json.data.request.messages[0].content).toHaveLength(10_000_000)
  })
})

describe('looking at requests', () => {
  it('lists by status, agent, task and time, page by page', async () => {
    const ids = await enqueue(place, ...[1, 2, 3].map((n) => requestLine(String(n), { agent_id: 'pager', task_type: `t${n}` })))
    const list = async (...args: string[]) => (await place.run(['queue', 'list', '--agent', 'pager', ...args])).json.data
    const first = await list('--limit', '2')
    expect(first.requests.map(({ id }: { id: string }) => id)).toEqual([ids[2], ids[1]])
    const second = await list('--limit', '2', '--cursor', first.next)
    expect(second).toMatchObject({ requests: [{ id: ids[0], agent_id: 'pager', status: 'pending' }], next: null })
    expect((await list('--task', 't2')).requests).toMatchObject([{ id: ids[1] }])
    expect((await list('--since', '1h')).requests).toHaveLength(3)
    expect((await list('--since', '2999-01-01')).requests).toEqual([])
    expect((await list('--status', 'completed')).requests).toEqual([])
    const { stdout } = await runPlain(place, ['queue', 'list', '--agent', 'pager'])
    expect(stdout).toMatch(new RegExp(`^${ids[2]} +pending +t3 +pager`))
  })

  it('strips what would drive the terminal', async () => {
    await enqueue(place, requestLine('x', { agent_id: 'evil', task_type: 'a\u001b[2Jb\nc' }))
    const { stdout } = await runPlain(place, ['queue', 'list', '--agent', 'evil'])
    expect(stdout).not.toContain('\u001b')
    expect(stdout.trim().split('\n')).toHaveLength(1)
  })

  it.each([
    [['queue', 'list', '--since', 'yesterday']],
    [['queue', 'list', '--status', 'done']],
    [['queue', 'list', '--limit', '0']],
    [['queue', 'list', '--cursor', 'abc']],
    [['queue', 'await', UNKNOWN, '--timeout', 'soon']],
    [['queue', 'ack', 'ai_results', 'first']],
    [['queue', 'watch', '--json', '--jsonl']],
    [['queue', 'enqueue']],
    [['queue']],
  ])('%s is not understood', async (args) => {
    await refuses(place, args, 'USAGE', 2)
  })

  it.each(['show', 'retry', 'cancel', 'await', 'stop'])('queue %s does not know the id', async (name) => {
    await refuses(place, ['queue', name, UNKNOWN], 'NOT_FOUND', 2)
  })
})

describe('steering', () => {
  it('cancels what waits, brings it back, and refuses both in the wrong state', async () => {
    const [id] = await enqueue(place, requestLine())
    await refuses(place, ['queue', 'retry', id!], 'STATE_CONFLICT', 1)
    expect((await place.run(['queue', 'cancel', id!])).json.data).toEqual({ id, status: 'failed' })
    await refuses(place, ['queue', 'cancel', id!], 'STATE_CONFLICT', 1)
    const awaited = await place.run(['queue', 'await', id!])
    expect(awaited.exitCode).toBe(1)
    expect(awaited.json).toMatchObject({
      ok: true,
      data: { responses: [{ id, status: 'failed', result: null, cost_nusd: 0, reason: 'cancelled' }] },
    })
    expect((await place.run(['queue', 'retry', id!])).json.data).toEqual({ id, status: 'pending' })
    expect((await place.run(['queue', 'show', id!])).json.data.request).toMatchObject({ status: 'pending', error_message: null })
  })

  it('pauses and goes on, each once', async () => {
    expect((await place.run(['queue', 'pause'])).json.data).toEqual({ queue: 'llm_requests', paused: true })
    await refuses(place, ['queue', 'pause'], 'STATE_CONFLICT', 1)
    expect((await place.run(['queue', 'resume'])).json.data).toEqual({ queue: 'llm_requests', paused: false })
    await refuses(place, ['queue', 'resume'], 'STATE_CONFLICT', 1)
  })

  it('waits no longer than asked, cancels nothing, and says that nobody works', async () => {
    const ids = await enqueue(place, requestLine('slow', { agent_id: 'slow' }), requestLine('gone'))
    const late = await refuses(place, ['queue', 'await', ids[0]!, '--timeout', '300ms'], 'AWAIT_TIMEOUT', 5)
    expect(late.json.error!.message).toContain('goes on')
    expect(late.stderr).toContain(NOBODY)
    await place.run(['queue', 'cancel', ids[1]!])
    const partly = await place.run(['queue', 'await', ...ids, '--timeout', '300ms'])
    expect(partly).toMatchObject({ exitCode: 5, json: { ok: true } })
    expect(partly.json.data.responses.map(({ status }: { status: string }) => status)).toEqual(['pending', 'failed'])
  })

  it('ends a request whose deadline has passed, without any worker', async () => {
    const [id] = await enqueue(place, requestLine('soon', { deadline_ms: 1 }))
    const { exitCode, json } = await place.run(['queue', 'await', id!, '--timeout', '20s'])
    expect(exitCode).toBe(5)
    expect(json.data.responses).toMatchObject([{ id, status: 'failed', reason: 'deadline' }])
  })

  it('counts what waits, verifies and prunes', async () => {
    const own = { agent_id: 'counted' }
    const [first, second] = await enqueue(place, ...['a', 'b', 'c'].map((text) => requestLine(text, own)))
    for (const id of [first!, second!]) await place.run(['queue', 'cancel', id])
    const { json } = await place.run(['queue', 'stats'])
    expect(json.data.pending_by_agent).toContainEqual({ agent_id: 'counted', pending: 1 })
    expect(json.data.backlog.llm.pending).toBeGreaterThanOrEqual(1)
    expect(json.data.success.by_agent).toContainEqual({ agent_id: 'counted', completed: 0, failed: 2, rate: 0 })
    expect(json.data.target).toMatchObject({ llm_requests_per_s: 500, messages_per_s: 100, pick_up_ms: 100 })
    expect((await runPlain(place, ['queue', 'stats'])).stdout).toMatch(/requests {2}\d+ pending, 0 processing, oldest /)
    expect((await place.run(['queue', 'verify'])).json.data).toEqual({ violations: [] })
    expect((await place.run(['queue', 'prune'])).json.data).toEqual({ pruned: 0, done: true })
    const days = { SHARED_QUEUE_RETENTION_DAYS: '0' }
    expect((await place.run(['queue', 'prune'], { env: days })).json.data.pruned).toBeGreaterThanOrEqual(2)
    expect((await place.run(['queue', 'workers'])).json.data).toEqual({ workers: [] })
    expect((await place.run(['queue', 'stop'])).json.data).toEqual({ asked: 0 })
  })
})

describe('where the queue cannot be used', () => {
  it('says so: no repository, a damaged file, a file of somebody else', async () => {
    await refuses(place, ['queue', 'list'], 'NOT_A_REPOSITORY', 6, { cwd: place.folder })
    const other = createPlayground(null)
    try {
      await enqueue(other, requestLine())
      const file = join(other.root, '.git', 'singularity', 'queue.db')
      for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true })
      writeFileSync(file, 'no database '.repeat(1000))
      for (const args of [['list'], ['enqueue', '-'], ['work', '--drain']])
        await refuses(other, ['queue', ...args], 'STATE_UNUSABLE', 6, { input: requestLine() })
    } finally {
      other.cleanup()
    }
  })
})

describe('the settings of the queue', () => {
  it('have the names of the seeds', async () => {
    const env = {
      SHARED_QUEUE_BATCH_SIZE: '7',
      SHARED_QUEUE_POLL_MS: '50',
      SHARED_QUEUE_LLM_POLL_MS: '20',
      SHARED_QUEUE_LLM_BATCH_SIZE: '100',
      SHARED_QUEUE_RETENTION_DAYS: '3',
      SINGULARITY_QUEUE_LEASE_MS: '5000',
    }
    const { json } = await place.run(['config', 'list'], { env })
    const found = (json.data.settings as { name: string; value: unknown; source: string }[]).filter(({ name }) => name.startsWith('queue.'))
    expect(Object.fromEntries(found.map(({ value, source }) => [source, String(value)]))).toEqual(env)
    const defaults = (await place.run(['config', 'list'])).json.data.settings as { name: string; value: unknown }[]
    expect(defaults.filter(({ name }) => name.startsWith('queue.')).map(({ value }) => value)).toEqual([100, 1000, 50, 100, 30_000, 90])
    await refuses(place, ['queue', 'list'], 'CONFIG_INVALID', 2, { env: { SHARED_QUEUE_BATCH_SIZE: '0' } })
  })
})
