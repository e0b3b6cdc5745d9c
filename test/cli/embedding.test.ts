import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type TinyModel, writeTinyModel } from '../support/onnx.ts'
import { PROGRAM, type Playground, createPlayground, refuses } from './playground.ts'

const FILES = {
  'src/config.js': 'export function readConfig(path) {\n  return JSON.parse(load(path))\n}\n',
  'src/mail.js': 'export function sendMail(to, message) {\n  return deliver(to, message)\n}\n',
  'src/shape.js': 'export function drawCircle(canvas) {\n  return canvas.arc()\n}\n',
}

let place: Playground
let made = 0
beforeAll(() => {
  place = createPlayground(FILES)
})
afterAll(() => place.cleanup())

const model = (tiny: TinyModel = {}): string => writeTinyModel(join(place.folder, `model-${++made}`), tiny)
function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
const search = (env: Record<string, string> = {}, ...more: string[]) => place.run(['search', 'deliver an email message', ...more], { env })
const indexFile = (): string => {
  const state = join(place.root, '.git', 'singularity')
  return join(state, readFileSync(join(state, 'index'), 'utf8').trim())
}

it('a model of a folder gets a space beside the old one, which answers until the new one is whole; then it alone is there', async () => {
  expect(await place.run(['index'])).toMatchObject({ exitCode: 0, json: { data: { embedded: 3 } } })
  const env = { EMBEDDING_MODEL: model(), EMBEDDING_DIMENSIONS: '16' }
  expect((await search(env)).json.data).toMatchObject({
    mode: 'hybrid',
    model: expect.stringMatching(/^code-1/),
    note: expect.stringContaining(' answers: local:'),
  })
  expect(await place.run(['index'], { env })).toMatchObject({ exitCode: 0, json: { data: { state: 'unchanged', embedded: 3 } } })
  const found = (await search(env)).json.data
  expect(found).toMatchObject({ mode: 'hybrid', model: expect.stringMatching(/^local:model-1:16:[0-9a-f]{16}$/), note: null })
  expect(found.results[0].path).toBe('src/mail.js')
  expect((await place.run(['index', 'status'], { env })).json.data).toMatchObject({
    model: found.model,
    spaces: [{ model: found.model, vectors: 3, missing: 0 }],
    left_the_machine: [],
  })

  // what changed meanwhile is made before the answer
  place.write({ 'src/retry.js': 'export function backoff(attempt) {\n  return sleep(2 ** attempt)\n}\n' })
  expect((await search(env)).json.data).toMatchObject({ mode: 'hybrid', model: found.model, freshness: { state: 'exact' } })

  // the same space again after a full build: nothing of it depends on history
  const before = (await search(env, '--explain')).json.data
  expect(await place.run(['index', '--full'], { env })).toMatchObject({ json: { data: { state: 'rebuilt', embedded: 4 } } })
  expect({ ...(await search(env, '--explain')).json.data, took_ms: 0 }).toEqual({ ...before, took_ms: 0 })
})

it('a model whose files are others by now is told, and so are vectors that are not its own', async () => {
  const folder = model()
  const flags = ['--embedding-model', folder]
  expect(await place.run(['index', ...flags])).toMatchObject({ exitCode: 0 })
  writeTinyModel(folder, { files: { 'embedding.json': '{"pooling":"max"}' } })
  await refuses(place, ['search', 'deliver mail', ...flags], 'EMBEDDING_MISMATCH', 6)
  expect(await place.run(['search', 'deliver mail', '--lexical', ...flags])).toMatchObject({
    exitCode: 0,
    json: { data: { mode: 'lexical' } },
  })
  expect(await place.run(['index', ...flags])).toMatchObject({ exitCode: 0, json: { data: { embedded: expect.any(Number) } } })
  expect((await place.run(['search', 'deliver mail', ...flags])).json.data).toMatchObject({ mode: 'hybrid' })

  const db = new Database(indexFile())
  db.exec("UPDATE embedding SET vector = x'0102'")
  db.close()
  const { json } = await refuses(place, ['search', 'deliver mail', ...flags], 'EMBEDDING_MISMATCH', 6)
  expect(json.error!.hints).toContain('singularity index --full')
  expect(await place.run(['index', '--full', ...flags])).toMatchObject({ exitCode: 0 })
  expect((await place.run(['search', 'deliver mail', ...flags])).json.data).toMatchObject({ mode: 'hybrid' })
})

it('a model that cannot run costs a search its meaning, not its words', async () => {
  const folder = model()
  const flags = ['--embedding-model', folder]
  expect(await place.run(['index', ...flags])).toMatchObject({ exitCode: 0 })
  const late = await place.run(['search', 'deliver mail', ...flags], { env: { SINGULARITY_EMBEDDING_TIMEOUT: '1ms' } })
  expect(late).toMatchObject({
    exitCode: 0,
    json: { data: { mode: 'lexical', model: null, note: expect.stringContaining('longer than') } },
  })
  rmSync(folder, { recursive: true })
  const gone = await place.run(['search', 'deliver mail', ...flags])
  expect(gone).toMatchObject({ exitCode: 0, json: { data: { mode: 'lexical', note: expect.stringContaining('not a folder') } } })
  await refuses(place, ['index', ...flags], 'MODEL_UNUSABLE', 6)
})

it.each<[string, TinyModel | string, string, number, Record<string, string>]>([
  ['a folder that is none', '/nowhere/at/all', 'MODEL_UNUSABLE', 6, {}],
  ['a file', 'src/mail.js', 'MODEL_UNUSABLE', 6, {}],
  ['a name that would have to be downloaded', 'codebert-base', 'MODEL_UNUSABLE', 6, {}],
  ['a provider nobody knows', 'microsoft/codebert-base', 'MODEL_UNUSABLE', 6, {}],
  ['a missing tokenizer', { files: { 'tokenizer.json': null } }, 'MODEL_UNUSABLE', 6, {}],
  ['truncated weights', { cutAt: 600 }, 'MODEL_UNUSABLE', 6, {}],
  [
    'other dimensions than its files say',
    { files: { '1_Pooling/config.json': '{"word_embedding_dimension":32}' } },
    'MODEL_UNUSABLE',
    6,
    {},
  ],
  ['EMBEDDING_DIMENSIONS of another model', {}, 'EMBEDDING_MISMATCH', 6, { EMBEDDING_DIMENSIONS: '768' }],
  ['EMBEDDING_DIMENSIONS that is no number', {}, 'CONFIG_INVALID', 2, { EMBEDDING_DIMENSIONS: 'many' }],
  ['vectors of NaN', { table: (table) => void table.fill(Number.NaN) }, 'MODEL_UNUSABLE', 6, {}],
  ['a run that never ends', { ends: false }, 'MODEL_UNUSABLE', 6, { SINGULARITY_EMBEDDING_TIMEOUT: '500ms' }],
])('refuses a model: %s', async (_name, tiny, code, exitCode, env) => {
  const named = typeof tiny !== 'string' ? model(tiny) : tiny.startsWith('src/') ? join(place.root, tiny) : tiny
  const { json } = await refuses(place, ['embedding', 'check'], code, exitCode, { env: { EMBEDDING_MODEL: named, ...env } })
  expect(json.error!.message).toContain(code === 'CONFIG_INVALID' ? 'EMBEDDING_DIMENSIONS' : named)
})

it('a model set for our own: EMBEDDING_DIMENSIONS that it does not make', async () => {
  await refuses(place, ['embedding', 'check'], 'EMBEDDING_MISMATCH', 6, { env: { EMBEDDING_DIMENSIONS: '768' } })
  expect(await place.run(['embedding', 'check'], { env: { EMBEDDING_DIMENSIONS: '128' } })).toMatchObject({ exitCode: 0 })
})

it.skipIf(process.platform !== 'linux')('killed while its model runs without end: nothing goes on running', async () => {
  const { child, done } = place.start(['embedding', 'check'], { env: { EMBEDDING_MODEL: model({ ends: false }) } })
  const children = (): number[] =>
    readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  // the run holds its thread: its processor time grows
  const isBusy = (pid: number): boolean => Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[13]) > 60
  const pid = await vi.waitFor(() => {
    const [found] = children()
    expect(found !== undefined && isBusy(found)).toBe(true)
    return found!
  }, 60_000)
  child.kill('SIGKILL')
  await done
  await vi.waitFor(() => expect(existsSync(`/proc/${pid}`)).toBe(false), 20_000)
})

it('is never chosen by a repository: what its file says is ignored with a warning', async () => {
  const folder = model()
  put(join(place.root, '.singularity', 'config.json'), JSON.stringify({ embedding: { model: folder, allow: ['evil.test'], timeout: 1 } }))
  try {
    expect((await place.run(['embedding', 'check'])).json.data).toMatchObject({ kind: 'bundled' })
    const { json } = await place.run(['config', 'list'])
    expect(json.data.refused.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['embedding.allow', 'embedding.model', 'embedding.timeout']),
    )
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, 'index'], { cwd: place.root, env: place.env, encoding: 'utf8' })
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringContaining('warning: embedding.model is ignored: only your own file'),
    })
    await refuses(place, ['config', 'set', 'embedding.model', folder, '--repository'], 'CONFIG_INVALID', 2)
  } finally {
    place.write({ '.singularity/config.json': null })
  }
})

it('comes from the file of the user as a whole path, and from nothing that stands for another folder in each repository', async () => {
  const userFile = join(place.folder, 'config', 'singularity', 'config.json')
  const folder = writeTinyModel(join(place.env['HOME']!, 'models', 'mine'))
  put(userFile, JSON.stringify({ embedding: { model: '~/models/mine' } }))
  expect((await place.run(['embedding', 'check'])).json.data).toMatchObject({ kind: 'folder', dimensions: 16 })
  expect((await place.run(['embedding', 'check', '--embedding-model', 'bundled'])).json.data).toMatchObject({ kind: 'bundled' })
  put(userFile, JSON.stringify({ embedding: { model: './models/mine' } }))
  await refuses(place, ['embedding', 'check'], 'CONFIG_INVALID', 2)
  expect((await place.run(['embedding', 'check'], { cwd: dirname(folder), env: { EMBEDDING_MODEL: './mine' } })).json.data).toMatchObject({
    kind: 'folder',
  })
  rmSync(userFile)
})

it('its runtime: what would be fetched is told, and without a network it is an error with its reason', async () => {
  const env = { XDG_DATA_HOME: join(place.folder, 'data'), npm_config_registry: 'http://127.0.0.1:9/' }
  const planned = await place.run(['embedding', 'install', '--dry-run'], { env })
  expect(planned).toMatchObject({ exitCode: 0, json: { data: { downloaded: 0, kept: 0 } } })
  expect(planned.json.data.packages.map(({ state }: { state: string }) => state)).toEqual(['missing', 'missing', 'missing'])
  const { json } = await refuses(place, ['embedding', 'install'], 'RUNTIME_UNREACHABLE', 7, { env })
  expect(json.error!.message).toContain('the registry cannot be reached')
  await refuses(place, ['embedding', 'install', '--offline'], 'OFFLINE', 7, { env })
  expect(readdirSync(join(place.folder, 'data', 'singularity', 'embedding-runtime'))).toEqual([])
  expect(await place.run(['embedding', 'install', '--remove'], { env })).toMatchObject({ exitCode: 0 })
  expect(readdirSync(join(place.folder, 'data', 'singularity'))).toEqual([])
})
