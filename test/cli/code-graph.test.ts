import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPlayground, type Playground, PROGRAM, TINY } from './playground.ts'

type Node = { path: string; kind: string }
type Edge = { from: string; to: string; kind: string; line: number | null; resolved: boolean }
type Symbol = { path: string; symbol: string; exercised: boolean | null; by: string | null; callers: object[]; tests: object[] }

let place: Playground
beforeAll(() => {
  place = createPlayground({
    ...TINY,
    'src/ring.js': "import './ring-2.js'\nimport missing from './gone.js'\n",
    'src/ring-2.js': "import './ring.js'\nimport { last } from './list.js'\nexport const end = (list) => last(list)\n",
    'src/alone.js': 'export function alone() {\n  return 1\n}\n',
    'odd "name\\.js': "import './src/list.js'\n",
  })
})
afterAll(() => place.cleanup())

/** What a person sees. */
const plain = (args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], { cwd: place.root, env: place.env, encoding: 'utf8' })
  return { status, stdout, stderr }
}

describe('code graph', () => {
  it('answers nodes, edges with their lines, cycles, and what could not be followed', async () => {
    const { exitCode, json } = await place.run(['code', 'graph'])
    expect(exitCode).toBe(0)
    const { nodes, edges, cycles, unresolved } = json.data as { nodes: Node[]; edges: Edge[]; cycles: string[][]; unresolved: object[] }
    expect(nodes.map(({ path }) => path)).toEqual([
      'odd "name\\.js',
      'src/alone.js',
      'src/list.js',
      'src/ring-2.js',
      'src/ring.js',
      'test/list.test.js',
    ])
    expect(edges.filter(({ from }) => from.startsWith('src/ring.js'))).toEqual([
      { from: 'src/ring.js', to: 'src/ring-2.js', kind: 'import', line: 1, resolved: true },
      { from: 'src/ring.js', to: './gone.js', kind: 'import', line: 2, resolved: false },
    ])
    expect(cycles).toEqual([['src/ring-2.js', 'src/ring.js']])
    expect(unresolved).toEqual([{ path: 'src/ring.js', line: 2, specifier: './gone.js', reason: './gone.js leads to no file of the tree' }])
  })

  it('keeps to what is named, from where one stands; the same graph of a commit', async () => {
    const here = await place.run(['code', 'graph', 'list.js', '../test'], { cwd: join(place.root, 'src') })
    expect(here.json.data.nodes.map(({ path }: Node) => path)).toEqual(['src/list.js', 'test/list.test.js'])
    const [whole, commit] = [await place.run(['code', 'graph']), await place.run(['code', 'graph', '--base', 'HEAD'])]
    expect(commit.json.data).toEqual(whole.json.data)
  })

  it('writes dot with names as they are, json without an envelope, and a summary for people', () => {
    const dot = plain(['code', 'graph', '--format', 'dot'])
    expect(dot.status).toBe(0)
    const lines = dot.stdout.trimEnd().split('\n')
    expect([lines[0], lines.at(-1)]).toEqual(['digraph modules {', '}'])
    // every statement is a node or an edge of quoted names
    for (const line of lines.slice(3, -1)) expect(line).toMatch(/^ {2}"(?:[^"\\]|\\.)*"(?: -> "(?:[^"\\]|\\.)*")?(?: \[\w+=\w+\])?;$/)
    expect(dot.stdout).toContain('  "odd \\"name\\\\.js" -> "src/list.js";')
    expect(JSON.parse(plain(['code', 'graph', '--format', 'json']).stdout).cycles).toHaveLength(1)
    const { stdout } = plain(['code', 'graph'])
    expect(stdout).toContain('1 cycle\n  2  src/ring-2.js, src/ring.js')
    expect(stdout).toMatch(/src\/ring\.js:2 +\.\/gone\.js leads to no file of the tree/)
  })

  it.each([
    [['code', 'graph', 'nowhere'], 'USAGE'],
    [['code', 'graph', '../..'], 'USAGE'],
    [['code', 'graph', '--base', 'no-such-revision'], 'USAGE'],
    [['code', 'graph', '--format', 'svg'], 'USAGE'],
    [['code', 'impact', '--base', 'no-such-revision'], 'USAGE'],
    [['code', 'impact', 'nowhere'], 'USAGE'],
  ])('refuses %j', async (args, code) => {
    const answer = await place.run(args)
    expect({ exitCode: answer.exitCode, code: answer.json.error?.code }).toEqual({ exitCode: 2, code })
  })

  it.each(['graph', 'impact'])('refuses %j outside of a repository', async (verb) => {
    const answer = await place.run(['code', verb], { cwd: place.folder })
    expect({ exitCode: answer.exitCode, code: answer.json.error?.code }).toEqual({ exitCode: 6, code: 'NOT_A_REPOSITORY' })
  })

  it('says of what cannot be read that it cannot', async () => {
    const folder = join(place.root, 'bad')
    mkdirSync(folder)
    writeFileSync(join(folder, 'broken.ts'), "import './fine'\nconst = ;;; (\n")
    writeFileSync(join(folder, 'fine.ts'), '')
    writeFileSync(join(folder, 'binary.js'), Buffer.from([0, 1, 2]))
    writeFileSync(join(folder, 'huge.js'), `import './fine'\n${'let a = 1\n'.repeat(120_000)}`)
    writeFileSync(join(folder, 'latin.py'), Buffer.from([0x23, 0xe9, 0x0a]))
    const { exitCode, json } = await place.run(['code', 'graph', 'bad'])
    rmSync(folder, { recursive: true })
    expect(exitCode).toBe(0)
    expect(json.data.unresolved.map(({ path, reason }: { path: string; reason: string }) => `${path}: ${reason}`)).toEqual([
      'bad/binary.js: it is too long to be read, or binary',
      'bad/broken.ts: it does not parse',
      'bad/huge.js: it is too long to be read, or binary',
      'bad/latin.py: it is not UTF-8',
    ])
    expect(json.data.edges).toContainEqual({ from: 'bad/broken.ts', to: 'bad/fine.ts', kind: 'import', line: 1, resolved: true })
  })
})

describe('code impact', () => {
  const symbols = (answer: { json: { data?: { symbols: Symbol[] } } }) =>
    answer.json.data!.symbols.map(({ path, symbol, exercised, by }) => `${path} ${symbol} ${exercised} ${by}`)
  const edit = (path: string, from: string, to: string) => {
    const text = String(path === 'src/list.js' ? TINY[path] : 'export function alone() {\n  return 1\n}\n')
    writeFileSync(join(place.root, path), text.replace(from, to))
  }

  it('changed symbols, who calls them, which tests lead to them; what no test leads to comes first', async () => {
    expect((await place.run(['code', 'impact'])).json.data).toMatchObject({ symbols: [], tests: [] })
    edit('src/list.js', 'list[list.length - 1]', 'list.at(-1)')
    edit('src/alone.js', 'return 1', 'return 2')
    const answer = await place.run(['code', 'impact'])
    expect(answer.exitCode).toBe(0)
    expect(symbols(answer)).toEqual(['src/alone.js alone false graph', 'src/list.js last true graph'])
    const { symbols: found, tests, complete, base } = answer.json.data
    expect(base).toBe(place.git('rev-parse', 'HEAD'))
    expect(found[1].callers).toEqual([
      { path: 'src/ring-2.js', line: 3, symbol: 'end', confidence: 'import' },
      { path: 'test/list.test.js', line: 4, symbol: null, confidence: 'import' },
    ])
    expect({ tests, complete }).toEqual({
      tests: [{ path: 'test/list.test.js', scope: '.', distance: 1, via: ['test/list.test.js', 'src/list.js'] }],
      complete: true,
    })
    writeFileSync(join(place.root, 'test/help.js'), 'export const help = 1\n')
    expect(symbols(await place.run(['code', 'impact', 'src', 'test'])).at(-1)).toBe('test/help.js help false graph')
    rmSync(join(place.root, 'test/help.js'))
    const { stdout } = plain(['code', 'impact', 'src/alone.js'])
    expect(stdout).toMatch(/^alone {2}function, changed {2}src\/alone\.js:1 {2}no test leads to it\n/)
    expect(stdout).toContain('No test leads to the change.\n\nThese are all: every way was followed.')
    place.git('checkout', '-q', '--', 'src')
  })

  it('knows from earlier runs which lines tests ran', async () => {
    expect((await place.run(['improve', '--dry-run'])).exitCode).toBe(0)
    edit('src/list.js', 'list[list.length - 1]', 'list.at(-1)')
    edit('src/alone.js', 'return 1', 'return 2')
    expect(symbols(await place.run(['code', 'impact']))).toEqual(['src/alone.js alone false coverage', 'src/list.js last true coverage'])
    place.git('checkout', '-q', '--', 'src')
  })
})
