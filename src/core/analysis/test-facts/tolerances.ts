import vocabulary from '../../../../templates_data/tests/vocabulary.json' with { type: 'json' }
import type { Tokens } from './argument-tokens.ts'
import { isApproximate, type Matcher } from './matcher-ranks.ts'
import type { AssertionWords } from './tables.ts'

/** Arguments without the one that says how far a value may be off. */
export type WithTolerance = { tolerance: number | null; rest: readonly Tokens[] }

const NUMBER = /^-?\d[\d_]*(?:\.\d+)?(?:[eE]-?\d+)?[fFdDmMlL]?$/

/** The tolerance of a call: a number behind the two values, or where the language says. */
export function positional(word: string, matcher: Matcher, args: readonly Tokens[], words: AssertionWords): WithTolerance {
  const at =
    words.tolerance_at?.[word] ??
    (isApproximate(matcher.stem) || matcher.stem.startsWith('equal') || matcher.stem.startsWith('arequal') ? 2 : undefined)
  const number = at === undefined ? undefined : numberOf(args[at])
  if (number === undefined) return { tolerance: null, rest: args.slice(0, isApproximate(matcher.stem) ? 3 : 2) }
  const digits = words.digits?.includes(word) === true
  return { tolerance: digits ? 10 ** -number / 2 : number, rest: args.filter((_, index) => index !== at) }
}

/** The tolerance of a chain's matcher. */
export function lastNumber(args: readonly Tokens[], at: number): WithTolerance {
  const number = numberOf(args[at])
  return number === undefined ? { tolerance: null, rest: args } : { tolerance: number, rest: args.filter((_, index) => index !== at) }
}

function numberOf(arg: Tokens | undefined): number | undefined {
  const text = arg?.join('').replaceAll('_', '') ?? ''
  return NUMBER.test(text) ? Number(text.replace(/[fFdDmMlL]$/, '')) : undefined
}

/** Takes `Within(0.1)`, `+- 0.1`, `accuracy: 0.1` out of an assertion. */
export function withoutTolerance(tokens: Tokens): { rest: Tokens; tolerance: number | null } {
  for (const words of vocabulary.tolerances)
    for (let at = 1; at + words.length < tokens.length; at++) {
      if (!words.every((word, index) => tokens[at + index] === word)) continue
      const from = at + words.length
      let end = from
      while (end < tokens.length && !/^[,)\]}]$/.test(tokens[end]!)) end++
      const number = numberOf(tokens.slice(from, end))
      if (number === undefined) continue
      const closed = words.at(-1) === '(' ? end + 1 : end
      const start = tokens[at - 1] === '.' || tokens[at - 1] === ',' ? at - 1 : at
      return { rest: [...tokens.slice(0, start), ...tokens.slice(closed)], tolerance: number }
    }
  return { rest: tokens, tolerance: null }
}
