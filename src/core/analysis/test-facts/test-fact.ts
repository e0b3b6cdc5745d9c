import { createHash } from 'node:crypto'
import type { TestState } from './tables.ts'

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
  /** It stands in a branch or a loop of its test. */
  nested: boolean
  /** Why it can no longer fail: it is never reached, or its failure is caught. */
  disabled: 'unreachable' | 'swallowed' | null
}

export type TestFacts = {
  language: string | null
  tests: readonly TestFact[]
  assertions: readonly AssertionFact[]
  /** Tokens outside of tests, suites and imports: helpers, hooks, mocks. */
  rest: readonly string[]
  /** Tokens of the import statements. */
  imports: readonly string[]
  /** Calls that end the process. */
  exits: number
  /** 1: read from a syntax tree; 2 and 3: lines, which can only say that something changed (3: not even its comments are known). */
  tier: 1 | 2 | 3
  /** The syntax tree has errors: what is missing may be there after all, so nothing is proven. */
  partial: boolean
}

/** A short name for a text: equal texts, equal digests. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
