import { describe, expect, it } from 'vitest'
import { MALFORMED, type ProviderFailure, createAnswerChecker, reask } from '../../../src/core/llm/index.ts'
import { SingularityError } from '../../../src/core/kernel/index.ts'

const EDIT = {
  type: 'object',
  properties: { path: { type: 'string' }, search: { type: 'string' }, replace: { type: 'string' } },
  required: ['path'],
  additionalProperties: false,
}
const ANY = { type: ['object', 'array'] }

const checker = createAnswerChecker()
const check = (text: string, schema?: object, more: { repair?: boolean } = {}) =>
  checker.check({ text, stop: 'end' }, { schema: schema as Record<string, unknown> | undefined, ...more })
const fails = (promise: Promise<unknown>): Promise<ProviderFailure> =>
  promise.then(
    (value) => Promise.reject(new Error(`no failure but ${JSON.stringify(value)}`)),
    (error: unknown) => error as ProviderFailure,
  )

describe('answers without a schema', () => {
  it.each(['Use a semaphore.', '', '  42', '"quoted"'])('%j is plain text', async (text) => {
    expect(await check(text)).toEqual({ parsed: null, repaired: false })
  })

  it('text that begins like JSON is parsed', async () => {
    expect(await check(' {"a": [1]}')).toEqual({ parsed: { a: [1] }, repaired: false })
  })

  it('broken JSON is told with its place in bytes, line and column, and never repaired', async () => {
    const text = `\n{"name": "Zoë",\n "x": tru}${' tail'.repeat(40)}`
    const failure = await fails(check(text))
    expect(failure).toMatchObject({ kind: 'malformed_response', reason: 'json_decode_error', message: MALFORMED })
    expect(failure.details).toEqual([
      {
        type: 'json_decode_error',
        error: expect.stringContaining('JSON'),
        position: Buffer.byteLength('\n{"name": "Zoë",\n "x": '),
        line: 3,
        column: 7,
        response_preview: text.slice(0, 100),
      },
    ])
  })
})

describe('answers with a schema', () => {
  it('plain text is malformed', async () => {
    expect(await fails(check('I cannot do that.', EDIT))).toMatchObject({
      reason: 'json_decode_error',
      details: [{ position: 0, line: 1, column: 1 }],
    })
  })

  it.each([
    ['{"path": "a"}', 'as it is'],
    ['```json\n{"path": "a"}\n```', 'in a fence'],
    ['Here you are:\n```\n{"path": "a"}\n```\nDone.', 'in a fence with prose'],
    ['Sure. {"path": "a"} is what you want.', 'in prose'],
    ['Brackets [like this] and then {"path": "a"}', 'behind brackets'],
    ['Either {"path": "a"} or {"path": "b"}', undefined],
  ])('%j is read %s', async (text, how) => {
    if (how) expect(await check(text, EDIT)).toEqual({ parsed: { path: 'a' }, repaired: false })
    else expect(await fails(check(text, EDIT))).toMatchObject({ reason: 'json_decode_error' })
  })

  it.each(["{'path': 'a'}", '{"path": "a",}', '{path: "a"}', '{"path": "a" /* the file */}'])(
    '%s is repaired, and says so',
    async (text) => {
      expect(await check(text, EDIT)).toEqual({ parsed: { path: 'a' }, repaired: true })
      expect(await fails(check(text, EDIT, { repair: false }))).toMatchObject({ reason: 'json_decode_error' })
    },
  )

  it.each([
    ['{"path": "a", "search": "x", "replace": "cons', 'an end that is missing'],
    ['{"path": "a", "search": "x"', 'a brace that is missing'],
    ['{"path": "a", "search":', 'a value that is missing'],
    ['[{"path": "a"}, {"path": "b"}', 'a list without its end'],
    [String.raw`{"path": "\d+"}`, 'an escape whose backslash would be lost'],
    ['{"path": "a"}\n{"path": "b"}', 'two values in a row'],
    ['{"path": "a"} and "more"', 'text after the value'],
  ])('%s is not repaired: %s', async (text) => {
    expect(await fails(check(text, ANY))).toMatchObject({ kind: 'malformed_response', reason: 'json_decode_error' })
  })

  it('every violation is a row with the path of its field', async () => {
    const schema = {
      type: 'object',
      properties: {
        tool_calls: { type: 'array', items: { type: 'object', properties: { params: { type: 'object' } }, required: ['tool_name'] } },
        'a/b': { type: 'number' },
      },
      additionalProperties: false,
    }
    const failure = await fails(check('{"tool_calls": [{"tool_name": "bash", "params": "ls"}, {}], "a/b": "x", "extra": 1}', schema))
    expect(failure).toMatchObject({ kind: 'malformed_response', reason: 'validation', message: MALFORMED })
    expect(failure.details).toEqual(
      expect.arrayContaining([
        { field: 'tool_calls[0].params', message: 'must be object' },
        { field: 'tool_calls[1].tool_name', message: "must have required property 'tool_name'" },
        { field: 'a/b', message: 'must be number' },
        { field: 'extra', message: 'must NOT have additional properties' },
      ]),
    )
    expect(failure.details).toHaveLength(4)
  })

  it('a key that stands twice is no answer', async () => {
    const failure = await fails(check('{"path": "a", "list": [{"x": 1, "x": 2}], "path": "b"}', ANY))
    expect(failure.details.map((detail) => detail['field'])).toEqual(['list[0].x', 'path'])
  })

  it('the value as a whole is named $', async () => {
    expect((await fails(check('[1]', { type: 'object' }))).details).toEqual([{ field: '$', message: 'must be object' }])
  })

  it('a schema that says draft-07 is read as that', async () => {
    const schema = { $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'string' }] }
    expect((await fails(check('[1]', schema))).details).toEqual([{ field: '[0]', message: 'must be string' }])
  })

  it('two schemas with one $id do not meet', async () => {
    await check('{}', { $id: 'https://schemas.test/x', type: 'object' })
    expect((await fails(check('{}', { $id: 'https://schemas.test/x', type: 'array' }))).details).toEqual([
      { field: '$', message: 'must be array' },
    ])
  })

  it.each([{ type: 'thing' }, { properties: { a: { $ref: 'https://elsewhere.test/x.json' } } }, { pattern: '(' }])(
    'what is not a schema is a bad request: %j',
    async (schema) => {
      const error: unknown = await fails(checker.demandSchema(schema))
      expect(SingularityError.isInstance(error) && error).toMatchObject({
        code: 'REQUEST_INVALID',
        exitCode: 2,
        data: { errors: [{ path: 'response_schema' }] },
      })
    },
  )
})

describe('answers that do not end', () => {
  it.each([
    ['length', 'malformed_response', 'truncated_output'],
    ['refusal', 'processing_exception', 'refused'],
    ['context', 'processing_exception', 'context_overflow'],
  ] as const)('%s is %s.%s', async (stop, kind, reason) => {
    expect(await fails(checker.check({ text: '{"path": "a"}', stop }, { schema: EDIT }))).toMatchObject({ kind, reason })
  })
})

describe('tool calls', () => {
  const tools = [
    { name: 'read', description: '', parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] } },
  ]

  it('are checked by name and arguments, and never repaired', async () => {
    await checker.checkTools([{ id: '1', toolName: 'read', params: { path: 'a' } }], tools)
    const failure = await fails(
      checker.checkTools(
        [
          { id: '1', toolName: 'read', params: "{'path': 'a'}", raw: "{'path': 'a'}" },
          { id: '2', toolName: 'rm', params: {} },
          { id: '3', toolName: 'read', params: { path: 3 } },
        ],
        tools,
      ),
    )
    expect(failure).toMatchObject({ kind: 'malformed_response', reason: 'validation', message: MALFORMED })
    expect(failure.details).toEqual([
      { field: 'tool_calls[0].params', message: 'must be object' },
      { field: 'tool_calls[1].tool_name', message: 'must be one of: read' },
      { field: 'tool_calls[2].params.path', message: 'must be string' },
    ])
  })
})

describe('asking again', () => {
  it('shows what came and what is wrong with it', async () => {
    const answer = { text: '{"search": 1}' }
    const turns = reask(answer, await fails(check(answer.text, EDIT)))
    expect(turns[0]).toEqual({ role: 'assistant', content: '{"search": 1}' })
    expect(turns[1]).toMatchObject({ role: 'user', content: expect.stringContaining('- search: must be string') as string })
    const broken = reask({ text: '{oops' }, await fails(check('{oops', EDIT)))
    expect(broken[1]!.content).toMatch(/^That was not valid JSON:\n- line 1, column 2: /)
  })
})
