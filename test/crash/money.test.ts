import { rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { Playground } from '../cli/playground.ts'
import { createAccount } from '../../src/core/llm/index.ts'
import { createProcessInfo } from '../../src/core/process/index.ts'
import {
  type ModelsProcess,
  accountFile,
  createNeighbour,
  createPaidPlace,
  expectSound,
  recoveredAccount,
  rows,
  startModelsProcess,
} from '../support/paid-queue.ts'
import { type PlainRun, enqueue, requestLine, startPlain } from '../support/queue-runs.ts'
import { random } from '../support/random.ts'
import { buildProgram } from '../support/supervisor.ts'

const FULL = process.env['SINGULARITY_CRASH_FULL'] === '1'
const SEED = Number(process.env['CRASH_SEED'] ?? 20261123)
const HOUR_MS = 3_600_000
/** Everybody's clock is around noon, so that an hour more or less is never another day with a cap of its own. */
const NOON_MS = (() => {
  const now = new Date()
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate(), 12) - now.getTime()
})()
const NOON = { now: () => Date.now() + NOON_MS, monotonic: () => performance.now() }
/** Two workers and two askers in each of two repositories. */
const PROCESSES = 8

let preload: string
let mock: ModelsProcess
let places: [Playground, Playground]
beforeAll(() => {
  preload = buildProgram('shift-clock')
})
afterAll(() => rmSync(preload, { force: true }))
beforeEach(async () => {
  // a token of every byte, and as much output as it may: what it takes comes close to what was reserved
  const usage = { input: 60, output: 100 }
  mock = await startModelsProcess({
    // billed when it begins to work; most kills land before the answer is there
    fallback: { text: 'forty-two', usage, delayMs: 150, pieceDelayMs: 20 },
    answers: [
      { match: 'cut me', failure: { kind: 'cut', reset: true }, text: 'half of an', usage, delayMs: 50, forever: true },
      { match: 'stall', failure: { kind: 'stall', at: 'stream' }, text: 'half of an', usage, forever: true },
      { match: 'no usage', text: 'who knows', usage: null, delayMs: 100, forever: true },
    ],
  })
  const first = createPaidPlace(mock.origin)
  places = [first, createNeighbour(first)]
})
afterEach(() => {
  mock.close()
  for (const place of places) place.cleanup()
})

/** How requests are worded, and so what the provider does with them. */
const WORDS = ['plain', 'plain', 'plain', 'plain', 'cut me', 'no usage', 'plain', 'stall']

it.each([
  { name: 'a fresh day', capNusd: FULL ? 150_000_000 : 30_000_000, spentNusd: 0, kills: FULL ? 100 : 15 },
  { name: 'a day whose money is nearly gone', capNusd: 40_000_000, spentNusd: 38_000_000, kills: FULL ? 40 : 6 },
])('$name: eight processes in two repositories, killed while they pay, are never billed more than the cap', async (trial) => {
  const next = random(SEED)
  const env = { SINGULARITY_LLM_BUDGET_DAY: String(trial.capNusd / 1e9), LLM_TIMEOUT_MS: '3000' }
  spendBefore(trial.spentNusd)
  const accepted = [new Set<string>(), new Set<string>()]
  for (const [index, place] of places.entries()) {
    const lines = Array.from({ length: 60 }, (_, n) => requestLine(`${WORDS[n % WORDS.length]} ${n}`, { complexity: 'simple' }))
    for (const id of await enqueue(place, ...lines)) accepted[index]!.add(id)
  }
  const crew: (PlainRun | undefined)[] = Array.from({ length: PROCESSES }, () => undefined)
  let [kills, asks] = [0, 0]
  const refused = { count: 0 }

  function start(index: number): PlainRun {
    const skewMs = [0, HOUR_MS, -HOUR_MS, 0][index % 4]!
    const clock = { NODE_OPTIONS: `--import=${preload}`, TEST_CLOCK_OFFSET_MS: String(NOON_MS + skewMs) }
    const question = `${WORDS[asks++ % WORDS.length]}: why is ${asks} a number?`
    const args = index < PROCESSES / 2 ? ['queue', 'work', '--concurrency', '3'] : ['ask', question, '--no-cache']
    const run = startPlain(places[index % 2]!, args, { env: { ...env, ...clock } })
    void count(run)
    return run
  }

  async function count(run: PlainRun): Promise<void> {
    const { exitCode, stderr } = await run.done
    if (exitCode === 5 && stderr.includes('BUDGET_REACHED')) refused.count++
  }

  try {
    while (kills < trial.kills || refused.count === 0) {
      for (let index = 0; index < PROCESSES; index++) if (!isRunning(crew[index])) crew[index] = start(index)
      const { calls } = await mock.meter()
      // a call has just been billed, and nobody knows its outcome yet; under a used-up cap there are none any more
      for (let waited = 0; waited < 200 && (await mock.meter()).calls === calls; waited += 10) await delay(10)
      await delay(next() * 120)
      const victim = crew[Math.floor(next() * PROCESSES)]!
      if (isRunning(victim) && victim.child.kill('SIGKILL')) kills++
      await victim.done
    }
  } finally {
    for (const run of crew) run?.child.kill('SIGKILL')
    for (const run of crew) await run?.done
  }

  const billed = await mock.meter()
  const [day] = recoveredAccount(places[0], (account) => account.budget([{ scope: 'day', key: '', capNusd: trial.capNusd }]), NOON)
  const phases = rows<{ phase: string; n: number }>(accountFile(places[0]), 'SELECT phase, count(*) AS n FROM reservation GROUP BY phase')
  console.log(
    `${trial.name}: ${kills} kills, ${refused.count} refused, billed ${billed.nusd} in ${billed.calls} calls, account ${day!.spent_nusd}`,
  )
  console.log(JSON.stringify(Object.fromEntries(phases.map(({ phase, n }) => [phase, n]))))
  expect(billed.nusd + trial.spentNusd).toBeLessThanOrEqual(trial.capNusd)
  expect(day!.spent_nusd).toBeLessThanOrEqual(trial.capNusd)
  // whatever was billed is counted, also where nobody heard the answer
  expect(day!.spent_nusd).toBeGreaterThanOrEqual(billed.nusd + trial.spentNusd)
  expect(day!.reserved_nusd).toBe(0)
  // the cap was reached, most of it by what was really billed, and calls were killed under way
  expect(billed.nusd + trial.spentNusd).toBeGreaterThan(trial.capNusd / 2)
  expect(day!.left_nusd).toBeLessThan(1_000_000)
  expect(recoveredAccount(places[0], (account) => account.verify(), NOON)).toEqual([])
  for (const [index, place] of places.entries()) {
    expectSound(place, accepted[index]!)
    expect((await place.run(['queue', 'verify'])).json.data).toEqual({ violations: [] })
  }
})

const isRunning = (run: PlainRun | undefined): boolean => run !== undefined && run.child.exitCode === null && run.child.signalCode === null

/** As if the user had spent that much this day. */
function spendBefore(nusd: number): void {
  const processes = createProcessInfo()
  const account = createAccount({ path: accountFile(places[0]), clock: NOON, processes })
  const key = { repository: 'elsewhere', request: 'before', token: 1, attempt: 1 }
  account.reserve({ key, boundNusd: nusd, caps: [], provider: 'mock', model: 'mock/one', taskType: 'coder', owner: processes.self })
  account.calling(key)
  account.settle(key, { nusd, source: 'computed' })
  account.close()
}
