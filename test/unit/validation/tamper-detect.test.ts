import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testFacts, testLanguageOf } from '../../../src/core/analysis/index.ts'
import { detectWeakening, isTouched, looksLikeTestFile, type WeakeningReport } from '../../../src/core/validation/tamper/index.ts'

const detect = (
  path: string,
  before: string | undefined,
  after: string | undefined,
  others: Record<string, [string, string]> = {},
): Promise<WeakeningReport> => {
  const status = before === undefined ? 'added' : after === undefined ? 'deleted' : 'modified'
  return detectWeakening({
    changedFiles: [
      { path, oldPath: null, status },
      ...Object.keys(others).map((name) => ({ path: name, oldPath: null, status: 'modified' as const })),
    ],
    readBase: async (name) => (name === path ? before : others[name]?.[0]),
    readCandidate: async (name) => (name === path ? after : others[name]?.[1]),
    baseTestFiles: [path],
  })
}

const proven = (report: WeakeningReport): string[] => report.weakened.filter((item) => item.proven).map((item) => item.kind)

describe('testFacts', () => {
  it('reads ids, states, rows, strengths and tolerances of JavaScript tests', () => {
    const facts = testFacts(
      `describe('a', () => {
  it('one', () => { expect(f(1)).toBe(2); expect(f(2)).toBeTruthy() })
  it.skip('two', () => { expect(x).toBeCloseTo(1.5, 3) })
  it.each([[1, 2], [3, 4]])('row %i', (a, b) => { assert.equal(a, b) })
  it('one', () => {})
})`,
      'typescript',
    )
    expect(facts.tier).toBe(1)
    expect(facts.tests.map((test) => [test.id, test.line, test.state, test.rows.length])).toEqual([
      ['"a" > "one"', 2, 'run', 0],
      ['"a" > "two"', 3, 'skip', 0],
      ['"a" > "row %i"', 4, 'run', 2],
      ['"a" > "one"#2', 5, 'run', 0],
    ])
    expect(facts.assertions.map((item) => [item.matcher, item.strength, item.tolerance])).toEqual([
      ['toBe', 4, null],
      ['toBeTruthy', 1, null],
      ['toBeCloseTo', 3, 0.0005],
      ['equal', 4, null],
    ])
  })

  it.each([
    ['python', 'class T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(f(), 1)\n', ['T > test_a'], ['assertEqual']],
    ['go', 'package a\n\nfunc TestA(t *testing.T) {\n\tif f() != 1 {\n\t\tt.Error("x")\n\t}\n}\n', ['TestA'], ['==']],
    ['rust', '#[test]\nfn a() { assert_eq!(f(), 1); }\n', ['a'], ['assert_eq']],
    ['java', 'class A { @Test void a() { assertEquals(1, f()); } }', ['A > a'], ['assertEquals']],
    ['ruby', 'describe A do\n  it "a" do\n    expect(f).to eq(1)\n  end\nend\n', ['A > "a"'], ['eq']],
  ] as const)('reads %s', (language, text, ids, matchers) => {
    const facts = testFacts(text, language)
    expect(facts.tests.map((test) => test.id)).toEqual(ids)
    expect(facts.assertions.map((item) => item.matcher)).toEqual(matchers)
    expect(facts.assertions.every((item) => item.strength === 4)).toBe(true)
  })

  it('says tier 2 for languages without a table and for text that does not parse', () => {
    expect(testFacts('defmodule A do\nend\n', undefined).tier).toBe(2)
    expect(testFacts('it(((( }}} ]]] it(((( {{{ )))\nclass {{ ((\n}} if ((\n)) else', 'typescript').tier).toBe(2)
  })
})

describe('detectWeakening', () => {
  const base = "it('a', () => {\n  expect(f(1)).toBe(1)\n  expect(f(2)).toBe(2)\n})\n\nit('b', () => {\n  expect(g()).toEqual([1])\n})\n"

  it('finds nothing between equal trees', async () => {
    expect(await detect('a.test.ts', base, base)).toMatchObject({ weakened: [], touched: false, addedOnly: false, tier: 1 })
  })

  it('ignores layout, quotes and comments', async () => {
    const other = base.replace('expect(f(1))', '// why\n  expect(\n    f(1),\n  )').replaceAll("'", '"')
    expect(await detect('a.test.ts', base, other)).toMatchObject({ weakened: [], touched: false })
  })

  it('takes a lost test for a changed contract only where its subject left the source', async () => {
    const without = base.slice(0, base.indexOf('\nit('))
    expect(proven(await detect('a.test.ts', base, without))).toEqual(['test_lost'])
    const named = base.replace('g()', 'renderPage()')
    const report = await detect('a.test.ts', named, named.slice(0, named.indexOf('\nit(')), {
      'src/page.ts': ['export const renderPage = () => [1]\n', '\n'],
    })
    expect(proven(report)).toEqual([])
    expect(report.weakened[0]!.detail).toContain('left the source')
  })

  it('does not take a comment for the subject that left', async () => {
    const named = base.replace('g()', 'renderPage()')
    const report = await detect('a.test.ts', named, named.slice(0, named.indexOf('\nit(')), {
      'src/page.ts': ['// renderPage\nexport const x = 1\n', 'export const x = 1\n'],
    })
    expect(proven(report)).toEqual(['test_lost'])
  })

  it('follows a test to another file', async () => {
    const [first, second] = base.split('\n\n') as [string, string]
    const files: Record<string, [string | undefined, string | undefined]> = {
      'a.test.ts': [base, `${first}\n`],
      'b.test.ts': [undefined, second],
    }
    const report = await detectWeakening({
      changedFiles: [
        { path: 'a.test.ts', oldPath: null, status: 'modified' },
        { path: 'b.test.ts', oldPath: null, status: 'added' },
      ],
      readBase: async (path) => files[path]?.[0],
      readCandidate: async (path) => files[path]?.[1],
    })
    expect(proven(report)).toEqual([])
    expect(report).toMatchObject({ touched: true, addedOnly: false })
  })

  it('follows an assertion and a row that moved to another test', async () => {
    const before =
      "it.each([[1], [2]])('a %i', n => {\n  expect(f(n)).toBe(1)\n  expect(g(n)).toBe(2)\n})\n\nit.each([[3]])('b %i', n => {\n  expect(h(n)).toBe(3)\n})\n"
    const moved = before
      .replace('  expect(g(n)).toBe(2)\n', '')
      .replace('  expect(h(n)', '  expect(g(n)).toBe(2)\n  expect(h(n)')
      .replace('[1], [2]', '[1]')
      .replace('[[3]]', '[[3], [2]]')
    expect(proven(await detect('a.test.ts', before, moved))).toEqual([])
    expect(
      proven(await detect('a.test.ts', before, before.replace('  expect(g(n)).toBe(2)\n', '').replace('[1], [2]', '[1]'))).sort(),
    ).toEqual(['fewer_assertions', 'parameter_row_lost'])
  })

  it('leaves repetition folded into a loop to a person', async () => {
    const before = "it('a', () => {\n  x = f(1)\n  expect(x.code).toBe(200)\n  x = f(2)\n  expect(x.code).toBe(200)\n})\n"
    const after = "it('a', () => {\n  for (const n of [1, 2]) {\n    x = f(n)\n    expect(x.code).toBe(200)\n  }\n})\n"
    const report = await detect('a.test.ts', before, after)
    expect(proven(report)).toEqual([])
    expect(report.weakened).not.toEqual([])
  })

  it.each([
    ['tests/conftest.py', 'def pytest_collection_modifyitems(items):\n    items.clear()\n', ['runner_exclusion']],
    ['tests/conftest.py', 'import os\n\nos._exit(0)\n', ['exit_zero_wrapper', 'exit_zero_wrapper']],
    ['vitest.config.ts', "export default { test: { exclude: ['a.test.ts'] } }\n", ['runner_exclusion']],
    ['vitest.config.ts', 'export default { test: { globals: true } }\n', []],
    ['__mocks__/lib.js', 'module.exports = { f: () => 1 }\n', []],
  ])('does not take the new file %s (%#) for an added test', async (path, text, kinds) => {
    const report = await detectWeakening({
      changedFiles: [{ path, oldPath: null, status: 'added' }],
      readBase: async () => undefined,
      readCandidate: async () => text,
      baseTestFiles: ['a.test.ts'],
    })
    expect(proven(report).sort()).toEqual(kinds)
    expect(report.weakened).not.toEqual([])
    expect(report.addedOnly).toBe(false)
  })

  it('says which base tests were touched', async () => {
    const report = await detect('a.test.ts', base, base.replace('toEqual([1])', 'toEqual([2])'))
    expect(isTouched(report, { file: 'a.test.ts', name: 'b' })).toBe(true)
    expect(isTouched(report, { file: 'a.test.ts', name: 'a' })).toBe(false)
    expect(isTouched(report, { file: 'other.test.ts', name: 'b' })).toBe(false)
  })

  it('compares other languages by lines, proves nothing there, and says so', async () => {
    const report = await detect('test/a_test.exs', 'test "a" do\n  assert f() == 1\nend\n', 'test "a" do\nend\n')
    expect(report).toMatchObject({ tier: 2, touched: true, addedOnly: false })
    expect(proven(report)).toEqual([])
    expect(report.notes.join()).toContain('line by line')
  })

  it('compares tests inside source files by syntax and says so', async () => {
    const source =
      'pub fn f() -> u8 { 1 }\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn a() {\n        assert_eq!(f(), 1);\n    }\n}\n'
    const report = await detect('src/lib.rs', source, source.replace('        assert_eq!(f(), 1);\n', ''))
    expect(report.tests_in_source).toBe(true)
    expect(proven(report)).toEqual(['fewer_assertions'])
    const doc = '/// ```\n/// assert_eq!(f(), 1);\n/// ```\npub fn f() -> u8 { 1 }\n'
    const examples = await detect('src/lib.rs', doc, doc.replace('/// assert_eq!(f(), 1);\n', ''))
    expect(examples).toMatchObject({ touched: true, tests_in_source: true })
    expect(examples.weakened.map((item) => [item.kind, item.proven])).toEqual([['unclassified', false]])
  })

  it('leaves the source alone', async () => {
    expect(await detect('src/a.ts', 'export const a = 1\n', 'export const a = 2\n')).toMatchObject({ touched: false, weakened: [] })
  })
})

describe('changes that leave nearly the same tokens', () => {
  const verdict = (report: WeakeningReport): string =>
    proven(report).length > 0 ? proven(report)[0]! : !report.touched ? 'clean' : report.addedOnly ? 'added' : 'cannot decide'

  it.each([
    [
      'an assertion moved into a branch by its indentation',
      'test_a.py',
      'def test_a():\n    if slow():\n        wait()\n    assert f() == 1\n',
      'def test_a():\n    if slow():\n        wait()\n        assert f() == 1\n',
    ],
    [
      'a returned promise that is returned no more',
      'a.test.ts',
      "it('a', () => {\n  return expect(f()).resolves.toBe(1)\n})\n",
      "it('a', () => {\n  return\n  expect(f()).resolves.toBe(1)\n})\n",
    ],
    [
      'a loop that ends before its body',
      'ATest.java',
      'class A { @Test void a() { for (int i = 0; i < 9; i++) assertEquals(i, f(i)); } }',
      'class A { @Test void a() { for (int i = 0; i < 9; i++); assertEquals(i, f(i)); } }',
    ],
    [
      'a row added together with a way around the assertion',
      'a.test.ts',
      "it.each([[1, 2], [2, 4]])('%i', (a, b) => { expect(f(a)).toBe(b) })\n",
      "it.each([[1, 2], [2, 4], [3, 6]])('%i', (a, b) => { if (a > 2) expect(f(a)).toBe(b) })\n",
    ],
    [
      'an added test of the same name, which replaces the first',
      'test_a.py',
      'def test_a():\n    assert f() == 1\n',
      'def test_a():\n    assert f() == 1\n\n\ndef test_a():\n    assert True\n',
    ],
    [
      'a line of the preprocessor, where no grammar is at hand',
      'test/a.c',
      'f();\ncheck(a);\ng();\n',
      'f();\n#if 0\ncheck(a);\n#endif\ng();\n',
    ],
    [
      'indentation in a language without a grammar',
      'test/a.nim',
      'if x:\n  echo 1\ncheck f() == 1\n',
      'if x:\n  echo 1\n  check f() == 1\n',
    ],
  ])('are seen: %s', async (_name, path, before, after) => {
    expect(['clean', 'added']).not.toContain(verdict(await detect(path, before, after)))
  })

  it('takes rows alone for an addition', async () => {
    const base = "it.each([[1, 2], [2, 4]])('%i', (a, b) => { expect(f(a)).toBe(b) })\n"
    expect(verdict(await detect('a.test.ts', base, base.replace('[2, 4]', '[2, 4], [3, 6]')))).toBe('added')
  })
})

describe('every assertion and every test of the corpus', () => {
  const root = join(import.meta.dirname, '../../fixtures/tampering')
  const seen = new Map<string, [string, string]>()
  for (const name of readdirSync(root).filter((item) => /^\d/.test(item))) {
    const folder = join(root, name, 'before')
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name).slice(folder.length + 1)
      const text = readFileSync(join(entry.parentPath, entry.name), 'utf8')
      if (looksLikeTestFile(path)) seen.set(text, [path, text])
    }
  }
  const files = [...seen.values()].filter(([path, text]) => testFacts(text, testLanguageOf(path)).tests.length > 0)

  it('there are some in at least six languages', () => {
    expect(new Set(files.map(([path]) => testLanguageOf(path))).size).toBeGreaterThanOrEqual(6)
  })

  it.each(files.map(([path, text], at) => [`${at} ${path}`, path, text]))('losing one in %s is proven', async (_name, path, text) => {
    const lines = text.split('\n')
    let tried = 0
    for (const fact of testFacts(text, testLanguageOf(path)).assertions) {
      const line = lines[fact.line - 1]!
      // One whole statement on its line, and not the only thing a loop or test does in a language that minds.
      const whole = /^\s*(?:(?:await )?expect\(.*\)|assert.*|self\.assert.*|require\..*);?$/.test(line) && !/[{(:,]$/.test(line.trimEnd())
      if (!whole || fact.disabled !== null || fact.test === '') continue
      const python = path.endsWith('.py')
      const changed = lines.with(fact.line - 1, python ? line.replace(/\S.*$/, 'pass') : '').join('\n')
      const report = await detect(path, text, changed)
      expect(proven(report), `${path}:${fact.line} ${line}`).toContain('fewer_assertions')
      tried++
    }
    expect(tried + (path.endsWith('.go') ? 1 : 0)).toBeGreaterThan(0)
  })
})
