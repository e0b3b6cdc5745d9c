import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { enqueue, requestLine, startPlain } from '../support/queue-runs.ts'
import { hasTerminal, openTerminal } from '../support/terminal.ts'
import { type Playground, createPlayground } from './playground.ts'

let place: Playground
beforeEach(() => {
  place = createPlayground(null)
})
afterEach(() => place.cleanup())

describe.skipIf(!hasTerminal)('queue work on a terminal (needs script of util-linux)', () => {
  it('tells what happens in colour, and ends with Ctrl-C', async () => {
    const terminal = openTerminal(place, ['queue', 'work'])
    await terminal.sees('waiting for work')
    await enqueue(place, requestLine('one', { agent_id: 'watched' }))
    await terminal.sees(/failed +\S+ +review +watched +No model/)
    expect(terminal.raw()).toContain('\u001b[31mfailed')
    terminal.type('\u0003')
    await terminal.sees('Stopping after what runs')
    expect(await terminal.done).toBe(130)
  })
})

describe('queue watch', () => {
  it('tells every event once and in order: as JSON lines, as plain lines, as one answer', async () => {
    const [first] = await enqueue(place, requestLine('one', { agent_id: 'watched' }))
    const lines = startPlain(place, ['queue', 'watch', '--jsonl', '--after', '0'])
    const plain = startPlain(place, ['queue', 'watch', '--after', '0'])
    await Promise.all([lines.sees('"type":"enqueued"'), plain.sees('enqueued')])
    const [second] = await enqueue(place, requestLine('two'))
    await place.run(['queue', 'cancel', first!])
    await Promise.all([lines.sees('"type":"cancelled"'), plain.sees('cancelled')])
    lines.child.kill('SIGINT')
    plain.child.kill('SIGTERM')
    const told = await lines.done
    expect(told.exitCode).toBe(130)
    const events = told.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { seq: number; at: string; type: string; id: string; detail: string | null })
    expect(events.map(({ type, id }) => [type, id])).toEqual([
      ['enqueued', first],
      ['enqueued', second],
      ['cancelled', first],
    ])
    expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(await plain.done).toMatchObject({ exitCode: 143, stdout: expect.stringMatching(new RegExp(`cancelled +${first}`)) })
    const { json } = await place.run(['queue', 'watch', '--after', '1'])
    expect(json.data.events).toEqual(events.slice(1))
  })

  it('ends when who reads it ends', async () => {
    const watching = startPlain(place, ['queue', 'watch', '--jsonl', '--after', '0'])
    watching.child.stdout!.destroy()
    await enqueue(place, requestLine())
    expect((await watching.done).exitCode).toBe(0)
  })

  it.skipIf(!hasTerminal)('is live on a terminal: what waits, what happens; q and Ctrl-C end it (needs script of util-linux)', async () => {
    const [id] = await enqueue(place, requestLine('one', { agent_id: 'watched' }))
    const terminal = openTerminal(place, ['queue', 'watch'])
    await terminal.sees('1 open, 0 workers')
    await terminal.sees('nobody works: singularity queue work')
    await terminal.sees(new RegExp(`${id} pending +review for watched`))
    await enqueue(place, requestLine('two', { task_type: 'sum\u001b[31mmary' }))
    await terminal.sees('2 open')
    await terminal.sees(/summary for cli/)
    await place.run(['queue', 'cancel', id!])
    await terminal.sees('1 open')
    await terminal.sees(new RegExp(`cancelled ${id}`))
    terminal.type('q')
    expect(await terminal.done).toBe(0)
    const again = openTerminal(place, ['queue', 'watch'])
    await again.sees('q quits')
    again.type('\u0003')
    expect(await again.done).toBe(130)
  })
})
