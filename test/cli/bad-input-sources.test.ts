import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createPlayground, type Playground, refuses } from './playground.ts'

let place: Playground
afterEach(() => place.cleanup())

type Expected = { tier: number; partial: string | null | undefined; lines?: object; cyclomatic?: number | null; functions?: number }

const SOURCES: [string, string, string | Buffer, Expected][] = [
  [
    'bytes that are no UTF-8',
    'a.js',
    Buffer.from('function a() { return "\xff\xfe" }\n', 'latin1'),
    { tier: 1, partial: 'encoding', functions: 1 },
  ],
  ['a byte order mark', 'a.js', '\ufefffunction a() {}\n', { tier: 1, partial: null, functions: 1, lines: { physical: 1, source: 1 } }],
  [
    'lines that end with CR LF',
    'a.py',
    'def a():\r\n    # c\r\n\r\n    return 1\r\n',
    { tier: 1, partial: null, functions: 1, lines: { physical: 4, source: 2, comment: 1, blank: 1 } },
  ],
  [
    'emoji before code',
    'a.js',
    'const x = "😀"; function a() { if (x) return 1 }\n',
    { tier: 1, partial: null, cyclomatic: 2, functions: 1 },
  ],
  ['a NUL byte far down', 'a.js', `function a() {}\n${'// x\n'.repeat(3000)}\0\n`, { tier: 1, partial: 'syntax', functions: 1 }],
  ['100000 brackets in each other', 'a.js', `${'['.repeat(100_000)}${']'.repeat(100_000)}\n`, { tier: 1, partial: null, functions: 0 }],
  // Whether the parser ends in time is up to the machine; the answer comes in any case.
  [
    '100000 structures in each other',
    'a.js',
    `${'if(a){'.repeat(100_000)}${'}'.repeat(100_000)}\n`,
    { tier: 0, partial: undefined, cyclomatic: 100_001 },
  ],
  [
    '10 MB on one line',
    'a.js',
    'var a = 1;'.repeat(1_048_576),
    { tier: 3, partial: 'size', cyclomatic: null, lines: { physical: 1, source: 1, comment: null } },
  ],
  ['more than 32 KB', 'a.js', 'function a() { if (b) c() }\n'.repeat(2000), { tier: 1, partial: null, cyclomatic: 2001, functions: 2000 }],
  ['nothing that fits its language', 'a.rs', 'fn ( { ] if if fn a( ) } } { let 1 = \n'.repeat(50), { tier: 1, partial: 'syntax' }],
  [
    'nothing at all',
    'a.go',
    '',
    { tier: 1, partial: null, cyclomatic: 1, functions: 0, lines: { physical: 0, source: 0, logical: 0, comment: 0, blank: 0 } },
  ],
  ['no known language', 'a.unheard', 'if if\n', { tier: 3, partial: null, cyclomatic: null, lines: { source: 1, comment: null } }],
]

describe('code analyze', () => {
  it.each(SOURCES)('measures what can be measured of %s', async (_what, name, content, { tier, partial, lines, cyclomatic, functions }) => {
    place = createPlayground({ [name]: content })
    const { exitCode, json } = await place.run(['code', 'analyze'])
    expect(exitCode).toBe(0)
    const [file] = json.data.files
    if (partial !== undefined) expect(file).toMatchObject({ tier, partial })
    if (lines !== undefined) expect(file.lines).toMatchObject(lines)
    if (cyclomatic !== undefined) expect(file.cyclomatic).toBe(cyclomatic)
    if (functions !== undefined) expect(file.functions).toHaveLength(functions)
  })

  it('leaves out what is no file, and takes odd names as they are', async () => {
    place = createPlayground({ 'a\nb "c".js': 'let a\n', 'gone.js': 'let b\n', 'nul.js': Buffer.from('let c\0') })
    symlinkSync('nul.js', join(place.root, 'link.js'))
    symlinkSync('/nowhere', join(place.root, 'dead.js'))
    rmSync(join(place.root, 'gone.js'))
    const { exitCode, json } = await place.run(['code', 'analyze'])
    expect(exitCode).toBe(0)
    expect(json.data.files.map(({ path }: { path: string }) => path)).toEqual(['a\nb "c".js'])
    const reason = 'no regular file that can be read'
    expect(json.data.skipped).toEqual([
      { path: 'dead.js', reason },
      { path: 'gone.js', reason },
      { path: 'link.js', reason },
      { path: 'nul.js', reason: 'binary' },
    ])
  })

  it.each([
    ['-'],
    ['-', '--language', 'rsut'],
    ['-', 'src', '--language', 'rust'],
    ['-', '--language', 'rust', '--changed'],
    ['src', '--language', 'rust'],
    ['nowhere'],
    ['..'],
    ['--base', 'nowhere'],
    ['--profile', 'none'],
    ['--fail-on', 'cyclomatic'],
    ['--fail-on', 'cyclomatc>3'],
    ['--sarif', 'no/such/folder.sarif'],
    ['--request', '-', '--changed'],
    ['src', '--request', '-'],
    ['--request', 'nowhere.json'],
  ])('refuses %j', async (...args) => {
    place = createPlayground()
    await refuses(place, ['code', 'analyze', ...args], 'USAGE', 2, { input: '{}' })
  })

  it.each([
    '',
    'no json',
    '[]',
    '{"content": 1, "language": "rust"}',
    '{"content": "", "language": "rust", "options": {"fast": true}}',
    '\xff',
  ])('refuses the request %j', async (request) => {
    place = createPlayground()
    await refuses(place, ['code', 'analyze', '--request', '-'], 'REQUEST_INVALID', 2, { input: Buffer.from(request, 'latin1') })
  })

  it('needs a repository for files, and none for standard input', async () => {
    place = createPlayground()
    const outside = join(place.folder, 'outside')
    mkdirSync(outside)
    writeFileSync(join(outside, 'a.js'), 'let a\n')
    await refuses(place, ['code', 'analyze'], 'NOT_A_REPOSITORY', 6, { cwd: outside })
    const { exitCode, json } = await place.run(['code', 'analyze', '-', '--language', 'js'], { cwd: outside, input: 'let a\n' })
    expect(exitCode).toBe(0)
    expect(json.data.files).toMatchObject([{ path: '-', language: 'javascript', cyclomatic: 1 }])
    const binary = await place.run(['code', 'analyze', '-', '--language', 'js'], { cwd: outside, input: 'a\0' })
    expect(binary.json.data).toMatchObject({ files: [], skipped: [{ path: '-', reason: 'binary' }] })
  })

  it('works where nothing was committed yet', async () => {
    place = createPlayground({})
    expect((await place.run(['code', 'analyze'])).json.data).toMatchObject({ files: [], totals: { files: 0, cyclomatic: null } })
  })

  it('says that a grammar cannot be fetched', async () => {
    place = createPlayground()
    await refuses(place, ['code', 'languages', 'add', 'nolanguage'], 'USAGE', 2)
    await refuses(place, ['code', 'languages', 'add', 'gleam'], 'USAGE', 2)
    // A table of the user's own that names a pinned grammar which is not here.
    const tables = join(place.folder, 'config', 'singularity', 'languages')
    mkdirSync(tables, { recursive: true })
    writeFileSync(join(tables, 'mine.json'), JSON.stringify({ id: 'mine', name: 'Mine', extensions: ['mine'], grammar: 'no-such-grammar' }))
    await refuses(place, ['code', 'languages', 'add', 'mine', '--offline'], 'OFFLINE', 7)
    await refuses(place, ['code', 'languages', 'add', 'mine'], 'GRAMMAR_MISSING', 7)
  })
})
