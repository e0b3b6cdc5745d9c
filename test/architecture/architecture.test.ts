import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, extname, join, normalize } from 'node:path'
import { Lang, parse } from '@ast-grep/napi'
import { expect, test } from 'vitest'
import { lintFences, mayImport, mayUsePackage, ROOMS } from './fences.ts'
import { LAYERS, NETWORK, PRIVATE_PACKAGES, SIDEWAYS } from './layers.ts'

type Import = { file: string; specifier: string; dynamic: boolean }

const root = join(import.meta.dirname, '..', '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const filesBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))

const sources = filesBelow('src').filter((path) => ['.ts', '.tsx'].includes(extname(path)))
const imports = sources.flatMap(importsOf)

function importsOf(file: string): Import[] {
  const tree = parse(extname(file) === '.tsx' ? Lang.Tsx : Lang.TypeScript, read(file)).root()
  const fixed = ['import_statement', 'export_statement'].flatMap((kind) =>
    tree.findAll({ rule: { kind, has: { field: 'source', kind: 'string' } } }),
  )
  const called = tree.findAll({ rule: { kind: 'call_expression', has: { field: 'function', regex: '^(import|require)$' } } })
  return [
    ...fixed.map((node) => ({ node: node.field('source'), dynamic: false })),
    ...called.map((node) => ({ node: node.field('arguments')?.find({ rule: { kind: 'string' } }), dynamic: true })),
  ].flatMap(({ node, dynamic }) => (node ? [{ file, specifier: node.text().slice(1, -1), dynamic }] : []))
}

/** `src/core/git/batch.ts` -> `git`; `src/core/app.ts` -> `app`; `src/ui/x.tsx` -> `ui`. */
function roomOf(path: string): string {
  const [, area = '', room = '', below] = path.split('/')
  return area === 'core' ? (below === undefined ? room.replace(/\.ts$/, '') : room) : area
}

const folderOf = (path: string): string => (path.startsWith('src/core/') ? `src/core/${roomOf(path)}` : `src/${roomOf(path)}`)
const targetOf = ({ file, specifier }: Import): string => normalize(join(dirname(file), specifier))
const show = (found: readonly Import[]): string[] => found.map(({ file, specifier }) => `${file}: ${specifier}`)
const relative = imports.filter((each) => each.specifier.startsWith('.') && targetOf(each).startsWith('src/'))
const between = relative.filter((each) => roomOf(each.file) !== roomOf(targetOf(each)))

test('the reader of imports sees them', () => {
  expect(imports.length).toBeGreaterThan(sources.length)
  expect(between.length).toBeGreaterThan(100)
  expect(imports.some(({ dynamic }) => dynamic)).toBe(true)
})

test('every folder of src/core stands in the layer table, once', () => {
  const folders = readdirSync(join(root, 'src/core'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  // app/ is the composition root's own
  expect(folders.map(({ name }) => name).filter((name) => name !== 'app' && !ROOMS.includes(name))).toEqual([])
  expect(new Set(ROOMS).size).toBe(ROOMS.length)
})

test('imports go downwards only', () => {
  const wrong = between.filter((each) => {
    const [from, to] = [roomOf(each.file), roomOf(targetOf(each))]
    if (ROOMS.includes(from)) return !mayImport(from).includes(to)
    if (from === 'app') return !ROOMS.includes(to)
    if (from === 'commands') return to !== 'app' && !ROOMS.includes(to) && !each.dynamic
    return to !== 'app' && !ROOMS.includes(to)
  })
  expect(show(wrong)).toEqual([])
})

test('sideways edges stay inside one row and run one way', () => {
  for (const [from, targets] of Object.entries(SIDEWAYS)) {
    for (const to of targets) {
      expect(
        LAYERS.some((row) => row.includes(from) && row.includes(to)),
        `${from} -> ${to}`,
      ).toBe(true)
      expect(SIDEWAYS[to] ?? []).not.toContain(from)
    }
  }
})

test('a room is entered through its door', () => {
  const wrong = between.filter(
    (each) => ROOMS.includes(roomOf(targetOf(each))) && targetOf(each) !== `src/core/${roomOf(targetOf(each))}/index.ts`,
  )
  expect(show(wrong)).toEqual([])
})

test('a private package is used by its owner only', () => {
  const nameOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  const wrong = imports.filter(({ file, specifier }) => !mayUsePackage(folderOf(file), nameOf(specifier)))
  expect(show(wrong)).toEqual([])
  const used = new Set(imports.map(({ specifier }) => nameOf(specifier)))
  expect(Object.keys(PRIVATE_PACKAGES).filter((name) => !used.has(name))).toEqual([])
})

test('only the adapters of models speak HTTP', () => {
  const outside = sources.filter((file) => !NETWORK.owners.some((owner) => file.startsWith(`${owner}/`)))
  const modules = imports.filter(({ file, specifier }) => outside.includes(file) && NETWORK.modules.includes(specifier))
  expect(show(modules)).toEqual([])
  const calls = new RegExp(`(?<![.\\w])(?:${NETWORK.globals.join('|')})\\s*\\(`)
  expect(outside.filter((file) => calls.test(read(file)))).toEqual([])
  expect(calls.test('await fetch(url)')).toBe(true)
  expect(calls.test('git.fetch(url)')).toBe(false)
})

test('Node modules are named with node:', () => {
  expect(show(imports.filter(({ specifier }) => builtinModules.includes(specifier)))).toEqual([])
})

/** Text of a program that runs inside the sandbox: it reads the environment there, not here. */
const PROGRAM_TEXT = ['src/core/validation/runners/node-test.ts', 'src/core/validation/v8-coverage.ts']

test('the core reads no environment, no folder and no clock by itself, prints nothing and never exits', () => {
  const forbidden = /\bprocess\.(env|cwd|exit|exitCode|stdout|stderr|stdin|argv)\b|\bconsole\.|\bDate\.now\(|\bnew Date\(\)|\bhomedir\(/
  const wrong = sources
    .filter((path) => path.startsWith('src/core/') && path !== 'src/core/kernel/clock.ts' && !PROGRAM_TEXT.includes(path))
    .flatMap((path) =>
      read(path)
        .split('\n')
        .flatMap((line, index) =>
          forbidden.test(line) && !/^\s*(\/\/|\*|\/\*)/.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [],
        ),
    )
  expect(wrong).toEqual([])
})

test('files stay readable: 400 lines at most, 60 for a command', () => {
  const lines = (path: string): number => read(path).trimEnd().split('\n').length
  const generated = (path: string): boolean => /\.generated\.\w+$/.test(path)
  const written = [...sources, ...filesBelow('scripts'), ...filesBelow('test').filter((path) => !path.startsWith('test/fixtures/'))]
  const code = written.filter((path) => /\.(ts|tsx|mjs|js)$/.test(path) && !generated(path))
  expect(code.filter((path) => lines(path) > 400).map((path) => `${path} ${lines(path)}`)).toEqual([])
  const commands = sources.filter((path) => path.startsWith('src/commands/') && !path.includes('/_'))
  expect(commands.filter((path) => lines(path) > 60).map((path) => `${path} ${lines(path)}`)).toEqual([])
})

test('files are named in kebab-case', () => {
  expect(
    sources.filter((path) => !/^(_?[a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*(\.generated|\.worker|\.d)?\.tsx?$/.test(path)),
  ).toEqual([])
})

test('ARCHITECTURE.md names every room and every front door', () => {
  const map = read('ARCHITECTURE.md')
  const rooms = readdirSync(join(root, 'src/core'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(rooms.map(({ name }) => name).filter((name) => name !== 'app' && !map.includes(`\`${name}\``))).toEqual([])
  const doors = readdirSync(join(root, 'src'), { withFileTypes: true }).map(({ name }) => name)
  expect(doors.filter((name) => !map.includes(`src/${name}/`))).toEqual([])
  const named = [...map.matchAll(/`(src\/[\w./-]+?)\/?`/g)].map((match) => match[1] ?? '')
  expect(named.filter((path) => !sources.includes(path) && !sources.some((source) => source.startsWith(`${path}/`)))).toEqual([])
})

test('the lint fences are the layer table (npm run docs writes them anew)', () => {
  expect(JSON.parse(read('test/architecture/fences.json'))).toEqual(lintFences())
})

test.each([
  ['src/core/kernel/a.ts', '../git/index.ts', false],
  ['src/core/git/a.ts', '../kernel/index.ts', true],
  ['src/core/git/a.ts', '../kernel/ids.ts', false],
  ['src/core/git/deep/a.ts', '../../process/index.ts', true],
  ['src/core/process/a.ts', '../git/index.ts', false],
  ['src/core/storage/a.ts', 'simple-git', false],
  ['src/core/git/a.ts', 'simple-git', true],
  ['src/core/improvement/a.ts', '../app.ts', false],
  ['src/core/improvement/a.ts', '../../ui/inbox.tsx', false],
  ['src/commands/a.ts', '../core/git/index.ts', true],
  ['src/commands/a.ts', '../core/git/trees.ts', false],
  ['src/commands/a.ts', 'ink', false],
  ['src/ui/a.ts', '../commands/look.ts', false],
])('lint: %s may import %s: %s', (file, specifier, allowed) => {
  const folder = mkdtempSync(join(tmpdir(), 'singularity-fences-'))
  try {
    mkdirSync(join(folder, 'test/architecture'), { recursive: true })
    mkdirSync(join(folder, dirname(file)), { recursive: true })
    for (const path of ['.oxlintrc.json', 'test/architecture/fences.json']) copyFileSync(join(root, path), join(folder, path))
    writeFileSync(join(folder, file), `import * as all from '${specifier}'\nexport { all }\n`)
    const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/oxlint'), ['-f', 'unix', 'src'], { cwd: folder, encoding: 'utf8' })
    expect({ allowed: status === 0, stdout }).toMatchObject({ allowed })
    if (!allowed) expect(stdout).toContain('no-restricted-imports')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
