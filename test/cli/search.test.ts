import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, openSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadedFiles } from '../support/loaded-files.ts'
import { PROGRAM, type Playground, createPlayground } from './playground.ts'

const FILES = {
  'src/date.js': '/** Reads a calendar date from a text. */\nexport function parseDate(text) {\n  return text.split("-").map(Number)\n}\n',
  'src/retry.py': 'class Backoff:\n    """Waits longer each time."""\n\n    def next_delay(self, attempt):\n        return 2 ** attempt\n',
  'test/date.test.js': 'import { parseDate } from "../src/date.js"\nparseDate("2020-01-01")\n',
  'vendor/lib/date.js': 'export function parseDate() {}\n',
  '.env': 'PASSWORD=parseDate-secret-value\n',
  'words/greek.js': '// Η γρήγορη αναζήτηση βρίσκει το αρχείο\nexport const one = () => 1\n',
  'words/russian.js': '// Быстрый поиск находит нужный файл\nexport const two = () => 2\n',
  'words/japanese.js': '// 検索エンジンは速くファイルを見つける\nexport const three = () => 3\n',
  'words/arabic.js': '// البحث السريع يجد الملف المطلوب\nexport const four = () => 4\n',
  'words/hindi.js': '// तेज़ खोज सही फ़ाइल ढूँढती है\nexport const five = () => 5\n',
}

let place: Playground
beforeEach(() => {
  place = createPlayground(FILES)
})
afterEach(() => place.cleanup())

const stateOf = (): string => join(place.root, '.git', 'singularity')
const paths = (answer: { json: { data?: any } }): string[] => answer.json.data.results.map(({ path }: { path: string }) => path)
async function indexed(): Promise<void> {
  expect(await place.run(['index'])).toMatchObject({ exitCode: 0, json: { data: { state: 'built' } } })
}

describe('search', () => {
  it('answers without an index, and says so; with --index one is there afterwards', async () => {
    const first = await place.run(['search', 'parseDate'])
    expect(first).toMatchObject({
      exitCode: 0,
      json: { data: { mode: 'text', class: 'symbol', freshness: { state: 'none', behind_files: null, building: false } } },
    })
    expect(paths(first)[0]).toBe('src/date.js')
    expect(existsSync(join(stateOf(), 'index'))).toBe(false)
    expect(paths(await place.run(['search', 'parseDate', '--index']))[0]).toBe('src/date.js')
    expect(await place.run(['search', 'parseDate'])).toMatchObject({
      json: { data: { mode: 'hybrid', freshness: { state: 'exact', behind_files: 0 } } },
    })
  })

  it('knows symbols with their places, keeps to filters, and leaves out what is vendored or secret', async () => {
    await indexed()
    const before = place.frozen()
    const found = await place.run(['search', 'parseDate', '--explain'])
    expect(found.json.data.results[0]).toMatchObject({
      path: 'src/date.js',
      line: 2,
      symbol: 'parseDate',
      kind: 'function',
      language: 'javascript',
      similarity: expect.any(Number),
    })
    expect(found.json.data.results[0].explain.legs.map(({ name }: { name: string }) => name)).toEqual(['symbol', 'words', 'vector'])
    expect(new Set(paths(found))).toEqual(new Set(['src/date.js', 'test/date.test.js']))
    expect(paths(await place.run(['search', 'parseDate', '--path', 'test/**']))).toEqual(['test/date.test.js'])
    expect(paths(await place.run(['search', 'next delay', '--language', 'javascript']))).toEqual([])
    expect((await place.run(['search', 'Backoff.next_delay', '--kind', 'symbol'])).json.data.results).toMatchObject([
      { symbol: 'Backoff.next_delay', line: 4 },
    ])
    expect(paths(await place.run(['search', 'secret value password']))).toEqual([])
    expect(place.frozen()).toEqual(before)
  })

  it('sees changed, new and removed files at once', async () => {
    await indexed()
    place.write({ 'src/date.js': 'export function readCalendar() {}\n', 'src/new.js': 'export const novelty = 1\n', 'src/retry.py': null })
    expect(paths(await place.run(['search', 'readCalendar']))).toEqual(['src/date.js'])
    expect(paths(await place.run(['search', 'novelty']))).toEqual(['src/new.js'])
    expect(await place.run(['search', 'Backoff'])).toMatchObject({
      exitCode: 0,
      json: { data: { results: [], freshness: { state: 'exact' } } },
    })
  })

  it('finds a phrase of a comment in five scripts, with and without an index, in the top three', async () => {
    const phrases = {
      greek: 'γρήγορη αναζήτηση',
      russian: 'Быстрый поиск',
      japanese: '検索エンジンは速く',
      arabic: 'البحث السريع',
      hindi: 'तेज़ खोज',
    }
    const check = async (): Promise<void> => {
      const lines = Object.values(phrases).map((query) => JSON.stringify({ query, limit: 3 }))
      const { stdout } = await place.run(['search', '--stdin'], { input: lines.join('\n') })
      const answers = stdout.trim().split('\n')
      for (const [at, name] of Object.keys(phrases).entries())
        expect(paths({ json: JSON.parse(answers[at]!) }), name).toContain(`words/${name}.js`)
    }
    await check()
    await indexed()
    await check()
  })

  it('takes whatever is typed: nothing is syntax', async () => {
    await indexed()
    for (const query of ['', '   '])
      expect(await place.run(['search', query])).toMatchObject({ exitCode: 2, json: { error: { code: 'USAGE' } } })
    expect(await place.run(['search'])).toMatchObject({ exitCode: 2 })
    for (const query of ['&&', '"', '***', 'a OR NOT (b* NEAR', 'path:x^2 {y}', 'NEAR(', '; DROP TABLE doc', '%_', 'zqxv wvut'])
      expect(await place.run(['search', query]), query).toMatchObject({ exitCode: 0, json: { ok: true } })
    expect(paths(await place.run(['search', `${'lorem ipsum '.repeat(9000)} parseDate`]))).toEqual([])
    expect(paths(await place.run(['search', `parseDate ${'lorem ipsum '.repeat(9000)}`]))).toContain('src/date.js')
  })
})

describe('search --stdin', () => {
  it('answers each line by one, in order, and a bad line by its error; --max-tokens keeps whole results', async () => {
    await indexed()
    const lines = [
      '{"query": "parseDate"}',
      'no json',
      '{"query": ""}',
      '{"query": "next delay", "max_tokens": 5}',
      '{"query": "delay", "more": 1}',
    ]
    const { stdout, exitCode } = await place.run(['search', '--stdin', '--jsonl'], { input: `${lines.join('\n')}\n` })
    const answers = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect([exitCode, answers.length]).toEqual([0, 5])
    expect(answers[0]).toMatchObject({ ok: true, data: { query: 'parseDate', results: [{ path: 'src/date.js' }, {}] } })
    expect(answers.slice(1, 3).map(({ error }) => error.code)).toEqual(['USAGE', 'USAGE'])
    expect(answers[3]).toMatchObject({ ok: true, data: { results: [] } })
    expect(answers[4]).toMatchObject({ ok: false, error: { code: 'USAGE' } })
  })
})

describe('the index', () => {
  it('of a newer version is refused', async () => {
    await indexed()
    writeFileSync(join(stateOf(), 'index'), 'index-99-1.db\n')
    for (const command of [['index'], ['search', 'date'], ['index', 'status']])
      expect(await place.run(command)).toMatchObject({ exitCode: 6, json: { error: { code: 'STATE_NEWER' } } })
  })

  it('with corrupt pages is answered around, and built again behind the pointer', async () => {
    await indexed()
    const file = join(stateOf(), readFileSync(join(stateOf(), 'index'), 'utf8').trim())
    const handle = openSync(file, 'r+')
    writeSync(handle, Buffer.alloc(statSync(file).size - 100, 0x5a), 0, undefined, 100)
    expect(await place.run(['search', 'parseDate'])).toMatchObject({ exitCode: 0, json: { data: { mode: 'text' } } })
    expect(await place.run(['index'])).toMatchObject({ exitCode: 0, json: { data: { state: 'rebuilt' } } })
    expect(existsSync(file)).toBe(false)
    expect(await place.run(['search', 'parseDate'])).toMatchObject({ json: { data: { mode: 'hybrid' } } })
  })

  it('that is no database at all, or was deleted, is built again', async () => {
    await indexed()
    const file = join(stateOf(), readFileSync(join(stateOf(), 'index'), 'utf8').trim())
    writeFileSync(file, 'no database')
    expect(await place.run(['search', 'parseDate'])).toMatchObject({ exitCode: 0, json: { data: { mode: 'text' } } })
    expect(await place.run(['index'])).toMatchObject({ json: { data: { state: 'rebuilt' } } })
    for (const name of readdirSync(stateOf()).filter((each) => each.startsWith('index'))) rmSync(join(stateOf(), name))
    expect(await place.run(['search', 'parseDate'])).toMatchObject({ exitCode: 0, json: { data: { freshness: { state: 'none' } } } })
    expect(await place.run(['index', 'verify'])).toMatchObject({ exitCode: 2, json: { error: { code: 'NOT_FOUND' } } })
    await indexed()
  })

  it('counts and reasons are told by status; forget takes a file out and verify finds nothing wrong', async () => {
    await indexed()
    appendFileSync(join(place.root, 'src/retry.py'), '# more\n')
    const status = await place.run(['index', 'status'])
    expect(status.json.data).toMatchObject({ state: 'behind', behind_files: 1, model: null })
    expect(status.json.data.classes.map((each: { class: string; files: number }) => [each.class, each.files])).toContainEqual(['secret', 1])
    expect(await place.run(['index', 'forget', 'src'])).toMatchObject({ exitCode: 0, json: { data: { files: 2 } } })
    expect(await place.run(['index', 'forget'])).toMatchObject({ exitCode: 2, json: { error: { code: 'USAGE' } } })
    const verified = await place.run(['index', 'verify', '--against-fresh'])
    expect(verified).toMatchObject({ exitCode: 0, json: { data: { ok: true, quick_check: 'ok', mismatched: [] } } })
  })

  it('killed at any moment goes on with the next run, and is as a fresh one', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 900 }, (_, i) => [`gen/file${i}.js`, `export function made${i}() {\n  return ${i}\n}\n`]),
    )
    place.write(many)
    for (let kills = 0; kills < 3; kills++) {
      const child = spawn(process.execPath, [PROGRAM, 'index'], {
        cwd: place.root,
        env: place.env,
        stdio: ['ignore', 'ignore', 'pipe'],
        detached: true,
      })
      // the first sign of life of the work itself, or its end
      await new Promise((resolve) => child.stderr.once('data', resolve).once('close', resolve))
      child.kill('SIGKILL')
      await new Promise((resolve) => child.once('close', resolve))
    }
    const stopped = place.start(['index'])
    stopped.child.kill('SIGINT')
    expect([0, 130, null]).toContain((await stopped.done).exitCode)
    expect(await place.run(['index'])).toMatchObject({ exitCode: 0, json: { ok: true } })
    expect(await place.run(['index', 'verify', '--against-fresh'])).toMatchObject({ exitCode: 0, json: { data: { ok: true } } })
    expect(readdirSync(stateOf()).filter((name) => name.endsWith('.db') && name !== 'index-lease.db')).toHaveLength(1)
  })

  it('search and status load what they use, and nothing of models or trees', async () => {
    await indexed()
    for (const command of [
      ['search', 'parseDate'],
      ['index', 'status'],
    ]) {
      const files = loadedFiles([PROGRAM, ...command, '--json'], { cwd: place.root, env: place.env })
      const packages = [
        'ink',
        'react',
        'openai',
        '@anthropic-ai/sdk',
        'undici',
        'ajv',
        'handlebars',
        'web-tree-sitter',
        '@ast-grep/napi',
        'simple-git',
      ]
      expect(packages.filter((name) => files.some(({ file, text }) => `${file}\n${text}`.includes(`node_modules/${name}/`)))).toEqual([])
      const rooms = ['llm', 'validation', 'rules', 'agents']
      expect(rooms.filter((room) => files.some(({ text }) => text.includes(`// src/core/${room}/`)))).toEqual([])
      expect(files.some(({ text }) => text.includes('// src/core/search/service.ts'))).toBe(true)
    }
  })
})

describe('code', () => {
  it('tells definitions, uses, functions and pieces without an index', async () => {
    expect((await place.run(['code', 'defs', 'parseDate'])).json.data.results).toEqual([
      { path: 'src/date.js', line: 2, column: 17, kind: 'function', symbol: 'parseDate', container: null, confidence: 'exact' },
      { path: 'vendor/lib/date.js', line: 1, column: 17, kind: 'function', symbol: 'parseDate', container: null, confidence: 'exact' },
    ])
    const uses = await place.run(['code', 'refs', 'parseDate'])
    expect(uses.json.data.results.map(({ path, line, kind, confidence }: any) => [path, line, kind, confidence])).toEqual([
      ['test/date.test.js', 1, 'import', 'import'],
      ['test/date.test.js', 2, 'call', 'import'],
    ])
    expect((await place.run(['code', 'functions', 'src/retry.py'])).json.data.functions).toMatchObject([
      { name: 'next_delay', line_start: 4, line_count: 2, parameters: ['self', 'attempt'] },
    ])
    expect((await place.run(['code', 'chunks', 'src/retry.py'])).json.data.chunks).toMatchObject([
      { path: 'src/retry.py', line_start: 1, line_end: 5, byte_start: 0 },
    ])
    expect(await place.run(['code', 'defs', 'two words'])).toMatchObject({ exitCode: 2, json: { error: { code: 'USAGE' } } })
    expect(await place.run(['code', 'chunks', 'nowhere'])).toMatchObject({ exitCode: 2 })
  })
})
