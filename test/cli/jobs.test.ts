import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { IMPROVE_JOB, improveJob } from '../../src/core/improvement/index.ts'
import { createSqliteQueue } from '../../src/core/queue/index.ts'
import { systemClock } from '../../src/core/kernel/index.ts'
import { createProcessInfo } from '../../src/core/process/index.ts'
import { NO_REQUEST } from '../support/app.ts'
import { runPlain, startPlain } from '../support/queue-runs.ts'
import { GOOD_PATCH, type Playground, createPlayground, isInSandbox, refuses } from './playground.ts'

let place: Playground
beforeEach(() => {
  place = createPlayground()
})
afterEach(() => place.cleanup())

const BAD_PATCH = GOOD_PATCH.replace('+  return list.includes(item)', '+  return list.includes(list)')

async function detach(...args: string[]): Promise<string> {
  const answer = await place.run(['improve', '--detach', ...args], { input: GOOD_PATCH })
  expect(answer.exitCode, answer.stdout + answer.stderr).toBe(0)
  expect(answer.json.data).toEqual({ id: expect.any(String), status: 'pending', deduped: false, workers: 0 })
  return answer.json.data.id as string
}
const drain = (...args: string[]) => place.run(['queue', 'work', '--drain', ...args])
const outcome = async (id: string) => {
  const answer = await place.run(['queue', 'await', id, '--timeout', '10ms'])
  return { exitCode: answer.exitCode, response: answer.json.data?.responses[0], error: answer.json.error }
}
// oxlint-disable-next-line typescript/no-explicit-any -- a message is whatever it is
const results = async (): Promise<any[]> =>
  ((await place.run(['queue', 'read', 'job_results', '--visibility', '1ms'])).json.data.messages as { body: unknown }[]).map(
    ({ body }) => body,
  )
const runs = async () => (await place.run(['runs'])).json.data.runs as { id: string; status: string }[]

describe('a run as a job', () => {
  it('prints its id and what follows; a worker makes the run later, from the commit and for the branch of then', async () => {
    const patch = join(place.folder, 'my.patch')
    writeFileSync(patch, GOOD_PATCH)
    const plain = await runPlain(place, ['improve', '--detach', '--patch', patch])
    const id = plain.stdout.trim()
    expect(plain.stderr).toContain(`singularity queue work\n  singularity queue await ${id} --timeout 1h\n  singularity runs`)
    // the patch is stored by its content, the commit by its name
    rmSync(patch)
    const base = place.git('rev-parse', 'HEAD')
    place.commit('later', { 'README.md': 'later\n' })
    place.git('checkout', '-q', '-b', 'elsewhere')
    expect((await drain()).json.data).toMatchObject({ completed: 1, failed: 0 })
    const { exitCode, response } = await outcome(id)
    expect(response, JSON.stringify(response)).toMatchObject({
      status: 'completed',
      result: { exit_code: 4, needs_person: true, totals: { kept: 1 }, candidates: [{ verdict: 'keep', state: 'awaiting_approval' }] },
    })
    expect(exitCode).toBe(4)
    const [run] = (await place.run(['runs'])).json.data.runs as { base: string; branch: string }[]
    expect(run).toMatchObject({ base, branch: 'work' })
    const candidate = response.result.candidates[0].id as string
    expect((await place.run(['approve', candidate])).json.data).toMatchObject({ state: 'landed', landed_on: 'work' })

    const told = await results()
    expect(told).toEqual([
      {
        workflow: 'improve.run',
        instance_id: 'improve',
        job_id: id,
        input: expect.objectContaining({ folder: place.root, branch: 'work' }),
        output: response.result,
        tokens_used: null,
        cost_cents: null,
        duration_ms: expect.any(Number),
        status: 'success',
      },
    ])
    const [listed] = (await place.run(['queue', 'list', '--queue', 'validation'])).json.data.requests as { id: string }[]
    expect(listed!.id).toBe(id)
    expect((await place.run(['queue', 'verify'])).json.data.violations).toEqual([])
  })

  it('says yes only where its person has said --yes, and lands on the branch of then', async () => {
    const id = await detach('--source', 'rules', '--rule', 'js/prefer-includes', '--yes', '--test', 'node --test')
    await drain()
    const { exitCode, response } = await outcome(id)
    expect(response.result, JSON.stringify(response)).toMatchObject({ exit_code: 0, candidates: [{ state: 'landed', landed_on: 'work' }] })
    expect(exitCode).toBe(0)
    expect(place.git('log', '--format=%s', 'work').split('\n')).toHaveLength(2)
  })

  it('tells what a run is refused by, and by which exit code', async () => {
    const id = await detach('--patch', '-', '--test', 'false')
    const report = await drain('--fail-on', 'failed')
    expect({ exitCode: report.exitCode, data: report.json.data }).toMatchObject({ exitCode: 1, data: { failed: 1 } })
    const { exitCode, response } = await outcome(id)
    expect(response).toMatchObject({ status: 'failed', reason: 'baseline_unusable', result: { error: { code: 'BASELINE_UNUSABLE' } } })
    expect(exitCode).toBe(6)
    expect(await results()).toMatchObject([{ job_id: id, status: 'failure', output: { exit_code: 6 } }])
    // what is wrong with the words is told at once
    await refuses(place, ['improve', '--detach', '--metric', 'nonsense'], 'USAGE', 2)
    await refuses(place, ['improve', '--detach', '--exec', 'true', '--exec-env', 'TOKEN=secret'], 'USAGE', 2)
    await refuses(place, ['improve', '--detach', 'nowhere/'], 'USAGE', 2)
  })

  it('a change that fails the tests is a negative result: 1', async () => {
    const { json } = await place.run(['improve', '--detach', '--patch', '-'], { input: BAD_PATCH })
    await drain()
    expect((await outcome(json.data.id)).exitCode).toBe(1)
  })

  it('is cancelled while it runs, and leaves nothing half done', async () => {
    const id = await detach('--patch', '-', '--test', "sh -c 'touch hangs; sleep 600'")
    const worker = place.start(['queue', 'work', '--drain'])
    await expect.poll(() => isInSandbox(place, 'hangs'), { timeout: 60_000 }).toBe(true)
    expect((await place.run(['queue', 'cancel', id])).json.data).toMatchObject({ status: 'processing' })
    expect((await worker.done).json.data).toMatchObject({ cancelled: 1 })
    expect((await outcome(id)).response).toMatchObject({ status: 'failed', reason: 'cancelled' })
    expect((await runs()).map(({ status }) => status)).toEqual(['interrupted'])
    expect(place.git('worktree', 'list').split('\n')).toHaveLength(1)
    expect(await results()).toMatchObject([{ job_id: id, status: 'failure' }])
  })

  it('of a killed worker is taken up by another one; nothing is lost or doubled', async () => {
    const id = await detach('--patch', '-', '--test', "sh -c 'touch hangs; node --test'")
    const first = startPlain(place, ['queue', 'work'])
    await expect.poll(() => isInSandbox(place, 'hangs'), { timeout: 60_000 }).toBe(true)
    first.child.kill('SIGKILL')
    await first.done
    const second = await drain()
    expect(second.json.data, second.stderr).toMatchObject({ completed: 1 })
    const { response } = await outcome(id)
    expect(response, JSON.stringify(response)).toMatchObject({
      status: 'completed',
      result: { exit_code: 4, candidates: [{ state: 'awaiting_approval' }] },
    })
    expect((await runs()).map(({ status }) => status).toSorted()).toEqual(['finished', 'interrupted'])
    expect((await place.run(['inbox'])).json.data.total).toBe(1)
    expect(await results()).toHaveLength(1)
    expect(place.git('worktree', 'list').split('\n')).toHaveLength(1)
  })

  it('that kills whoever makes it is given up, and said so', async () => {
    const id = await detach('--patch', '-', '--test', "sh -c 'touch hangs; sleep 600'")
    for (let attempt = 1; attempt <= 3; attempt++) {
      const worker = startPlain(place, ['queue', 'work'])
      await worker.sees('begun')
      await expect.poll(() => isInSandbox(place, 'hangs'), { timeout: 60_000 }).toBe(true)
      worker.child.kill('SIGKILL')
      await worker.done
      await place.run(['recover'])
    }
    expect((await drain()).json.data).toMatchObject({ completed: 0, failed: 0 })
    expect((await outcome(id)).response).toMatchObject({ status: 'failed', reason: 'crashed' })
    expect(await results()).toMatchObject([{ job_id: id, status: 'failure', output: null }])
  })

  it('of a folder that has become another repository is refused', async () => {
    const folder = join(place.folder, 'other')
    mkdirSync(folder)
    const engine = createSqliteQueue({
      path: join(place.root, '.git', 'singularity', 'queue.db'),
      runDir: join(place.root, '.git', 'singularity', 'run'),
      clock: systemClock,
      processes: createProcessInfo(),
    })
    const job = improveJob('01970000-0000-7000-8000-000000000001', { ...NO_REQUEST, sources: ['rules'] }, { folder, branch: 'work' })
    await engine.enqueue([job])
    engine.close()
    expect((await drain()).json.data).toMatchObject({ failed: 1 })
    expect((await outcome(job.id)).response).toMatchObject({ status: 'failed', reason: 'not_a_repository' })
    expect(job).toMatchObject(IMPROVE_JOB)
  })
})

describe('tidying up as a job', () => {
  it('waits once, and tells what it did', async () => {
    const first = (await place.run(['recover', '--detach'])).json.data as { id: string }
    expect((await place.run(['recover', '--detach'])).json.data).toMatchObject({ id: first.id, deduped: true })
    expect((await drain()).json.data).toMatchObject({ completed: 1 })
    expect(await results()).toMatchObject([{ workflow: 'upkeep', job_id: first.id, output: { pruned: 0, runs: [] }, status: 'success' }])
    expect(readFileSync(join(place.root, '.git', 'HEAD'), 'utf8')).toContain('work')
  })
})

describe('names of queues', () => {
  it('are a queue or a kind of job; others are unknown, with the nearest', async () => {
    expect((await place.run(['queue', 'pause', 'validation'])).json.data).toEqual({ queue: 'validation', paused: true })
    const id = await detach('--patch', '-')
    expect((await drain()).json.data).toMatchObject({ completed: 0 })
    expect((await place.run(['queue', 'resume', 'improve.run'])).json.data).toEqual({ queue: 'validation', paused: false })
    const { json } = await refuses(place, ['queue', 'pause', 'validatoin'], 'NOT_FOUND', 2)
    expect(json.error).toMatchObject({ data: { nearest: 'validation' }, message: expect.stringContaining("the nearest is 'validation'") })
    await refuses(place, ['queue', 'resume', 'zzz'], 'NOT_FOUND', 2)
    await refuses(place, ['queue', 'list', '--queue', 'zzz'], 'NOT_FOUND', 2)
    await place.run(['queue', 'cancel', id])
  })
})
