import type { TestFacts } from './test-fact.ts'

const COMMENT_LINE = /^(?:\/\/|#|--|;;|%|\*|\/\*)/

/** Lines instead of syntax: enough to see that something changed, never enough to prove what. */
export function lineFacts(text: string, tier: 2 | 3 = 2): TestFacts {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !COMMENT_LINE.test(line))
  return { language: null, tests: [], assertions: [], rest: lines, imports: [], exits: 0, tier, partial: false }
}
