import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPlayground, type Playground, PROGRAM, refuses } from './playground.ts'

const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined

/** More than fifty tokens, with one decision. */
const block = (name: string): string =>
  `export function ${name}(list, limit) {\n  const found = []\n  for (const each of list) {\n    found.push({ name: each.name, size: each.size * 2, kind: 'thing' })\n    found.sort((a, b) => a.size - b.size)\n  }\n  return [found, limit, list.length]\n}\n`

let place: Playground
beforeAll(() => {
  place = createPlayground({
    'src/busy.js': `export function busy(a, b) {\n  if (a && b) return 1\n  return 2\n}\n`,
    'src/calm.js': block('calm'),
    'src/twice.js': `// the same again\n${block('calm')}`,
    'mail/hello.hbs': 'Dear {{name}},\n{{#each lines}}{{> line this}}{{/each}}\n',
    'mail/broken.hbs': '{{#if a}}\n',
    'data/a.json': `${JSON.stringify(Array.from({ length: 40 }, (_, at) => ({ at })))}\n`,
    'vendor/lib.js': block('calm'),
  })
  for (const at of [1, 2, 3])
    place.commit(`fix: busy ${at}`, { 'src/busy.js': `export function busy(a, b) {\n  if (a && b) return ${at}\n  return 0\n}\n` })
  place.git('mv', 'src/busy.js', 'src/hot.js')
  place.commit('refactor: a name')
  place.commit('feat: calm', { 'src/calm.js': `${block('calm')}// more\n` })
})
afterAll(() => place.cleanup())

/** What a person sees. */
const plain = (args: readonly string[], cwd = place.root) => {
  const { status, stdout } = spawnSync(process.execPath, [PROGRAM, ...args], { cwd, env: place.env, encoding: 'utf8' })
  return { status, stdout }
}

describe('code hotspots', () => {
  it('ranks by complexity, changes and fixes, under the name a file has now', async () => {
    const { exitCode, json } = await place.run(['code', 'hotspots'])
    expect(exitCode).toBe(0)
    const head = place.git('rev-parse', 'HEAD').trim()
    expect(json.data).toMatchObject({ head, since: null, max_files: 30, commits: { read: 6, mass: 0 }, shallow: false, total: 3 })
    const [first, second] = json.data.files
    // cyclomatic 3: if, &&; changed four times, three of them fixes
    expect(first).toMatchObject({
      rank: 1,
      path: 'src/hot.js',
      cyclomatic: 3,
      changes: 4,
      fixes: 3,
      score: 3 * 7,
      authors: 1,
      test: false,
      last_fix: { subject: 'fix: busy 3' },
      function: { name: 'busy', line_start: 1, line_end: 4, cyclomatic: 3 },
    })
    expect(second).toMatchObject({ rank: 2, path: 'src/calm.js', changes: 2, fixes: 0, last_fix: null })
    expect(json.data.files.map(({ path }: { path: string }) => path)).not.toContain('vendor/lib.js')
  })

  it('keeps to a folder, a number and a time, and says what it read', async () => {
    expect((await place.run(['code', 'hotspots', 'src', '--limit', '1'])).json.data).toMatchObject({ total: 3, files: [{ rank: 1 }] })
    expect((await place.run(['code', 'hotspots', '--since', '2100-01-01'])).json.data).toMatchObject({ commits: { read: 0 }, files: [] })
    expect((await place.run(['code', 'hotspots', '--max-files', '1'])).json.data.commits).toEqual({ read: 6, mass: 1 })
    const { status, stdout } = plain(['code', 'hotspots', '--limit', '1'])
    expect(status).toBe(0)
    expect(stdout).toMatch(
      /^ +score +cyclomatic +changes +fixes +last fix +file +most complex\n +21 +3 +4 +3 +\d{4}-\d\d-\d\d +src\/hot\.js +busy:1\n/,
    )
    expect(stdout).toContain('6 commits read. The first 1 of 3 files.\n')
  })

  it('refuses what makes no sense', async () => {
    await refuses(place, ['code', 'hotspots', '--since', 'soon'], 'USAGE', 2)
    await refuses(place, ['code', 'hotspots', 'gone'], 'USAGE', 2)
    await refuses(place, ['code', 'hotspots', '--limit', '0'], 'USAGE', 2)
    await refuses(place, ['code', 'hotspots'], 'NOT_A_REPOSITORY', 6, { cwd: place.folder })
  })
})

describe('code tags', () => {
  const file = () => join(place.folder, 'tags')

  it('writes a file from which editors find their way', async () => {
    const { exitCode, json } = await place.run(['code', 'tags', '-o', file()])
    expect({ exitCode, written: json.data.written }).toEqual({ exitCode: 0, written: file() })
    expect(json.data.tags).toContainEqual({
      name: 'busy',
      path: 'src/hot.js',
      line: 1,
      line_end: 4,
      kind: 'function',
      container: null,
      language: 'javascript',
    })
    const text = readFileSync(file(), 'utf8')
    expect(text).toMatch(/^!_TAG_FILE_ENCODING\tutf-8\t\/\/\n!_TAG_FILE_FORMAT\t2\t/)
    expect(text).toContain(
      '\nbusy\trepository/src/hot.js\t/^export function busy(a, b) {$/;"\tfunction\tline:1\tlanguage:javascript\tend:4\n',
    )
    // replaced, not added to
    expect(plain(['code', 'tags', 'src/hot.js', '-o', file()]).stdout).toBe(`1 definition written to ${file()}.\n`)
    expect(
      readFileSync(file(), 'utf8')
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('!')),
    ).toHaveLength(1)
  })

  it.skipIf(!has('readtags') || !has('vim'))('that readtags and vim jump with (universal-ctags, vim)', () => {
    plain(['code', 'tags', '-o', file()])
    const read = spawnSync('readtags', ['-t', file(), '-e', 'calm'], { encoding: 'utf8' })
    expect(read.stdout.split('\n')[0]).toBe(
      'calm\trepository/src/calm.js\t/^export function calm(list, limit) {$/;"\tkind:function\tlanguage:javascript\tend:8',
    )
    const where = join(place.folder, 'where')
    const jump = [
      '-es',
      '-u',
      'NONE',
      '-c',
      `set tags=${file()}`,
      '-c',
      'tag busy',
      '-c',
      `call writefile([expand('%:t'), string(line('.'))], '${where}')`,
      '-c',
      'qa!',
    ]
    spawnSync('vim', jump, { cwd: place.folder, env: { ...place.env, TERM: 'dumb' } })
    expect(readFileSync(where, 'utf8')).toBe('hot.js\n1\n')
  })

  it('goes to standard output, from where one stands', () => {
    const { stdout } = plain(['code', 'tags', '.'], join(place.root, 'src'))
    const names = stdout
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('!'))
      .map((line) => line.split('\t').slice(0, 2).join(' '))
    expect(names).toEqual(['busy hot.js', 'calm calm.js', 'calm twice.js'])
  })

  it('writes nothing when it is told so, and nothing over what is no tags file', async () => {
    const other = join(place.folder, 'notes.txt')
    writeFileSync(other, 'mine\n')
    await refuses(place, ['code', 'tags', '-o', other], 'USAGE', 2)
    expect(readFileSync(other, 'utf8')).toBe('mine\n')
    await refuses(place, ['code', 'tags', '-o', join(place.folder, 'none', 'tags')], 'USAGE', 2)
    const fresh = join(place.folder, 'fresh')
    expect((await place.run(['code', 'tags', '-o', fresh, '--dry-run'])).json.data.written).toBe(null)
    expect(existsSync(fresh)).toBe(false)
  })
})

describe('code duplicates', () => {
  it('finds the same code, without comments, vendored files and data', async () => {
    const { exitCode, json } = await place.run(['code', 'duplicates'])
    expect(exitCode).toBe(0)
    expect(json.data).toMatchObject({ min_tokens: 50, normalized: false, total: 1 })
    expect(json.data.groups[0].places).toEqual([
      { path: 'src/calm.js', line_start: 1, line_end: 8 },
      { path: 'src/twice.js', line_start: 2, line_end: 9 },
    ])
    expect((await place.run(['code', 'duplicates', '--min-tokens', '200'])).json.data.groups).toEqual([])
    const { stdout } = plain(['code', 'duplicates'])
    expect(stdout).toMatch(/^ {2}8 lines \(\d+ tokens\), 2 times\n {4}src\/calm\.js:1-8\n {4}src\/twice\.js:2-9\n1 group in /)
    expect(plain(['code', 'duplicates', 'src/hot.js']).stdout).toMatch(/^Nothing stands there twice\. 1 file, /)
  })

  it('refuses fewer tokens than mean anything', async () => {
    await refuses(place, ['code', 'duplicates', '--min-tokens', '3'], 'USAGE', 2)
  })
})

describe('code unused', () => {
  it('proposes what nobody names, and says what speaks against it', async () => {
    const { exitCode, json } = await place.run(['code', 'unused'])
    expect(exitCode).toBe(0)
    expect(json.data).toMatchObject({ exports: 3 })
    // both are called calm: one name, told of each
    expect(json.data.proposals.map(({ path, name }: { path: string; name: string }) => `${path} ${name}`)).toEqual([
      'src/calm.js calm',
      'src/hot.js busy',
      'src/twice.js calm',
    ])
    expect(json.data.proposals[1]).toEqual({
      path: 'src/hot.js',
      line: 1,
      line_end: 4,
      name: 'busy',
      kind: 'function',
      language: 'javascript',
      used: 'nowhere',
      confidence: 'doubtful',
      doubts: [{ kind: 'file', path: 'src/hot.js', line: null }],
    })
    expect(plain(['code', 'unused', 'src/hot.js', '--doubtful']).stdout).toMatch(
      /^ {2}src\/hot\.js:1 +function +busy +nobody names it; nobody imports its file\n3 exports, 0 proposals, 1 is doubtful\. Proposals, not facts/,
    )
    await refuses(place, ['code', 'unused', 'gone'], 'USAGE', 2)
  })
})

describe('code templates', () => {
  it('lists what templates take, and why a file is none', async () => {
    const { exitCode, json } = await place.run(['code', 'templates'])
    expect(exitCode).toBe(0)
    const [broken, hello] = json.data.templates
    expect(broken).toEqual({
      path: 'mail/broken.hbs',
      items: [],
      error: { line: 2, message: expect.stringContaining('Parse error on line 2') },
    })
    expect(hello.items.map(({ kind, name, line, column }: Record<string, unknown>) => [kind, name, line, column])).toEqual([
      ['variable', 'name', 1, 8],
      ['block', 'each', 2, 1],
      ['variable', 'lines', 2, 9],
      ['partial', 'line', 2, 16],
      ['variable', 'this', 2, 25],
    ])
    expect((await place.run(['code', 'templates', 'mail/hello.hbs', '--base', 'HEAD'])).json.data.templates).toEqual([hello])
    expect(plain(['code', 'templates', 'mail/hello.hbs']).stdout).toBe(
      'mail/hello.hbs\n  takes    name:1 lines:2 this:2\n  blocks   each:2\n  puts in  line:2\n1 template.\n',
    )
  })
})

describe('code engines', () => {
  it('names all eight with their state, and what the repository is made with', async () => {
    const { exitCode, json } = await place.run(['code', 'engines'])
    expect(exitCode).toBe(0)
    const { engines, technologies } = json.data
    expect(engines.map(({ name, state }: { name: string; state: string }) => `${name} ${state}`)).toEqual([
      'architecture ready',
      'code ready',
      'parser ready',
      'quality ready',
      'knowledge ready',
      'embedding ready',
      'semantic limited',
      'prompt ready',
    ])
    expect(engines[6].reason).toBe('there is no index: singularity index')
    expect(technologies).toEqual((await place.run(['code', 'tech'])).json.data.technologies)
    await place.run(['index'])
    expect((await place.run(['code', 'engines'])).json.data.engines[6]).toMatchObject({ state: 'ready', reason: null })
  })

  it('answers outside of a repository too', async () => {
    const { exitCode, json } = await place.run(['code', 'engines'], { cwd: place.folder })
    expect({ exitCode, technologies: json.data.technologies }).toEqual({ exitCode: 0, technologies: null })
    expect(json.data.engines[6]).toMatchObject({ name: 'semantic', state: 'missing', reason: expect.stringContaining('repository') })
  })
})
