import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createFactReader } from '../../../src/core/parsing/index.ts'
import { detectWeakening, type WeakeningReport } from '../../../src/core/validation/tamper/index.ts'
import { packagedParsing } from '../../support/parsing.ts'

/** `verdict`: the kind that is proven, `cannot_decide`, `added` (only more of it) or `clean` (nothing about tests changed). */
type Edit = { name: string; class: 'tampering' | 'honest'; verdict: string; find: string; replace: string }

const ROOT = join(import.meta.dirname, '../../fixtures/test-facts')
const languages = readdirSync(ROOT).filter((language) => existsSync(join(ROOT, language, 'edits.json')))
const sourceOf = (language: string): string => readdirSync(join(ROOT, language)).find((name) => !/^(?:edits\.json|facts\.txt)$/.test(name))!
const editsOf = (language: string): Edit[] => JSON.parse(readFileSync(join(ROOT, language, 'edits.json'), 'utf8')) as Edit[]
const reader = createFactReader(packagedParsing)

const judge = (path: string, before: string, after: string, facts: typeof reader | undefined): Promise<WeakeningReport> =>
  detectWeakening({
    changedFiles: [{ path: `test/${path}`, oldPath: null, status: 'modified' }],
    readBase: async () => before,
    readCandidate: async () => after,
    isTestFile: () => true,
    ...(facts === undefined ? {} : { facts: async () => facts }),
  })

function verdictOf(report: WeakeningReport): string {
  const proven = report.weakened.filter((item) => item.proven)
  return proven.length > 0
    ? [...new Set(proven.map(({ kind }) => kind))].join(' ')
    : !report.touched
      ? 'clean'
      : report.addedOnly
        ? 'added'
        : 'cannot_decide'
}

describe('tampering in languages that language tables read', () => {
  it('has at least six more languages, each with the usual ways and honest changes', () => {
    expect(languages.length).toBeGreaterThanOrEqual(6)
    for (const language of languages) {
      const edits = editsOf(language)
      expect(edits.filter((edit) => edit.class === 'tampering').length).toBeGreaterThanOrEqual(8)
      expect(edits.filter((edit) => edit.class === 'honest').length).toBeGreaterThanOrEqual(3)
      // No way of tampering is fine, no honest change is accused.
      for (const edit of edits)
        if (edit.class === 'tampering') expect(['clean', 'added']).not.toContain(edit.verdict)
        else expect(['clean', 'added', 'cannot_decide']).toContain(edit.verdict)
    }
  })

  describe.each(languages)('%s', (language) => {
    const path = sourceOf(language)
    const before = readFileSync(join(ROOT, language, path), 'utf8')

    it.each(editsOf(language).map((edit) => [edit.name, edit.verdict, edit] as const))('%s: %s', async (_name, verdict, edit) => {
      expect(before.split(edit.find)).toHaveLength(2)
      const report = await judge(
        path,
        before,
        before.replace(edit.find, () => edit.replace),
        reader,
      )
      expect(verdictOf(report), JSON.stringify(report.weakened, null, 1)).toBe(verdict)
    })

    it('cannot decide where its facts are missing, and never says that it is fine', async () => {
      for (const edit of editsOf(language).filter((each) => each.class === 'tampering')) {
        const report = await judge(
          path,
          before,
          before.replace(edit.find, () => edit.replace),
          undefined,
        )
        expect(report.tier).toBe(2)
        expect(verdictOf(report), edit.name).toBe('cannot_decide')
      }
    })
  })
})

describe('every assertion of every language', () => {
  it.each(readdirSync(ROOT))('is missed in %s', async (language) => {
    const path = sourceOf(language)
    const bytes = readFileSync(join(ROOT, language, path))
    const [facts] = await reader.read([{ path, bytes }])
    expect(facts!.assertions.length).toBeGreaterThan(0)
    for (const { start, end, row } of facts!.assertions) {
      const after = Buffer.concat([bytes.subarray(0, start), bytes.subarray(bytes[end] === 59 ? end + 1 : end)]).toString()
      const report = await judge(path, bytes.toString(), after, reader)
      expect(['clean', 'added'], `${path}:${row + 1}`).not.toContain(verdictOf(report))
    }
  })
})

describe('what only facts can tell', () => {
  const verdict = async (path: string, before: string, after: string): Promise<string> =>
    verdictOf(await judge(path, before, after, reader))

  it.each([
    [
      'lines of a shell joined into one command',
      'a.bats',
      '@test "a" {\n  run price 100\n  assert_success\n}\n',
      '@test "a" {\n  run price 100 assert_success\n}\n',
    ],
    [
      'another program that runs the script',
      'test_a.sh',
      '#!/bin/bash\ntest_a() {\n  assertTrue x\n}\n',
      '#!/bin/true\ntest_a() {\n  assertTrue x\n}\n',
    ],
    [
      'an added assertion that sets what the next one reads',
      'a_test.cpp',
      'TEST(A, B) {\n  EXPECT_EQ(cents, 119);\n}\n',
      'TEST(A, B) {\n  EXPECT_TRUE(cents = 119);\n  EXPECT_EQ(cents, 119);\n}\n',
    ],
    [
      'a helper that asserts less',
      'ATest.kt',
      'fun same(a: Int, b: Int) { assertEquals(a, b) }\nclass ATest { @Test fun a() { same(1, f()) } }\n',
      'fun same(a: Int, b: Int) { }\nclass ATest { @Test fun a() { same(1, f()) } }\n',
    ],
  ])('is seen: %s', async (_name, path, before, after) => {
    expect(['clean', 'added']).not.toContain(await verdict(path, before, after))
  })

  it('takes a lost test for a changed contract where its subject left the source', async () => {
    const test =
      'class ATest {\n    @Test fun halves() { assertEquals(5, halfOf(10)) }\n    @Test fun adds() { assertEquals(3, add(1, 2)) }\n}\n'
    const without = test.replace(/    @Test fun halves.*\n/, '')
    const texts: Record<string, [string, string]> = {
      'test/ATest.kt': [test, without],
      'src/A.kt': ['fun halfOf(x: Int) = x / 2\nfun add(a: Int, b: Int) = a + b\n', 'fun add(a: Int, b: Int) = a + b\n'],
    }
    const report = await detectWeakening({
      changedFiles: Object.keys(texts).map((path) => ({ path, oldPath: null, status: 'modified' })),
      readBase: async (path) => texts[path]![0],
      readCandidate: async (path) => texts[path]![1],
      facts: async () => reader,
    })
    expect(verdictOf(report)).toBe('cannot_decide')
    expect(report.weakened[0]!.detail).toContain('left the source')
    expect(verdictOf(await judge('ATest.kt', test, without, reader))).toBe('test_lost')
  })

  it('proves nothing in a file that does not parse whole', async () => {
    const test = 'class ATest {\n    @Test fun a() { assertEquals(5, f()) }\n    val x = = 3\n}\n'
    expect(await verdict('ATest.kt', test, test.replace('assertEquals(5, f())', ''))).toBe('cannot_decide')
  })

  it('compares lines where the reader cannot be started', async () => {
    const broken = { tables: reader.tables, read: async () => Promise.reject(new Error('the reader of sources cannot be started')) }
    const report = await judge('ATest.kt', 'class ATest { @Test fun a() { f() } }', 'class ATest { }', broken as unknown as typeof reader)
    expect([report.tier, verdictOf(report)]).toEqual([2, 'cannot_decide'])
  })
})
