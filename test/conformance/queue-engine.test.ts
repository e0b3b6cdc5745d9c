import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newUuid, systemClock } from '../../src/core/kernel/index.ts'
import { createProcessInfo } from '../../src/core/process/index.ts'
import { createSqliteQueue, type NewJob, type QueueEngine } from '../../src/core/queue/index.ts'

let folder: string
let queue: QueueEngine
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'queue-'))
  queue = createSqliteQueue({
    path: join(folder, 'queue.db'),
    runDir: join(folder, 'run'),
    clock: systemClock,
    processes: createProcessInfo(),
  })
})
afterEach(() => {
  queue.close()
  rmSync(folder, { recursive: true })
})
const job = (more: Partial<NewJob> = {}): NewJob => ({ id: newUuid(systemClock), queue: 'work', kind: 'k', payload: '{"a":1}', ...more })
const claim = (limit = 10, workerId = 'w1') => queue.claim({ queues: ['work', 'other'], kinds: ['k'], limit, workerId, leaseMs: 30_000 })

describe('queue', () => {
  it('goes round', async () => {
    const first = job({ priority: 7 })
    const second = job()
    expect(await queue.enqueue([first, second])).toEqual([
      { id: first.id, status: 'pending', deduped: false },
      { id: second.id, status: 'pending', deduped: false },
    ])
    const claimed = await claim()
    expect(claimed.map(({ id }) => id)).toEqual([second.id, first.id])
    expect(claimed[0]!.payload).toBe('{"a":1}')
    expect(await queue.settle([{ id: first.id, token: 1, to: 'completed', result: '{"ok":true}' }])).toEqual(['applied'])
    expect(await queue.settle([{ id: first.id, token: 1, to: 'completed', result: '{"ok":true}' }])).toEqual(['fenced'])
    expect((await queue.get(first.id))!.state).toBe('completed')
    expect(await queue.verify()).toEqual([])
    const own = await queue.enqueueClaimed(job(), { workerId: 'me', leaseMs: 1000 })
    expect(own.claimed!.state).toBe('running')
    expect((await queue.events(0, 10)).map(({ type }) => type)).toEqual([
      'enqueued',
      'enqueued',
      'claimed',
      'claimed',
      'completed',
      'claimed',
    ])
  })
})
