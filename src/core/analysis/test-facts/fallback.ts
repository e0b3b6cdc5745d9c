import type { FileFacts, Span } from '../../parsing/index.ts'
import { isDirective } from './source-tokens.ts'
import type { TestFacts } from './test-fact.ts'

/** What no language begins a line of code with; `#`, `*` and `--` are code somewhere (`#if 0`, `*x = 1`, `--x`). */
const COMMENT_LINE = /^\/\//

/**
 * Lines instead of syntax: enough to see that something changed, never enough to prove what. Their indentation may be syntax. Comments are left out where the facts of
 * the file tell them; without facts only lines that are a comment in every language are.
 */
export function lineFacts(text: string, facts?: FileFacts): TestFacts {
  const code = facts === undefined || facts.tier === 3 ? text : withoutComments(text, facts.comments)
  const lines = code
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && (facts?.tier === 2 || !COMMENT_LINE.test(line.trim()) || isDirective(line)))
  return { language: null, tests: [], assertions: [], rest: lines, imports: [], exits: 0, tier: facts?.tier === 3 ? 3 : 2, partial: false }
}

function withoutComments(text: string, comments: readonly Span[]): string {
  const bytes = Buffer.from(text)
  for (const { start, end } of comments)
    if (!isDirective(bytes.toString('utf8', start, end))) bytes.fill(32, start, Math.min(end, bytes.length))
  return bytes.toString('utf8')
}
