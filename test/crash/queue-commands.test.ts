import { rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Playground } from '../cli/playground.ts'
import { newUuid, systemClock } from '../../src/core/kernel/index.ts'
import {
  type ModelsProcess,
  createPaidPlace,
  expectSound,
  queueFile,
  recoveredAccount,
  rows,
  startModelsProcess,
} from '../support/paid-queue.ts'
import { type PlainRun, requestLine, startPlain } from '../support/queue-runs.ts'
import { random } from '../support/random.ts'
import { buildProgram } from '../support/supervisor.ts'

const FULL = process.env['SINGULARITY_CRASH_FULL'] === '1'
const SEED = Number(process.env['CRASH_SEED'] ?? 20261122)
const KILLS = FULL ? 210 : 25
const ROUND = FULL ? 30 : 13
const LEASE_MS = 400
const HOUR_MS = 3_600_000
const CLOCKS = [0, HOUR_MS, -HOUR_MS]

let preload: string
let mock: ModelsProcess
let place: Playground
beforeAll(async () => {
  preload = buildProgram('shift-clock')
  mock = await startModelsProcess({ fallback: { text: 'forty-two', delayMs: 250 } })
  place = createPaidPlace(mock.origin, {
    SINGULARITY_QUEUE_LEASE_MS: String(LEASE_MS),
    SINGULARITY_LLM_BUDGET_DAY: '50',
    // a request may meet many crashes before it is given up
    LLM_MAX_RETRIES: '10',
  })
})
afterAll(() => {
  mock.close()
  place.cleanup()
  rmSync(preload, { force: true })
})

const shifted = (ms: number): Record<string, string> => ({ NODE_OPTIONS: `--import=${preload}`, TEST_CLOCK_OFFSET_MS: String(ms) })

/** Everything that was done, in order: printed when something is wrong. */
type Story = { kills: number; stops: number; lines: string[] }

/** Requests the program has said yes to, and batches whose enqueuer was killed before it could say anything. */
type Asked = { accepted: Set<string>; unsaid: string[][] }

it('commands that are killed, stopped and told wrong times lose no request and complete none twice', { timeout: 3_600_000 }, async () => {
  const next = random(SEED)
  const story: Story = { kills: 0, stops: 0, lines: [] }
  const asked: Asked = { accepted: new Set(), unsaid: [] }
  const workers: (PlainRun | undefined)[] = CLOCKS.map(() => undefined)
  try {
    let seen = await look(asked, [])
    await enqueueBatch(asked, story, null, 30)
    for (let turn = 0; story.kills < KILLS; turn++) {
      refill(workers)
      const choice = next()
      const worker = workers[Math.floor(next() * workers.length)]!
      if (choice < 0.45) await killWorker(worker, story, Math.floor(next() * 300))
      else if (choice < 0.6) await stop(worker, story)
      else if (choice < 0.8) await enqueueBatch(asked, story, next() < 0.5 ? null : 100 + next() * 400, 10)
      else if (choice < 0.9) await killed(['ask', `Why is ${turn} a number?`, '--no-cache'], story, 200 + next() * 500)
      else await killed(['queue', 'await', ...[...asked.accepted].slice(-3)], story, 100 + next() * 400)
      if (turn % ROUND === ROUND - 1) seen = await look(asked, seen)
    }
    await killAll(workers)
    await finish(asked, await look(asked, seen))
    const count = (sql: string): number => rows<{ n: number }>(queueFile(place), `SELECT count(*) AS n FROM ${sql}`)[0]!.n
    const [taken, late] = [count('job WHERE crashes > 0'), count('orphan_result')]
    console.log(
      `seed ${SEED}: ${story.kills} kills, ${story.stops} stops, ${asked.accepted.size} accepted, ${taken} taken over, ${late} late`,
    )
    expect(taken).toBeGreaterThan(KILLS / 5)
  } catch (error) {
    console.log(`CRASH_SEED=${SEED}\n${story.lines.join('\n')}`)
    throw error
  } finally {
    await killAll(workers)
  }
})

function refill(workers: (PlainRun | undefined)[]): void {
  workers.forEach((worker, index) => {
    if (worker && worker.child.exitCode === null && worker.child.signalCode === null) return
    expect(worker?.child.exitCode ?? null, 'a worker ends by a kill only').toBeNull()
    workers[index] = startPlain(place, ['queue', 'work', '--concurrency', '4'], { env: shifted(CLOCKS[index]!) })
  })
}

const HOLDS = `SELECT 1 FROM job JOIN worker ON worker.id = job.worker WHERE state = 'running' AND worker.pid = ?`

/** So that it is hit while it works: a moment later it waits for an answer, or is about to settle it. */
async function untilBusy({ child }: PlainRun): Promise<void> {
  const end = performance.now() + 1500
  while (performance.now() < end && rows(queueFile(place), HOLDS, child.pid).length === 0) await delay(10)
}

async function killWorker(worker: PlainRun, story: Story, moreMs: number): Promise<void> {
  await untilBusy(worker)
  await delay(moreMs)
  kill(worker.child, story, 'queue work')
  await worker.done
}

function kill(child: PlainRun['child'], story: Story, what: string): void {
  if (child.exitCode !== null || child.signalCode !== null || !child.kill('SIGKILL')) return
  story.kills++
  story.lines.push(`kill ${story.kills}: ${what}`)
}

/** Longer than it takes the others to be sure that its owner is gone. */
async function stop(worker: PlainRun, story: Story): Promise<void> {
  await untilBusy(worker)
  worker.child.kill('SIGSTOP')
  // by a timer: whoever was stopped in a transaction keeps the file locked, and everybody waits for it
  setTimeout(() => worker.child.kill('SIGCONT'), LEASE_MS * 4)
  story.stops++
  story.lines.push('stop')
}

async function killed(args: readonly string[], story: Story, afterMs: number): Promise<void> {
  const run = startPlain(place, args)
  await Promise.race([delay(afterMs), run.done])
  kill(run.child, story, args.slice(0, 2).join(' '))
  await run.done
}

/** @param killMs null: nobody disturbs it */
async function enqueueBatch(asked: Asked, story: Story, killMs: number | null, count: number): Promise<void> {
  const ids = Array.from({ length: count }, () => newUuid(systemClock))
  const input = ids.map((id) => requestLine(`What of ${id}?`, { id })).join('\n')
  const run = startPlain(place, ['queue', 'enqueue', '-'], { input })
  if (killMs !== null) {
    await Promise.race([delay(killMs), run.done])
    kill(run.child, story, 'queue enqueue')
  }
  const { exitCode, stdout, stderr } = await run.done
  if (exitCode === null) asked.unsaid.push(ids)
  else {
    expect({ exitCode, ids: stdout.trim().split('\n') }, stderr).toEqual({ exitCode: 0, ids })
    for (const id of ids) asked.accepted.add(id)
  }
}

type Seen = ReturnType<typeof expectSound>

/** Reads the tables from outside, and has the program check itself. */
async function look(asked: Asked, before: Seen): Promise<Seen> {
  expect((await place.run(['queue', 'verify'])).json).toMatchObject({ ok: true, data: { violations: [] } })
  const seen = expectSound(place, asked.accepted, before)
  const known = new Set(seen.map(({ id }) => id))
  const halves = asked.unsaid.filter((ids) => new Set(ids.map((id) => known.has(id))).size > 1)
  expect(halves, 'a batch is taken whole or not at all').toEqual([])
  if (rows(queueFile(place), 'SELECT 1 FROM attempt').length > 0) recoveredAccount(place, (account) => expect(account.verify()).toEqual([]))
  return seen
}

/** Whatever is left is done by one that nobody disturbs; what has met too many crashes is asked for again. */
async function finish(asked: Asked, before: Seen): Promise<void> {
  const drain = async (): Promise<void> => {
    const { json, stderr } = await place.run(['queue', 'work', '--drain'])
    expect(json.ok, stderr).toBe(true)
  }
  await drain()
  const ended = await look(asked, before)
  const dead = ended.filter(({ state }) => state === 'dead')
  expect(dead.filter(({ reason }) => reason !== 'crashed')).toEqual([])
  for (const { id } of dead) expect((await place.run(['queue', 'retry', id])).exitCode).toBe(0)
  if (dead.length > 0) await drain()
  const last = await look(asked, ended)
  const states = new Map(last.map(({ id, state, reason }) => [id, `${state} ${reason ?? ''}`.trim()]))
  expect([...asked.accepted].filter((id) => states.get(id) !== 'completed')).toEqual([])
  // questions of askers that were killed are paid for by nobody
  const others = last.filter(({ id }) => !asked.accepted.has(id) && !asked.unsaid.some((ids) => ids.includes(id)))
  expect(others.filter(({ state, reason }) => state !== 'completed' && reason !== 'owner_gone')).toEqual([])
  const [open] = recoveredAccount(place, (account) => account.budget([{ scope: 'day', key: '', capNusd: 1e12 }]))
  expect(open!.reserved_nusd).toBe(0)
  expect(open!.spent_nusd).toBeGreaterThanOrEqual((await mock.meter()).nusd)
}

async function killAll(workers: (PlainRun | undefined)[]): Promise<void> {
  for (const worker of workers.splice(0)) {
    worker?.child.kill('SIGKILL')
    await worker?.done
  }
}
