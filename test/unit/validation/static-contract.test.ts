import { describe, expect, it } from 'vitest'
import type { LanguageId } from '../../../src/core/parsing/index.ts'
import {
  exportedApi,
  exportedApiChanges,
  leavesTree,
  nameClashes,
  newJudgeNames,
  newSuppressions,
  privilegedChanges,
  privilegedPath,
} from '../../../src/core/validation/tamper/index.ts'

describe('newSuppressions', () => {
  it.each([
    ['typescript', 'f()\n', '// eslint-disable-next-line no-undef\nf()\n', 'eslint-disable', 1],
    ['typescript', 'f()\n', 'f()\n// @ts-ignore\ng()\n', 'ts-ignore', 2],
    ['typescript', 'f(x)\n', 'f(x as any)\n', 'any', 1],
    ['python', 'f()\n', 'f()  # noqa: E501\n', 'noqa', 1],
    ['python', 'f()\n', 'f()  # type: ignore[arg-type]\n', 'type-ignore', 1],
    ['go', 'package a\n', 'package a\n\nvar x = 1 //nolint:unused\n', 'nolint', 3],
    ['rust', 'fn a() {}\n', '#[allow(dead_code)]\nfn a() {}\n', 'allow', 1],
    ['java', 'class A {}\n', '@SuppressWarnings("unchecked")\nclass A {}\n', 'suppress-warnings', 1],
    ['ruby', 'f\n', 'f # rubocop:disable Style/X\n', 'rubocop', 1],
  ] as const)('%s: finds %#', (language, before, after, kind, line) => {
    expect(newSuppressions(before, after, language).map((item) => [item.kind, item.line])).toEqual([[kind, line]])
    expect(newSuppressions(after, after, language)).toEqual([])
    expect(newSuppressions(after, before, language)).toEqual([])
  })

  it('does not take a string, or a moved comment, for a new suppression', () => {
    expect(newSuppressions('f()\n', "f('// eslint-disable-line', 'x as any')\n", 'typescript')).toEqual([])
    expect(newSuppressions('// @ts-ignore\nf()\ng()\n', 'g()\n// @ts-ignore\nf()\n', 'typescript')).toEqual([])
  })

  it('takes a comment that names more rules for new', () => {
    expect(newSuppressions('f() // eslint-disable-line a\n', 'f() // eslint-disable-line a, b\n', 'javascript')).toHaveLength(1)
  })
})

describe('exportedApi', () => {
  it.each([
    [
      'typescript',
      'export function a(x: number): string { return "" }\nexport const b = (y: string) => y, c = 1\nexport class D {}\nfunction hidden() {}\nexport { hidden as shown }\nexport default hidden\nexport type T = 1\n',
      ['D', 'T', 'a', 'b', 'c', 'default', 'shown'],
    ],
    ['javascript', 'function a(x) {}\nmodule.exports = { a, b: 1 }\n', ['a', 'b']],
    ['javascript', 'exports.a = function (x) {}\nmodule.exports.b = 2\n', ['a', 'b']],
    ['python', 'def a(x): pass\ndef _b(): pass\nclass C:\n    def m(self): pass\n    def _n(self): pass\nD = 1\n', ['C', 'C.m', 'D', 'a']],
    ['python', '__all__ = ["a"]\ndef a(): pass\ndef b(): pass\n', ['a']],
    [
      'go',
      'package p\n\nfunc A(x int) error { return nil }\nfunc b() {}\ntype T struct{}\nfunc (t *T) M() {}\nfunc (t *T) n() {}\nconst (\n\tC = 1\n\td = 2\n)\n',
      ['A', 'C', 'T', 'T.M'],
    ],
    [
      'rust',
      'pub fn a(x: u8) -> u8 { x }\nfn b() {}\npub struct S;\nimpl S { pub fn m(&self) {} fn n(&self) {} }\npub(crate) fn c() {}\n',
      ['S', 'S::m', 'a'],
    ],
    ['java', 'public class A { public int a(int x) { return 1; } private void b() {} public int f; }', ['A', 'A.a( int x )', 'A.f']],
  ] as const)('%s: names what others can use (%#)', (language, text, names) => {
    expect(
      exportedApi(text, language)
        ?.map((item) => item.name)
        .sort(),
    ).toEqual(names)
  })

  it('answers undefined where one file does not tell', () => {
    expect(exportedApi('a {}', 'css')).toBeUndefined()
    expect(exportedApiChanges('a', 'b', 'c')).toBeUndefined()
  })

  it('tells what went, came and takes other parameters', () => {
    expect(
      exportedApiChanges(
        'export function a(x) {}\nexport const b = 1\n',
        'export const a = (x, y) => x\nexport const c = 1\n',
        'javascript',
      ),
    ).toEqual({
      removed: ['b'],
      added: ['c'],
      changed: [{ name: 'a', before: '( x )', after: '( x , y )' }],
    })
  })

  it('does not mind another way to write the same', () => {
    const none = { removed: [], added: [], changed: [] }
    expect(exportedApiChanges('export var a = function (x) { return x }\n', 'export const a = (x) => x\n', 'javascript')).toEqual(none)
    expect(exportedApiChanges('export const a = x => x\n', 'export const a = (x) => {\n  return x\n}\n', 'javascript')).toEqual(none)
    expect(exportedApiChanges('def a(x, y=1):\n    return x\n', 'def a(\n    x,\n    y=1,\n):\n    return y\n', 'python')).toEqual(none)
  })
})

describe('privileged paths', () => {
  it.each([
    ['.github/workflows/ci.yml', 'ci'],
    ['.husky/pre-commit', 'hooks'],
    ['packages/a/package-lock.json', 'lock_file'],
    ['go.sum', 'lock_file'],
    ['sub/.gitattributes', 'git_attributes'],
    ['.gitmodules', 'git_modules'],
    ['.git/config', 'git_internals'],
    ['.npmrc', 'package_manager'],
    ['.singularity/config.json', 'tool_state'],
    ['Dockerfile', 'container'],
  ])('%s is %s', (path, kind) => expect(privilegedPath(path)).toBe(kind))

  it.each(['src/a.ts', 'package.json', 'docs/ci.md', 'lib/hooks.ts', 'locks.json'])('%s is not', (path) =>
    expect(privilegedPath(path)).toBeUndefined(),
  )

  it.each([
    ['a/b', '../c', false],
    ['a/b', '../../c', true],
    ['b', '/etc/passwd', true],
    ['b', 'c/../../d', true],
    ['b', '.git/config', true],
    ['a/b', './c', false],
    ['b', 'C:\\x', true],
  ])('a link %s -> %s leaves: %s', (path, target, leaves) => expect(leavesTree(path, target)).toBe(leaves))

  it('finds names that fold together, folders included', () => {
    expect(nameClashes(['a/B.ts', 'a/b.ts', 'c'])).toEqual([['a/B.ts', 'a/b.ts']])
    expect(nameClashes(['Lib/x', 'lib/y'])).toEqual([['Lib', 'lib']])
    expect(nameClashes(['caf\u00e9', 'cafe\u0301'])).toHaveLength(1)
    expect(nameClashes(['a', 'b/a'])).toEqual([])
  })

  it('judges modes, links, scripts and clashes of a change', async () => {
    const texts: Record<string, [string | undefined, string | undefined]> = {
      'package.json': ['{"scripts":{"test":"a"},"version":"1"}', '{"scripts":{"test":"b"},"version":"2"}'],
      'packages/x/package.json': ['{"version":"1"}', '{"version":"2"}'],
      link: [undefined, '../../outside'],
    }
    const file = (path: string, newMode = '100644', oldMode = '100644') => ({
      path,
      oldPath: null,
      status: 'modified' as const,
      oldMode,
      newMode,
    })
    const found = await privilegedChanges({
      changedFiles: [
        file('package.json'),
        file('packages/x/package.json'),
        file('link', '120000', '000000'),
        file('sub', '160000', '000000'),
        file('run.sh', '100755'),
        file('src/A.ts'),
      ],
      readBase: async (path) => texts[path]?.[0],
      readCandidate: async (path) => texts[path]?.[1],
      candidatePaths: ['src/A.ts', 'src/a.ts', 'old/X', 'old/x'],
    })
    expect(found.map((item) => [item.path, item.kind])).toEqual([
      ['package.json', 'package_scripts'],
      ['link', 'symlink_leaves_tree'],
      ['sub', 'submodule'],
      ['run.sh', 'executable'],
      ['src/A.ts', 'name_clash'],
    ])
  })
})

describe('newJudgeNames', () => {
  const cases: [string, LanguageId, string, string][] = [
    [
      'an assertion library',
      'javascript',
      "import assert from 'node:assert/strict'\nassert.equal = () => {}\n",
      "from 'node:assert/strict'",
    ],
    ['a test framework, required', 'typescript', "const { expect } = require('vitest')\n", "require('vitest'"],
    ['a variable of a runner', 'javascript', 'if (process.env.NODE_TEST_CONTEXT) value = 1\n', 'NODE_TEST_CONTEXT'],
    ['the environment called test', 'typescript', "if (process.env.NODE_ENV === 'test') value = 1\n", "NODE_ENV === 'test'"],
    ['pytest', 'python', 'import pytest\n', 'import pytest'],
    ['a variable of pytest', 'python', "fast = 'PYTEST_CURRENT_TEST' in os.environ\n", 'PYTEST_CURRENT_TEST'],
    ['the testing package', 'go', 'import "testing"\n', 'import "testing"'],
    ['code for all but tests', 'rust', 'let x = if cfg!(test) { 1 } else { 2 };\n', 'cfg!(test)'],
  ]
  it.each(cases)('%s (%s)', (_name, language, text, named) => {
    const found = newJudgeNames('', `\n${text}`, language)
    expect(found.map((each) => each.text)).toContain(named)
    expect(found[0]!.line).toBe(2)
    expect(newJudgeNames(text, `${text}${text.replace(/./g, ' ')}`, language)).toEqual([]) // it was there before
  })

  it.each([
    ['javascript', "import { test } from './checks.js'\nconst mode = 'test'\nconst assert = load('assertions')\n"],
    ['python', 'import testing_tools\nfrom mypytest import run\n'],
    ['go', 'import "example.org/testing-tools"\n'],
  ] as [LanguageId, string][])('ordinary %s names no judge', (language, text) => {
    expect(newJudgeNames('', text, language)).toEqual([])
  })
})
