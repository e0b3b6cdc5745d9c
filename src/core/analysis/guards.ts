import { type LanguageFamily, type LanguageId, familyOf, kindOf, parseSource, walk } from '../parsing/index.ts'

/** Decision points per language family: McCabe's count (1976) is one more per function, which cancels in a difference. */
const DECISIONS: Partial<Record<LanguageFamily, RegExp>> = {
  javascript:
    /^(if_statement|for_statement|for_in_statement|while_statement|do_statement|switch_case|catch_clause|ternary_expression|&&|\|\||\?\?)$/,
  python:
    /^(if_statement|elif_clause|for_statement|while_statement|except_clause|case_clause|conditional_expression|for_in_clause|if_clause|and|or)$/,
  go: /^(if_statement|for_statement|expression_case|type_case|communication_case|&&|\|\|)$/,
  rust: /^(if_expression|for_expression|while_expression|loop_expression|match_arm|&&|\|\|)$/,
  java: /^(if_statement|for_statement|enhanced_for_statement|while_statement|do_statement|switch_label|catch_clause|ternary_expression|&&|\|\|)$/,
  c: /^(if_statement|for_statement|while_statement|do_statement|case_statement|conditional_expression|&&|\|\|)$/,
}

/** How many decision points a text has; `null` where its language has no table or no syntax tree. */
export function countDecisions(text: string, language: LanguageId): number | null {
  const kinds = DECISIONS[familyOf(language)]
  const parsed = kinds && parseSource(text, language)
  if (!kinds || !parsed) return null
  let count = 0
  walk(parsed.root, (node) => {
    if (kinds.test(kindOf(node))) count++
    return undefined
  })
  return count
}

export type GuardPair = { before: string; after: string; language: LanguageId | undefined }
export type Guard = { name: 'complexity' | 'lines' | 'bytes'; ok: boolean | null; detail: string }

const MARGIN = 0.05
const SMALL = { lines: 10, bytes: 400 }
/** What one site may add however small its file is: three lines, as a wrapped error or a guard clause takes. */
const PER_SITE = { lines: 3, bytes: 160 }

/**
 * What a change of so many sites does to complexity, lines and bytes of its files. Complexity may not rise at all, size
 * by 5 %, a few lines, or a few per site, whichever is most. `strict` (rules and fixers) blocks; else a rise is only told (`null`): a person may well want a longer program.
 */
export function measureGuards(pairs: readonly GuardPair[], strict: boolean, sites = 1): Guard[] {
  const lines = (text: string): number => text.split('\n').length
  const sum = (count: (text: string) => number): [number, number] => [
    pairs.reduce((total, { before }) => total + count(before), 0),
    pairs.reduce((total, { after }) => total + count(after), 0),
  ]
  const guard = (name: Guard['name'], [from, to]: [number, number], slack: number): Guard => ({
    name,
    ok: to <= from + slack ? true : strict ? false : null,
    detail: `${from} -> ${to}`,
  })
  const decisions = pairs.flatMap(({ before, after, language }) => {
    const [from, to] = language ? [countDecisions(before, language), countDecisions(after, language)] : [null, null]
    return from === null || to === null ? [] : [[from, to] as const]
  })
  const complexity: [number, number] = [
    decisions.reduce((total, [from]) => total + from, 0),
    decisions.reduce((total, [, to]) => total + to, 0),
  ]
  const [ofLines, ofBytes] = [sum(lines), sum((text) => Buffer.byteLength(text))]
  return [
    ...(decisions.length > 0 ? [guard('complexity', complexity, 0)] : []),
    guard('lines', ofLines, Math.max(SMALL.lines, PER_SITE.lines * sites, MARGIN * ofLines[0])),
    guard('bytes', ofBytes, Math.max(SMALL.bytes, PER_SITE.bytes * sites, MARGIN * ofBytes[0])),
  ]
}
