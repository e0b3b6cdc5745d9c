import type { LanguageId } from '../parsing/index.ts'
import { rewrite } from './rewrite.ts'
import type { Rule } from './rule.ts'

export type ExampleFailure = { rule: string; language: LanguageId; example: string; expected: string; actual: string }

/** Runs every example of a rule in every language it names: the rewritten text must be exact, and valid text must stay as it is. */
export function runExamples(rule: Rule): { count: number; failures: ExampleFailure[] } {
  const failures: ExampleFailure[] = []
  let count = 0
  for (const language of rule.languages) {
    const check = (example: string, expected: string): void => {
      count++
      const result = rewrite(rule, example, language)
      const actual = typeof result === 'string' ? result : result.text
      if (actual !== expected) failures.push({ rule: rule.id, language, example, expected, actual })
    }
    for (const { before, after, language: only } of rule.invalid) {
      if (only === undefined || only === language) check(before, after)
    }
    for (const text of rule.valid) check(text, text)
  }
  return { count, failures }
}
