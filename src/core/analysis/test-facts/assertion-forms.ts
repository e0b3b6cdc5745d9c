import type { Tokens } from './argument-tokens.ts'
import { UNKNOWN_RANK } from './assertions.ts'
import { claimsOfCondition, type Claim } from './expression.ts'
import { matched } from './matched-claim.ts'
import { matcherOf } from './matcher-ranks.ts'
import type { AssertionWords, LanguageTable } from './tables.ts'

const TESTS = /^(?:=|==|!=|=~|<|>|-(?:eq|ne|lt|le|gt|ge))$/
/** Words of a block that asserts: Terraform's `assert { condition = … error_message = … }`. */
const CONDITION = ['{', 'condition', '=']

/** Forms of one language that are no calls: a shell's test command, a pipeline to `Should`, a block with a condition. */
export function formOf(tokens: Tokens, words: AssertionWords): ((table: LanguageTable) => Claim[]) | undefined {
  if (words.lexing === 'shell' && tokens[0]!.startsWith('[')) {
    const at = tokens.findIndex((token) => TESTS.test(token))
    const [left, operator, right] = [tokens.slice(1, Math.max(at, 1)), tokens[at] ?? 'test', tokens.slice(at + 1, -1)]
    const rank = /^(?:=|==|-eq)$/.test(operator) ? 4 : operator === '=~' ? 3 : 2
    return () => [{ matcher: operator, subject: left.join(' '), expected: right.join(' '), rank, tolerance: null }]
  }
  const should = words.lexing === 'dashes' ? tokens.lastIndexOf('Should') : -1
  if (should > 0) {
    const value = tokens.slice(0, tokens[should - 1] === '|' ? should - 1 : should).join(' ')
    const negated = tokens[should + 1] === '-Not'
    const [word = 'Should', ...expected] = tokens.slice(negated ? should + 2 : should + 1)
    return (table) => [matched(matcherOf(word, words), word, negated, value, [expected], table)]
  }
  const block = tokens.findIndex((_, at) => CONDITION.every((word, index) => tokens[at + index] === word))
  if (block < 0) return undefined
  const end = tokens.indexOf('error_message', block)
  return (table) => claimsOfCondition(tokens.slice(block + CONDITION.length, end < 0 ? -1 : end), table, UNKNOWN_RANK, 'condition')
}
