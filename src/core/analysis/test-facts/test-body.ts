import { firstFrom, type SourceToken } from './source-tokens.ts'
import type { AssertionWords } from './tables.ts'

/** Where the code of a test stands: directly in it, deeper, or behind its end. Places are bytes of the file. */
export type TestBody = {
  /** How many braces are open there. */
  depthAt(start: number): number
  /** Not inside of a branch, loop or function of the test; false where blocks are not in braces. */
  isOwn(start: number): boolean
  /** What stands there runs whenever the test does. */
  always(start: number, words: AssertionWords): boolean
  /** The test has returned before it. */
  isBehindReturn(start: number): boolean
}

const BRANCHING = new Set(['if', 'unless', 'case', 'cond', 'when', 'else', 'for', 'while', 'match', 'with', '&&', '||', 'and', 'or', 'try'])

/** The tokens of a test, its header included. */
export function createTestBody(tokens: readonly SourceToken[]): TestBody {
  const depths: number[] = []
  let left = Number.POSITIVE_INFINITY
  let depth = 0
  for (const { text, start } of tokens) {
    if (text === '}') depth--
    depths.push(depth)
    if (text === '{') depth++
    if (text === 'return ;' && depth === 1) left = Math.min(left, start)
  }
  const hasBlock = depths.includes(1)
  const isOwn = (start: number): boolean => hasBlock && (depths[firstFrom(tokens, start)] ?? 2) <= 1
  return {
    depthAt: (start) => depths[firstFrom(tokens, start)] ?? 0,
    isOwn,
    always: (start, { braces = true }) =>
      braces ? isOwn(start) : !tokens.some((token) => token.start < start && BRANCHING.has(token.text)),
    isBehindReturn: (start) => start > left,
  }
}
