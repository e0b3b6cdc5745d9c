import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPlayground, type Playground, PROGRAM } from './playground.ts'

const WORST = 'export function worst(a, b) {\n  if (a && b) return 1\n  for (const c of a) if (c) return 2\n  return 3\n}\n'

let place: Playground
beforeAll(() => {
  place = createPlayground({
    'src/plain.js': 'export const one = () => 1\n',
    'src/worst.js': WORST,
    'lib/tool.py': '# a tool\ndef tool(x):\n    return 1 if x else 2\n',
    'README.md': '# words\n\nmore\n',
    'picture.bin': Buffer.from([1, 0, 2]),
  })
})
afterAll(() => place.cleanup())

const paths = (answer: { json: { data?: { files: { path: string }[] } } }) => answer.json.data!.files.map(({ path }) => path)

/** What a person sees. */
const plain = (args: readonly string[], input = '') => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
    cwd: place.root,
    env: place.env,
    input,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

describe('code analyze', () => {
  it('measures every file of the repository, sorted, and says what it skipped', async () => {
    const answer = await place.run(['code', 'analyze'])
    expect(answer.exitCode).toBe(0)
    expect(paths(answer)).toEqual(['README.md', 'lib/tool.py', 'src/plain.js', 'src/worst.js'])
    const { files, skipped, totals, base, profile, findings } = answer.json.data
    expect({ skipped, base, profile, findings }).toEqual({
      skipped: [{ path: 'picture.bin', reason: 'binary' }],
      base: null,
      profile: 'default',
      findings: [],
    })
    expect(totals).toMatchObject({ files: 4, skipped: 1, functions: 3, cyclomatic: 1 + 5 + 2 })
    // nothing decides in prose
    expect(files[0]).toMatchObject({ language: 'markdown', cyclomatic: null, cognitive: null, maintainability: null })
    expect(files[3]).toMatchObject({
      language: 'javascript',
      tier: 1,
      partial: null,
      blob: place.git('hash-object', 'src/worst.js').trim(),
      // if 1, && 1, for 1, if 2
      functions: [{ name: 'worst', line_start: 1, line_end: 5, parameters: ['a', 'b'], cyclomatic: 5, cognitive: 5, nesting: 2 }],
    })
  })

  it('keeps to what is named, seen from where one stands', async () => {
    expect(paths(await place.run(['code', 'analyze', 'src', 'lib/tool.py']))).toEqual(['lib/tool.py', 'src/plain.js', 'src/worst.js'])
    expect(paths(await place.run(['code', 'analyze', 'worst.js', '../lib'], { cwd: join(place.root, 'src') }))).toEqual([
      'lib/tool.py',
      'src/worst.js',
    ])
  })

  it('counts decisions as the profile does', async () => {
    const source = 'function f(a = 1) { return a?.b ?? 2 }\n'
    const figure = async (profile: string) =>
      (await place.run(['code', 'analyze', '-', '--language', 'javascript', '--profile', profile], { input: source })).json.data.files[0]
        .functions[0].cyclomatic
    expect([await figure('default'), await figure('eslint'), await figure('rca'), await figure('sonar')]).toEqual([2, 4, 1, 2])
  })

  it('ends with 1 where a limit is passed, and says where', async () => {
    const answer = await place.run(['code', 'analyze', '--fail-on', 'cyclomatic>4', '--fail-on', 'file.source>100'])
    expect(answer.exitCode).toBe(1)
    expect(answer.json.ok).toBe(true)
    expect(answer.json.data.findings).toEqual([{ rule: 'cyclomatic', path: 'src/worst.js', line: 1, value: 5, limit: 4 }])
    expect((await place.run(['code', 'analyze', '--fail-on', 'cyclomatic>5'])).exitCode).toBe(0)
  })

  it('writes what passed a limit as SARIF and as annotations', () => {
    const file = join(place.folder, 'out.sarif')
    const { status, stderr } = plain(['code', 'analyze', '--fail-on', 'cognitive>4', '--sarif', file, '--github'])
    expect(status).toBe(1)
    expect(stderr).toContain('::warning file=src/worst.js,line=1,title=cognitive::cognitive is 5, the limit is 4.\n')
    const { version, runs } = JSON.parse(readFileSync(file, 'utf8'))
    expect(version).toBe('2.1.0')
    expect(runs[0].tool.driver.rules.map(({ id }: { id: string }) => id)).toEqual(['cognitive'])
    expect(runs[0].results[0]).toMatchObject({
      ruleId: 'cognitive',
      ruleIndex: 0,
      locations: [{ physicalLocation: { artifactLocation: { uri: 'src/worst.js' }, region: { startLine: 1 } } }],
    })
  })

  it('shows people the worst functions first, and totals', () => {
    const { status, stdout } = plain(['code', 'analyze'])
    expect(status).toBe(0)
    expect(stdout).toMatch(
      /cyclomatic +cognitive +nesting +lines +function +where\n +5 +5 +2 +5 +worst +src\/worst\.js:1\n +2 +1 +1 +2 +tool/,
    )
    expect(stdout).toContain('1 skipped, binary: picture.bin')
    expect(stdout).toMatch(/4 files, 3 functions, 10 source lines, cyclomatic 8, cognitive 6\n$/)
  })

  it('looks only at what changed: new, edited, and since a branch', async () => {
    expect(paths(await place.run(['code', 'analyze', '--changed']))).toEqual([])
    place.git('branch', 'start')
    writeFileSync(join(place.root, 'src/new.js'), 'let a\n')
    writeFileSync(join(place.root, 'src/plain.js'), 'export const two = () => 2\n')
    const changed = await place.run(['code', 'analyze', '--changed'])
    expect(paths(changed)).toEqual(['src/new.js', 'src/plain.js'])
    expect(changed.json.data.base).toBe(place.git('rev-parse', 'HEAD').trim())
    place.git('add', '.')
    place.git('commit', '-qm', 'more')
    expect(paths(await place.run(['code', 'analyze', '--changed']))).toEqual([])
    const since = await place.run(['code', 'analyze', 'src', '--base', 'start'])
    expect(paths(since)).toEqual(['src/new.js', 'src/plain.js'])
    expect(since.json.data.base).toBe(place.git('rev-parse', 'start').trim())
  })

  it('ends when it is interrupted', async () => {
    const folder = join(place.root, 'many')
    mkdirSync(folder)
    for (let i = 0; i < 900; i++) writeFileSync(join(folder, `${i}.js`), `export const n${i} = ${i}\n`.repeat(40))
    const child = spawn(process.execPath, [PROGRAM, 'code', 'analyze', 'many'], { cwd: place.root, env: place.env })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      // Told after the first batch, while others are still to come.
      if (said === '') child.kill('SIGINT')
      said += chunk.toString()
    })
    const [code] = (await once(child, 'close')) as [number]
    expect({ said, code }).toEqual({ said: expect.stringMatching(/^reading: 900 files\nerror INTERRUPTED /), code: 130 })
    rmSync(folder, { recursive: true })
  })

  it('changes nothing', async () => {
    const before = place.frozen()
    await place.run(['code', 'analyze'])
    expect(place.frozen()).toEqual(before)
  })
})

describe('code analyze --request', () => {
  const SEED = { content: 'fn main() { println!("Hello"); }', language: 'rust' }
  const ask = async (request: unknown) =>
    (await place.run(['code', 'analyze', '--request', '-'], { input: JSON.stringify(request), cwd: place.folder })).json.data

  it('answers as the seeds do', async () => {
    expect(await ask({ ...SEED, options: { extract_functions: true, calculate_metrics: true, generate_ast: false } })).toEqual({
      language: 'rust',
      functions: [{ name: 'main', line_start: 1, line_end: 1, complexity: 1, parameters: [] }],
      metrics: { lines_of_code: 1, cyclomatic_complexity: 1, cognitive_complexity: 0 },
      ast: null,
    })
  })

  it('gives the tree where it is asked for', async () => {
    const { ast, functions, metrics } = await ask({
      ...SEED,
      options: { extract_functions: false, calculate_metrics: false, generate_ast: true },
    })
    expect({ functions, metrics }).toEqual({ functions: [], metrics: null })
    expect(ast).toMatchObject({ kind: 'source_file', children: [{ kind: 'function_item', line_start: 1, line_end: 1 }] })
  })
})

describe('code languages', () => {
  it('tells how each is read here, with its share', async () => {
    const { languages } = (await place.run(['code', 'languages'])).json.data
    const of = (id: string) => languages.find(({ name }: { name: string }) => name === id)
    expect(of('rust')).toMatchObject({ tier: 1, version: expect.stringMatching(/^\d/), share: 0, reason: null })
    expect(of('gleam')).toMatchObject({ tier: 2, engine: 'scanner', version: null, abi: null, verified: false })
    expect(of('javascript').share + of('python').share + of('markdown').share).toBeCloseTo(1, 10)
    expect(of('javascript')).toMatchObject({ verified: true })
  })

  it('knows no shares outside of a repository', async () => {
    const { languages } = (await place.run(['code', 'languages'], { cwd: place.folder })).json.data
    expect(new Set(languages.map(({ share }: { share: number | null }) => share))).toEqual(new Set([null]))
  })

  it('has nothing to fetch for what is here', async () => {
    const answer = await place.run(['code', 'languages', 'add', 'Rust', '--offline'])
    expect(answer.exitCode).toBe(0)
    expect(answer.json.data.languages[0]).toMatchObject({ name: 'rust', tier: 1 })
  })
})
