import { beforeEach, describe, expect, it } from 'vitest'
import { SingularityError } from '../../../src/core/kernel/index.ts'
import { type MessageHandler, type QueueEngine, createConsumer, createMemoryQueue } from '../../../src/core/queue/index.ts'
import { manualClock, namedProcesses, newJob, silent, until } from '../../support/queue.ts'

let clock: ReturnType<typeof manualClock>
let engine: QueueEngine
beforeEach(() => {
  clock = manualClock()
  engine = createMemoryQueue({ clock, processes: namedProcesses() })
})

const consumerOf = (take: MessageHandler['take']) =>
  createConsumer({ engine, handlers: [{ queue: 'ai_requests', take }], batchSize: 2, log: silent })
const send = (body: unknown) => engine.send({ queue: 'ai_requests', body: JSON.stringify(body) })
const MINUTE = 60_001

describe('a consumer of messages', () => {
  it('takes everything that waits, in order, batch by batch', async () => {
    for (let n = 1; n <= 5; n++) await send(n)
    const taken: string[] = []
    const consumer = consumerOf(async ({ body }) => {
      taken.push(body)
      return { jobs: [newJob({ payload: body })] }
    })
    expect(await consumer.consume()).toBe(5)
    expect(taken).toEqual(['1', '2', '3', '4', '5'])
    expect((await engine.list({ limit: 10 })).jobs).toHaveLength(5)
    expect(await consumer.consume()).toBe(0)
  })

  it('tries a message again that failed by itself, and puts it aside after the fifth time', async () => {
    await send('poison')
    let tries = 0
    const consumer = consumerOf(async () => {
      tries++
      throw new Error('no line')
    })
    expect(await consumer.consume()).toBe(0)
    expect(await consumer.consume(), 'hidden for a while').toBe(0)
    expect(tries).toBe(1)
    for (let n = 0; n < 4; n++) {
      clock.advance(MINUTE)
      await consumer.consume()
    }
    expect(tries).toBe(5)
    clock.advance(MINUTE)
    expect(await engine.waiting(['ai_requests'])).toEqual([])
  })

  it('puts aside at once what will never be right', async () => {
    await send('wrong')
    const consumer = consumerOf(async () => {
      throw new SingularityError('REQUEST_INVALID', 'no')
    })
    expect(await consumer.consume()).toBe(1)
    clock.advance(MINUTE)
    expect(await engine.waiting(['ai_requests'])).toEqual([])
  })

  it('goes on in the background when it is woken, and no more once it is stopped', async () => {
    let counted = 0
    const consumer = consumerOf(async () => ({}))
    consumer.start((count) => (counted += count))
    await send(1)
    consumer.wake()
    await until(() => counted === 1, 'the first message')
    await send(2)
    consumer.wake()
    await until(() => counted === 2, 'the second message')
    await consumer.stop()
    await send(3)
    consumer.wake()
    expect(await engine.waiting(['ai_requests'])).toEqual(['ai_requests'])
  })
})
