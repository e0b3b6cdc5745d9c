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
  return proven.length > 0 ? [...new Set(proven.map(({ kind }) => kind))].join(' ') : !report.touched ? 'clean' : report.addedOnly ? 'added' : 'cannot_decide'
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
      const report = await judge(path, before, before.replace(edit.find, () => edit.replace), reader)
      expect(verdictOf(report), JSON.stringify(report.weakened, null, 1)).toBe(verdict)
    })

    it('cannot decide where its facts are missing, and never says that it is fine', async () => {
      for (const edit of editsOf(language).filter((each) => each.class === 'tampering')) {
        const report = await judge(path, before, before.replace(edit.find, () => edit.replace), undefined)
        expect(report.tier).toBe(2)
        expect(verdictOf(report), edit.name).toBe('cannot_decide')
      }
    })
  })
})
