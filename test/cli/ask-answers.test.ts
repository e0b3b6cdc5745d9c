import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AskBench, expectFailure, openAskBench } from '../support/asking.ts'
import { enqueue, requestLine, runPlain } from '../support/queue-runs.ts'

const MALFORMED = 'Malformed or invalid LLM response (Instructor validation failed)'
const ESCAPES = 'red \u001b[31mtext\u001b[0m, \u001b]0;a title\u0007 \u009b2J and \u202eback\u202c\u0000'

let bench: AskBench
let schema: string
beforeAll(async () => {
  bench = await openAskBench()
  schema = join(bench.place.folder, 'schema.json')
  const properties = { name: { type: 'string' }, size: { type: 'integer' } }
  writeFileSync(schema, JSON.stringify({ type: 'object', properties, required: ['name', 'size'], additionalProperties: false }))
})
afterAll(() => bench.close())

/** One answer, asked for again twice: three calls, of which none fits. */
const thrice = (text: string) => [{ text }, { text }, { text }]

describe('answers that cannot be used', () => {
  it.each([
    ['empty', '', 'validation', { field: '$', message: 'must not be empty' }],
    ['blank', ' \n\t', 'validation', { field: '$', message: 'must not be empty' }],
    ['JSON that breaks off', '{"name": "x', 'json_decode_error', { type: 'json_decode_error' }],
  ])('%s: exit 7 MALFORMED_RESPONSE after two re-asks', async (name, text, reason, error) => {
    const answer = await bench.ask([`Something ${name}, please.`], thrice(text))
    const { message, data } = expectFailure(answer, 'MALFORMED_RESPONSE', 7)
    expect(message).toBe(MALFORMED)
    expect(data).toMatchObject({ reason: `malformed_response.${reason}`, model: 'openai/gpt-6-sol', errors: [error] })
    expect(answer.seen).toHaveLength(3)
  })

  it.each([
    ['no JSON', 'The size is 3.', [{ type: 'json_decode_error' }]],
    ['JSON of the wrong shape', '{"name": 7, "more": true}', [{ field: 'size' }, { field: 'more' }, { field: 'name' }]],
    ['a list', '[1, 2]', [{ field: '$', message: 'must be object' }]],
    ['one name twice', '{"name": "a", "size": 1, "name": "b"}', [{ field: 'name', message: 'must not be given twice' }]],
    ['two values', '{"name":"a","size":1} {"name":"b","size":2}', [{ type: 'json_decode_error' }]],
    ['nothing', '', [{ type: 'json_decode_error' }]],
  ])('%s where a schema is given: exit 7, the errors are told field by field', async (name, text, errors) => {
    const answer = await bench.ask([`A thing: ${name}.`, '--schema', schema], thrice(text))
    const { message, data } = expectFailure(answer, 'MALFORMED_RESPONSE', 7)
    expect(message).toBe(MALFORMED)
    expect(data!['errors']).toHaveLength(errors.length)
    expect(data!['errors']).toEqual(expect.arrayContaining(errors.map((each) => expect.objectContaining(each))))
    expect(answer.seen).toHaveLength(3)
    // the second question tells what was wrong with the first answer
    expect(JSON.stringify(answer.seen[1]!.body)).toMatch(/Answer again|Answer what was asked/)
    const { json } = await bench.place.run(['queue', 'show', String(data!['id'])])
    expect(json.data.request).toMatchObject({
      status: 'failed',
      response: text,
      validation_errors: data!['errors'],
      error_message: MALFORMED,
    })
    expect(json.data.attempts.map(({ step }: { step: string }) => step)).toEqual(['call', 'reask', 'reask'])
  })

  it('a second answer that fits is the answer, and both calls were paid for', async () => {
    const answer = await bench.ask(['A mended thing.', '--schema', schema], [{ text: '{"name": "a"}' }, { text: '{"name":"a","size":3}' }])
    expect(answer.json.data).toMatchObject({ parsed: { name: 'a', size: 3 }, source: 'llm' })
    const { json } = await bench.place.run(['queue', 'show', answer.json.data.id as string])
    const costs = (json.data.attempts as { cost_nusd: number }[]).map(({ cost_nusd }) => cost_nusd)
    expect(answer.json.data.cost_nusd).toBe(costs[0]! + costs[1]!)
  })

  it('truncated: exit 7, after one try with twice the length', async () => {
    const cut = { text: 'Once upon a time', stop: 'length' } as const
    const answer = await bench.ask(['A story.'], [cut, cut], { env: { LLM_MAX_RETRIES: '3' } })
    expect(expectFailure(answer, 'MALFORMED_RESPONSE', 7).data).toMatchObject({ reason: 'malformed_response.truncated_output' })
    const [first, second] = answer.seen.map(({ body }) => Number(body['max_output_tokens']))
    expect(second).toBe(first! * 2)
  })

  it('refused: exit 1 ANSWER_REFUSED, asked once', async () => {
    const answer = await bench.ask(['Something bad.'], [{ refusal: 'I cannot help with that.' }])
    expect(expectFailure(answer, 'ANSWER_REFUSED', 1).data).toMatchObject({ reason: 'processing_exception.refused' })
    expect(answer.seen).toHaveLength(1)
  })

  it.each([
    ['is no JSON', 'oops {', 'REQUEST_INVALID'],
    ['is a list', '[]', 'REQUEST_INVALID'],
    ['is no schema', '{"type": "thing"}', 'REQUEST_INVALID'],
    ['names what is not there', '{"$ref": "#/nowhere"}', 'REQUEST_INVALID'],
  ])('a schema that %s: exit 2, nothing is sent', async (name, text, code) => {
    writeFileSync(join(bench.place.folder, 'bad.json'), text)
    const answer = await bench.ask([`Schema that ${name}?`, '--schema', '../bad.json'])
    expectFailure(answer, code, 2)
    expect(answer.seen).toEqual([])
  })
})

describe('answers that would drive the terminal', () => {
  it('are printed without it, kept as they came, and escaped for machines', async () => {
    const answer = await bench.ask(['Colours?'], [{ text: ESCAPES }])
    expect(answer.json.data.answer).toBe(ESCAPES)
    // oxlint-disable-next-line no-control-regex -- exactly these may not be there
    expect(answer.stdout).not.toMatch(/[\u0000-\u0008\u001b\u007f-\u009f]/)
    const { exitCode, stdout, stderr } = await runPlain(bench.place, ['ask', 'Colours?'], { env: bench.env })
    expect(exitCode).toBe(0)
    expect(stdout).toContain('red text')
    // oxlint-disable-next-line no-control-regex -- exactly these may not be there
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
  })

  it('and neither do the words of a provider that fails', async () => {
    bench.mock.script({ failure: { kind: 'http', status: 400, body: JSON.stringify({ error: { message: ESCAPES, type: 'x' } }) } })
    const env = { ...bench.env, SINGULARITY_LEDGER: join(bench.place.folder, 'terminal.db') }
    const { exitCode, stderr } = await runPlain(bench.place, ['ask', 'Fail in colours.'], { env })
    expect(exitCode).toBe(2)
    expect(stderr).toContain('BAD_REQUEST')
    // oxlint-disable-next-line no-control-regex -- exactly these may not be there
    expect(stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
  })
})

describe('tool calls of a request', () => {
  const tools = [{ name: 'read', parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] } }]
  const ask = async (calls: readonly { name: string; arguments: string | Record<string, unknown> }[]) => {
    const answer = { toolCalls: calls, stop: 'tool' as const }
    const before = bench.mock.requests.length
    bench.mock.script(answer, answer, answer)
    const [id] = await enqueue(bench.place, requestLine('Use a tool.', { tools }))
    await bench.place.run(['queue', 'work', '--drain'], { env: bench.env })
    const awaited = await bench.place.run(['queue', 'await', id!])
    const { json } = await bench.place.run(['queue', 'show', id!])
    const calledTimes = bench.mock.requests.length - before
    // what is left of the script belongs to nobody
    for (let left = 3 - calledTimes; left > 0; left--) await bench.ask([`Take what is left: ${id} ${left}`])
    return { awaited, request: json.data.request, calledTimes }
  }

  it.each([
    ['an unknown name', [{ name: 'rm', arguments: { path: '/' } }], { field: 'tool_calls[0].tool_name', message: 'must be one of: read' }],
    ['params that are a string', [{ name: 'read', arguments: '"src"' }], { field: 'tool_calls[0].params', message: 'must be object' }],
    ['params that are no JSON', [{ name: 'read', arguments: '{path:' }], { field: 'tool_calls[0].params', message: 'must be object' }],
    [
      'params of the wrong shape',
      [{ name: 'read', arguments: { path: 7 } }],
      { field: 'tool_calls[0].params.path', message: 'must be string' },
    ],
  ])('%s: exit 7, three calls, and nothing is mended', async (_name, calls, error) => {
    const { awaited, request, calledTimes } = await ask(calls)
    expect(awaited).toMatchObject({ exitCode: 7, json: { data: { responses: [{ status: 'failed' }] } } })
    expect(request).toMatchObject({ error_message: MALFORMED, validation_errors: [error] })
    expect(calledTimes).toBe(3)
  })

  it('right ones are the answer', async () => {
    const { awaited, request, calledTimes } = await ask([{ name: 'read', arguments: { path: 'src' } }])
    expect(awaited.exitCode).toBe(0)
    expect(request.parsed_response).toEqual({ tool_calls: [{ tool_name: 'read', params: { path: 'src' } }], final_response: null })
    expect(calledTimes).toBe(1)
  })
})

describe('what goes into a prompt', () => {
  it('is standard input, and files by the names a person used; all of it is said', async () => {
    writeFileSync(join(bench.place.folder, 'outside.txt'), 'from outside')
    const answer = await bench.ask(['-', '--file', 'src/list.js', '--file', '../outside.txt'], [{ text: 'read' }], {
      input: 'Sum it up.\n',
    })
    const sent = JSON.stringify(answer.seen[0]!.body)
    for (const text of ['Sum it up.', 'function last', 'from outside', 'src/list.js', '../outside.txt']) expect(sent).toContain(text)
    expect(sent).not.toContain(bench.place.folder)
    expect(answer.json.data.sent).toMatchObject({ provider: 'openai', files: ['src/list.js', '../outside.txt'] })
    expect(answer.json.data.sent.bytes).toBeGreaterThan(100)
  })

  it.each([
    ['a file that is not there', ['--file', 'missing.ts'], 'USAGE'],
    ['a folder', ['--file', 'src'], 'USAGE'],
    ['a binary file', ['--file', 'binary'], 'REQUEST_INVALID'],
    ['a file that is not UTF-8', ['--file', 'latin1'], 'REQUEST_INVALID'],
    ['a time that is none', ['--timeout', 'soon'], 'USAGE'],
    ['no time at all', ['--timeout', '0s'], 'USAGE'],
    ['a complexity that is none', ['--complexity', 'hard'], 'USAGE'],
    ['a recording that is replayed', ['--record', 'a', '--replay', 'b'], 'USAGE'],
  ])('not %s: exit 2', async (_name, args, code) => {
    writeFileSync(join(bench.place.root, 'binary'), Buffer.from([1, 2, 0, 3]))
    writeFileSync(join(bench.place.root, 'latin1'), Buffer.from([0x63, 0xe9, 0x0a]))
    const answer = await bench.ask(['Why?', ...args])
    expectFailure(answer, code, 2)
    expect(answer.seen).toEqual([])
  })

  it('not standard input that is no text, or nothing', async () => {
    expectFailure(await bench.ask(['-'], [], { input: new Uint8Array([0xff, 0xfe]) }), 'REQUEST_INVALID', 2)
    expectFailure(await bench.ask(['-'], [], { input: ' \n' }), 'USAGE', 2)
  })

  it('secrets neither: they are taken out before anything is stored or sent', async () => {
    const token = 'ghp_0123456789abcdefghijABCDEFGHIJ012345'
    const own = 'hunter2-hunter2-hunter2'
    writeFileSync(join(bench.place.folder, 'env.txt'), `DATABASE_PASSWORD=${own}\nKEEP=this\n`)
    const env = { DATABASE_PASSWORD: own }
    const answer = await bench.ask([`Is ${token} valid?`, '--file', '../env.txt', '--record', '../recording.jsonl'], [{ text: 'no' }], {
      env,
    })
    expect(answer.json.data.answer).toBe('no')
    const sent = answer.seen[0]!.raw
    expect(sent).toContain('[hidden]')
    expect(sent).toContain('KEEP=this')
    for (const secret of [token, own]) {
      expect(sent).not.toContain(secret)
      expect(bench.holding(secret).filter((file) => !file.endsWith('env.txt'))).toEqual([])
    }
    expect(readFileSync(join(bench.place.folder, 'recording.jsonl'), 'utf8')).toContain('[hidden]')
  })
})
