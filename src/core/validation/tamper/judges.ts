import knowledge from '../../../../templates_data/contract/static.json' with { type: 'json' }
import type { LanguageId } from '../../parsing/index.ts'

const RULES = knowledge.judges.map((rule) => ({ ...rule, pattern: new RegExp(rule.pattern, 'gm') }))

/**
 * Places where source that is no test begins to name what judges it: an assertion library, a test framework, a variable that
 * says that tests are running. It may make assertions empty or behave while tests look, so a person looks.
 */
export function newJudgeNames(before: string, after: string, language: LanguageId): { line: number; text: string }[] {
  const known = new Map<string, number>()
  const textOf = (match: RegExpMatchArray): string => match[0].trim().replace(/\s+/g, ' ').slice(0, 80)
  const all = (text: string): RegExpMatchArray[] =>
    RULES.filter(({ languages }) => languages.includes(language)).flatMap(({ pattern }) => [...text.matchAll(pattern)])
  for (const match of all(before)) known.set(textOf(match), (known.get(textOf(match)) ?? 0) + 1)
  return all(after).flatMap((match) => {
    const left = known.get(textOf(match)) ?? 0
    known.set(textOf(match), left - 1)
    return left > 0 ? [] : [{ line: after.slice(0, match.index).split('\n').length, text: textOf(match) }]
  })
}
