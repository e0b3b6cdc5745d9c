import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { measureGuards } from '../../../src/core/analysis/index.ts'
import { runExamples } from '../../../src/core/rules/examples.ts'
import { loadBuiltInRules } from '../../../src/core/rules/load.ts'

const rules = loadBuiltInRules()

describe('built-in rules', () => {
  it.each(rules.map((rule) => [rule.id, rule] as const))('%s: every example, in every language', (_id, rule) => {
    const { count, failures } = runExamples(rule)
    expect(failures).toEqual([])
    expect(count).toBeGreaterThanOrEqual(2 * rule.languages.length)
  })

  it.each(rules.map((rule) => [rule.id, rule] as const))(
    '%s: no guard rolls its own examples back, in a file of one or of many',
    (_id, rule) => {
      const failed = rule.invalid.flatMap(({ before, after, language = rule.languages[0]! }) => {
        const once = measureGuards([{ before, after, language }], true, 1)
        const often = measureGuards([{ before: before.repeat(60), after: after.repeat(60), language: undefined }], true, 60)
        return [...once, ...often].filter(({ ok }) => ok !== true).map(({ name, detail }) => `${name} ${detail}: ${before}`)
      })
      expect(failed).toEqual([])
    },
  )

  it('have ids of their own and cover four languages or more', () => {
    expect(new Set(rules.map((rule) => rule.id)).size).toBe(rules.length)
    expect(rules.length).toBeGreaterThanOrEqual(40)
    expect(new Set(rules.flatMap((rule) => rule.languages)).size).toBeGreaterThanOrEqual(6)
  })
})

describe('docs/rules.md', () => {
  it('has a true hit for every built-in rule, and no row for a rule that is gone', () => {
    const rows = readFileSync(new URL('../../../docs/rules.md', import.meta.url), 'utf8').matchAll(
      /^\| ([a-z]+\/[a-z0-9-]+) \| (safe|semantic|experimental) \| (\d+) \|/gm,
    )
    const hits = new Map([...rows].map(([, id, safety, found]) => [id, `${safety} ${Number(found) > 0}`]))
    expect(Object.fromEntries(hits)).toEqual(Object.fromEntries(rules.map((rule) => [rule.id, `${rule.safety} true`])))
  })
})
