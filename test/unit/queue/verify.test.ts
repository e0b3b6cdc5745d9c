import { afterEach, expect, it } from 'vitest'
import { loadSqlite } from '../../../src/core/storage/index.ts'
import { newJob, openQueueBench } from '../../support/queue.ts'

const bench = openQueueBench()
afterEach(() => bench.cleanup())

const attempt = `INSERT INTO attempt (seq, n, token, step, provider, model, phase, cost_nusd, cost_source, ms, skipped, dropped_params, started_at)`

it('finds whatever may not be, and nothing in a sound file', async () => {
  const queue = bench.open()
  const jobs = Array.from({ length: 4 }, () => newJob())
  await queue.enqueue(jobs)
  const claimed = await queue.claim({ queues: ['work'], kinds: ['k'], limit: 2, workerId: 'w', leaseMs: 1000 })
  await queue.settle([{ id: claimed[0]!.id, token: 1, to: 'completed', result: '1' }])
  expect(await queue.verify()).toEqual([])
  const native = new (loadSqlite())(bench.path)
  const broken: [string, string][] = [
    ['a running job has an owner, a lease and a token', 'UPDATE job SET worker = NULL WHERE seq = 2'],
    ['only a running job has a lease', 'UPDATE job SET lease_until = 5 WHERE seq = 3'],
    ['a job has an end when it has ended', 'UPDATE job SET finished_at = NULL WHERE seq = 1'],
    ['a job is tried no more often than it may', 'UPDATE job SET attempt = 9 WHERE seq = 3'],
    ['what has failed has a reason', "UPDATE job SET state = 'dead', finished_at = 1 WHERE seq = 3"],
    ['a job has its data', 'DELETE FROM job_data WHERE seq = 4'],
    ['a completed job has a result', 'DELETE FROM job_result WHERE seq = 1'],
    ['a job is completed once', "INSERT INTO job_event (at, type, job) VALUES (1, 'completed', 1)"],
    ['a claim raises the token', 'UPDATE job SET token = 0 WHERE seq = 2'],
    ['attempts are numbered without gaps', `${attempt} VALUES (1, 2, 1, 'call', 'p', 'm', 'settled', 0, 'unknown', 0, '[]', '[]', 0)`],
    ['an attempt belongs to a claim', `${attempt} VALUES (2, 1, 7, 'call', 'p', 'm', 'settled', 0, 'unknown', 0, '[]', '[]', 0)`],
    [
      'a completed job has no attempt under way',
      `${attempt} VALUES (1, 1, 1, 'call', 'p', 'm', 'calling', 0, 'unknown', 0, '[]', '[]', 0)`,
    ],
  ]
  for (const [rule, sql] of broken) {
    native.exec(sql)
    expect((await queue.verify()).map((violation) => violation.rule)).toContain(rule)
  }
  native.close()
})
