import { describe, expect, it } from 'vitest'
import type { TreeReader } from '../../../src/core/git/index.ts'
import {
  declaredPlatform,
  loadBuiltInRules,
  loadFeatures,
  platformAllows,
  platformViolations,
  refusingTarget,
  rewrite,
  runtimesOf,
} from '../../../src/core/rules/index.ts'
import { findMatches, parseSource, type LanguageId } from '../../../src/core/parsing/index.ts'

/** A tree held in memory: the reader's contract, no repository needed to read manifests. */
function treeOf(files: Record<string, string>): TreeReader {
  const entries = Object.keys(files).map((path) => ({ path, mode: '100644' as const, oid: path, size: files[path]!.length }))
  return {
    tree: 'test',
    entries: async () => entries,
    entry: async (path) => entries.find((entry) => entry.path === path),
    read: async (path) => (files[path] === undefined ? undefined : Buffer.from(files[path])),
    text: async (path) => files[path],
  }
}

async function versions(files: Record<string, string>, scope = ''): Promise<Record<string, string>> {
  const { targets } = await declaredPlatform(treeOf(files), scope)
  return Object.fromEntries(targets.filter(({ declared }) => declared).map(({ runtime, version }) => [runtime, version]))
}

describe('the declared platform', () => {
  const cases: [string, Record<string, string>, Record<string, string>][] = [
    ['engines.node', { 'package.json': '{"engines":{"node":">=12.0.0"}}' }, { node: '12.0.0' }],
    ['engines.node with alternatives', { 'package.json': '{"engines":{"node":"^20.1.0 || >=22"}}' }, { node: '20.1.0' }],
    ['an open engines range', { 'package.json': '{"engines":{"node":"*"}}' }, { node: '0.0.0' }],
    ['browserslist with old browsers', { 'package.json': '{"browserslist":["> 1%","ie 11"]}' }, { ecma: '2009' }],
    ['browserslist without them', { '.browserslistrc': '# ours\nchrome >= 94\nfirefox 93\nnot dead\n' }, { ecma: '2022' }],
    [
      'browserslist for production',
      { 'package.json': '{"browserslist":{"production":["chrome 64"],"development":["last 1 chrome version"]}}' },
      { ecma: '2018' },
    ],
    ['node in browserslist', { 'package.json': '{"browserslist":"node 14"}' }, { node: '14' }],
    ['requires-python', { 'pyproject.toml': '[project]\nrequires-python = ">=3.8"\n' }, { python: '3.8' }],
    ['poetry', { 'pyproject.toml': '[tool.poetry.dependencies]\npython = "^3.9"\n' }, { python: '3.9' }],
    ['setup.py', { 'setup.py': 'setup(python_requires=">=2.7, !=3.0.*")' }, { python: '2.7' }],
    ['setup.cfg', { 'setup.cfg': '[options]\npython_requires = >=3.7\n' }, { python: '3.7' }],
    ['classifiers', { 'setup.py': "'Programming Language :: Python :: 3.10', 'Programming Language :: Python :: 3.9'" }, { python: '3.9' }],
    ['go.mod', { 'go.mod': 'module a\n\ngo 1.21.3\n' }, { go: '1.21.3' }],
    ['rust-version', { 'Cargo.toml': '[package]\nedition = "2021"\nrust-version = "1.70"\n' }, { rust: '1.70' }],
    ['edition', { 'Cargo.toml': '[package]\nedition = "2018"\n' }, { rust: '1.31' }],
    ['pom.xml', { 'pom.xml': '<maven.compiler.release>11</maven.compiler.release>' }, { java: '11' }],
    ['old pom.xml', { 'pom.xml': '<source>1.7</source>' }, { java: '7' }],
    ['gradle', { 'build.gradle': "sourceCompatibility = '1.8'" }, { java: '8' }],
    ['gemspec', { 'a.gemspec': 'spec.required_ruby_version = ">= 2.7.0"' }, { ruby: '2.7.0' }],
    [
      'a TypeScript library',
      { 'package.json': '{"engines":{"node":">=18"}}', 'tsconfig.json': '{"compilerOptions":{"target":"es2022","lib":["es2020"]}}' },
      { node: '18.0.0', ecma: '2020' },
    ],
  ]
  it.each(cases)('%s', async (_name, files, expected) => {
    expect(await versions(files)).toEqual(expected)
  })

  it('is the nearest package, then the ones above', async () => {
    const files = {
      'package.json': '{"engines":{"node":">=10"}}',
      'packages/a/package.json': '{"engines":{"node":">=20"}}',
      'packages/b/package.json': '{"name":"b"}',
    }
    expect(await versions(files, 'packages/a')).toEqual({ node: '20.0.0' })
    expect(await versions(files, 'packages/b')).toEqual({ node: '10.0.0' })
  })

  it('is assumed, old and marked so, where nothing is declared', async () => {
    const { targets } = await declaredPlatform(treeOf({}), '')
    expect(targets.every(({ declared, origin }) => !declared && origin.startsWith('assumed: '))).toBe(true)
    expect(targets.find(({ runtime }) => runtime === 'node')?.version).toBe('10.0.0')
    expect(targets.find(({ runtime }) => runtime === 'go')?.version).toBe('1.16')
  })

  it('refuses by every target: a browser beside Node.js, and node: in browsers', async () => {
    const both = await declaredPlatform(treeOf({ 'package.json': '{"engines":{"node":">=22"},"browserslist":["ie 11"]}' }), '')
    expect(refusingTarget(both, { node: '16.9.0', ecma: '2022' })?.runtime).toBe('ecma')
    expect(platformAllows(both, { node: '16.0.0' })).toBe(false)
    expect(platformAllows(both, {})).toBe(true)
  })
})

/** Rewrites that test suites let through although the declared platform lacks what they use. */
const LINT_REWRITES: [string, string, string][] = [
  ['optional chaining', 'x = a && a.b', 'x = a?.b'],
  ['arrow functions', 'f(function (a) { return a })', 'f(a => a)'],
  ['template literals', "x = a + 'b'", 'x = `${a}b`'],
  ['let and const', 'var a = 1', 'const a = 1'],
  ['.at()', 'x = a[a.length - 1]', 'x = a.at(-1)'],
  ['.startsWith()', "x = a.indexOf('b') === 0", "x = a.startsWith('b')"],
  ['.includes()', 'x = a.indexOf(b) !== -1', 'x = a.includes(b)'],
  ['Number.isNaN()', 'x = isNaN(a)', 'x = Number.isNaN(a)'],
  ['Number.parseInt()', 'x = parseInt(a, 10)', 'x = Number.parseInt(a, 10)'],
  ['the ?? operator', 'x = a || b', 'x = a ?? b'],
  ['the ** operator', 'x = Math.pow(a, 2)', 'x = a ** 2'],
]

describe('platform violations', () => {
  it.each(LINT_REWRITES)('%s is refused on node >= 0.6 and allowed on node >= 22', async (title, before, after) => {
    const old = await declaredPlatform(treeOf({ 'package.json': '{"engines":{"node":">=0.6"}}' }), '')
    expect(platformViolations(before, after, 'javascript', old)).toMatchObject([{ title, count: 1, line: 1 }])
    const current = await declaredPlatform(treeOf({ 'package.json': '{"engines":{"node":">=22"}}' }), '')
    expect(platformViolations(before, after, 'javascript', current)).toEqual([])
  })

  it('looks only at what is new', async () => {
    const old = await declaredPlatform(treeOf({ 'package.json': '{"engines":{"node":">=12"}}' }), '')
    expect(platformViolations('x = a?.b', 'x = a?.b\ny = 1', 'javascript', old)).toEqual([])
    expect(platformViolations('x = a?.b', 'x = a?.b\ny = a?.c', 'javascript', old)).toMatchObject([
      { line: 2, count: 1, detail: expect.stringContaining('package.json engines.node: 12.0.0') },
    ])
  })

  it('lets TypeScript compile syntax away, but not library calls', async () => {
    const old = await declaredPlatform(treeOf({ 'package.json': '{"engines":{"node":">=12"}}' }), '')
    expect(platformViolations('x = 1', 'x = a?.b', 'typescript', old)).toEqual([])
    expect(platformViolations('x = 1', 'x = Object.hasOwn(a, b)', 'typescript', old)).toHaveLength(1)
  })

  const others: [LanguageId, Record<string, string>, string, string][] = [
    ['python', { 'setup.py': 'python_requires=">=3.5"' }, 'x = a + b\n', 'x = f"{a}{b}"\n'],
    ['python', { 'setup.py': 'python_requires=">=3.7"' }, 'x = 1\n', 'if (n := f()):\n    pass\n'],
    ['python', { 'setup.py': 'python_requires=">=3.9"' }, 'x = 1\n', 'match a:\n    case 1:\n        pass\n'],
    ['python', { 'setup.py': 'python_requires=">=3.9"' }, 'def f(a): pass\n', 'def f(a: int | None): pass\n'],
    ['python', { 'setup.py': 'python_requires=">=3.8"' }, 'x = 1\n', 'x = a.removeprefix("b")\n'],
    ['go', { 'go.mod': 'module a\ngo 1.17\n' }, 'package p\nvar a interface{}\n', 'package p\nvar a any\n'],
    ['go', { 'go.mod': 'module a\ngo 1.20\n' }, 'package p\n', 'package p\nimport "slices"\n'],
    ['go', { 'go.mod': 'module a\ngo 1.20\n' }, 'package p\n', 'package p\nfunc f() { x = min(a, b) }\n'],
    ['go', { 'go.mod': 'module a\ngo 1.21\n' }, 'package p\n', 'package p\nfunc f() { for i := range 10 { g(i) } }\n'],
    ['go', { 'go.mod': 'module a\ngo 1.17\n' }, 'package p\n', 'package p\nfunc f[T int](a T) {}\n'],
    ['go', { 'go.mod': 'module a\ngo 1.15\n' }, 'package p\n', 'package p\nfunc f() { x = os.ReadFile(a) }\n'],
    ['go', { 'go.mod': 'module a\ngo 1.12\n' }, 'package p\n', 'package p\nfunc f() { x = errors.Is(a, b) }\n'],
    ['rust', { 'Cargo.toml': 'rust-version = "1.60"\n' }, 'fn f() {}\n', 'fn f() { let Some(x) = a else { return }; }\n'],
    ['java', { 'pom.xml': '<source>1.7</source>' }, 'class A {}\n', 'class A { Object a = (b) -> b; }\n'],
  ]
  it.each(others)('%s %j: %j -> %j', async (language, files, before, after) => {
    const platform = await declaredPlatform(treeOf(files), '')
    expect(platformViolations(before, after, language, platform)).toHaveLength(1)
  })

  it('has a table in which every feature compiles and names a runtime of its languages', () => {
    for (const feature of loadFeatures()) {
      for (const language of feature.languages) {
        expect(() => findMatches(parseSource('', language)!.root, { rule: feature.rule }), feature.id).not.toThrow()
        expect(
          Object.keys(feature.requires).some((runtime) => runtimesOf(language).includes(runtime as never)),
          feature.id,
        ).toBe(true)
      }
    }
  })

  it('agrees with what the rules say of themselves: no example uses more than its rule requires', async () => {
    for (const rule of loadBuiltInRules()) {
      for (const language of rule.languages) {
        const targets = runtimesOf(language).map((runtime) => ({
          runtime,
          version: rule.requires[runtime] ?? '0',
          origin: 'the rule',
          declared: true,
        }))
        // A rule that names no year is for Node.js alone.
        const named = targets.filter(({ runtime }) => runtime !== 'ecma' || rule.requires.ecma !== undefined)
        for (const { before } of rule.invalid) {
          const result = rewrite(rule, before, language)
          const after = typeof result === 'string' ? before : result.text
          expect(platformViolations(before, after, language, { scope: '', targets: named }), `${rule.id}: ${after}`).toEqual([])
        }
      }
    }
  })
})
