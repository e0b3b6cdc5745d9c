import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/kernel/index.ts'
import { createOutbox, relayWaiting } from '../../../src/core/queue/index.ts'
import { type QueueBench, openQueueBench } from '../../support/queue.ts'
import { type WaitingBench, createWaiting } from '../../support/waiting.ts'

let bench: WaitingBench
let queues: QueueBench
beforeEach(async () => {
  bench = await createWaiting()
  queues = openQueueBench()
})
afterEach(async () => {
  queues.cleanup()
  await bench.close()
})

test('what is asked arrives once, also when the process dies between the two files; the token stays in the message alone', async () => {
  const { id } = await bench.add('a.txt')
  await bench.service.ask(id, { name: 'ada', via: 'command' }, 'why?')
  const engine = queues.open()
  const outbox = createOutbox({ db: bench.store.db, clock: systemClock })
  const dying = {
    ...outbox,
    published: () => {
      throw new Error('killed')
    },
  }
  await expect(relayWaiting(dying, engine)).rejects.toThrow('killed')
  expect(await relayWaiting(outbox, engine)).toBe(2)
  expect(await relayWaiting(outbox, engine)).toBe(0)

  const messages = await engine.read('approval_requests', 10, 1000)
  expect(messages).toHaveLength(1)
  const body = JSON.parse(messages[0]!.body) as { candidate_id: string; token: string; diff_hash: string }
  expect(body.candidate_id).toBe(id)
  expect(bench.approvals.isOpenWith(id, body.token, body.diff_hash)).toBe(true)
  expect(bench.approvals.isOpenWith(id, body.token, 'other')).toBe(false)
  expect(bench.approvals.isOpenWith(id, 'other', body.diff_hash)).toBe(false)
  expect(await engine.read('question_requests', 10, 1000)).toMatchObject([{ body: expect.stringContaining('why?') }])
  const rows = bench.store.db.all<{ body: string | null; message_id: string }>('SELECT body, message_id FROM outbox')
  expect(rows.map((row) => row.body)).toEqual([null, null])
  expect(rows[0]!.message_id).toBe(String(messages[0]!.id))
})
