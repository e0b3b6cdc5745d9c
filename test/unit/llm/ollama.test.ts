import { afterEach, describe, expect, it } from 'vitest'
import type { ProviderRequest } from '../../../src/core/llm/index.ts'
import type { ScriptedAnswer } from '../../support/models.ts'
import { type Bench, CASES, createBench } from '../../support/providers.ts'

let bench: Bench | undefined
afterEach(async () => {
  await bench?.close()
  bench = undefined
})

type Model = { capabilities?: string[]; parameters?: string; trained?: number }

/** The server's own end points beside the common protocol. */
async function createOllama(models: Record<string, Model>, options: { loaded?: Record<string, number>; answers?: ScriptedAnswer[] } = {}) {
  bench = await createBench(
    CASES[1]!,
    {
      answers: options.answers ?? [],
      handle({ path, raw }) {
        if (path === '/api/ps')
          return {
            body: {
              models: Object.entries(options.loaded ?? {}).map(([model, context_length]) => ({ model, name: model, context_length })),
            },
          }
        if (path === '/api/tags') return { body: { models: Object.keys(models).map((model) => ({ model, name: model })) } }
        if (path !== '/api/show') return undefined
        const model = models[(JSON.parse(raw) as { model: string }).model]
        if (!model) return { status: 404, body: { error: 'model not found' } }
        const { trained, ...rest } = model
        return { body: { ...rest, model_info: { 'llama.context_length': trained ?? 131_072 } } }
      },
    },
    { name: 'ollama', apiKey: '' },
  )
  return bench
}

const READ = { name: 'read', description: 'Reads.', parameters: { type: 'object' } }
const ask = (model: string, content = 'hello', more: Partial<ProviderRequest> = {}): ProviderRequest => ({
  model,
  maxOutputTokens: 64,
  messages: [{ role: 'user', content }],
  ...more,
})
const TEXT = 'The quick brown fox jumps over the lazy dog. '.repeat(2000)

describe('a server without the end points of Ollama', () => {
  it("'auto' is the first model it lists that is not for embeddings", async () => {
    bench = await createBench(CASES[1]!, { models: ['text-embedding-x', 'chat-y', 'chat-z'] }, { name: 'llamacpp' })
    await bench.send(ask('auto'))
    await bench.send(ask('auto'))
    expect(bench.mock.requests.map((request) => request.body['model'])).toEqual(['chat-y', 'chat-y'])
    await bench.close()
    bench = await createBench(CASES[1]!, { models: [] }, { name: 'llamacpp' })
    expect(await bench.fails(ask('auto'))).toMatchObject({ reason: 'model_not_found', outcome: 'not_sent' })
  })
})

describe('Ollama', () => {
  it("'auto' is the first model that can do what is asked", async () => {
    const { send, mock } = await createOllama({
      'embed:1b': { capabilities: ['embedding'] },
      'talk:3b': { capabilities: ['completion'] },
      'code:7b': { capabilities: ['completion', 'tools'] },
    })
    await send(ask('auto'))
    await send(ask('auto', 'hello', { tools: [READ] }))
    expect(mock.requests.map((request) => request.body['model'])).toEqual(['talk:3b', 'code:7b'])
    await bench!.close()
    await createOllama({ 'embed:1b': { capabilities: ['embedding'] } })
    expect(await bench!.fails(ask('auto'))).toMatchObject({ reason: 'model_not_found', outcome: 'not_sent' })
  })

  it('the window is the one the server really has, not the one a model was trained with', async () => {
    const { provider } = await createOllama(
      { 'a:1b': { parameters: 'stop "<|end|>"\nnum_ctx                        8192' }, 'b:1b': {}, 'c:1b': { parameters: 'num_ctx 8192' } },
      { loaded: { 'c:1b': 4096 } },
    )
    expect(await provider.listModels({ signal: new AbortController().signal })).toEqual([
      { id: 'a:1b', contextWindow: 8192 },
      { id: 'b:1b', contextWindow: null },
      { id: 'c:1b', contextWindow: 4096 },
    ])
  })

  it('what cannot fit is not sent', async () => {
    const { fails, mock } = await createOllama({ 'a:1b': { parameters: 'num_ctx 4096' } })
    expect(await fails(ask('a:1b', TEXT))).toMatchObject({ kind: 'processing_exception', reason: 'context_overflow', outcome: 'not_sent' })
    expect(mock.requests).toHaveLength(0)
  })

  it('an answer to a part of the request is no answer', async () => {
    const { fails, send } = await createOllama(
      { 'a:1b': {} },
      {
        answers: [
          { text: 'About dogs.', usage: { input: 2048 } },
          { text: 'About foxes.', usage: { input: 20_000 } },
          { text: 'Short.', usage: { input: 30 } },
        ],
      },
    )
    expect(await fails(ask('a:1b', TEXT))).toMatchObject({ kind: 'processing_exception', reason: 'context_overflow', outcome: 'unknown' })
    expect((await send(ask('a:1b', TEXT))).text).toBe('About foxes.')
    expect((await send(ask('a:1b', 'hello '.repeat(100)))).text).toBe('Short.')
  })

  it('an answer that fills a known window is not trusted either', async () => {
    const { fails } = await createOllama(
      { 'a:1b': {} },
      { loaded: { 'a:1b': 16_384 }, answers: [{ text: 'About dogs.', usage: { input: 16_380 } }] },
    )
    expect(await fails(ask('a:1b', TEXT))).toMatchObject({ reason: 'context_overflow', outcome: 'unknown' })
  })

  it('a server that knows nothing of these end points still answers', async () => {
    bench = await createBench(CASES[1]!, { fallback: { text: 'plain' } }, { name: 'ollama' })
    expect((await bench.send(ask('a:1b', TEXT, {}))).text).toBe('plain')
    const { signal } = new AbortController()
    expect((await bench.provider.listModels({ signal })).map((model) => model.id)).toEqual(['mock-small', 'mock-large'])
  })
})
