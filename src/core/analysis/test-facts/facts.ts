import { languageOf, type FileFacts } from '../../parsing/index.ts'
import { collectFacts } from './collect.ts'
import { lineFacts } from './fallback.ts'
import { factsOfSpans } from './from-facts.ts'
import { tokensOfSource } from './source-tokens.ts'
import type { TestFacts } from './test-fact.ts'
import { tokensOf, treeOf } from './syntax.ts'
import { tableOf, type AssertionWords } from './tables.ts'

/** Above this size only lines are compared. */
const LARGEST_TEXT = 2_000_000

/** A broken file hides its tests; a few unknown tokens (a newer syntax, a macro) do not. */
const MOST_ERRORS = 3
/** Share of bytes. */
const MOST_UNREAD = 0.02

/**
 * Tests and assertions of one file: a pure function of its bytes, whatever an index knows. Languages of templates_data/tests with a
 * syntax table are read from their own tree; others from `facts`, what the language tables found in the same bytes. Everything else
 * is lines (tier 2 or 3), in which nothing can be proven.
 */
export function testFacts(source: string | Uint8Array, language: string | undefined, facts?: FileFacts): TestFacts {
  const table = tableOf(language ?? facts?.language)
  const text = typeof source === 'string' ? source : new TextDecoder().decode(source)
  const lines = (): TestFacts => lineFacts(text, facts)
  if (table === undefined || text.length > LARGEST_TEXT) return lines()
  if (table.words !== undefined) {
    if (facts === undefined || facts.tier !== 1 || isBroken(facts, table.words)) return lines()
    return factsOfSpans(typeof source === 'string' ? Buffer.from(source) : source, facts, table)
  }
  const id = language as Parameters<typeof treeOf>[1]
  const tree = treeOf(text, id)
  return tree === undefined || tree.errors > MOST_ERRORS ? lines() : collectFacts(tree.root, table, id)
}

/** Where macros hide statement ends from the parser, only what it could not read at all counts. */
function isBroken({ errors, errorRatio }: FileFacts, { macros = false }: AssertionWords): boolean {
  return (errors ?? 0) > MOST_ERRORS && !(macros && (errorRatio ?? 1) < MOST_UNREAD)
}

/** A source text without its comments; prose and data files have no code at all. */
export function codeOf(text: string, path: string, facts?: FileFacts): string {
  const language = testLanguageOf(path)
  if (facts !== undefined && tableOf(facts.language)?.words !== undefined)
    return tokensOfSource(Buffer.from(text), facts, {}, [])
      .map((token) => token.text)
      .join(' ')
  const table = tableOf(language)
  if (language === undefined || text.length > LARGEST_TEXT) return ''
  const tree = table === undefined || table.words !== undefined ? undefined : treeOf(text, language)
  return tree === undefined || table === undefined ? text : tokensOf(tree.root, table).join(' ')
}

/** The language whose table reads a path; JSX in plain JavaScript files needs no other grammar. */
export function testLanguageOf(path: string): ReturnType<typeof languageOf> {
  return languageOf(path)
}
