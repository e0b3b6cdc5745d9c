import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type AskBench, KEY, expectFailure, openAskBench } from '../support/asking.ts'
import { type MockModels, type MockRequest, startMockModels } from '../support/models.ts'
import type { ScriptedAnswer } from '../support/models.ts'
import { enqueue, requestLine } from '../support/queue-runs.ts'
import { createPlayground } from './playground.ts'

let bench: AskBench
beforeAll(async () => {
  bench = await openAskBench()
})
afterEach(() => bench.configure(null))
afterAll(() => bench.close())

const NO_KEY = { OPENAI_API_KEY: '', OPENAI_BASE_URL: '' }

describe('only one provider', () => {
  it.each([
    ['OpenAI', (origin: string) => ({ env: { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: `${origin}/v1` }, file: null }), 'responses'],
    ['Anthropic', (origin: string) => ({ env: { ...NO_KEY, ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: origin }, file: null }), 'messages'],
    [
      'a compatible one',
      (origin: string) => ({
        env: { ...NO_KEY, GROQ_API_KEY: KEY },
        file: { providers: { groq: { base_url: `${origin}/v1` } } },
      }),
      'chat',
    ],
  ] as const)('%s answers simple, medium and complex', async (name, set, protocol) => {
    const { env, file } = set(bench.mock.origin)
    bench.configure(file)
    for (const complexity of ['simple', 'medium', 'complex']) {
      const answer = await bench.ask([`${name}, ${complexity}?`, '--complexity', complexity], [{ text: complexity }], { env })
      expect(answer.exitCode, answer.stdout).toBe(0)
      expect(answer.json.data).toMatchObject({ answer: complexity, source: 'llm', cost_source: 'computed' })
      expect(answer.json.data.cost_nusd).toBeGreaterThan(0)
      expect(answer.seen.map((request) => request.protocol)).toEqual([protocol])
    }
  })
})

describe('no key anywhere', () => {
  it('a rule and an exact answer of before still come', async () => {
    await bench.ask(['Keep this.'], [{ text: 'kept' }])
    const rule = await bench.ask(['What is the test command?'], [], { env: NO_KEY })
    expect(rule.json.data).toMatchObject({ source: 'rule', answer: 'npm test (runs: node --test)' })
    const kept = await bench.ask(['Keep this.'], [], { env: NO_KEY })
    expect(kept.json.data).toMatchObject({ answer: 'kept', source: 'cache', tier: 'exact', cost_nusd: 0 })
    expect(kept.seen).toEqual([])
  })

  it('a key in the environment alone is no consent: no other command calls a model', async () => {
    const ledger = join(bench.place.folder, 'untouched.db')
    const env = { ...bench.env, ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: bench.mock.origin, SINGULARITY_LEDGER: ledger }
    const before = bench.mock.requests.length
    const commands = [
      ['look', '--max', '1'],
      ['improve', '--source', 'rules', '--max', '1', '--dry-run'],
      ['status'],
      ['doctor'],
      ['runs'],
      ['queue', 'list'],
      ['queue', 'stats'],
      ['queue', 'work', '--drain'],
      ['llm', 'routes'],
      ['llm', 'models'],
      ['llm', 'budget'],
      ['ask', 'What is the test command?'],
      ['ask', 'Something no rule knows', '--no-llm'],
    ]
    for (const command of commands) {
      const { exitCode, stdout } = await bench.place.run(command, { env })
      expect([0, 1, 3, 4], command.join(' ') + stdout.slice(0, 500)).toContain(exitCode)
    }
    expect(bench.mock.requests).toHaveLength(before)
  })
})

describe('offline', () => {
  it.each([
    ['the flag', ['--offline'], {}],
    ['the environment', [], { SINGULARITY_OFFLINE: '1' }],
  ])('by %s: a remote model is refused with OFFLINE, exit 7', async (name, args, more) => {
    const env = { ...NO_KEY, ANTHROPIC_API_KEY: KEY, ...more }
    const answer = await bench.ask([`Offline by ${name}?`, ...args], [], { env })
    expect(expectFailure(answer, 'OFFLINE', 7).data).toMatchObject({ reason: 'offline', provider: 'anthropic' })
    expect((await bench.ask(['What is the test command?', ...args], [], { env })).json.data).toMatchObject({ source: 'rule' })
  })

  it('a worker ends its requests the same way', async () => {
    const [id] = await enqueue(bench.place, requestLine('Offline, queued?'))
    const env = { ANTHROPIC_API_KEY: KEY }
    await bench.place.run(['queue', 'work', '--drain', '--offline'], { env })
    const { exitCode, json } = await bench.place.run(['queue', 'await', id!])
    expect({ exitCode, reason: json.data.responses[0].reason }).toEqual({ exitCode: 7, reason: 'offline' })
  })

  it('a repository may switch it on, never off', async () => {
    const file = join(bench.place.root, '.singularity', 'config.json')
    mkdirSync(join(bench.place.root, '.singularity'), { recursive: true })
    try {
      writeFileSync(file, '{"offline": true}')
      expectFailure(await bench.ask(['Off by the repository?'], [], { env: { ...NO_KEY, ANTHROPIC_API_KEY: KEY } }), 'OFFLINE', 7)
      writeFileSync(file, '{"offline": false}')
      const env = { ...NO_KEY, ANTHROPIC_API_KEY: KEY, SINGULARITY_OFFLINE: '1' }
      const answer = await bench.ask(['On by the repository?'], [], { env })
      expect(answer.exitCode).not.toBe(0)
      expect(['OFFLINE', 'CONFIG_INVALID', 'CONFIG_UNTRUSTED']).toContain(answer.json.error?.code)
    } finally {
      rmSync(file)
    }
  })
})

describe('Ollama on this machine', () => {
  let server: MockModels
  let most = 0
  const models = { 'embed:1b': ['embedding'], 'talk:3b': ['completion', 'tools'], 'other:7b': ['completion'] }
  beforeAll(async () => {
    let [running, count] = [0, 0]
    const answer = (request: MockRequest): ScriptedAnswer | undefined => {
      most = Math.max(most, ++running)
      void server.ended(++count).then(() => running--)
      // far fewer tokens than were sent: what Ollama tells when it has cut a prompt
      if (request.raw.includes('Cut me')) return { text: 'cut', usage: { input: 100, output: 3 } }
      return { text: 'at home', delayMs: 60 }
    }
    server = await startMockModels({
      answer,
      handle({ path, raw }) {
        if (path === '/api/tags') return { body: { models: Object.keys(models).map((name) => ({ name, model: name })) } }
        if (path === '/api/ps') return { body: { models: [] } }
        if (path !== '/api/show') return undefined
        const { model } = JSON.parse(raw) as { model: keyof typeof models }
        return { body: { capabilities: models[model], parameters: 'num_ctx 32768' } }
      },
    })
  })
  afterAll(() => server.close())
  const home = (more: Record<string, string> = {}) => ({ env: { ...NO_KEY, OLLAMA_HOST: new URL(server.origin).host, ...more } })

  it('answers with the first model that can, for nothing, offline and through no proxy', async () => {
    const answer = await bench.ask(
      ['At home?', '--offline'],
      [],
      home({ HTTP_PROXY: 'http://127.0.0.1:9', HTTPS_PROXY: 'http://127.0.0.1:9' }),
    )
    expect(answer.json.data, answer.stdout).toMatchObject({
      answer: 'at home',
      model: 'ollama/auto',
      cost_nusd: 0,
      cost_source: 'computed',
      sent: { provider: 'ollama' },
    })
    expect(server.requests.at(-1)!.body['model']).toBe('talk:3b')
    // nothing is left of any cap, and it still costs nothing
    const broke = await bench.ask(['At home without money?', '--budget', '0'], [], home())
    expect(broke.json.data).toMatchObject({ answer: 'at home', cost_nusd: 0 })
  })

  it('gets one request at a time', async () => {
    const ids = await enqueue(bench.place, ...[1, 2, 3, 4].map((n) => requestLine(`Number ${n}?`)))
    most = 0
    const { json } = await bench.place.run(['queue', 'work', '--drain', '--concurrency', '4'], home())
    expect(json.data).toMatchObject({ completed: ids.length, failed: 0 })
    expect(most).toBe(1)
  })

  it('its real window counts: what does not fit is not sent', async () => {
    const before = server.requests.length
    const answer = await bench.ask(['-'], [], { ...home(), input: 'x'.repeat(400_000) })
    expectFailure(answer, 'CONTEXT_OVERFLOW', 5)
    expect(server.requests).toHaveLength(before)
  })

  it('a prompt that it cut without a word is an overflow, not an answer', async () => {
    const answer = await bench.ask(['-'], [], { ...home(), input: `Cut me. ${'One word after the other. '.repeat(800)}` })
    expect(expectFailure(answer, 'CONTEXT_OVERFLOW', 5).data).toMatchObject({ reason: 'processing_exception.context_overflow' })
  })

  it('nobody asks it who did not name it', async () => {
    const before = server.requests.length
    expectFailure(await bench.ask(['Is anybody there?'], [], { env: NO_KEY }), 'LLM_NOT_CONFIGURED', 7)
    expect(server.requests).toHaveLength(before)
  })
})

describe('a second repository', () => {
  it('shares the money of the user, and nothing of the cache', async () => {
    const other = createPlayground()
    try {
      const ledger = { SINGULARITY_LEDGER: join(bench.place.folder, 'shared.db') }
      const env = { ...bench.env, ...ledger }
      const here = await bench.ask(['Shared?'], [{ text: 'here' }], { env: ledger })
      bench.mock.script({ text: 'there' })
      const there = await other.run(['ask', 'Shared?'], { env })
      expect(there.json.data).toMatchObject({ answer: 'there', source: 'llm' })
      const { json } = await other.run(['llm', 'budget'], { env })
      const day = (json.data.caps as { scope: string; spent_nusd: number; held: boolean }[]).find(({ scope }) => scope === 'day')!
      expect(day.spent_nusd).toBe(here.json.data.cost_nusd + there.json.data.cost_nusd)
      // what is left of the day is left for both
      const left = { ...env, SINGULARITY_LLM_BUDGET_DAY: String(day.spent_nusd / 1e9) }
      expectFailure(await other.run(['ask', 'Anything left there?'], { env: left }), 'BUDGET_REACHED', 5)
      expectFailure(await bench.ask(['Anything left here?'], [], { env: left }), 'BUDGET_REACHED', 5)
    } finally {
      other.cleanup()
    }
  })
})

describe('continuous integration', () => {
  it('asks nobody, and says that the caps of a fresh home were not held before', async () => {
    const env = { ...bench.env, CI: 'true', SINGULARITY_LEDGER: join(bench.place.folder, 'fresh.db') }
    const caps = async () => (await bench.place.run(['llm', 'budget'], { env })).json.data.caps as { scope: string; held: boolean }[]
    expect((await caps()).filter(({ scope }) => scope === 'day' || scope === 'month')).toMatchObject([{ held: false }, { held: false }])
    const answer = await bench.ask(['In CI?'], [{ text: 'yes' }], { env })
    expect(answer.json.data).toMatchObject({ answer: 'yes' })
    expect(answer.stderr).toBe('')
  })
})
