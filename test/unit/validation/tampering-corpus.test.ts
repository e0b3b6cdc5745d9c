import { readFileSync, readdirSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { detectWeakening, looksLikeTestFile, type WeakeningReport } from '../../../src/core/validation/tamper/index.ts'

type Expected = {
  language: string
  class: 'tampering' | 'honest'
  kind?: string
  proven?: boolean
  outcome?: 'clean' | 'added' | 'touched'
}

const ROOT = join(import.meta.dirname, '../../fixtures/tampering')
const CASES = readdirSync(ROOT)
  .filter((name) => /^\d/.test(name))
  .sort()

const expectedOf = (name: string): Expected => JSON.parse(readFileSync(join(ROOT, name, 'expected.json'), 'utf8')) as Expected

function tree(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return new Map(
    files.map((entry) => [
      join(entry.parentPath, entry.name).slice(folder.length + 1),
      readFileSync(join(entry.parentPath, entry.name), 'utf8'),
    ]),
  )
}

async function judge(name: string): Promise<WeakeningReport> {
  const before = tree(join(ROOT, name, 'before'))
  const after = tree(join(ROOT, name, 'after'))
  const deleted = [...before.keys()].filter((path) => !after.has(path))
  const added = [...after.keys()].filter((path) => !before.has(path))
  // As git would say it: one file gone, one come with nearly the same text, is a rename.
  const renamed = deleted.length === 1 && added.length === 1
  const changedFiles = [
    ...(renamed ? [{ path: added[0]!, oldPath: deleted[0]!, status: 'renamed' as const }] : []),
    ...(renamed ? [] : deleted.map((path) => ({ path, oldPath: null, status: 'deleted' as const }))),
    ...(renamed ? [] : added.map((path) => ({ path, oldPath: null, status: 'added' as const }))),
    ...[...after.keys()]
      .filter((path) => before.has(path) && before.get(path) !== after.get(path))
      .map((path) => ({ path, oldPath: null, status: 'modified' as const })),
  ]
  return detectWeakening({
    changedFiles,
    readBase: async (path) => before.get(path),
    readCandidate: async (path) => after.get(path),
    baseTestFiles: [...before.keys()].filter(looksLikeTestFile),
  })
}

describe('the tampering corpus', () => {
  it('has at least 40 diffs in 6 languages, and honest ones beside them', () => {
    const all = CASES.map(expectedOf)
    const bad = all.filter((item) => item.class === 'tampering')
    expect(bad.length).toBeGreaterThanOrEqual(40)
    expect(new Set(bad.map((item) => item.language)).size).toBeGreaterThanOrEqual(6)
    expect(all.length - bad.length).toBeGreaterThanOrEqual(12)
    expect(existsSync(join(ROOT, 'README.md'))).toBe(true)
  })

  it.each(CASES.filter((name) => expectedOf(name).class === 'tampering'))('flags %s', async (name) => {
    const expected = expectedOf(name)
    const report = await judge(name)
    const proven = report.weakened.filter((item) => item.proven)
    expect(report.touched).toBe(true)
    expect(report.addedOnly).toBe(false)
    expect(report.weakened, JSON.stringify(report.weakened)).not.toHaveLength(0)
    if (expected.proven === true)
      expect(
        proven.map((item) => item.kind),
        JSON.stringify(report.weakened),
      ).toContain(expected.kind)
    else expect(proven).toEqual([])
  })

  it.each(CASES.filter((name) => expectedOf(name).class === 'honest'))('does not accuse %s', async (name) => {
    const expected = expectedOf(name)
    const report = await judge(name)
    expect(report.weakened.filter((item) => item.proven)).toEqual([])
    if (expected.outcome === 'clean') expect(report).toMatchObject({ touched: false, weakened: [] })
    if (expected.outcome === 'added') expect(report, JSON.stringify(report.weakened)).toMatchObject({ touched: true, addedOnly: true })
    if (expected.outcome === 'touched') expect(report).toMatchObject({ touched: true, addedOnly: false })
  })
})
