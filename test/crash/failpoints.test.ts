import { rmSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Playground } from '../cli/playground.ts'
import {
  type ModelsProcess,
  PRICES,
  accountFile,
  createNeighbour,
  createPaidPlace,
  expectSound,
  queueFile,
  recoveredAccount,
  rows,
  startModelsProcess,
} from '../support/paid-queue.ts'
import { enqueue, requestLine, startPlain } from '../support/queue-runs.ts'
import { buildProgram } from '../support/supervisor.ts'

let preload: string
let mock: ModelsProcess
let place: Playground
beforeAll(async () => {
  preload = buildProgram('kill-at')
  mock = await startModelsProcess({ fallback: { text: 'forty-two', usage: { input: 20, output: 4 } } })
})
afterAll(() => {
  mock.close()
  rmSync(preload, { force: true })
})
beforeEach(() => {
  place = createPaidPlace(mock.origin)
})
afterEach(() => place.cleanup())

const COST = 20 * PRICES.input + 4 * PRICES.output
const killAt = (point: string): Record<string, string> => ({ NODE_OPTIONS: `--import=${preload}`, TEST_KILL_AT: point })
type Spend = { phase: string; spent_nusd: number; bound_nusd: number }
const spends = (): Spend[] => rows<Spend>(accountFile(place), 'SELECT phase, spent_nusd, bound_nusd FROM reservation ORDER BY at, token')

/** Calls that reached the provider, and what the account makes of the killed call: null where it never heard of it. */
const POINTS = [
  ['attempt row written', 1, null],
  ['reserved', 1, 'released'],
  ['calling in the account', 1, 'counted'],
  ['calling in the queue', 1, 'counted'],
  ['answered', 2, 'counted'],
  ['settled in the account', 2, 'settled'],
  ['attempt settled', 2, 'settled'],
  ['request settling', 2, 'settled'],
] as const

describe('a worker that is killed at one point of a paid call', () => {
  it.each(POINTS)('%s: the next worker does the work, the money is where it belongs', async (point, calls, phase) => {
    const [id] = await enqueue(place, requestLine())
    const before = await mock.meter()
    const killed = await place.run(['queue', 'work', '--once'], { env: killAt(point) })
    expect(killed.signal, killed.stdout + killed.stderr).toBe('SIGKILL')
    const next = await place.run(['queue', 'work', '--drain'])
    expect(next.json.data, next.stdout + next.stderr).toMatchObject({ completed: 1, failed: 0 })

    const billed = await mock.meter()
    expect(billed.calls - before.calls).toBe(calls)
    const [mine, ...more] = spends().reverse()
    expect(mine).toMatchObject({ phase: 'settled', spent_nusd: COST })
    expect(more.map((each) => each.phase)).toEqual(phase === null ? [] : [phase])
    if (phase === 'counted') expect(more[0]!.spent_nusd).toBe(more[0]!.bound_nusd)
    recoveredAccount(place, (account) => {
      const [day] = account.budget([{ scope: 'day', key: '', capNusd: 1e9 }])
      expect(day!.reserved_nusd).toBe(0)
      expect(day!.spent_nusd).toBeGreaterThanOrEqual(billed.nusd - before.nusd)
      expect(account.verify()).toEqual([])
    })
    expect(expectSound(place, new Set([id!]))).toMatchObject([{ id, state: 'completed' }])
    expect((await place.run(['queue', 'verify'])).json.data).toEqual({ violations: [] })
    const { attempts, request } = (await place.run(['queue', 'show', id!])).json.data
    expect(request.status).toBe('completed')
    expect(attempts.at(-1)).toMatchObject({ kind: null, cost_nusd: COST })
    expect(attempts).toHaveLength(2)
  })

  it('request settled: nothing is done again', async () => {
    const [id] = await enqueue(place, requestLine())
    const { calls } = await mock.meter()
    const killed = await place.run(['queue', 'work', '--once'], { env: killAt('request settled') })
    expect(killed.signal).toBe('SIGKILL')
    expect((await place.run(['queue', 'work', '--drain'])).json.data).toMatchObject({ completed: 0, failed: 0 })
    expect((await mock.meter()).calls - calls).toBe(1)
    expect(expectSound(place, new Set([id!]))).toMatchObject([{ id, state: 'completed' }])
    expect(spends()).toMatchObject([{ phase: 'settled', spent_nusd: COST }])
  })
})

describe('a worker that lives on', () => {
  it('has the money back that somebody reserved and died with', async () => {
    // two calls have no room in it together
    const cap = { SINGULARITY_LLM_BUDGET_DAY: '0.001' }
    const worker = startPlain(place, ['queue', 'work'], { env: cap })
    const neighbour = createNeighbour(place)
    try {
      const [first] = await enqueue(place, requestLine())
      expect((await place.run(['queue', 'await', first!])).json.data.responses).toMatchObject([{ status: 'completed' }])
      const killed = await neighbour.run(['ask', 'Why is the sky blue?', '--no-cache'], { env: { ...cap, ...killAt('reserved') } })
      expect(killed.signal).toBe('SIGKILL')
      expect(spends().map((each) => each.phase)).toEqual(['settled', 'reserved'])
      const [second] = await enqueue(place, requestLine('Is 8 prime?'))
      expect((await place.run(['queue', 'await', second!])).json.data.responses).toMatchObject([{ status: 'completed' }])
    } finally {
      worker.child.kill('SIGKILL')
      await worker.done
      neighbour.cleanup()
    }
  })
})

describe('a question whose asker is killed', () => {
  it.each([
    ['reserved', 0, 'released'],
    ['calling in the queue', 0, 'counted'],
    ['answered', 1, 'counted'],
  ] as const)('%s: it is cancelled, and no worker ever pays for it', async (point, calls, phase) => {
    const before = await mock.meter()
    const killed = await place.run(['ask', 'Why is the sky blue?', '--no-cache'], { env: killAt(point) })
    expect(killed.signal, killed.stdout + killed.stderr).toBe('SIGKILL')
    expect((await place.run(['queue', 'work', '--drain'])).json.data).toMatchObject({ completed: 0, failed: 0 })
    expect((await mock.meter()).calls - before.calls).toBe(calls)
    expect(rows(queueFile(place), 'SELECT state, reason FROM job')).toEqual([{ state: 'cancelled', reason: 'owner_gone' }])
    recoveredAccount(place, (account) => expect(account.verify()).toEqual([]))
    expect(spends()).toMatchObject([{ phase }])
  })
})
