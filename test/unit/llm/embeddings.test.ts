import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { requestEmbeddings } from '../../../src/core/llm/index.ts'

type Seen = { url: string | undefined; authorization: string | undefined; body: { model: string; input: string[] } }
let server: Server
let seen: Seen[] = []
let answer: { status: number; body: string; headers?: Record<string, string> } | 'silence' = 'silence'
beforeAll(async () => {
  server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      seen.push({ url: request.url, authorization: request.headers.authorization, body: JSON.parse(text) as Seen['body'] })
      if (answer !== 'silence')
        response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers }).end(answer.body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

function ask(texts: string[], reply: typeof answer, timeoutMs = 10_000, dimensions: number | null = null) {
  seen = []
  answer = reply
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`
  const headers = { authorization: 'Bearer k' }
  return requestEmbeddings({ baseUrl, model: 'small', headers, dimensions, sendDimensions: true, timeoutMs, fetch }, texts)
}
const rows = (...data: object[]) => ({ status: 200, body: JSON.stringify({ data }) })

test('vectors come back in the order of the texts, of length 1', async () => {
  const { vectors, tokens } = await ask(['a', 'b'], rows({ index: 1, embedding: [0, 2] }, { index: 0, embedding: [3, 4] }))
  expect(tokens).toBeNull()
  expect(vectors.map((each) => [...each].map((value) => Number(value.toFixed(3))))).toEqual([
    [0.6, 0.8],
    [0, 1],
  ])
  expect(seen).toEqual([
    { url: '/v1/embeddings', authorization: 'Bearer k', body: { model: 'small', input: ['a', 'b'], encoding_format: 'float' } },
  ])
})

test.each([
  ['an error', { status: 500, body: '{}' }, { kind: 'provider_unavailable', reason: 'server', httpStatus: 500 }],
  ['a rate limit', { status: 429, body: '{}' }, { kind: 'provider_unavailable', reason: 'rate_limited' }],
  ['HTML', { status: 200, body: '<html>' }, { kind: 'malformed_response', reason: 'validation' }],
  ['too few vectors', rows(), { kind: 'malformed_response', reason: 'validation' }],
  ['a vector of no numbers', rows({ index: 0, embedding: [1, null] }), { kind: 'malformed_response', reason: 'validation' }],
  ['a vector of zeros', rows({ index: 0, embedding: [0, 0] }), { kind: 'malformed_response', reason: 'validation' }],
  ['silence', 'silence', { kind: 'provider_unavailable', reason: 'timeout_total' }],
] as const)('%s is a failure of ours', async (_name, reply, failure) => {
  await expect(ask(['a'], reply, reply === 'silence' ? 100 : 10_000)).rejects.toMatchObject(failure)
})

test('a length that was asked for has to be kept; tokens are as the server counted them', async () => {
  const body = JSON.stringify({ data: [{ index: 0, embedding: [3, 4] }], usage: { prompt_tokens: 7 } })
  expect((await ask(['a'], { status: 200, body }, 10_000, 2)).tokens).toBe(7)
  expect(seen[0]?.body).toMatchObject({ dimensions: 2 })
  await expect(ask(['a'], { status: 200, body }, 10_000, 3)).rejects.toMatchObject({ reason: 'validation', outcome: 'unknown' })
})

test('a server may not pass the texts on to another one', async () => {
  const others: string[] = []
  const other = createServer((request, response) => {
    others.push(request.url!)
    response.end('{}')
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  try {
    const location = `http://127.0.0.1:${(other.address() as AddressInfo).port}/v1/embeddings`
    await expect(ask(['a'], { status: 307, body: '', headers: { location } })).rejects.toMatchObject({ reason: 'connection' })
    expect(others).toEqual([])
  } finally {
    other.close()
  }
})
