import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SingularityError } from '../../../src/core/kernel/index.ts'
import { REQUEST_SCHEMA, createRequestJob, parseRequests } from '../../../src/core/llm/index.ts'
import { findProblems } from '../../../src/core/llm/shape.ts'

const clock = { now: () => 1_700_000_000_000, monotonic: () => 0 }
const context = { clock, tasks: { code_generation: 'complex', classifier: 'simple' } as const, known: ['hunter2hunter2'] }
const GOOD = { task_type: 'coder', messages: [{ role: 'user', content: 'hello' }] }
const ID = '018bcfe5-6800-7000-8000-000000000001'

async function errorsOf(text: string): Promise<Record<string, unknown>[]> {
  const error = await parseRequests(text, context).then(
    () => expect.fail(`accepted: ${text.slice(0, 200)}`),
    (thrown: unknown) => thrown,
  )
  if (!SingularityError.isInstance(error)) throw error
  expect(error).toMatchObject({ code: 'REQUEST_INVALID', exitCode: 2 })
  return error.data!['errors'] as Record<string, unknown>[]
}
const refused = (change: object): Promise<Record<string, unknown>[]> => errorsOf(JSON.stringify({ ...GOOD, ...change }))
const stored = async (change: object): Promise<Record<string, unknown>> => {
  const [job] = await parseRequests(JSON.stringify({ ...GOOD, ...change }), context)
  return JSON.parse(job!.payload) as Record<string, unknown>
}

describe('a request', () => {
  it('becomes a paid job with what the queue needs to know', async () => {
    const [job] = await parseRequests(
      JSON.stringify({
        ...GOOD,
        id: ID.toUpperCase(),
        priority: 0,
        run_at: '2026-11-20T10:00:00+01:00',
        unique_key: 'k',
        group: 'g',
        parent_id: ID,
        deadline_ms: 5000,
        max_cost_usd: 0.5,
      }),
      context,
    )
    expect(job).toEqual({
      id: ID,
      queue: 'llm_requests',
      kind: 'llm.request',
      payload:
        '{"agent_id":"cli","complexity":"medium","deadline_ms":5000,"max_cost_usd":0.5,"messages":[{"content":"hello","role":"user"}],"task_type":"coder"}',
      agentId: 'cli',
      taskType: 'coder',
      complexity: 'medium',
      paid: true,
      priority: 0,
      runAt: Date.UTC(2026, 10, 20, 9),
      uniqueKey: 'k',
      group: 'g',
      parentId: ID,
      deadlineAt: 1_700_000_005_000,
    })
  })

  it('has the complexity of its task, else medium; what the caller says wins', async () => {
    expect(await stored({ task_type: 'code_generation' })).toMatchObject({ complexity: 'complex' })
    expect(await stored({ task_type: 'toString' })).toMatchObject({ complexity: 'medium' })
    expect(await stored({ task_type: 'code_generation', complexity: 'simple' })).toMatchObject({ complexity: 'simple' })
  })

  it('takes temperature and max_tokens from either place, and from both where they agree', async () => {
    const wanted = { temperature: 0.2, max_tokens: 7 }
    const [a, b, c] = [await stored(wanted), await stored({ options: wanted }), await stored({ ...wanted, options: wanted })]
    expect(a).toMatchObject(wanted)
    expect([b, c]).toEqual([a, a])
    expect(await stored({ options: { stream: true } })).toMatchObject({ options: { stream: true } })
  })

  it('carries the hints only we set', async () => {
    const { payload } = await createRequestJob(GOOD as never, context, {
      model: 'openai/x',
      no_cache: true,
      run: { id: 'r1', cap_nusd: 5 },
    })
    expect(JSON.parse(payload)).toMatchObject({ model: 'openai/x', no_cache: true, run: { id: 'r1', cap_nusd: 5 } })
    expect(await refused({ model: 'openai/x' })).toEqual([{ index: 0, path: 'model', message: 'is not a known field' }])
  })

  it('comes as one object over many lines or as JSON lines', async () => {
    expect(await parseRequests(JSON.stringify(GOOD, null, 2), context)).toHaveLength(1)
    const lines = `${JSON.stringify(GOOD)}\n\n${JSON.stringify({ ...GOOD, priority: 1 })}\r\n`
    expect((await parseRequests(lines, context)).map(({ priority }) => priority)).toEqual([undefined, 1])
  })
})

describe('what is refused', () => {
  it('is told in words, up to five errors', async () => {
    const lines = Array.from({ length: 7 }, () => JSON.stringify({ ...GOOD, id: 'me' })).join('\n')
    const told = Array.from({ length: 5 }, (_one, index) => `Request ${index + 1}: id is no UUID`).join('; ')
    await expect(parseRequests(lines, context)).rejects.toMatchObject({ message: `${told} (and 2 more).` })
  })

  it.each([
    ['an unknown field', { mesages: [] }, 'mesages', 'is not a known field'],
    ['a wrong type', { priority: 'high' }, 'priority', 'must be an integer'],
    ['no message', { messages: [] }, 'messages', 'must have at least one entry'],
    ['an unknown role', { messages: [{ role: 'boss', content: '' }] }, 'messages[0].role', 'must be one of system, user, assistant, tool'],
    ['an unknown field of a message', { messages: [{ role: 'user', content: '', name: 'x' }] }, 'messages[0].name', 'is not a known field'],
    ['temperature twice', { temperature: 1, options: { temperature: 0.5 } }, 'options.temperature', 'says 0.5, temperature says 1'],
    ['max_tokens twice', { max_tokens: 1, options: { max_tokens: 2 } }, 'options.max_tokens', 'says 2, max_tokens says 1'],
    ['no id', { id: 'me' }, 'id', 'is no UUID'],
    ['no time', { run_at: '2026-13-45T00:00:00Z' }, 'run_at', 'is no time'],
    ['a time without a zone', { run_at: '2026-11-20T00:00:00' }, 'run_at', 'is no time like 2026-01-31T12:00:00Z'],
    ['a schema that is none', { response_schema: { type: 'objekt' } }, 'response_schema', /^is not a JSON Schema/],
    ['a schema that points nowhere', { response_schema: { $ref: '#/$defs/x' } }, 'response_schema', /^is not a JSON Schema/],
    ['a schema with a broken pattern', { response_schema: { pattern: '(' } }, 'response_schema', /^is not a JSON Schema/],
    ['a token in the open', { mcp_servers: [{ authorization_token: 'x' }] }, 'mcp_servers[0].authorization_token', /would be stored/],
  ])('%s', async (_name, change, path, message) => {
    expect(await refused(change)).toEqual([
      { index: 0, path, message: message instanceof RegExp ? expect.stringMatching(message) : message },
    ])
  })

  it('takes schemas of 2020 and of draft 7', async () => {
    for (const $schema of ['https://json-schema.org/draft/2020-12/schema', 'http://json-schema.org/draft-07/schema#'])
      expect(await stored({ response_schema: { $schema, type: 'object' } })).toHaveProperty('response_schema')
  })

  it('one bad line and none is accepted', async () => {
    const errors = await errorsOf([GOOD, { ...GOOD, x: 1 }, { ...GOOD, priority: -1 }].map((each) => JSON.stringify(each)).join('\n'))
    expect(errors.map(({ index, path }) => [index, path])).toEqual([
      [1, 'x'],
      [2, 'priority'],
    ])
  })

  it('a key that stands twice', async () => {
    const text = '{"task_type":"a","messages":[{"role":"user","content":"1"}],"priority":1,"priority":2}'
    expect(await errorsOf(text)).toEqual([{ index: 0, path: 'priority', message: 'is given twice' }])
  })

  it.each([
    ['{"task_type": "a",\n "messages": [}', 33, 2, 15],
    ['{"task_type": "a"', 17, 1, 18],
    ['', 0, 1, 1],
    ['{"task_type": "a"} trailing', 19, 1, 20],
  ])('broken JSON with its place: %j', async (text, position, line, column) => {
    const [error] = await errorsOf(text)
    expect(error).toMatchObject({ index: 0, path: '', position, line, column, preview: text })
  })

  it('a list, a number, null; nesting without end', async () => {
    for (const text of ['[]', '7', 'null']) expect(await errorsOf(text)).toMatchObject([{ path: '', message: 'must be an object' }])
    const deep = `{"task_type":"a","messages":[{"role":"user","content":""}],"context":{"a":${'['.repeat(5000)}${']'.repeat(5000)}}}`
    expect(await errorsOf(deep)).toMatchObject([{ message: 'is nested deeper than 100' }])
  })

  it('says what ajv says of the published schema', () => {
    const validate = new Ajv2020({ strict: false, allowUnionTypes: true, unicodeRegExp: true }).compile(REQUEST_SCHEMA)
    const field = fc.constantFrom(...Object.keys(REQUEST_SCHEMA['properties'] as object), 'unknown')
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom('simple', ID, '2026-11-20T10:00:00Z', 3, 0.5, {}, [], [{}], true, { stream: true }, { temperature: 9 }),
      fc.constant([{ role: 'user', content: 'x', tool_calls: [{ id: '1', tool_name: 'run', params: {} }] }]),
    )
    fc.assert(
      fc.property(fc.dictionary(field, value, { noNullPrototype: true }), (change) => {
        const request = { ...GOOD, ...change }
        expect(findProblems(REQUEST_SCHEMA, request).length === 0, JSON.stringify(request)).toBe(validate(request))
      }),
      { numRuns: 500 },
    )
  })
})

describe('secrets', () => {
  it('are gone before the request is hashed or stored; code stays code', async () => {
    const [key, long] = [`sk-${'a1B2'.repeat(8)}`, 'b7'.repeat(300)]
    const code = 'const token = parser.next()\nfor (const key of keys) total += price[key]'
    const text = JSON.stringify(
      await stored({
        messages: [
          {
            role: 'user',
            content: `${code}\nOPENAI=${key}\npassword is hunter2hunter2\nAPI_KEY="q9w8e7r6t5y4u3i2o1p0" {"token": "${long}"}`,
          },
        ],
        context: { note: [`Bearer ${'x'.repeat(20)}`] },
      }),
    )
    expect(text).toContain(JSON.stringify(code).slice(1, -1))
    for (const secret of [key, 'b7b7b7', 'hunter2hunter2', 'q9w8e7r6t5y4u3i2o1p0', 'x'.repeat(20)]) expect(text).not.toContain(secret)
  })

  it.each([
    ['one letter', 'a'],
    ['dots', 'a.'],
    ['dashes', '-a'],
    ['names', 'key'],
    ['addresses', 'a://'],
    ['assignments', 'key="'],
    ['assignments in a row', 'key1='],
    ['web tokens', 'eyJ-'],
    ['digits', 'token=1a'],
  ])('eight times the text takes about eight times as long: %s', async (_name, unit) => {
    const time = async (length: number): Promise<number> => {
      const text = JSON.stringify({ ...GOOD, messages: [{ role: 'user', content: unit.repeat(length / unit.length) }] })
      // CPU time: other programs on the machine take none of it
      const start = process.cpuUsage()
      await parseRequests(text, context)
      const { user, system } = process.cpuUsage(start)
      return (user + system) / 1000
    }
    await time(100_000)
    const small = Math.max(await time(400_000), await time(400_000))
    // eight times the text: a quadratic pattern takes 64 times as long; short times are mostly noise
    expect(await time(3_200_000)).toBeLessThan(Math.max(small, 20) * 32)
  })
})
