import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { changedSymbols, createModuleGraphs, type ModuleGraph, reportGraph, moduleTreeOf } from '../../../src/core/analysis/index.ts'
import { findCycles } from '../../../src/core/analysis/graph/cycles.ts'
import { createFactReader } from '../../../src/core/parsing/index.ts'
import { packagedParsing } from '../../support/parsing.ts'
import { type TestRepository, createRepository } from '../../support/repository.ts'

const FILES: Record<string, string> = {
  'ts/a.ts': [
    "import type { B } from './b.ts'",
    "import { type C, type D } from './c.js'",
    "export * from './d'",
    "const e = await import('./e')",
    "const f = require('./f')",
    'const g = await import(`./g.ts`)',
    "// import './comment'",
    'const text = "import \'./string\'"',
    "vi.mock('./h')",
    'const i = await import(`./${name}.ts`)',
    "import vue from './view.vue'",
    "import left from 'left-pad'",
    "open('data.txt')",
    '',
  ].join('\n'),
  ...Object.fromEntries(['b', 'c', 'd', 'e', 'f', 'g', 'h', 'deep'].map((name) => [`ts/${name}.ts`, 'export {}\n'])),
  'ts/view.vue': '<template><a/></template>\n<script setup lang="ts">\nimport \'./deep\'\n</script>\n',
  'ts/data.txt': 'words\n',
  'py/pkg/__init__.py': '',
  'py/pkg/a.py': 'from . import b\nfrom .inner.c import d\nimport importlib\nimportlib.import_module(name)\n',
  'py/pkg/b.py': '',
  'py/pkg/inner/__init__.py': '',
  'py/pkg/inner/c.py': 'import pkg.b as b, json\n',
  'go/go.mod': 'module example.org/demo\n',
  'go/demo.go': 'package demo\n\nimport "example.org/demo/inner"\n',
  'go/inner/inner.go': 'package inner\n',
  'go/inner/inner_test.go': 'package inner\n',
  'rust/Cargo.toml': '[package]\nname = "my-demo"\n',
  'rust/src/lib.rs': 'mod shape;\npub mod outer { pub mod leaf; }\nuse crate::shape::{circle::Circle, square};\n',
  'rust/src/shape/mod.rs': 'pub mod circle;\npub mod square;\n',
  'rust/src/shape/circle.rs': 'use super::square::Square;\n',
  'rust/src/shape/square.rs': '',
  'rust/src/outer/leaf.rs': '',
  'rust/tests/all.rs': 'use my_demo::shape;\n',
  'java/src/com/x/A.java': 'package com.x;\nimport com.y.B;\nimport com.z.*;\nclass A { B b; Near near; C c; }\n',
  'java/src/com/x/Near.java': 'package com.x;\nclass Near {}\n',
  'java/src/com/y/B.java': 'package com.y;\npublic class B {}\n',
  'java/src/com/z/C.kt': 'package com.z\nclass C\n',
  'java/src/com/z/Other.java': 'package com.z;\nclass Other {}\n',
  'c/main.c': '#include "lib/thing.h"\n#include <stdio.h>\n#include "gone.h"\n#include NAME\n',
  'c/lib/thing.h': 'int thing(void);\n',
  'c/lib/thing.c': '#include "thing.h"\n',
  'rb/a.rb': "require 'json'\nrequire_relative 'lib/b'\n",
  'rb/lib/b.rb': '',
  'php/a.php': "<?php\nnamespace App\\Web;\nuse App\\Model\\{Item, Order};\nrequire __DIR__ . '/b.php';\n",
  'php/b.php': '<?php\n',
  'php/Item.php': '<?php\nnamespace App\\Model;\nclass Item {}\n',
  'php/Order.php': '<?php\nnamespace App\\Model;\nclass Order {}\n',
  'ex/a.ex': 'defmodule Demo.A do\n  alias Demo.{B, C}\n  def f, do: Demo.D.g()\nend\n',
  'ex/b.ex': 'defmodule Demo.B do\nend\n',
  'ex/c.ex': 'defmodule Demo.C do\nend\n',
  'ex/d.ex': 'defmodule Demo.D do\nend\n',
  'lua/a.lua': "local b = require('lib.b')\n",
  'lua/lib/b.lua': '',
  'swift/a.swift': 'import Foundation\n',
}

const facts = createFactReader(packagedParsing)
let repository: TestRepository
let graph: ModuleGraph
beforeAll(async () => {
  repository = createRepository(FILES)
  const git = await repository.open()
  const graphs = createModuleGraphs({ reader: async () => facts })
  graph = await graphs.graphOf(moduleTreeOf(git.reader(repository.git('rev-parse', 'HEAD'))))
})
afterAll(() => repository.cleanup())

/** Edges of a file as `line kind target`; what leads to no file of the tree stands in brackets. */
const edgesOf = (from: string) =>
  graph.edges
    .filter((edge) => edge.from === from)
    .map(({ line, kind, to, resolved }) => `${line ?? '-'} ${kind} ${resolved ? to : `(${to})`}`)
const holesOf = (path: string) =>
  graph.unresolved.filter((each) => each.path === path).map(({ line, reason }) => `${line ?? '-'} ${reason}`)

describe('a graph of modules', () => {
  it('scripts: kinds and lines; words in comments and strings are no imports; components have scripts', () => {
    expect(edgesOf('ts/a.ts')).toEqual([
      '1 type ts/b.ts',
      '2 type ts/c.ts',
      '3 export ts/d.ts',
      '4 dynamic ts/e.ts',
      '5 require ts/f.ts',
      '6 dynamic ts/g.ts',
      '9 mock ts/h.ts',
      '10 dynamic (import(`./${name}.ts`))',
      '11 import ts/view.vue',
      '12 import (left-pad)',
      '13 data ts/data.txt',
    ])
    expect(holesOf('ts/a.ts')).toEqual(['10 an import by a computed name', '12 left-pad is no declared dependency'])
    expect(edgesOf('ts/view.vue')).toEqual(['3 import ts/deep.ts'])
  })

  it('python: relative and absolute names, and the packages around a module', () => {
    expect(edgesOf('py/pkg/a.py')).toEqual([
      '- package py/pkg/__init__.py',
      '1 import py/pkg/__init__.py',
      '1 import py/pkg/b.py',
      '2 import py/pkg/inner/c.py',
      '3 import (importlib)',
    ])
    expect(holesOf('py/pkg/a.py')).toEqual(['- an import by a computed name'])
    expect(edgesOf('py/pkg/inner/c.py')).toContain('1 import py/pkg/b.py')
    expect(edgesOf('py/pkg/inner/c.py')).toContain('1 import (json)')
  })

  it.each([
    ['go: a package is its folder', 'go', ['3 import go/inner']],
    ['a test of go leads to its package', 'go/inner/inner_test.go', ['- package go/inner']],
    [
      'rust: modules, inline ones too, and paths through them',
      'rust/src/lib.rs',
      [
        '1 module rust/src/shape/mod.rs',
        '2 module rust/src/outer/leaf.rs',
        '3 import rust/src/shape/circle.rs',
        '3 import rust/src/shape/square.rs',
      ],
    ],
    ['rust: super', 'rust/src/shape/circle.rs', ['1 import rust/src/shape/square.rs']],
    ['rust: a crate by its name', 'rust/tests/all.rs', ['1 import rust/src/shape/mod.rs']],
    [
      'java: types, of a whole package those that are used, those of its own without an import',
      'java/src/com/x/A.java',
      ['2 import java/src/com/y/B.java', '3 import java/src/com/z/C.kt', '4 reference java/src/com/x/Near.java'],
    ],
    ['c: headers', 'c/main.c', ['1 include c/lib/thing.h', '2 include (stdio.h)', '3 include (gone.h)', '4 include (NAME)']],
    ['c: a header leads to its source', 'c/lib/thing.h', ['- module c/lib/thing.c']],
    ['ruby', 'rb/a.rb', ['1 require (json)', '2 require rb/lib/b.rb']],
    ['php', 'php/a.php', ['3 import php/Item.php', '3 import php/Order.php', '4 require php/b.php']],
    ['elixir: aliases and full names', 'ex/a.ex', ['2 import ex/b.ex', '2 import ex/c.ex', '3 reference ex/d.ex']],
    ['lua', 'lua/a.lua', ['1 require lua/lib/b.lua']],
    ['a language whose names are not followed', 'swift/a.swift', ['1 import (Foundation)']],
  ])('%s', (_what, path, expected) => {
    expect(edgesOf(path)).toEqual(expected)
  })

  it('says why a way ends', () => {
    expect(holesOf('c/main.c')).toEqual(['3 gone.h leads to no file of the tree', '4 a computed name'])
    expect(holesOf('swift/a.swift')).toEqual(['1 names of this language are not followed'])
    expect(holesOf('rb/a.rb')).toEqual([])
  })

  it('is the same graph each time, in order', async () => {
    const again = createModuleGraphs({ reader: async () => facts })
    const git = await repository.open()
    const other = await again.graphOf(moduleTreeOf(git.reader(repository.git('rev-parse', 'HEAD'))))
    expect([...other.nodes]).toEqual([...graph.nodes])
    expect(other.edges).toEqual(graph.edges)
    const froms = graph.edges.map(({ from }) => from)
    expect(froms).toEqual(froms.toSorted())
  })

  it('is reported for the files that are asked for, with the files they lead to', () => {
    const report = reportGraph(graph, (path) => path.startsWith('c/main'))
    expect(report.nodes.map(({ path }) => path)).toEqual(['c/lib/thing.h', 'c/main.c'])
    expect(report.edges).toHaveLength(4)
    expect(report.unresolved).toHaveLength(2)
  })
})

describe('cycles', () => {
  const cycles = (edges: Record<string, string[]>) => findCycles(Object.keys(edges), (node) => edges[node] ?? [])

  it('finds every group once, and nodes that lead to themselves', () => {
    expect(cycles({ a: ['b'], b: ['c', 'd'], c: ['a'], d: ['e'], e: ['d'], f: ['f'], g: ['a'] })).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
      ['f'],
    ])
    expect(cycles({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] })).toEqual([])
  })

  it('goes as deep as a chain is long', () => {
    const chain = Object.fromEntries(Array.from({ length: 50_000 }, (_each, index) => [`n${index}`, [`n${index + 1}`]]))
    chain['n50000'] = ['n0']
    expect(cycles(chain)[0]).toHaveLength(50_001)
  })
})

describe('changed symbols', () => {
  const version = async (path: string, text: string | null) => {
    if (text === null) return null
    const bytes = Buffer.from(text)
    return { bytes, facts: (await facts.read([{ path, bytes }]))[0]! }
  }
  const changes = async (before: string | null, after: string | null, path = 'a.ts') =>
    changedSymbols(await version(path, before), await version(path, after)).map(({ symbol, change, line }) => `${change} ${symbol} ${line}`)

  const CLASS = 'export class A {\n  one() {\n    return 1\n  }\n  two() {\n    return 2\n  }\n}\n'

  it('tells the innermost definitions, by their code', async () => {
    expect(await changes(CLASS, CLASS.replace('return 2', 'return 3'))).toEqual(['changed A.two 5'])
    expect(await changes(CLASS, CLASS.replace('class A', 'class A extends B'))).toEqual(['changed A 1'])
    expect(await changes(CLASS, `// words\n\n${CLASS.replace('return 2', 'return   2 // two')}`)).toEqual([])
    expect(await changes(CLASS, `${CLASS}export function three() {}\n`)).toEqual(['added three 9'])
    expect(await changes(CLASS, CLASS.replace(/ {2}two[^}]*\}\n/, ''))).toEqual(['removed A.two 5'])
    expect(await changes(CLASS, `call(1)\n${CLASS}`)).toEqual(['changed (module) 1'])
    expect(await changes(null, 'def f():\n    pass\n', 'a.py')).toEqual(['added f 1'])
    expect(await changes('func F() {}\n', null, 'a.go')).toEqual(['removed F 1'])
  })

  it('what is defined twice is told apart by its order', async () => {
    const twice = 'function f() { return 1 }\nfunction f() { return 2 }\n'
    expect(await changes(twice, twice.replace('return 2', 'return 3'))).toEqual(['changed f 2'])
  })
})
