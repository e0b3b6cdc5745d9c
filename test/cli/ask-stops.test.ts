import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AskBench, expectFailure, openAskBench } from '../support/asking.ts'
import { hasTerminal, openTerminal } from '../support/terminal.ts'
import type { Answer } from './playground.ts'

let bench: AskBench
beforeAll(async () => {
  bench = await openAskBench()
  // one account for all: what is left of a stopped call has to be seen by the next
  bench.env['SINGULARITY_LEDGER'] = join(bench.place.folder, 'account.db')
})
afterAll(() => bench.close())

const NEVER = { text: 'half of', failure: { kind: 'stall', at: 'stream' } } as const

const row = async (status: string): Promise<{ id: string }> => {
  const { json } = await bench.place.run(['queue', 'list', '--status', status, '--limit', '1'])
  return json.data.requests[0] as { id: string }
}
const show = async (id: string) => (await bench.place.run(['queue', 'show', id])).json.data

/** Starts a question nobody answers, waits until the provider works on it, and sends a signal. */
async function stopWith(signal: NodeJS.Signals, prompt: string): Promise<{ answer: Answer; id: string }> {
  const before = bench.mock.requests.length
  bench.mock.script(NEVER)
  const { child, done } = bench.place.start(['ask', prompt], { env: bench.env })
  await bench.mock.received(before + 1)
  const { id } = await row('processing')
  child.kill(signal)
  return { answer: await done, id }
}

/** A worker has nothing to do, and the provider hears nothing more. */
async function expectNothingLeft(): Promise<void> {
  const before = bench.mock.requests.length
  const worked = await bench.place.run(['queue', 'work', '--drain'], { env: bench.env })
  expect(worked).toMatchObject({ exitCode: 0, json: { data: { completed: 0, failed: 0 } } })
  expect(bench.mock.requests).toHaveLength(before)
}

describe('who stops waiting', () => {
  it.skipIf(!hasTerminal)(
    `on a terminal sees what is waited for, and since when${hasTerminal ? '' : ' (skipped: script of util-linux is missing)'}`,
    async () => {
      const before = bench.mock.requests.length
      bench.mock.script(NEVER)
      const terminal = openTerminal(bench.place, ['ask', 'Stop me on a terminal.'], { env: bench.env })
      await bench.mock.received(before + 1)
      await terminal.sees(/\d s waiting for an answer/)
      terminal.type('\u0003')
      await terminal.sees('Stopped; the request was cancelled.')
      expect(await terminal.done).toBe(130)
      await bench.mock.ended(bench.mock.requests.length)
    },
  )

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'with %s: exit %d, the row is cancelled, what may be owed is counted, and nobody pays for it later',
    async (signal, exitCode) => {
      const { answer, id } = await stopWith(signal, `Stop me with ${signal}.`)
      expectFailure(answer, 'INTERRUPTED', exitCode)
      await bench.mock.ended(bench.mock.requests.length)
      const { request, attempts } = await show(id)
      expect(request.status).toBe('failed')
      expect(attempts).toMatchObject([{ provider: 'openai', cost_source: 'unknown', reason: 'cancelled' }])
      expect(attempts[0].cost_nusd).toBeGreaterThan(0)
      await expectNothingLeft()
    },
  )

  it('with kill -9: the next worker ends the row and does not pay for it again', async () => {
    const { answer, id } = await stopWith('SIGKILL', 'Kill me.')
    expect(answer.signal).toBe('SIGKILL')
    expect((await show(id)).request.status).toBe('processing')
    await expectNothingLeft()
    const { request, attempts } = await show(id)
    expect(request.status).toBe('failed')
    expect(attempts).toHaveLength(1)
    expect(attempts[0].cost_nusd).toBeGreaterThan(0)
    // and the same question asked again is asked anew, once
    const before = bench.mock.requests.length
    const again = await bench.ask(['Kill me.'], [{ text: 'alive' }], { env: { SINGULARITY_LEDGER: bench.env['SINGULARITY_LEDGER']! } })
    expect(again.json.data).toMatchObject({ answer: 'alive', source: 'llm' })
    expect(bench.mock.requests).toHaveLength(before + 1)
  })

  it('with kill -9, and the same question at once: it is asked anew, without any worker', async () => {
    await stopWith('SIGKILL', 'Kill me, too.')
    const before = bench.mock.requests.length
    const ledger = { SINGULARITY_LEDGER: bench.env['SINGULARITY_LEDGER']! }
    const again = await bench.ask(['Kill me, too.', '--timeout', '60s'], [{ text: 'alive' }], { env: ledger })
    expect(again.json.data, again.stdout).toMatchObject({ answer: 'alive', source: 'llm' })
    expect(bench.mock.requests).toHaveLength(before + 1)
    await expectNothingLeft()
  })

  it('after --timeout: exit 5 LIMIT_REACHED, and the request is cancelled', async () => {
    const answer = await bench.ask(['Too slow?', '--timeout', '1500ms'], [NEVER])
    const { data, hints } = expectFailure(answer, 'LIMIT_REACHED', 5)
    expect(hints.join()).toContain('--detach')
    expect(answer.seen).toHaveLength(1)
    const { request, attempts } = await show(String(data!['id']))
    expect(request.status).toBe('failed')
    expect(attempts[0]).toMatchObject({ cost_source: 'unknown' })
    await expectNothingLeft()
  })

  it('before the network is reached: a time-out during the wait for a retry cancels as well', async () => {
    const busy = { failure: { kind: 'http', status: 429, type: 'rate_limit_error' }, headers: { 'retry-after': '60' } } as const
    const answer = await bench.ask(['Later?', '--timeout', '2s'], [busy])
    expectFailure(answer, 'LIMIT_REACHED', 5)
    expect(answer.seen).toHaveLength(1)
    await expectNothingLeft()
  })
})

describe('who does not wait at all', () => {
  it('gets an id, and hears that nobody works; a worker answers, and the answer can be awaited', async () => {
    bench.mock.script({ text: 'done meanwhile' })
    const before = bench.mock.requests.length
    const detached = await bench.place.run(['ask', 'In your own time.', '--detach', '--file', 'src/list.js'], { env: bench.env })
    expect(detached.json).toMatchObject({ schema: 'singularity.ask/1', data: { status: 'pending', deduped: false, workers: 0 } })
    expect(bench.mock.requests).toHaveLength(before)
    const schema = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'json-schema', 'ask.json'), 'utf8')
    const validate = new Ajv2020().compile(JSON.parse(schema) as object)
    expect(validate(detached.json), JSON.stringify(validate.errors)).toBe(true)
    const { id } = detached.json.data as { id: string }
    const worked = await bench.place.run(['queue', 'work', '--drain'], { env: bench.env })
    expect(worked.json.data, worked.stdout + worked.stderr).toMatchObject({ completed: 1 })
    const { json } = await bench.place.run(['queue', 'await', id])
    expect(json.data.responses).toMatchObject([{ id, status: 'completed', result: 'done meanwhile' }])
    // who asks the same later does not pay again; who wanted no cache left nothing there
    const again = await bench.ask(['In your own time.', '--file', 'src/list.js'])
    expect(again.json.data).toMatchObject({ answer: 'done meanwhile', source: 'cache', tier: 'exact', cost_nusd: 0 })
    bench.mock.script({ text: 'kept by nobody' })
    await bench.place.run(['ask', 'Leave no trace.', '--detach', '--no-cache'], { env: bench.env })
    await bench.place.run(['queue', 'work', '--drain'], { env: bench.env })
    expect((await bench.ask(['Leave no trace.'], [{ text: 'asked anew' }])).json.data).toMatchObject({
      answer: 'asked anew',
      source: 'llm',
    })
  })
})

describe('a clock that is an hour off', () => {
  it.each(['-1h', '+1h'])('%s: the same account goes on, the caps hold and questions are answered', async (offset) => {
    // a process whose Date is moved, as after a change of the system's clock
    const ms = offset === '-1h' ? -3_600_000 : 3_600_000
    const shim = join(bench.place.folder, `clock${offset}.cjs`)
    writeFileSync(shim, `const now = Date.now; Date.now = () => now.call(Date) + (${ms});`)
    const env = { NODE_OPTIONS: `--require ${shim}`, SINGULARITY_LEDGER: bench.env['SINGULARITY_LEDGER']! }
    const answer = await bench.ask([`What time is it (${offset})?`], [{ text: 'late' }], { env })
    expect(answer.exitCode, answer.stdout).toBe(0)
    expect(answer.json.data.answer).toBe('late')
    const capped = await bench.ask([`And what for a nano-dollar (${offset})?`, '--budget', '0.000000001'], [], { env })
    expectFailure(capped, 'BUDGET_REACHED', 5)
    const verified = await bench.place.run(['queue', 'verify'])
    expect(verified).toMatchObject({ exitCode: 0, json: { data: { violations: [] } } })
  })
})
