import { afterEach, expect, it } from 'vitest'
import { relayOutbox } from '../../../src/core/queue/index.ts'
import { newJob, openQueueBench } from '../../support/queue.ts'

const bench = openQueueBench()
afterEach(() => bench.cleanup())

it('publishes a row once, however often the relay is cut off before it could write that down', async () => {
  const engine = bench.open()
  const job = newJob()
  const rows = [
    { key: 'approval-1', message: { queue: 'approval_responses', body: '{"yes":true}' } },
    { key: 'learn-1', job },
  ]
  const cut = relayOutbox({ rows, engine, markPublished: () => Promise.reject(new Error('the power went')) })
  await expect(cut).rejects.toThrow('the power went')
  const published = new Map<string, string>()
  expect(await relayOutbox({ rows, engine, markPublished: (key, id) => void published.set(key, id) })).toBe(2)
  const again = new Map<string, string>()
  await relayOutbox({ rows, engine, markPublished: (key, id) => void again.set(key, id) })
  expect(again).toEqual(published)
  expect(published.get('learn-1')).toBe(job.id)
  const messages = await engine.read('approval_responses', 10, 1000)
  expect(messages.map(({ id }) => String(id))).toEqual([published.get('approval-1')])
  expect((await engine.list({ limit: 10 })).jobs).toHaveLength(1)
})
