import { createHash } from 'node:crypto'
import { languageOf, type LanguageId } from '../../parsing/index.ts'
import { collectFacts } from './collect.ts'
import { lineFacts } from './fallback.ts'
import { tokensOf, treeOf } from './syntax.ts'
import { tableOf, type TestState } from './tables.ts'

export type TestFact = {
  /** Suites and name joined by ' > ', with '#2' for the second of equal ids. */
  id: string
  name: string
  line: number
  state: TestState
  /** The parameter rows of its table, in source order. */
  rows: readonly string[]
  /** The tokens of the whole test, its header included. */
  tokens: readonly string[]
  /** The top-level statements of its body as text; empty where it has none of its own. */
  statements: readonly string[]
  /** It has no body of its own: a function handed in by name is run. */
  macro: boolean
  /** Indices into `statements` of those that assert something. */
  asserting: ReadonlySet<number>
}

export type AssertionFact = {
  /** The id of its test, '' outside of tests (helpers). */
  test: string
  line: number
  matcher: string
  /** 0 never fails, 1 truthy, 2 kind or order, 3 partial, 4 exact. */
  strength: number
  subject: string
  expected: string
  expected_hash: string
  /** Larger is looser; null where the matcher has none. */
  tolerance: number | null
  /** Why it can no longer fail: it is never reached, or its failure is caught. */
  disabled: 'unreachable' | 'swallowed' | null
}

export type TestFacts = {
  language: LanguageId | null
  tests: readonly TestFact[]
  assertions: readonly AssertionFact[]
  /** Tokens outside of tests, suites and imports: helpers, hooks, mocks. */
  rest: readonly string[]
  /** Tokens of the import statements. */
  imports: readonly string[]
  /** Calls that end the process. */
  exits: number
  /** 1: compared by syntax tree; 2: by lines, which can only say that something changed. */
  tier: 1 | 2
}

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

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
