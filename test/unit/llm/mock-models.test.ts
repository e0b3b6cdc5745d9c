import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it } from 'vitest'
import { type MockModels, startMockModels } from '../../support/models.ts'
import { buildProgram } from '../../support/supervisor.ts'

let mock: MockModels | undefined
afterEach(async () => {
  await mock?.close()
  mock = undefined
})

const post = (url: string, body: unknown, signal?: AbortSignal) =>
  fetch(url, { method: 'POST', body: JSON.stringify(body), ...(signal ? { signal } : {}) })
const PRICES = { input: 2, output: 10, cacheRead: 1, cacheWrite: 3 }
const USAGE = { input: 100, cacheRead: 40, cacheWrite5m: 10, output: 7 }
const COST = 50 * 2 + 40 * 1 + 10 * 3 + 7 * 10

describe('the mock provider', () => {
  it('bills what it worked on, also for a client that is gone, and nothing for what it refused', async () => {
    mock = await startMockModels({
      prices: PRICES,
      answers: [
        { text: 'x', usage: USAGE },
        { text: 'long text', usage: USAGE, failure: { kind: 'stall', at: 'stream' } },
        { failure: { kind: 'http', status: 429 } },
        { failure: { kind: 'refuse' } },
      ],
    })
    const url = `${mock.baseUrl('chat')}/chat/completions`
    expect((await post(url, { model: 'm' })).status).toBe(200)
    expect(mock.meter()).toEqual({ nusd: COST, calls: 1 })
    const leaving = new AbortController()
    await post(url, { model: 'm', stream: true }, leaving.signal)
    leaving.abort()
    await mock.ended(2)
    expect(mock.meter()).toEqual({ nusd: 2 * COST, calls: 2 })
    expect((await post(url, { model: 'm' })).status).toBe(429)
    await expect(post(url, { model: 'm' })).rejects.toThrow('fetch failed')
    expect(mock.meter()).toEqual({ nusd: 2 * COST, calls: 2 })
    expect(mock.requests.map((request) => request.billedNusd)).toEqual([COST, COST, 0, 0])
  })

  it('gives an answer to the request it is for', async () => {
    mock = await startMockModels({ answers: [{ text: 'second', match: 'blue' }, { text: 'first' }], fallback: { text: 'else' } })
    const texts: string[] = []
    for (const content of ['red', 'blue', 'red']) {
      const body = { model: 'm', messages: [{ role: 'user', content }] }
      const answer = (await (await post(`${mock.baseUrl('chat')}/chat/completions`, body)).json()) as {
        choices: { message: { content: string } }[]
      }
      texts.push(answer.choices[0]!.message.content)
    }
    expect(texts).toEqual(['first', 'second', 'else'])
  })

  it('runs as a process of its own, told and asked over HTTP', async () => {
    const program = buildProgram('models')
    const child = spawn(process.execPath, [program, JSON.stringify({ prices: PRICES, fallback: { usage: USAGE } })], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    try {
      const [origin] = (await once(createInterface(child.stdout), 'line')) as [string]
      await post(`${origin}/mock/script`, [{ failure: { kind: 'http', status: 500 } }])
      expect((await post(`${origin}/v1/messages`, { model: 'a' })).status).toBe(500)
      expect((await post(`${origin}/v1/messages`, { model: 'b' })).status).toBe(200)
      expect(await (await fetch(`${origin}/mock/meter`)).json()).toEqual({ nusd: COST, calls: 1 })
      const requests = (await (await fetch(`${origin}/mock/requests`)).json()) as { body: { model: string } }[]
      expect(requests.map((request) => request.body.model)).toEqual(['a', 'b'])
    } finally {
      child.stdin.end()
      await once(child, 'exit')
      rmSync(program, { force: true })
    }
  })
})
