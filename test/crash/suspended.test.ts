import { rmSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { Playground } from '../cli/playground.ts'
import {
  type ModelsProcess,
  PRICES,
  accountFile,
  createPaidPlace,
  queueFile,
  recoveredAccount,
  rows,
  startModelsProcess,
} from '../support/paid-queue.ts'
import { until } from '../support/queue.ts'
import { enqueue, requestLine, startPlain } from '../support/queue-runs.ts'
import { buildProgram } from '../support/supervisor.ts'

let preload: string
let mock: ModelsProcess
let place: Playground
beforeAll(() => {
  preload = buildProgram('shift-clock')
})
afterAll(() => rmSync(preload, { force: true }))
beforeEach(async () => {
  mock = await startModelsProcess({
    answers: [{ text: 'never heard', failure: { kind: 'stall', at: 'stream' } }],
    fallback: { text: 'forty-two', usage: { input: 20, output: 4 } },
  })
  place = createPaidPlace(mock.origin)
})
afterEach(() => {
  mock.close()
  place.cleanup()
})

/** As on a machine that sleeps for a minute: the wall clock goes on, the monotonic one does not. */
const sleepy = (): Record<string, string> => ({ NODE_OPTIONS: `--import=${preload}`, TEST_CLOCK_JUMP_MS: '60000' })
const isCalling = (): boolean => rows(queueFile(place), `SELECT 1 FROM attempt WHERE phase = 'calling'`).length === 1

/** The call that was under way is money, and nothing else: no attempt, no crash, no failure of the provider. */
function expectUnknownOutcome(): void {
  const attempts = rows(queueFile(place), 'SELECT n, phase, kind, reason FROM attempt ORDER BY n')
  expect(attempts).toMatchObject([
    { n: 1, phase: 'unknown' },
    { n: 2, phase: 'settled', kind: null },
  ])
  expect(rows(queueFile(place), 'SELECT state, attempt, crashes FROM job')).toEqual([{ state: 'completed', attempt: 1, crashes: 0 }])
  const [first, second] = rows<{ bound_nusd: number; spent_nusd: number }>(
    accountFile(place),
    'SELECT bound_nusd, spent_nusd FROM reservation ORDER BY attempt',
  )
  expect(first!.spent_nusd).toBe(first!.bound_nusd)
  expect(second!.spent_nusd).toBe(20 * PRICES.input + 4 * PRICES.output)
  recoveredAccount(place, (account) => {
    expect(account.breakers().filter(({ failures, state }) => failures > 0 || state !== 'closed')).toEqual([])
    expect(account.verify()).toEqual([])
  })
}

it('a worker that slept asks again: the call under way is an unknown outcome', async () => {
  const [id] = await enqueue(place, requestLine())
  const worker = startPlain(place, ['queue', 'work'], { env: sleepy() })
  await until(isCalling, 'the call is under way')
  await until(async () => (await mock.meter()).calls === 1, 'the provider works on it')
  worker.child.kill('SIGUSR2')
  expect((await place.run(['queue', 'await', id!])).json.data.responses).toMatchObject([{ status: 'completed', result: 'forty-two' }])
  worker.child.kill('SIGINT')
  await worker.done
  expectUnknownOutcome()
})

it('a question whose machine slept is asked again', async () => {
  const asking = startPlain(place, ['ask', 'Why is the sky blue?', '--no-cache'], { env: sleepy() })
  await until(() => mock.meter().then(({ calls }) => calls === 1), 'the provider works on it')
  await until(isCalling, 'the call is under way')
  asking.child.kill('SIGUSR2')
  expect(await asking.done).toMatchObject({ exitCode: 0, stdout: 'forty-two\n' })
  expectUnknownOutcome()
})

it('a worker that was stopped for longer than its lease: another one does the work, the late answer is heard, booked and kept', async () => {
  mock.close()
  place.cleanup()
  const answer = { text: 'forty-two', usage: { input: 20, output: 4 } }
  // it comes when the first worker has long been told that the job is not its own any more
  mock = await startModelsProcess({ answers: [{ ...answer, delayMs: 4000 }], fallback: answer })
  place = createPaidPlace(mock.origin, { SINGULARITY_QUEUE_LEASE_MS: '400' })
  const [id] = await enqueue(place, requestLine())
  const slow = startPlain(place, ['queue', 'work'])
  await until(async () => (await mock.meter()).calls === 1, 'the provider works on it')
  slow.child.kill('SIGSTOP')
  const other = startPlain(place, ['queue', 'work'])
  expect((await place.run(['queue', 'await', id!])).json.data.responses).toMatchObject([{ status: 'completed' }])
  slow.child.kill('SIGCONT')
  const late = `SELECT outcome, json_extract(result, '$.response') AS response FROM orphan_result`
  await until(() => rows(queueFile(place), late).length === 1, 'the late answer is there')
  for (const worker of [slow, other]) worker.child.kill('SIGINT')
  await Promise.all([slow.done, other.done])
  expect(rows(queueFile(place), late)).toEqual([{ outcome: 'completed', response: 'forty-two' }])
  const cost = 20 * PRICES.input + 4 * PRICES.output
  const settled = { phase: 'settled', spent_nusd: cost }
  expect(rows(accountFile(place), 'SELECT phase, spent_nusd FROM reservation')).toEqual([settled, settled])
  expect(rows(queueFile(place), 'SELECT state, crashes FROM job')).toEqual([{ state: 'completed', crashes: 1 }])
})
