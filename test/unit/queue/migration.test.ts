import Database from 'better-sqlite3'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { QUEUE_APPLICATION_ID, QUEUE_MIGRATIONS } from '../../../src/core/queue/engines/sqlite/migrations.ts'
import { LLM_QUEUE } from '../../../src/core/queue/index.ts'
import { openDatabase } from '../../../src/core/storage/index.ts'
import { type QueueBench, newJob, openQueueBench } from '../../support/queue.ts'

let bench: QueueBench
beforeEach(() => {
  bench = openQueueBench()
})
afterEach(() => bench.cleanup())

/** A file as a former version of the program left it: one job that waits, one that ran, one that ended, and their events. */
function writeVersion(version: number, { pruned = false, queue = 'work' } = {}): string[] {
  const old = openDatabase({ path: bench.path, applicationId: QUEUE_APPLICATION_ID, migrations: QUEUE_MIGRATIONS.slice(0, version) })
  const ids = [newJob().id, newJob().id, newJob().id]
  for (const id of ids) {
    old.run(
      `INSERT INTO job (id, queue, kind, state, priority, run_at, max_attempts, agent_id, task_type, complexity, paid, lifetime, created_at, updated_at)
       VALUES (?, ?, 'k', 'available', 5, 0, 4, 'cli', 'k', 'medium', 0, 'durable', 1000, 1000)`,
      id,
      queue,
    )
    old.run('INSERT INTO job_data (seq, payload) VALUES ((SELECT seq FROM job WHERE id = ?), ?)', id, '{"a":1}')
  }
  const take =
    "UPDATE job SET state = 'running', attempt = 1, token = 1, lease_until = 2000, lease_ms = 1000, worker = 'w', updated_at = 1500"
  old.run(`${take} WHERE id IN (?, ?)`, ids[1]!, ids[2]!)
  old.run("INSERT INTO job_result (seq, result) VALUES (3, '42')")
  old.run("UPDATE job SET state = 'completed', lease_until = NULL, lease_ms = NULL, finished_at = 1600, updated_at = 1600 WHERE seq = 3")
  if (pruned) old.run('DELETE FROM job_event')
  old.close()
  return ids
}

describe('a file of the first version', () => {
  it('keeps its jobs, results and events, and a copy of itself', async () => {
    const [waiting, running, ended] = writeVersion(1)
    const queue = bench.open()
    expect(await queue.verify()).toEqual([])
    expect((await queue.list({ limit: 9 })).jobs.map(({ id, state }) => [id, state])).toEqual([
      [ended, 'completed'],
      [running, 'running'],
      [waiting, 'available'],
    ])
    expect(await queue.get(ended!)).toMatchObject({ payload: '{"a":1}', result: '42' })
    expect((await queue.events(0, 99)).map(({ seq, type, id, detail }) => [seq, type, id, detail])).toEqual([
      [1, 'enqueued', waiting, null],
      [2, 'enqueued', running, null],
      [3, 'enqueued', ended, null],
      [4, 'claimed', running, 'w'],
      [5, 'claimed', ended, 'w'],
      [6, 'completed', ended, null],
    ])
    expect(existsSync(join(dirname(bench.path), 'backups', 'queue.db.v1'))).toBe(true)

    const [job] = await queue.claim({ queues: ['work'], kinds: ['k'], limit: 9, workerId: 'v', leaseMs: 1000 })
    expect(job!.id).toBe(waiting)
    expect(await queue.settle([{ id: running!, token: 1, to: 'completed', result: '1' }])).toEqual(['applied'])
    expect((await queue.events(6, 9)).map(({ seq, type, detail }) => [seq, type, detail])).toEqual([
      [7, 'claimed', 'v'],
      [8, 'completed', null],
    ])
    expect(await queue.verify()).toEqual([])
  })

  it('goes on counting where all its events were pruned', async () => {
    writeVersion(1, { pruned: true })
    const queue = bench.open()
    expect(await queue.lastEvent()).toBe(6)
    expect(await queue.events(0, 9)).toEqual([])
    await queue.enqueue([newJob()])
    expect((await queue.events(6, 9)).map(({ seq, type }) => [seq, type])).toEqual([[7, 'enqueued']])
  })
})

describe('a file of the second version', () => {
  it('tells its requests by the new view, and other programs that have it open learn the new words of a constraint', async () => {
    const ids = writeVersion(2, { queue: LLM_QUEUE })
    const other = new Database(bench.path)
    const seen = () => other.prepare('SELECT id, status FROM llm_requests ORDER BY created_at, id').raw().all()
    const before = seen()
    expect(before.toSorted()).toEqual(
      [
        [ids[0], 'pending'],
        [ids[1], 'processing'],
        [ids[2], 'completed'],
      ].toSorted(),
    )

    const queue = bench.open()
    expect([seen(), await queue.verify()]).toEqual([before, []])
    expect(existsSync(join(dirname(bench.path), 'backups', 'queue.db.v2'))).toBe(true)
    const opcodes = (sql: string) => (other.prepare(`EXPLAIN ${sql}`).all() as { opcode: string }[]).map(({ opcode }) => opcode)
    // a list of states was a table that every write filled anew
    expect(opcodes("UPDATE job SET state = 'dead'")).not.toContain('Found')
    expect(() => other.prepare("UPDATE job SET state = 'odd'").run()).toThrow(/CHECK constraint failed/)
    for (const state of ['available', 'running', 'completed', 'dead', 'cancelled'])
      expect(() => other.prepare('UPDATE job SET state = ?').run(state)).not.toThrow()
    expect(() => other.prepare("UPDATE sqlite_schema SET sql = ''").run()).toThrow(/may not be modified/)
    other.close()
  })
})

describe('events', () => {
  it('are never numbered twice, also after the old ones were pruned', async () => {
    let now = 1_900_000_000_000
    const queue = bench.open({ clock: { now: () => now, monotonic: () => performance.now() } })
    const [first, second] = [newJob(), newJob()]
    await queue.enqueue([first, second])
    now += 100 * 86_400_000
    expect(await queue.maintain({ now: true, retentionDays: 90, budgetMs: 60_000 })).toMatchObject({ done: true })
    expect([await queue.events(0, 9), await queue.lastEvent()]).toEqual([[], 2])
    await queue.cancel(first.id, 'cancelled')
    expect((await queue.events(2, 9)).map(({ seq, type }) => [seq, type])).toEqual([[3, 'cancelled']])
  })
})
