import { describe, expect, it } from 'vitest'
import { createUnusedExports, entriesOf } from '../../../src/core/analysis/index.ts'
import { createFactReader } from '../../../src/core/parsing/index.ts'
import { packagedParsing } from '../../support/parsing.ts'

const reader = createFactReader(packagedParsing)

/** `name used doubts`, by path and line. */
async function told(texts: Record<string, string>): Promise<string[]> {
  const files = Object.entries(texts).map(([path, text]) => ({ path, bytes: Buffer.from(text) }))
  const facts = await reader.read(files)
  const search = createUnusedExports()
  files.forEach(({ path, bytes }, at) => {
    const own = facts[at]!
    search.add({ path, class: path.startsWith('test/') ? 'test' : 'source', language: own.language, bytes, facts: own })
  })
  async function* again() {
    yield* files
  }
  const manifest = texts['package.json']
  const { proposals } = await search.finish(again(), manifest === undefined ? [] : entriesOf('package.json', manifest))
  return proposals.map(({ name, used, doubts }) => [name, used, ...doubts.map(({ kind }) => kind)].join(' '))
}

const USER = 'import { used } from "./parts.js"\nused()\n'

describe('exports that nobody names', () => {
  it('of JavaScript: declarations and lists, not what is used, local, or the default', async () => {
    const parts = [
      'export function used() { return inside + local() }',
      'export const inside = 1',
      'export class Gone {}',
      'function local() { return { gone() {} } }',
      'const listed = 1, kept = 2',
      'export { listed as offered, kept as used2 }',
      'export default function whatever() {}',
      'export async function later() {}',
      '',
    ].join('\n')
    expect(await told({ 'parts.js': parts, 'main.js': `${USER}import * as all from "./parts.js"\nall.used2()\n` })).toEqual([
      'inside own_file',
      'Gone nowhere',
      'offered nowhere',
      'later nowhere',
    ])
  })

  it('of TypeScript: types too; a use as a property, a re-export or a call by name counts', async () => {
    expect(
      await told({
        'parts.ts':
          'export type T = 1\nexport interface I { t: T }\nexport abstract class A {}\nexport enum E { a }\nexport declare const d: T\n',
        'index.ts': 'export { A } from "./parts.ts"\nimport * as p from "./parts.ts"\nexport const x = (p: any): I => p.E\n',
      }),
    ).toEqual(['x nowhere file', 'T own_file', 'd nowhere'])
  })

  it('of Python, Go and Rust, by their own words for it', async () => {
    expect(
      await told({
        'a.py':
          'def gone(): pass\ndef _own(): pass\n@route("/")\ndef page(): pass\nclass Used:\n    def method(self): pass\ndef inside(): pass\nV = inside()\n',
        'b.py': 'from a import Used\n',
        'a.go': 'package a\nfunc Gone() {}\nfunc own() {}\ntype T struct{}\nfunc (t T) Method() {}\nfunc Used() { own() }\n',
        'b.go': 'package b\nfunc init() { a.Used() }\nvar x a.T\n',
        'parts.rs': 'pub fn gone_too() {}\nfn own() {}\npub struct Known;\npub(crate) fn narrow() {}\n',
        'lib.rs': 'mod parts;\nuse parts::Known;\n',
      }),
    ).toEqual(['Gone nowhere', 'gone nowhere', 'page nowhere decorated', 'gone_too nowhere'])
  })
})

describe('what speaks against it', () => {
  it('is told: tests, texts, entries, files that nobody imports', async () => {
    expect(
      await told({
        'parts.js': 'export const used = () => 1\nexport const tested = 1\nexport const mentioned = 1\nexport const gone = 1\n',
        'main.js': `${USER}const how = "mentioned"\n`,
        'plugins/one.js': 'export const setup = 1\n',
        'test/parts.test.js': 'import { tested } from "../parts.js"\ntested\n',
      }),
    ).toEqual(['tested tests tests', 'mentioned nowhere mentioned', 'gone nowhere', 'setup nowhere file'])
  })

  it('is told of what a package offers, through what it passes on', async () => {
    const files = {
      'src/index.ts': 'export * from "./deep/all.ts"\nexport const direct = 1\n',
      'src/deep/all.ts': 'export * from "./leaf"\n',
      'src/deep/leaf.ts': 'export const leaf = 1\n',
      'src/other.ts': 'export const other = 1\n',
      'main.ts': 'import "./src/index.ts"\nimport "./src/other.ts"\n',
    }
    expect(await told({ ...files, 'package.json': '{ "exports": { ".": { "import": "./dist/index.js" } } }' })).toEqual([
      'leaf nowhere public',
      'direct nowhere public',
      'other nowhere',
    ])
    expect(entriesOf('packages/a/package.json', '{}')).toContain('packages/a/index.js')
    expect(entriesOf('package.json', 'no JSON')).toEqual([])
  })
})
