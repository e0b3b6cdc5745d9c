import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type QueueBench, newJob, openQueueBench, until } from '../support/queue.ts'
import { random } from '../support/random.ts'
import { buildProgram } from '../support/supervisor.ts'

const FULL = process.env['SINGULARITY_CRASH_FULL'] === '1'
const SEED = 20261122
const LEASE = 250
const WORKERS = 3
const KILLS = FULL ? 220 : 26
const POINTS = ['none', 'claimed', 'working', 'settling', 'settled'] as const

let program: string
let bench: QueueBench
beforeAll(() => {
  program = buildProgram('queue-worker')
})
afterAll(() => rmSync(program, { force: true }))
beforeEach(() => {
  bench = openQueueBench()
})
afterEach(() => bench.cleanup())

it.each([
  { name: 'with one clock', skews: [0, 0, 0] },
  { name: 'with clocks an hour apart', skews: [0, 3_600_000, -3_600_000] },
])(
  'loses nothing and completes nothing twice when workers are killed and stopped, $name',
  { timeout: 3_600_000 },
  async ({ name, skews }) => {
    const next = random(SEED + name.length)
    const queue = bench.open()
    const jobs = Array.from({ length: KILLS * 12 }, () => newJob({ maxAttempts: 50 }))
    const poison = newJob({ kind: 'poison', maxAttempts: 3, priority: 9 })
    const counts: Record<string, number> = { random: 0, point: 0, stopped: 0 }
    const workers: (ChildProcess | undefined)[] = []

    function start(index: number): void {
      const point = POINTS[Math.floor(next() * POINTS.length)]!
      const args = [program, bench.folder, String(LEASE), String(skews[index]), point, String(1 + Math.floor(next() * 20))]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
      workers[index] = child
      child.once('exit', (code, signal) => {
        expect([code, signal]).toEqual([null, 'SIGKILL'])
        workers[index] = undefined
      })
    }

    await queue.enqueue([...jobs, poison])
    for (let turn = 0; counts['random']! + counts['point']! < KILLS; turn++) {
      for (let index = 0; index < WORKERS; index++)
        if (!workers[index]) {
          if (turn > 0) counts['point']!++
          start(index)
        }
      await delay(60 + next() * 240)
      const victim = workers[Math.floor(next() * WORKERS)]
      if (!victim) continue
      if (next() < 0.35) {
        victim.kill('SIGSTOP')
        await delay(LEASE * 2.5)
        victim.kill('SIGCONT')
        counts['stopped']!++
      } else {
        victim.kill('SIGKILL')
        await once(victim, 'exit')
        counts['random']!++
      }
    }

    // whatever is left is done by one that nobody disturbs; it dies of the poison only
    for (const child of workers) {
      child?.removeAllListeners('exit')
      child?.kill('SIGKILL')
    }
    const keepOne = (): void => {
      const child = spawn(process.execPath, [program, bench.folder, String(LEASE), '0', 'none', '0'], {
        stdio: ['ignore', 'ignore', 'inherit'],
      })
      workers[0] = child
      child.once('exit', () => (workers[0] === child ? keepOne() : undefined))
    }
    keepOne()
    const open = () => queue.list({ states: ['available', 'running'], limit: 1 })
    await until(async () => (await open()).jobs.length === 0, 'everything has ended', 120_000)
    const last = workers[0]
    workers[0] = undefined
    last!.kill('SIGTERM')
    await once(last!, 'exit')

    const ended = await Promise.all(jobs.map(({ id }) => queue.get(id)))
    console.log(`${name}: ${jobs.length} jobs, ${JSON.stringify(counts)}, ${ended.filter((job) => job!.crashes > 0).length} taken over`)
    expect(ended.map((job) => job!.state).filter((state) => state !== 'completed')).toEqual([])
    expect(await queue.get(poison.id)).toMatchObject({ state: 'dead', reason: 'crashed', crashes: 3 })
    expect(await queue.verify()).toEqual([])
    // the effect of a job is written with its end: one message each, whoever ran it and however often
    const effects = (await queue.read('ai_results', jobs.length * 2, 1000)).map(({ body }) => JSON.parse(body) as string)
    expect(effects.sort()).toEqual(jobs.map(({ id }) => id).sort())
    // and so is what other programs hear of it
    const told = (await queue.read('job_results', jobs.length * 2, 1000)).map(({ body }) => JSON.parse(body) as Record<string, string>)
    const expected = [...jobs.map(({ id }) => `${id} success`), `${poison.id} failure`]
    expect(told.map(({ job_id, status }) => `${job_id} ${status}`).sort()).toEqual(expected.sort())
    expect(await queue.workers()).toEqual([])
    expect(ended.some((job) => job!.crashes > 0)).toBe(true)
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(0)
  },
)
