import { unwrapped, type Tokens } from './argument-tokens.ts'
import { throwRank, UNKNOWN_RANK } from './assertions.ts'
import type { Claim } from './expression.ts'
import { isApproximate, isThrowing, rankOfNegated, type Matcher } from './matcher-ranks.ts'
import type { LanguageTable } from './tables.ts'
import { lastNumber } from './tolerances.ts'

/** Values that nearly everything else differs from. */
export const NOTHINGS = /^(?:null|nil|None|Nothing|NULL|nullptr|undefined)$/

/** What a matcher demands of a subject; `args` are the arguments of the matcher alone. */
export function matched(
  matcher: Matcher,
  word: string,
  negated: boolean,
  subject: string,
  args: readonly Tokens[],
  table: LanguageTable,
): Claim {
  const { tolerance, rest } = isApproximate(matcher.stem) ? lastNumber(args, 1) : { tolerance: null, rest: args }
  const expected = rest.filter((arg) => arg.length > 0).map((arg) => unwrapped(arg).join(' '))
  let rank = matcher.rank ?? UNKNOWN_RANK
  if (isThrowing(matcher.stem)) rank = matcher.negated ? 2 : throwRank(expected, table)
  if (negated)
    rank = matcher.negated
      ? UNKNOWN_RANK
      : rankOfNegated(expected.length === 1 && NOTHINGS.test(expected[0]!) ? 'null' : matcher.stem, rank)
  return { matcher: negated ? `not ${word}` : word, subject, expected: expected.join(' , '), rank, tolerance }
}
