import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SCHEMAS } from '../../src/commands/_schemas/index.ts'
import { startMockModels } from '../support/models.ts'
import { requestLine } from '../support/queue-runs.ts'
import { type Answer, createPlayground, GOOD_PATCH, type Playground, TINY } from './playground.ts'

const documents = join(import.meta.dirname, '..', '..', 'docs', 'json-schema')
const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true })
const validators = new Map(
  readdirSync(documents).map((name) => [
    name.replace(/\.json$/, ''),
    ajv.compile(JSON.parse(readFileSync(join(documents, name), 'utf8')) as Record<string, unknown>),
  ]),
)
/** What people write and the program reads. */
const INPUTS = ['llm.request', 'llm.routing']
const seen = new Set<string>()

/** The answer of the built program, which must be what the published schema of that name says, and end with that code. */
function expectContract(name: string, exitCode: number, answer: Answer): Answer {
  seen.add(name)
  const validate = validators.get(name)
  expect(validate, `docs/json-schema/${name}.json`).toBeDefined()
  validate?.(answer.json)
  expect(validate?.errors ?? [], answer.stdout.slice(0, 3000) + answer.stderr.slice(0, 2000)).toEqual([])
  expect(answer.exitCode, answer.stdout.slice(0, 1000)).toBe(exitCode)
  return answer
}

let place: Playground
beforeAll(() => {
  place = createPlayground()
  // The contract is tried here, not the statistics: a busy machine must not leave the candidates undecided.
  place.env['SINGULARITY_REGRESSION_THRESHOLD'] = '0.9'
})
afterAll(() => place.cleanup())

test('every command has a published schema', () => {
  const manifest = JSON.parse(readFileSync(join(documents, '..', '..', 'oclif.manifest.json'), 'utf8')) as {
    commands: Record<string, object>
  }
  const names = Object.keys(manifest.commands).map((id) => id.replaceAll(':', '.'))
  expect([...names, 'error', ...INPUTS].sort()).toEqual([...validators.keys()].sort())
  expect([...Object.keys(SCHEMAS), ...INPUTS].sort()).toEqual([...validators.keys()].sort())
})

test('the whole job answers as its schemas say', async () => {
  const call = async (name: string, exitCode: number, args: string[], input?: string): Promise<Answer> =>
    expectContract(name, exitCode, await place.run(args, input === undefined ? {} : { input }))

  await call('look', 0, [])
  const { json } = await call('improve', 4, ['improve', '--patch', '-'], GOOD_PATCH)
  const run = json.data.run.id as string
  const [candidate] = json.data.candidates as { id: string }[]
  const id = candidate?.id ?? ''
  await call('inbox', 4, ['inbox'])
  await call('runs', 0, ['runs'])
  await call('show', 0, ['show', run])
  await call('show', 0, ['show', id])
  await call('diff', 0, ['diff', id])
  const question = await call('question', 0, ['question', id, 'does anybody rely on -1?'])
  await call('ask', 0, ['ask', 'What is the test command?', '--no-llm'])
  await call('cache.stats', 0, ['cache', 'stats'])
  await call('cache.suspects', 0, ['cache', 'suspects'])
  await call('cache.clear', 0, ['cache', 'clear'])
  await call('answer', 0, ['answer', question.json.data.id as string, 'nobody'])
  await call('approve', 0, ['approve', id])
  await call('why', 0, ['why', 'src/list.js:6'])
  await call('replay', 0, ['replay', run])
  await call('replay', 0, ['replay', run, '--set', 'regression_threshold=0.5'])
  await call('undo', 0, ['undo', id, '--yes'])
  await call('error', 1, ['approve', id])

  const found = await call('improve', 4, ['improve', '--source', 'rules'])
  const open = (found.json.data.candidates as { id: string; state: string }[]).filter(({ state }) => state === 'awaiting_approval')
  expect(open.length).toBeGreaterThan(0)
  await call('reject', 0, ['reject', open[0]?.id ?? '', '--reason', 'not now'])
  await call('improve', 0, ['improve', '--detach', '--source', 'rules'])
  const files = join(place.folder, 'exported')
  await call('export', 0, ['export', found.json.data.run.id as string, files])
  const clone = createPlayground(null)
  try {
    clone.git('fetch', '--quiet', place.root, 'work:work')
    clone.git('checkout', '--quiet', 'work')
    expectContract('import', 0, await clone.run(['import', files]))
  } finally {
    clone.cleanup()
  }
  await call('resume', 0, ['resume'])
  await call('approve', 0, ['approve', '--all'])
})

test('approve --all answers with what landed and what did not, as its schema says', async () => {
  const several = createPlayground({
    ...TINY,
    'src/last.js': 'export function end(list) {\n  return list[list.length - 1]\n}\n',
    'test/last.test.js':
      "import assert from 'node:assert/strict'\nimport { test } from 'node:test'\nimport { end } from '../src/last.js'\ntest('end', () => assert.equal(end([1, 2]), 2))\n",
  })
  try {
    const rules = ['--rule', 'js/prefer-includes', '--rule', 'js/prefer-at']
    const { json } = expectContract('improve', 4, await several.run(['improve', ...rules]))
    const ids = (json.data.candidates as { id: string; files: string[] }[]).toSorted((a, b) => a.files.length - b.files.length)
    expect(ids.map(({ files }) => files)).toEqual([['src/list.js'], ['src/last.js', 'src/list.js']])
    several.write({ 'src/last.js': 'work that is not committed\n' })
    const tried = expectContract('approve', 1, await several.run(['approve', '--all', '--dry-run'])).json.data
    expect([...tried.candidates, ...tried.failed].map(({ id, state }) => [id, state])).toEqual([
      [ids[0]!.id, 'awaiting_approval'],
      [ids[1]!.id, undefined],
    ])
    const partly = expectContract('approve', 1, await several.run(['approve', '--all'])).json.data
    expect(partly.candidates.map(({ id, state }: { id: string; state: string }) => [id, state])).toEqual([[ids[0]!.id, 'landed']])
    expect(partly.failed).toEqual([{ id: ids[1]!.id, code: 'LANDING_REFUSED', message: expect.stringContaining('uncommitted work') }])
    const one = expectContract('approve', 1, await several.run(['approve', '--all'])).json.data
    expect(one).toMatchObject({ candidates: [], failed: [{ id: ids[1]!.id }] })
    several.git('checkout', '--quiet', '--', 'src/last.js')
    const rest = expectContract('approve', 0, await several.run(['approve', '--all'])).json.data
    expect(rest).toMatchObject({ candidates: [{ id: ids[1]!.id, state: 'landed' }], failed: [] })
    expect(expectContract('approve', 0, await several.run(['approve', '--all'])).json.data).toEqual({ candidates: [], failed: [] })
    expect(several.git('log', '--format=%s', 'work').split('\n')).toHaveLength(3)
  } finally {
    several.cleanup()
  }
})

test('rules answer as their schemas say', async () => {
  expectContract('rules.list', 0, await place.run(['rules', 'list']))
  expectContract('rules.show', 0, await place.run(['rules', 'show', 'js/prefer-includes']))
  expectContract('rules.show', 0, await place.run(['rules', 'show', 'go/errors-is']))
  expectContract('rules.test', 0, await place.run(['rules', 'test']))
})

test('models, money and keys answer as their schemas say', async () => {
  const env = { SINGULARITY_SECRETS_PASSPHRASE: 'correct horse', OPENAI_API_KEY: 'x' }
  const call = async (name: string, args: string[], input = ''): Promise<Answer> =>
    expectContract(name, 0, await place.run(args, { env, input }))
  await call('llm.routes', ['llm', 'routes'])
  await call('llm.models', ['llm', 'models'])
  await call('llm.budget', ['llm', 'budget'])
  await call('llm.check', ['llm', 'check', '--dry-run'])
  await call('llm.unblock', ['llm', 'unblock', 'openai'])
  await call('llm.prices', ['llm', 'prices', 'import', '-', '--dry-run'], '{"gpt-6-luna": {"input": 1, "output": 2}}')
  await call('llm.budget', ['llm', 'budget', 'set', 'day', '0.5'])
  await call('secrets.set', ['secrets', 'set', 'GROQ_API_KEY', '--store', 'file', '--expires', '90d'], 'one')
  await call('secrets.rotate', ['secrets', 'rotate', 'GROQ_API_KEY'], 'two')
  await call('secrets.list', ['secrets', 'list'])
})

test('commands about the program answer as their schemas say', async () => {
  const call = async (name: string, exitCode: number, ...args: string[]): Promise<Answer> =>
    expectContract(name, exitCode, await place.run(args))
  await call('completion', 0, 'completion', 'zsh')
  await call('version', 0, 'version')
  await call('status', 0, 'status')
  const doctor = await place.run(['doctor'])
  expectContract('doctor', (doctor.json.data.checks as { status: string }[]).some(({ status }) => status === 'fail') ? 6 : 0, doctor)
  await call('config.list', 0, 'config', 'list', '--origin')
  await call('config.get', 0, 'config', 'get', 'regression_threshold')
  await call('config.set', 0, 'config', 'set', 'regression_threshold', '0.04')
  await call('init', 0, 'init')
  await call('recover', 0, 'recover')
  await call('recover', 0, 'recover', '--detach')
  await call('uninstall', 0, 'uninstall', '--dry-run')
})

test('failures answer as the schema of errors says', async () => {
  expectContract('error', 2, await place.run(['show', 'c000000000']))
  expectContract('error', 2, await place.run(['improve', '--nothing']))
  expectContract('error', 6, await place.run(['improve'], { cwd: place.folder }))
  expectContract('error', 2, await place.run(['improve', '--patch', '-'], { input: 'no patch' }))
})

test('the commands of the queue answer as their schemas say', async () => {
  const mock = await startMockModels({ fallback: { text: 'yes' } })
  const env = { OPENAI_BASE_URL: mock.baseUrl('responses'), OPENAI_API_KEY: 'key-of-the-test' }
  const call = async (name: string, exitCode: number, args: string[], input?: string): Promise<Answer> =>
    expectContract(`queue.${name}`, exitCode, await place.run(['queue', name, ...args], { env, ...(input !== undefined && { input }) }))
  try {
    const made = await call('enqueue', 0, ['-'], [requestLine(), requestLine('two'), requestLine('three', { tools: [] })].join('\n'))
    const [answered, failed, open] = (made.json.data.requests as { id: string }[]).map(({ id }) => id) as [string, string, string]
    await call('cancel', 0, [open])
    await call('work', 0, ['--once'])
    mock.script({ failure: { kind: 'http', status: 400, type: 'invalid_request_error', code: 'invalid_value' } })
    await call('work', 1, ['--drain', '--fail-on', 'failed'])
    await call('await', 2, [answered, failed, open])
    for (const id of [answered, failed, open]) await call('show', 0, [id])
    await call('list', 0, ['--limit', '2'])
    mock.script({ text: '{"ok":true}', match: 'a test of the connection' })
    for (const [name, exitCode, ...more] of [
      ['check', 0],
      ['models', 1, '--check'],
      ['report', 0],
      ['stats', 0],
    ] as const)
      expectContract(`llm.${name}`, exitCode, await place.run(['llm', name, ...more], { env }))
    await call('retry', 0, [open])
    await call('pause', 0, [])
    await call('resume', 0, [])
    const sent = await call('send', 0, ['job_results', '-'], '{"workflow":"build"}')
    await call('read', 0, ['job_results'])
    await call('ack', 0, ['job_results', String(sent.json.data.message_id)])
    await call('ensure', 0, [])
    const working = place.start(['queue', 'work'], { env })
    while (((await call('workers', 0, [])).json.data.workers as object[]).length === 0);
    await call('stop', 0, [])
    expectContract('queue.work', 0, await working.done)
    await call('stats', 0, [])
    await call('watch', 0, ['--after', '0'])
    await call('prune', 0, [])
    await call('verify', 0, [])
    expectContract('error', 2, await place.run(['queue', 'enqueue', '-'], { input: '{' }))
  } finally {
    await mock.close()
  }
})

test('what is said about code answers as its schemas say', async () => {
  expectContract('code.deps', 0, await place.run(['code', 'deps']))
  expectContract('code.deps', 0, await place.run(['code', 'deps', 'package.json', 'src', '--base', 'HEAD']))
  expectContract('code.tech', 0, await place.run(['code', 'tech']))
  expectContract('code.graph', 0, await place.run(['code', 'graph']))
  expectContract('code.impact', 0, await place.run(['code', 'impact', '--base', 'HEAD']))
  expectContract('error', 2, await place.run(['code', 'graph', 'nowhere']))
  expectContract('error', 2, await place.run(['code', 'impact', '--base', 'nowhere']))
  expectContract('code.analyze', 0, await place.run(['code', 'analyze']))
  expectContract('code.analyze', 1, await place.run(['code', 'analyze', 'src', '--fail-on', 'file.functions>=0']))
  expectContract('code.analyze', 0, await place.run(['code', 'analyze', '-', '--language', 'python'], { input: 'def a(): pass\n' }))
  const request = JSON.stringify({ content: 'fn a() {}', language: 'rust', options: { generate_ast: true } })
  expectContract('code.analyze', 0, await place.run(['code', 'analyze', '--request', '-'], { input: request }))
  expectContract('code.languages', 0, await place.run(['code', 'languages']))
  expectContract('code.languages', 0, await place.run(['code', 'languages', 'add', 'rust']))
  for (const name of ['hotspots', 'tags', 'duplicates', 'unused', 'templates', 'engines'])
    expectContract(`code.${name}`, 0, await place.run(['code', name]))
  expectContract('error', 2, await place.run(['code', 'analyze', 'nowhere']))
  expectContract('error', 2, await place.run(['code', 'deps', 'nowhere']))
  expectContract('error', 2, await place.run(['code', 'tech', '--base', 'nowhere']))
  expectContract('error', 2, await place.run(['code', 'deps', '../..']))
})

test('the index and the search answer as their schemas say', async () => {
  expectContract('index.status', 0, await place.run(['index', 'status']))
  expectContract('search', 0, await place.run(['search', 'list']))
  expectContract('error', 2, await place.run(['search', ' ']))
  expectContract('error', 2, await place.run(['index', 'verify']))
  expectContract('index', 0, await place.run(['index']))
  expectContract('search', 0, await place.run(['search', 'list', '--explain', '--evidence']))
  expectContract('index.status', 0, await place.run(['index', 'status']))
  expectContract('index.verify', 0, await place.run(['index', 'verify']))
  expectContract('code.defs', 0, await place.run(['code', 'defs', 'sum']))
  expectContract('code.refs', 0, await place.run(['code', 'refs', 'sum']))
  expectContract('code.functions', 0, await place.run(['code', 'functions', 'src']))
  expectContract('code.chunks', 0, await place.run(['code', 'chunks']))
  expectContract('index.forget', 0, await place.run(['index', 'forget', 'src']))
  expectContract('embedding.check', 0, await place.run(['embedding', 'check']))
  expectContract('embedding.install', 0, await place.run(['embedding', 'install', '--dry-run']))
  expectContract('embedding.consent', 0, await place.run(['embedding', 'consent', 'models.test', '--revoke']))
  expectContract('error', 4, await place.run(['embedding', 'consent', 'models.test']))
})

test('no schema was left untried', () => {
  expect([...validators.keys()].filter((name) => !seen.has(name) && !INPUTS.includes(name))).toEqual([])
})
