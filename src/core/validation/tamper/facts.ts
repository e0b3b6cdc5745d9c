import { languageOf, type LanguageId } from '../../parsing/index.ts'
import { collectFacts } from './collect.ts'
import { lineFacts } from './fallback.ts'
import type { TestFacts } from './test-fact.ts'
import { tokensOf, treeOf } from './syntax.ts'
import { tableOf } from './tables.ts'

/** Above this size only lines are compared. */
const LARGEST_TEXT = 2_000_000

/** Tests and assertions of one file. Languages without a table, and files that do not parse, get the line-based tier 2. */
export function testFacts(text: string, language: LanguageId | undefined): TestFacts {
  const table = tableOf(language)
  if (language === undefined || table === undefined || text.length > LARGEST_TEXT) return lineFacts(text)
  const tree = treeOf(text, language)
  // A few unknown tokens (a newer syntax) do not hide the tests; a broken file does.
  if (tree === undefined || tree.errors > 3) return lineFacts(text)
  return collectFacts(tree.root, table, language)
}

/** A source text without its comments; prose and data files have no code at all. */
export function codeOf(text: string, path: string): string {
  const language = testLanguageOf(path)
  const table = tableOf(language)
  if (language === undefined || text.length > LARGEST_TEXT) return ''
  const tree = table === undefined ? undefined : treeOf(text, language)
  return tree === undefined || table === undefined ? text : tokensOf(tree.root, table).join(' ')
}

/** The language whose table reads a path; JSX in plain JavaScript files needs no other grammar. */
export function testLanguageOf(path: string): LanguageId | undefined {
  return languageOf(path)
}
