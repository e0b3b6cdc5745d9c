import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type MockModels, type ScriptedAnswer, startMockModels } from '../support/models.ts'
import { startPlain } from '../support/queue-runs.ts'
import { hasTerminal, openTerminal } from '../support/terminal.ts'
import { GOOD_PATCH, type Playground, createPlayground, isInSandbox } from './playground.ts'

let place: Playground
let mock: MockModels
beforeEach(async () => {
  place = createPlayground()
  mock = await startMockModels()
  place.env['ANTHROPIC_API_KEY'] = 'key-of-the-test'
  place.env['ANTHROPIC_BASE_URL'] = mock.baseUrl('messages')
})
afterEach(async () => {
  await mock.close()
  place.cleanup()
})

const call = (name: string, params: Record<string, unknown>): ScriptedAnswer => ({
  toolCalls: [{ name, arguments: params }],
  usage: { input: 1000, output: 50 },
})
const READ = call('read', { path: 'src/list.js', range: null })
const ASK = call('ask', { question: 'May NaN be in the lists?' })
const EDIT = call('edit', { path: 'src/list.js', old: 'list.indexOf(item) !== -1', new: 'list.includes(item)' })
const DONE = call('done', { summary: 'includes says what is meant' })
const GOAL = ['improve', '--goal', 'Use includes', '--budget', '1']

// oxlint-disable-next-line typescript/no-explicit-any -- a message is whatever somebody sent
const read = async (queue: string): Promise<any[]> =>
  ((await place.run(['queue', 'read', queue, '--visibility', '1ms'])).json.data.messages as { body: unknown }[]).map(({ body }) => body)
const send = (queue: string, body: unknown) => place.run(['queue', 'send', queue, '-'], { input: JSON.stringify(body) })
const drain = () => place.run(['queue', 'work', '--drain'])
const questions = async () =>
  (await place.run(['inbox'])).json.data.questions as { id: string; run_id: string; candidate_id: string | null }[]
/** What the model was told last. */
const told = () => mock.requests.at(-1)!.raw

describe('a question of a model', () => {
  it('ends a run nobody waits in by exit 4, is answered by its token alone, and goes on at that turn', async () => {
    mock.script(READ, ASK, EDIT, DONE)
    const parked = await place.run(GOAL)
    const [question] = await questions()
    expect({ exitCode: parked.exitCode, error: parked.json.error }, parked.stdout + parked.stderr).toMatchObject({
      exitCode: 4,
      error: {
        code: 'PERSON_NEEDED',
        message: 'The model asks: May NaN be in the lists?',
        hints: [`singularity answer ${question!.id} TEXT`, "singularity improve --goal 'Use includes' --budget 1"],
      },
    })
    expect(question).toMatchObject({ candidate_id: null, run_id: parked.json.error!.data!['run'] })
    // begun again it waits for the same answer, and nobody is paid for it
    const again = await place.run(GOAL)
    expect(again.json.error?.hints[0]).toBe(`singularity answer ${question!.id} TEXT`)
    expect([mock.meter().calls, (await questions()).length]).toEqual([2, 1])

    const [asked, ...others] = await read('question_requests')
    expect(others).toEqual([])
    expect(asked).toMatchObject({ question_id: question!.id, candidate_id: null, token: expect.stringMatching(/^[0-9a-f]{32}$/) })
    const answer = { question_id: question!.id, answer: 'no, never', token: asked.token, by: 'release-bot' }
    await send('question_responses', { ...answer, token: 'f'.repeat(32) })
    await send('question_responses', { ...answer, token: undefined })
    await send('question_responses', { ...answer, answer: ' ' })
    expect((await drain()).json.data.messages).toBe(3)
    expect(await questions()).toHaveLength(1)
    const log = readFileSync(join(place.root, '.git', 'singularity', 'logs', 'worker.log'), 'utf8')
    expect(log.match(/response refused/g)).toHaveLength(3)
    expect(log).not.toContain(asked.token)
    await send('question_responses', answer)
    await drain()
    expect(await questions()).toEqual([])

    const ended = await place.run(GOAL)
    const [candidate] = ended.json.data?.candidates ?? []
    expect(candidate, ended.stdout + ended.stderr).toMatchObject({ verdict: 'keep', source: { kind: 'model' } })
    expect(mock.meter().calls).toBe(4)
    expect(told()).toContain('no, never')
    expect((await place.run(['show', candidate.id])).json.data.questions).toMatchObject([
      { answer: 'no, never', answered_by: 'release-bot' },
    ])
    // the answer is part of the recording
    const replay = await place.run([...GOAL, '--dry-run', '--replay', ended.json.data.run.id])
    expect(replay.json.data?.candidates?.[0], replay.stdout + replay.stderr).toMatchObject({ verdict: 'keep' })
    expect(mock.meter().calls).toBe(4)
  })

  it('wakes the run that waits for it', async () => {
    mock.script(READ, ASK, EDIT, DONE)
    const run = startPlain(place, [...GOAL, '--dry-run', '--wait', '5m'])
    await run.sees('waiting for an answer')
    const [question] = await questions()
    expect((await place.run(['answer', question!.id, 'only numbers'])).exitCode).toBe(0)
    const { exitCode, stdout, stderr } = await run.done
    expect({ exitCode, stdout }, stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('1 kept') })
    expect(told()).toContain('only numbers')
  })

  it('is answered to a run that waits by a message, without any worker', async () => {
    mock.script(READ, ASK, EDIT, DONE)
    const run = startPlain(place, [...GOAL, '--dry-run', '--wait', '5m'])
    await run.sees('waiting for an answer')
    const [{ question_id, token }] = (await read('question_requests')) as [{ question_id: string; token: string }]
    await send('question_responses', { question_id, token, answer: 'by a bot' })
    expect((await run.done).exitCode).toBe(0)
    expect(told()).toContain('by a bot')
  })

  it('puts the job of a worker to rest, and its answer wakes it', async () => {
    mock.script(READ, ASK, EDIT, DONE)
    const { id } = (await place.run([...GOAL, '--detach'])).json.data as { id: string }
    const worker = startPlain(place, ['queue', 'work'])
    await worker.sees(/waits +\S+ +goal/)
    const [question] = await questions()
    await worker.sees(`singularity answer ${question!.id} TEXT`)
    await place.run(['answer', question!.id, 'only numbers'])
    await worker.sees(/completed +\S+ +goal/)
    worker.child.kill('SIGTERM')
    await worker.done
    const { exitCode, json } = await place.run(['queue', 'await', id])
    expect({ exitCode, result: json.data.responses[0].result }).toMatchObject({
      exitCode: 4,
      result: { needs_person: true, candidates: [{ verdict: 'keep', state: 'awaiting_approval' }] },
    })
    expect(mock.meter().calls).toBe(4)
    expect(told()).toContain('only numbers')
  })

  it('of a job whose worker is killed in the middle of a turn: another one goes on there, and nothing is paid twice', async () => {
    const SLOW = call('run', { argv: ['sh', '-c', 'touch hangs; sleep 3; rm hangs'], timeout: null })
    mock.script(READ, EDIT, SLOW, ASK, DONE)
    const { id } = (await place.run([...GOAL, '--detach'])).json.data as { id: string }
    const first = startPlain(place, ['queue', 'work'])
    await expect.poll(() => isInSandbox(place, 'hangs'), { timeout: 60_000 }).toBe(true)
    first.child.kill('SIGKILL')
    await first.done
    expect(mock.meter().calls).toBe(3)
    const second = await drain()
    expect(second.json.data, second.stderr).toMatchObject({ completed: 0, released: 1 })
    const [question, ...others] = await questions()
    expect([mock.meter().calls, others]).toEqual([4, []])
    await place.run(['answer', question!.id, 'only numbers'])
    expect((await drain()).json.data).toMatchObject({ completed: 1 })
    expect(mock.meter().calls).toBe(5)
    const { json } = await place.run(['queue', 'await', id])
    expect(json.data.responses[0].result).toMatchObject({ exit_code: 4, candidates: [{ verdict: 'keep', state: 'awaiting_approval' }] })
    expect((await place.run(['queue', 'verify'])).json.data.violations).toEqual([])
  })

  it.skipIf(!hasTerminal)(`is asked at once on a terminal${hasTerminal ? '' : ' (skipped: script of util-linux is missing)'}`, async () => {
    mock.script(READ, ASK, EDIT, DONE)
    const terminal = openTerminal(place, [...GOAL, '--dry-run'])
    await terminal.sees('May NaN be in the lists?')
    terminal.type('not here\n')
    await terminal.sees('1 kept')
    expect(await terminal.done).toBe(0)
    expect(told()).toContain('not here')
  })
})

describe('a run that waits for a decision', () => {
  it('lands what a message approves, with the token and the exact diff only', async () => {
    const patch = startPlain(place, ['improve', '--patch', '-', '--wait', '5m'], { input: GOOD_PATCH })
    await patch.sees('waiting for 1 decision')
    const [{ candidate_id, token, diff_hash }] = (await read('approval_requests')) as [Record<string, string>]
    const answer = { candidate_id, decision: 'approved', token, diff_hash, by: 'release-bot' }
    await send('approval_responses', { ...answer, diff_hash: 'other' })
    await send('approval_responses', { ...answer, token: undefined })
    await send('approval_responses', answer)
    const { exitCode, stdout, stderr } = await patch.done
    expect({ exitCode, stdout }, stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('landed') })
    expect(place.git('log', '--format=%s', 'work').split('\n')).toHaveLength(2)
    const log = readFileSync(join(place.root, '.git', 'singularity', 'logs', 'worker.log'), 'utf8')
    expect(log.match(/response refused/g)).toHaveLength(2)
  })

  it('is woken by another terminal, and ends by 4 when the time is over', async () => {
    const run = startPlain(place, ['improve', '--source', 'rules', '--rule', 'js/prefer-includes', '--wait', '5m'])
    await run.sees('waiting for 1 decision')
    const { candidates } = (await place.run(['inbox'])).json.data as { candidates: { candidate: { id: string } }[] }
    await place.run(['reject', candidates[0]!.candidate.id, '--reason', 'no'])
    expect((await run.done).exitCode).toBe(0)
    const late = await place.run(['improve', '--patch', '-', '--wait', '10ms'], { input: GOOD_PATCH })
    expect(late.exitCode, late.stdout + late.stderr).toBe(4)
  })
})
