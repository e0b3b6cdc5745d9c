import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS, type EngineAnswer, type FactEngine, type FactSource } from '../../src/core/parsing/fact-engine.ts'
import { createNativeEngine } from '../../src/core/parsing/fact-engines/native.ts'
import { createNodeEngine } from '../../src/core/parsing/fact-engines/node.ts'
import { createWasmEngine } from '../../src/core/parsing/fact-engines/wasm.ts'
import { readFacts } from '../../src/core/parsing/facts-record.ts'
import { packagedGrammars, packagedParsing, packagedTables } from '../support/parsing.ts'
import { render } from '../support/render-facts.ts'

const root = join(import.meta.dirname, '..', '..')
const require = createRequire(import.meta.url)
const tables = packagedTables()
const deps = { tables, grammars: packagedGrammars() }

/** The prebuilt node-tree-sitter wants a newer C++ library than Debian 12 has: it is built from its own sources, once. */
function nodeTreeSitter(): string {
  const { version } = require('tree-sitter/package.json') as { version: string }
  const folder = join(root, 'native', 'build', `node-tree-sitter-${version}`)
  const file = join(folder, 'tree-sitter', 'index.js')
  if (existsSync(file)) return file
  const temporary = `${folder}.${process.pid}`
  mkdirSync(join(temporary, 'node_modules'), { recursive: true })
  cpSync(dirname(require.resolve('tree-sitter/package.json')), join(temporary, 'tree-sitter'), { recursive: true })
  for (const name of ['node-addon-api', 'node-gyp-build'])
    cpSync(dirname(require.resolve(`${name}/package.json`)), join(temporary, 'node_modules', name), { recursive: true })
  const prefix = join(dirname(process.execPath), '..')
  const headers = existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : []
  const built = spawnSync(process.execPath, [require.resolve('node-gyp/bin/node-gyp.js'), 'rebuild', '--loglevel=error', ...headers], {
    cwd: join(temporary, 'tree-sitter'),
    encoding: 'utf8',
  })
  if (built.status !== 0) throw new Error(`node-tree-sitter could not be built: ${built.stderr}`)
  rmSync(folder, { recursive: true, force: true })
  renameSync(temporary, folder)
  return file
}

const hasCompiler = ['c++', 'g++', 'clang++'].some((name) => spawnSync(name, ['--version']).status === 0)

function engine(name: 'native' | 'node' | 'wasm'): FactEngine {
  const made =
    name === 'native'
      ? createNativeEngine({ ...deps, addonFile: packagedParsing.addonFile, threads: 2 })
      : name === 'node'
        ? createNodeEngine({ ...deps, moduleFile: nodeTreeSitter() })
        : createWasmEngine(deps)
  if ('reason' in made) throw new Error(`${name}: ${made.reason}`)
  return made
}

type Source = FactSource & { path: string }
const origin = (language: string) => ({ language, tier: 1, engine: 'native' }) as const

/** What two engines say differently, in words; records are compared number by number. */
function difference(source: Source, one: EngineAnswer, two: EngineAnswer): string | undefined {
  if (typeof one === 'string' || typeof two === 'string')
    return one === two ? undefined : `${source.path}: ${String(one)} against ${String(two)}`
  if (one.length === two.length && one.every((value, i) => value === two[i])) return undefined
  const [left, right] = [one, two].map((record) => render(readFacts(record, origin(source.language)), source.bytes).split('\n'))
  const row = left!.findIndex((line, i) => line !== right![i])
  return `${source.path}: ${left![row]} against ${right![row]}`
}

const isPartial = (answer: EngineAnswer, language: string) =>
  typeof answer === 'string' || readFacts(answer, origin(language)).partial !== null

async function compare(sources: readonly Source[], others: readonly FactEngine[]) {
  const native = engine('native')
  for (const language of new Set(sources.map((source) => source.language)))
    for (const each of [native, ...others]) expect(await each.support(language)).toMatchObject({ ok: true })
  const expected = await native.read(sources, DEFAULT_LIMITS)
  const differing: string[] = []
  let partial = 0
  for (const each of others) {
    const answers = await each.read(sources, DEFAULT_LIMITS)
    sources.forEach((source, i) => {
      if (isPartial(expected[i]!, source.language) || isPartial(answers[i]!, source.language)) partial += 1
      else {
        const what = difference(source, expected[i]!, answers[i]!)
        if (what !== undefined) differing.push(`${each.name} ${what}`)
      }
    })
  }
  return { differing, partial, expected }
}

function sourcesOf(paths: readonly string[]): Source[] {
  return paths.flatMap((path) => {
    const language = tables.detect(path)
    if (language === undefined || tables.get(language)?.grammar === undefined) return []
    if (!deps.grammars.find(tables.get(language)!.grammar!, 'wasm').ok) return []
    const bytes = readFileSync(join(root, path))
    return bytes.length > 300_000 ? [] : [{ path, language, bytes }]
  })
}

const list = (program: string, args: readonly string[]) =>
  execFileSync(program, args, { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean)
const everyNth = <T>(items: readonly T[], n: number) => items.filter((_, i) => i % n === 0)

describe.skipIf(!existsSync(packagedParsing.addonFile) || !hasCompiler)('three engines (a C++ compiler and native/build/code.node)', () => {
  it('agree on every fact of our own sources and of installed packages', async () => {
    const own = everyNth(list('git', ['ls-files', 'src', 'scripts', 'test', 'bench', 'examples']), 4)
    const folders = ['lodash', 'undici', 'zod', 'yaml', 'react', 'handlebars', 'web-tree-sitter'].map((name) => join('node_modules', name))
    const installed = everyNth(
      list('find', [...folders.filter((name) => existsSync(join(root, name))), '-name', '*.js', '-o', '-name', '*.ts']),
      12,
    )
    const sources = sourcesOf([...own, ...installed])
    expect(sources.length).toBeGreaterThan(200)
    const { differing, partial } = await compare(sources, [engine('node'), engine('wasm')])
    expect(differing).toEqual([])
    expect(partial).toBeLessThan(sources.length * 0.05)
  })

  it('agree on every fact of the checked sources of each language', async () => {
    const sources = sourcesOf(list('git', ['ls-files', 'test/fixtures/languages/*/source.*']))
    expect(new Set(sources.map((source) => source.language)).size).toBeGreaterThan(20)
    const { differing, partial } = await compare(sources, [engine('node'), engine('wasm')])
    expect(differing).toEqual([])
    expect(partial).toBe(0)
  })

  it.each(['markdown', 'xml'])('native and node agree on %s, which has no WebAssembly', async (language) => {
    const folder = join('test', 'fixtures', 'languages', language)
    const files = list('git', ['ls-files', language === 'markdown' ? '*.md' : join(folder, 'source.*')])
    const sources = files.map((path) => ({ path, language, bytes: readFileSync(join(root, path)) }))
    const { differing } = await compare(sources, [engine('node')])
    expect(differing).toEqual([])
  })

  const encode = (text: string) => new TextEncoder().encode(text)
  const python = (body: string) => encode(`def f(x):\n    return x\n${body}`)
  const NASTY: readonly [string, string, Uint8Array][] = [
    ['empty', 'python', new Uint8Array()],
    ['one line break', 'javascript', encode('\n')],
    ['only white space', 'go', encode(' \t\n\r\n ')],
    ['byte order mark', 'javascript', encode('\uFEFFconst a = 1 // x\nfunction f() {}\n')],
    ['CRLF', 'javascript', encode('// a\r\nfunction f(a) {\r\n  if (a) return 1\r\n\r\n}\r\n')],
    ['emoji before everything', 'javascript', encode('/* 👩‍👩‍👧 é */ const ü = "😀"; function ñ(a) { return a && "日本" }\n')],
    ['emoji in Python', 'python', python('# 😀\ny = "é" if f(1) else "日"\n')],
    ['no line break at the end', 'rust', encode('fn main() {}')],
    ['32 KB', 'javascript', encode('const a = { b: [1, 2, "x"] }\n'.repeat(1300))],
    ['1 MB', 'python', python('x = f(1)\n'.repeat(110_000)).subarray(0, 1_000_007)],
    ['NUL bytes', 'javascript', encode('const a = "\0"\n\0\nlet b\n')],
    ['invalid UTF-8', 'python', Uint8Array.from([...encode('x = 1\n# '), 0xff, 0xfe, 0xc3, 10, ...encode('def g(): pass\n')])],
    ['half a surrogate', 'javascript', Uint8Array.from([...encode('let a = "'), 0xed, 0xa0, 0x80, ...encode('"\n')])],
    ['errors everywhere', 'javascript', encode('}}) if else ((( function class { => \n'.repeat(200))],
    ['brackets 100,000 deep', 'javascript', encode('['.repeat(100_000))],
    ['parentheses 100,000 deep, closed', 'python', encode(`${'('.repeat(100_000)}1${')'.repeat(100_000)}\n`)],
    ['blocks 20,000 deep', 'javascript', encode(`${'if (a) {'.repeat(20_000)}${'}'.repeat(20_000)}`)],
    ['10 MB on one line', 'javascript', encode(`x=[${'1,'.repeat(5_000_000)}]`)],
  ]

  it.each(NASTY)('%s: every engine finishes, counts the same rows, and agrees where none is partial', async (_, language, bytes) => {
    const source = { path: 'nasty', language, bytes }
    const others = [engine('node'), engine('wasm')]
    const { differing, expected } = await compare([source], others)
    expect(differing).toEqual([])
    const rows = (answer: EngineAnswer) => (typeof answer === 'string' ? answer : readFacts(answer, origin(language)).lines.physical)
    for (const each of others) {
      const [answer] = await each.read([source], DEFAULT_LIMITS)
      // A slower engine may reach its deadline first.
      if (answer !== 'deadline' && expected[0] !== 'deadline') expect(rows(answer!)).toBe(rows(expected[0]!))
    }
  })

  it('a file over the limit has a reason, one over the deadline too', async () => {
    const bytes = encode('const a = 1\n'.repeat(20_000))
    for (const each of [engine('native'), engine('node'), engine('wasm')]) {
      await each.support('javascript')
      expect(await each.read([{ language: 'javascript', bytes }], { deadlineMs: 2000, maxBytes: 1000 })).toEqual(['size'])
      if (each.name !== 'node')
        expect(await each.read([{ language: 'javascript', bytes }], { deadlineMs: 0, maxBytes: 1e9 })).toEqual(['deadline'])
    }
  })
})
