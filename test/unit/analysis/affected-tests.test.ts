import { afterEach, describe, expect, it } from 'vitest'
import { affectedTests, createModuleGraphs, moduleTreeOf } from '../../../src/core/analysis/index.ts'
import { createFactReader } from '../../../src/core/parsing/index.ts'
import { packagedParsing } from '../../support/parsing.ts'
import { type TestRepository, createRepository } from '../../support/repository.ts'

const open: TestRepository[] = []
afterEach(() => {
  for (const each of open.splice(0)) each.cleanup()
})

const facts = createFactReader(packagedParsing)
const graphs = createModuleGraphs({ reader: async () => facts })

/** The affected tests of a real commit, and of one with other files on top of it. */
async function ask(files: Record<string, string>, changed: string[], tests: string[], candidate?: Record<string, string | null>) {
  const repository = createRepository(files)
  open.push(repository)
  const git = await repository.open()
  const base = moduleTreeOf(git.reader(repository.git('rev-parse', 'HEAD')))
  if (!candidate) return affectedTests(graphs, base, { paths: changed, tests })
  return affectedTests(graphs, base, {
    paths: changed,
    tests,
    candidate: moduleTreeOf(git.reader(repository.commit('candidate', candidate))),
  })
}

/** The same, of the tests only their paths. */
async function affected(files: Record<string, string>, changed: string[], tests: string[]) {
  const { tests: found, complete, unknown } = await ask(files, changed, tests)
  return { files: found.map(({ path }) => path), complete, unknown }
}

const MANIFEST = '{ "name": "demo", "type": "module", "devDependencies": { "vitest": "4", "lodash": "4" } }\n'

describe('scripts', () => {
  it('imports are followed through re-exports, dynamic imports of a fixed name and mocks; the others are left out', async () => {
    const files = {
      'package.json': MANIFEST,
      'src/a.ts': '',
      'src/index.ts': "export * from './a.js'\n",
      'near.test.ts': "import { test } from 'vitest'\nimport { a } from './src/a.ts'\n",
      'far.test.ts': "import fs from 'node:fs'\nimport last from 'lodash/last.js'\nimport { a } from './src'\n",
      'late.test.ts': "const a = await import('./src/a.js')\n",
      'mock.test.ts': "vi.mock('./src/a')\n",
      'other.test.ts': "import './src/b.ts'\n",
      'src/b.ts': '',
    }
    const tests = ['far.test.ts', 'near.test.ts', 'late.test.ts', 'mock.test.ts', 'other.test.ts']
    expect(await affected(files, ['src/a.ts'], tests)).toEqual({
      files: ['late.test.ts', 'mock.test.ts', 'near.test.ts', 'far.test.ts'],
      complete: true,
      unknown: [],
    })
  })

  it.each([
    ['#names of "imports"', { 'package.json': '{ "name": "demo", "imports": { "#lib/*": { "default": "./src/*.js" } } }' }, '#lib/a'],
    [
      'the name of the package itself',
      { 'package.json': '{ "name": "demo", "exports": { ".": "./x.js", "./a": { "import": "./src/a.js" } } }' },
      'demo/a',
    ],
    ['a package of the workspace', { 'packages/a/package.json': '{ "name": "@demo/a", "main": "../../src/a.js" }' }, '@demo/a'],
    [
      'paths of a tsconfig that is extended',
      {
        'tsconfig.base.json': '{ // shared\n "compilerOptions": { "baseUrl": ".", "paths": { "@app/*": ["src/*"], } } }',
        'tsconfig.json': '{ "extends": "./tsconfig.base.json" }',
      },
      '@app/a',
    ],
    ['baseUrl', { 'tsconfig.json': '{ "compilerOptions": { "baseUrl": "./src" } }' }, 'a'],
    ['a folder that is a package', { 'package.json': '{ "name": "demo", "main": "src/a.js" }' }, './'],
  ])('%s lead to the file', async (_name, more, specifier) => {
    const files = {
      'src/a.js': '',
      'x.js': '',
      'a.test.js': `import '${specifier}'\n`,
      'b.test.js': '',
      ...(more as unknown as Record<string, string>),
    }
    expect(await affected(files, ['src/a.js'], ['a.test.js', 'b.test.js'])).toEqual({ files: ['a.test.js'], complete: true, unknown: [] })
  })

  it.each([
    ['a computed import', 'const a = await import(`./src/${name}.js`)\n', {}],
    ['a computed require', "require('./src/' + name)\n", {}],
    ['a started program', "import { execFileSync } from 'node:child_process'\n", {}],
    ['a generated file', "import './dist/a.js'\n", {}],
    ['a name nobody declares', "import 'elsewhere/a'\n", {}],
    ['a #name that is not there', "import '#a'\n", {}],
    ['a package whose entry is built', "import 'demo'\n", { 'package.json': '{ "name": "demo", "main": "dist/a.js" }' }],
    [
      'names a runner maps',
      "import 'lodash'\n",
      { 'package.json': MANIFEST, 'jest.config.js': 'export default { moduleNameMapper: {} }\n' },
    ],
    [
      'an unknown base of a tsconfig',
      "import '@/a'\n",
      { 'tsconfig.json': '{ "extends": "./config/shared.json" }', 'config/shared.json': '{}' },
    ],
    ['a source read as text', "import { readFileSync } from 'node:fs'\nreadFileSync(`src/${name}.js`)\n", {}],
    ['a folder of sources that is listed', "import { readdirSync } from 'node:fs'\nreaddirSync(join(here, '../src'))\n", {}],
  ])('%s makes the answer incomplete', async (_name, text, more) => {
    const files = { 'src/a.js': '', 'a.test.js': text, 'b.test.js': "import './src/a.js'\n", ...(more as Record<string, string>) }
    const answer = await affected(files, ['src/a.js'], ['a.test.js', 'b.test.js'])
    expect(answer).toMatchObject({ complete: false, unknown: [{ path: 'a.test.js' }] })
    expect(answer.files).toContain('b.test.js')
  })

  it('a computed import no test reaches does not matter, and data that has nothing to do with the change neither', async () => {
    const files = {
      'src/a.js': '',
      'scripts/build.js': 'import(name)\n',
      'a.test.js': "import { readFileSync } from 'node:fs'\nimport './src/a.js'\nreadFileSync('./fixtures/one.txt')\n",
    }
    expect(await affected(files, ['src/a.js'], ['a.test.js'])).toMatchObject({ files: ['a.test.js'], complete: true })
  })

  it('what a set-up file loads reaches every test', async () => {
    const files = {
      'vitest.config.ts': "export default { test: { setupFiles: ['./test/setup.ts'] } }\n",
      'test/setup.ts': "import '../src/a.ts'\n",
      'src/a.ts': '',
      'a.test.ts': '',
    }
    expect((await affected(files, ['src/a.ts'], ['a.test.ts'])).files).toEqual(['a.test.ts'])
  })

  it('data beside a source is told, and the tests of the source are still found', async () => {
    const files = { 'src/a.js': '', 'data/a.txt': '', 'a.test.js': "import './src/a.js'\n" }
    const answer = await affected(files, ['src/a.js', 'data/a.txt'], ['a.test.js'])
    expect(answer).toMatchObject({ files: ['a.test.js'], complete: false, unknown: [{ path: 'data/a.txt' }] })
  })
})

it('of a test that is asked anyway no further way matters', async () => {
  const files = {
    'src/a.js': '',
    'src/b.js': '',
    'a.test.js': "import './src/a.js'\nimport(name)\n",
    'b.test.js': "import './src/b.js'\n",
  }
  const tests = ['a.test.js', 'b.test.js']
  expect(await affected(files, ['src/a.js'], tests)).toEqual({ files: ['a.test.js'], complete: true, unknown: [] })
  expect(await affected(files, ['src/b.js'], tests)).toMatchObject({
    files: ['b.test.js'],
    complete: false,
    unknown: [{ path: 'a.test.js' }],
  })
})

it('a test that names a data file reaches it, and nobody knows who else does; styles lead nowhere', async () => {
  const files = {
    'fixtures/a.txt': '',
    'src/a.css': '',
    'a.test.js': "import { load } from './load.js'\nload('fixtures/a.txt')\n",
    'b.test.js': "import './src/a.css'\n",
    'load.js': '',
  }
  const tests = ['a.test.js', 'b.test.js']
  expect(await ask(files, ['fixtures/a.txt'], tests)).toEqual({
    tests: [{ path: 'a.test.js', scope: '.', distance: 1, via: ['a.test.js', 'fixtures/a.txt'] }],
    complete: false,
    unknown: [{ path: 'fixtures/a.txt', reason: 'who reads it is not known' }],
  })
  expect(await affected(files, ['load.js'], tests)).toEqual({ files: ['a.test.js'], complete: true, unknown: [] })
  expect(await affected(files, ['src/a.css'], tests)).toMatchObject({ files: ['b.test.js'], complete: false })
})

describe('python', () => {
  it('absolute, relative and lazy imports, packages around a module, mocks by name', async () => {
    const files = {
      'src/pkg/__init__.py': 'from .a import (  # all of it\n    one,\n    two,\n)\n',
      'src/pkg/a.py': '',
      'src/pkg/b.py': '',
      'src/other/__init__.py': '',
      'src/other/c.py': '',
      'tests/__init__.py': '',
      'tests/helpers.py': 'import pkg.a as a\n',
      'tests/test_package.py': 'def test():\n    from pkg.b import x\n',
      'tests/test_relative.py': 'from . import helpers\n',
      'tests/test_mock.py': "@mock.patch('pkg.a.thing')\ndef test(): ...\n",
      'tests/test_other.py': 'import os, other.c\n',
    }
    const tests = ['package', 'relative', 'mock', 'other'].map((name) => `tests/test_${name}.py`)
    const answer = await affected(files, ['src/pkg/a.py'], tests)
    expect(answer).toMatchObject({ complete: true, unknown: [] })
    expect(answer.files.toSorted()).toEqual(['tests/test_mock.py', 'tests/test_package.py', 'tests/test_relative.py'])
  })

  it('conftest.py serves the tests below it, itself and with what it imports; so do plugins of the configuration', async () => {
    const files = {
      'pytest.ini': '[pytest]\naddopts = -p plug.in_all\n',
      'plug/in_all.py': '',
      't/conftest.py': 'import pkg.a\n',
      't/test_a.py': '',
      'test_b.py': '',
      'pkg/a.py': '',
    }
    const tests = ['t/test_a.py', 'test_b.py']
    expect((await affected(files, ['t/conftest.py'], tests)).files).toEqual(['t/test_a.py'])
    expect((await affected(files, ['pkg/a.py'], tests)).files).toEqual(['t/test_a.py'])
    expect((await affected(files, ['plug/in_all.py'], tests)).files).toEqual(tests)
  })

  it.each([
    ['importlib with a variable', 'import importlib\nimportlib.import_module(name)\n'],
    ['a started program', 'import subprocess\n'],
    ['exec', 'exec(text)\n'],
    ['a relative import of nothing', 'from .generated import x\n'],
    ['a source read as data', 'from pathlib import Path\nPath("pkg", name).read_text()\n'],
  ])('%s makes the answer incomplete', async (_name, text) => {
    const files = { 'pkg/a.py': '', 'test_a.py': text, 'test_b.py': 'import pkg.a\n' }
    const answer = await affected(files, ['pkg/a.py'], ['test_a.py', 'test_b.py'])
    expect(answer).toMatchObject({ complete: false, unknown: [{ path: 'test_a.py' }] })
    expect(answer.files).toContain('test_b.py')
  })
})

describe('go', () => {
  const files = {
    'go.mod': 'module example.org/demo\n\ngo 1.19\n',
    'demo.go': 'package demo\n\nimport (\n\t"fmt"\n\n\tin "example.org/demo/inner"\n)\n',
    'demo_test.go': 'package demo_test\n',
    'inner/inner.go': 'package inner\n',
    'inner/inner_test.go': 'package inner\n',
    'outer/outer.go': 'package outer\n',
    'outer/outer_test.go': 'package outer_test\n\nimport "example.org/demo"\n',
    'alone/alone.go': 'package alone\n',
    'tool/go.mod': 'module example.org/tool\n',
    'tool/main_test.go': 'package main\n\nimport _ "example.org/demo/inner"\n',
  }
  // a report names Go's tests by the folder of their package
  const folders = ['', 'inner', 'outer', 'alone', 'tool']

  it('packages that import the changed one, also through others, in their tests and in other modules', async () => {
    expect(await affected(files, ['inner/inner.go'], folders)).toEqual({
      files: ['inner', '', 'tool', 'outer'],
      complete: true,
      unknown: [],
    })
    expect((await affected(files, ['demo.go'], folders)).files).toEqual(['', 'outer'])
    expect((await affected(files, ['inner/inner_test.go'], folders)).files).toEqual(['inner'])
  })

  it.each([
    ['that starts programs', 'import "os/exec"\n'],
    ['that reads sources', 'import "go/parser"\n'],
    ['that reads files above it', 'import "os"\n\nfunc f() { os.ReadFile("../inner/" + name) }\n'],
  ])('a test %s makes the answer incomplete', async (_name, text) => {
    const answer = await affected({ ...files, 'alone/alone_test.go': `package alone\n\n${text}` }, ['inner/inner.go'], folders)
    expect(answer).toMatchObject({ complete: false, unknown: [{ path: 'alone/alone_test.go' }] })
  })
})

it('other languages give all tests, and say that this is not known to be enough', async () => {
  const files = { 'Cargo.toml': '', 'src/lib.rs': '', 'src/a.c': '' }
  for (const changed of ['src/lib.rs', 'src/a.c'])
    expect(await affected(files, [changed], ['tests/a.rs', 'b'])).toMatchObject({ files: ['tests/a.rs', 'b'], complete: false })
})

describe('a candidate', () => {
  const files = {
    'src/a.js': '',
    'src/b.js': "import './a.js'\n",
    'a.test.js': "import './src/b.js'\n",
    'b.test.js': "import './src/c.js'\n",
    'src/c.js': 'export const c = 1\n',
  }
  const tests = ['a.test.js', 'b.test.js']

  it('counts an import that it takes away as well as one that it adds', async () => {
    const candidate = { 'src/b.js': '// nothing\n', 'src/c.js': "import './a.js'\n" }
    const { tests: found, complete } = await ask(files, ['src/a.js'], tests, candidate)
    expect({ found, complete }).toEqual({
      found: [
        { path: 'a.test.js', scope: '.', distance: 2, via: ['a.test.js', 'src/b.js', 'src/a.js'] },
        { path: 'b.test.js', scope: '.', distance: 2, via: ['b.test.js', 'src/c.js', 'src/a.js'] },
      ],
      complete: true,
    })
  })

  it('is followed to files that it adds, and doubted for ways that it makes', async () => {
    const added = await ask(files, ['src/new.js', 'src/c.js'], tests, { 'src/new.js': '', 'src/c.js': "import './new.js'\n" })
    expect(added.tests.map(({ path }) => path)).toEqual(['b.test.js'])
    expect(added.complete).toBe(true)
    const doubted = await ask(files, ['src/a.js', 'src/c.js'], tests, { 'src/a.js': '// a\n', 'src/c.js': 'import(name)\n' })
    expect(doubted.complete).toBe(true) // both tests are asked, wherever that name leads
    const other = { ...files, 'c.test.js': "import './src/d.js'\n", 'src/d.js': '' }
    const unlinked = await ask(other, ['src/a.js'], [...tests, 'c.test.js'], { 'src/d.js': 'import(name)\n' })
    expect(unlinked).toMatchObject({ complete: false, unknown: [{ path: 'src/d.js', reason: 'an import by a computed name' }] })
  })

  it('whose imports are the same needs no graph of its own', async () => {
    const repository = createRepository(files)
    open.push(repository)
    const git = await repository.open()
    const tree = () => moduleTreeOf(git.reader(repository.git('rev-parse', 'HEAD^{tree}')))
    const base = tree()
    const alike = async (changes: Record<string, string | null>): Promise<boolean> => {
      repository.commit('candidate', changes)
      return graphs.isAlike(tree(), base)
    }
    expect(await alike({ 'src/b.js': "// words\nimport './a.js'\nexport const b = 2\n" })).toBe(true)
    expect(await alike({ 'src/b.js': "export * from './a.js'\n" })).toBe(false)
    expect(await alike({ 'src/b.js': files['src/b.js'], 'src/d.js': '' })).toBe(false)
    expect(await alike({ 'src/d.js': null })).toBe(true)
  })
})

it('types count, as do tests of other packages, which say where they belong', async () => {
  const files = {
    'package.json': '{ "name": "top", "workspaces": ["packages/*"] }',
    'packages/a/package.json': '{ "name": "@demo/a", "exports": "./src/index.ts" }',
    'packages/a/src/index.ts': "export type { Shape } from './shape.ts'\n",
    'packages/a/src/shape.ts': 'export type Shape = { a: 1 }\n',
    'packages/b/package.json': '{ "name": "@demo/b" }',
    'packages/b/b.test.ts': "import type { Shape } from '@demo/a'\n",
  }
  expect((await ask(files, ['packages/a/src/shape.ts'], ['packages/b/b.test.ts'])).tests).toEqual([
    {
      path: 'packages/b/b.test.ts',
      scope: 'packages/b',
      distance: 2,
      via: ['packages/b/b.test.ts', 'packages/a/src/index.ts', 'packages/a/src/shape.ts'],
    },
  ])
})

it('what does not parse is searched for imports all the same', async () => {
  const files = { 'src/a.js': '', 'a.test.js': "const = ( ;;\nimport './src/a.js'\n", 'b.test.js': '' }
  expect(await affected(files, ['src/a.js'], ['a.test.js', 'b.test.js'])).toMatchObject({ files: ['a.test.js'], complete: true })
})

it('where sources cannot be read all tests are asked, and nothing is promised', async () => {
  const repository = createRepository({ 'a.js': '', 'a.test.js': '' })
  open.push(repository)
  const git = await repository.open()
  const broken = createModuleGraphs({
    reader: async () => ({ tables: facts.tables, read: () => Promise.reject(new Error('no reader')) }),
  })
  const answer = await affectedTests(broken, moduleTreeOf(git.reader(repository.git('rev-parse', 'HEAD'))), {
    paths: ['a.js'],
    tests: ['a.test.js'],
  })
  expect(answer).toEqual({
    tests: [{ path: 'a.test.js', scope: '.', distance: null, via: [] }],
    complete: false,
    unknown: [{ path: 'a.js', reason: 'imports cannot be read: no reader' }],
  })
})
