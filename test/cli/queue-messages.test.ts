import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type MockModels, startMockModels } from '../support/models.ts'
import { requestLine, startPlain } from '../support/queue-runs.ts'
import { GOOD_PATCH, PROGRAM, type Playground, createPlayground, refuses } from './playground.ts'

let place: Playground
afterEach(() => place.cleanup())

const send = (queue: string, body: unknown) =>
  place.run(['queue', 'send', queue, '-'], { input: typeof body === 'string' ? body : JSON.stringify(body) })
// oxlint-disable-next-line typescript/no-explicit-any -- a message is whatever somebody sent
const read = async (queue: string, ...args: string[]): Promise<any[]> =>
  (await place.run(['queue', 'read', queue, ...(args.includes('--limit') ? [] : ['--limit', '100']), ...args])).json.data.messages
const drain = () => place.run(['queue', 'work', '--drain'])

describe('queues that programs share', () => {
  beforeEach(() => {
    place = createPlayground(null)
  })

  it('hide what is read, bring it again, and forget what is acknowledged', async () => {
    const first = (await send('deployments', { n: 1 })).json
    expect(first.error?.code).toBe('NOT_FOUND')
    expect((await place.run(['queue', 'ensure', 'deployments'])).json.data).toEqual({ queues: ['deployments'] })
    const { message_id: id } = (await send('deployments', { n: 1 })).json.data
    await send('deployments', ' [2]\n')
    expect(await read('deployments', '--limit', '1', '--visibility', '1ms')).toMatchObject([
      { message_id: id, read_count: 1, body: { n: 1 } },
    ])
    expect(await read('deployments', '--visibility', '1h')).toMatchObject([{ message_id: id, read_count: 2 }, { body: [2] }])
    expect(await read('deployments')).toEqual([])
    expect((await place.run(['queue', 'ack', 'deployments', String(id), '999'])).json.data).toEqual({ acknowledged: 1 })
    expect((await place.run(['queue', 'stats'])).json.data.backlog.messages).toContainEqual(
      expect.objectContaining({ queue: 'deployments', waiting: 1 }),
    )
    expect((await place.run(['queue', 'ensure'])).json.data.queues).toHaveLength(7)
  })

  it('are known by name, and hold JSON only', async () => {
    for (const args of [
      ['send', 'nowhere', '-'],
      ['read', 'nowhere'],
      ['ack', 'nowhere', '1'],
    ])
      await refuses(place, ['queue', ...args], 'NOT_FOUND', 2, { input: '{}' })
    const { json } = await refuses(place, ['queue', 'send', 'ai_results', '-'], 'REQUEST_INVALID', 2, { input: '{"a":1,}' })
    expect(json.error!.data!['errors']).toMatchObject([{ position: 7, preview: '{"a":1,}' }])
    await refuses(place, ['queue', 'send', 'ai_results', '-'], 'REQUEST_INVALID', 2)
    await refuses(place, ['queue', 'read', 'ai_results', '--visibility', 'long'], 'USAGE', 2)
  })
})

describe('requests of other programs', () => {
  let mock: MockModels
  beforeEach(async () => {
    place = createPlayground(null)
    mock = await startMockModels({ fallback: { text: 'yes' } })
    Object.assign(place.env, { OPENAI_BASE_URL: mock.baseUrl('responses'), OPENAI_API_KEY: 'key-of-the-test' })
  })
  afterEach(() => mock.close())

  it('are answered to a shell script that knows the command line only', async () => {
    const id = '0190bbbb-0000-7000-8000-000000000001'
    const program = join(place.folder, 'singularity')
    symlinkSync(PROGRAM, program)
    const working = startPlain(place, ['queue', 'work'])
    const script = join(import.meta.dirname, '..', 'support', 'programs', 'ask-through-queues.sh')
    const child = spawn('sh', [script, program, id], { cwd: place.root, env: place.env, stdio: ['ignore', 'pipe', 'inherit'] })
    const [output, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'close')])
    expect(exitCode).toBe(0)
    expect(JSON.parse(output).body).toMatchObject({ request_id: id, response: 'yes', model: expect.stringContaining('openai/') })
    expect(JSON.parse(output).body.tokens_used).toBeGreaterThan(0)
    working.child.kill('SIGTERM')
    expect(await working.done).toMatchObject({ exitCode: 143, stdout: '1 job completed, 1 message taken\n' })
    expect(await read('ai_results')).toEqual([])
    expect(await read('llm_results')).toMatchObject([{ body: { request_id: id, status: 'completed', error_message: null } }])
    expect((await place.run(['queue', 'list'])).json.data.requests).toMatchObject([{ id, status: 'completed' }])
  })

  it('that are wrong become failed results which say why, and the queue is free of them', async () => {
    const id = '0190bbbb-0000-7000-8000-000000000002'
    await send('ai_requests', requestLine('first', { id }))
    await send('ai_requests', requestLine('other', { id }))
    await send('ai_requests', { id: 'x', task_type: 'review' })
    await send('ai_requests', '"text"')
    expect((await drain()).json.data).toMatchObject({ messages: 4, completed: 1, failed: 0 })
    const failed = (await read('llm_results')).filter(({ body }) => body.status === 'failed').map(({ body }) => body)
    expect(failed.map(({ error_message: why }) => String(why).split(':')[0])).toEqual(['ID_CONFLICT', 'REQUEST_INVALID', 'REQUEST_INVALID'])
    expect(failed[1]).toMatchObject({
      request_id: 'x',
      response: null,
      errors: expect.arrayContaining([expect.objectContaining({ path: 'messages' })]),
    })
    expect(await read('ai_requests', '--visibility', '1ms')).toEqual([])
    expect(mock.meter().calls).toBe(1)
    expect((await drain()).json.data).toMatchObject({ messages: 0, completed: 0 })
  })
})

describe('answers of other programs', () => {
  beforeEach(() => {
    place = createPlayground()
  })

  it('decide a candidate with the one-time token and the exact diff, and not without; a question is answered the same way', async () => {
    place.env['SINGULARITY_REGRESSION_THRESHOLD'] = '0.9'
    const improved = await place.run(['improve', '--patch', '-'], { input: GOOD_PATCH })
    const { id } = improved.json.data.candidates[0] as { id: string }
    const question = (await place.run(['question', id, 'since when?'])).json.data as { id: string }
    const state = async () => (await place.run(['show', id])).json.data.candidate.state as string

    const [asked] = await read('approval_requests')
    expect(asked.body).toMatchObject({ candidate_id: id, token: expect.stringMatching(/^[0-9a-f]{32}$/), diff_hash: expect.any(String) })
    expect((await read('question_requests'))[0].body).toMatchObject({ question_id: question.id, candidate_id: id, text: 'since when?' })
    const { token, diff_hash } = asked.body
    const answer = { candidate_id: id, decision: 'approved', token, diff_hash, by: 'release-bot' }

    await send('approval_responses', { ...answer, token: 'f'.repeat(32) })
    await send('approval_responses', { ...answer, diff_hash: 'other' })
    await send('approval_responses', { ...answer, token: undefined })
    await send('approval_responses', { ...answer, decision: 'perhaps' })
    await send('question_responses', { ...answer, question_id: question.id, answer: 'May', token: 'no' })
    expect((await drain()).json.data.messages).toBe(5)
    expect(await state()).toBe('awaiting_approval')
    const log = readFileSync(join(place.root, '.git', 'singularity', 'logs', 'worker.log'), 'utf8')
    expect(log.match(/response refused/g)).toHaveLength(5)
    expect(log).not.toContain(token)

    await send('question_responses', { ...answer, question_id: question.id, answer: 'since May' })
    expect((await drain()).json.data.messages).toBe(1)
    const { questions } = (await place.run(['show', id])).json.data
    expect(questions).toMatchObject([{ answer: 'since May', answered_by: 'release-bot' }])

    await send('approval_responses', answer)
    expect((await drain()).json.data.messages).toBe(1)
    const shown = (await place.run(['show', id])).json.data
    expect(shown).toMatchObject({
      candidate: { state: 'landed' },
      approval: { status: 'approved', decided_by: 'release-bot', via: 'message' },
    })
    expect(place.git('log', '--format=%s', 'work').split('\n')).toHaveLength(2)
    // the token works once
    await send('approval_responses', { ...answer, decision: 'rejected' })
    await drain()
    expect(await state()).toBe('landed')
    expect(await read('approval_requests', '--visibility', '1ms')).toEqual([])
  })
})
