import { argumentsOf, CLOSERS, closing, DOTS, inner, OPENERS, ordered, unwrapped, withoutDot, type Tokens } from './argument-tokens.ts'
import { formOf } from './assertion-forms.ts'
import { orderedClaim, throwRank, UNKNOWN_RANK, weigh } from './assertions.ts'
import { claimsOfCondition, type Claim } from './expression.ts'
import { matched, NOTHINGS } from './matched-claim.ts'
import { isCarrier, isFiller, isThrowing, isTruth, matcherOf, rankOfNegated, type Matcher } from './matcher-ranks.ts'
import { splitArguments } from './syntax.ts'
import type { LanguageTable } from './tables.ts'
import { positional, withoutTolerance } from './tolerances.ts'

const WORD = /^[A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff?!-]*$/
const NEGATING = /^(?:not|Not|toNot|isNot|is_not|is_no|has_no|are_not|never|DoesNot)$/

/** What an assertion demands, by the tokens of its span and the matcher that its language table names. */
export function claimsOfSpan(tokens: Tokens, name: string | null, table: LanguageTable): Claim[] {
  const { rest, tolerance } = withoutTolerance(tokens)
  const claims = claimsOf(rest, name, table)
  return claims.map((claim) => weigh(tolerance === null ? claim : { ...claim, rank: Math.min(claim.rank, 3), tolerance }, table))
}

function claimsOf(tokens: Tokens, name: string | null, table: LanguageTable): Claim[] {
  const words = table.words!
  const form = formOf(tokens, words)
  if (form !== undefined) return form(table)
  const at = placeOf(tokens, name)
  // OCaml's `Alcotest.(check int) "name" 1 x` opens a module around the matcher.
  if (words.juxtaposed === true && tokens[1] === '.' && tokens[2] === '(')
    return claimsOf([...inner(tokens, 2), ...tokens.slice(closing(tokens, 2) + 1)], name, table)
  const left = tokens.slice(0, at)
  const right = tokens.slice(at + 1)
  if (isInfix(left, right)) return infixClaims(left, tokens[at]!, right, table)
  const namespace = withoutDot(left)
  const negated = namespace.some((word) => NEGATING.test(word))
  const isChain = namespace.some((word) => OPENERS.has(word))
  const { types, args, block } = argumentsOf(right, words)
  const word = tokens[at] ?? ''
  if (isChain) {
    const matcher = matcherOf(word, words)
    // `expect(x).to(equal(1))`.
    if (isFiller(word) && args.length === 1) return [carried(subjectOf(namespace), args[0]!, negated || matcher.negated, table)]
    return [matched(matcher, word, negated, subjectOf(namespace), [...types, ...args, ...block], table)]
  }
  return callClaims({ word, negated, types, args, block }, table)
}

/** Where the matcher stands: its last place outside of all brackets, the first token where it is not found. */
function placeOf(tokens: Tokens, name: string | null): number {
  let depth = 0
  let found = -1
  const wanted = name?.replaceAll('`', '').split(/[.:]+/).at(-1)
  for (const [at, token] of tokens.entries()) {
    if (OPENERS.has(token)) depth++
    else if (CLOSERS.has(token)) depth--
    else if (depth === 0 && token.replaceAll('`', '') === wanted) found = at
  }
  return Math.max(found, 0)
}

/** `x shouldBe 3`, `x == 3`: something stands on both sides, and the matcher is no member of the left one. */
function isInfix(left: Tokens, right: Tokens): boolean {
  const before = left.at(-1)
  if (before === undefined || DOTS.has(before) || /^[@#!?]$/.test(before) || before === 'try' || before === 'await') return false
  return right.length > 0 || CLOSERS.has(before)
}

function infixClaims(left: Tokens, word: string, right: Tokens, table: LanguageTable): Claim[] {
  let at = 0
  const path = [word]
  let negated = /not/i.test(word)
  // `x should not be empty`, `x should equal (3)`: words go on until a value stands there.
  while (WORD.test(right[at] ?? '') && (isFiller(right[at]!) || (isFiller(path.at(-1)!) && isMatcher(right[at]!, table)))) {
    negated ||= NEGATING.test(right[at]!)
    path.push(right[at]!)
    at++
  }
  const last = path.findLast((each) => !isFiller(each)) ?? 'equal'
  return [matched(matcherOf(last, table.words!), last, negated && last !== word, unwrapped(left).join(' '), [right.slice(at)], table)]
}

const isMatcher = (word: string, table: LanguageTable): boolean => matcherOf(word, table.words!).rank !== null

/** The value of a chain: what its carrier holds, or all that stands before the words that demand nothing. */
function subjectOf(chain: Tokens): string {
  const first = chain.findIndex((word) => isCarrier(word))
  if (first >= 0 && chain[first + 1] === '(') return inner(chain, first + 1).join(' ')
  let end = chain.length
  while (
    end > 1 &&
    (isFiller(chain[end - 1]!) || DOTS.has(chain[end - 1]!) || (/^[()]$/.test(chain[end - 1]!) && isFillerCall(chain, end)))
  )
    end--
  return chain.slice(0, end).join(' ')
}

/** `Should ( )` at the end. */
function isFillerCall(chain: Tokens, end: number): boolean {
  return (
    (chain[end - 1] === ')' && chain[end - 2] === '(' && isFiller(chain[end - 3] ?? '')) ||
    (chain[end - 1] === '(' && isFiller(chain[end - 2] ?? ''))
  )
}

type Call = { word: string; negated: boolean; types: Tokens[]; args: Tokens[]; block: Tokens[] }

function callClaims(call: Call, table: LanguageTable): Claim[] {
  const words = table.words!
  const { word, types, block } = call
  const args = ordered(call.args, words)
  const matcher = matcherOf(word, words)
  const negated = matcher.negated !== call.negated
  // `expect(x, equals(3))`, `Assert.That(x, Is.EqualTo(3))`, `check int "name" 1 x`.
  if (isCarrier(word) && args.length === 2) return [carried(args[0]!.join(' '), args[1]!, call.negated, table)]
  if (isThrowing(matcher.stem)) return [throwClaim({ ...call, args }, matcher, negated, table)]
  const all = words.message_first === true && call.args.length === 2 && isTruth(matcher.stem) ? [args[1]!] : [...args, ...block]
  if (all.length === 1 && isTruth(matcher.stem)) return conditionClaims(all[0]!, word, negated, table)
  if (all.length === 1 && matcher.stem === 'false') return conditionClaims(all[0]!, word, !negated, table)
  if (all.length < 2) return [matched(matcher, word, call.negated, (all[0] ?? []).join(' '), types, table)]
  if (isTruth(matcher.stem) && matcher.rank !== null && matcher.rank <= 3) return conditionClaims(all[0]!, word, negated, table)
  const rank = matcher.rank === null ? UNKNOWN_RANK : negated === matcher.negated ? matcher.rank : rankOfNegated(matcher.stem, matcher.rank)
  const { tolerance, rest } = positional(word, matcher, all, words)
  return [{ ...orderedClaim(call.negated ? `not ${word}` : word, rest.slice(0, 2), words.order, rank), tolerance }]
}

function conditionClaims(condition: Tokens, word: string, negated: boolean, table: LanguageTable): Claim[] {
  let depth = 0
  const own = condition.findIndex((token) => {
    if (OPENERS.has(token)) depth++
    else if (CLOSERS.has(token)) depth--
    return depth === 0 && (token === '≈' || token === '=')
  })
  // Julia's approximate equality, Elixir's match.
  if (!negated && own > 0) {
    const [left, right] = [condition.slice(0, own).join(' '), condition.slice(own + 1).join(' ')]
    const match = condition[own] === '='
    return [{ matcher: condition[own]!, subject: match ? right : left, expected: match ? left : right, rank: 3, tolerance: null }]
  }
  if (!negated)
    return claimsOfCondition(condition, table, UNKNOWN_RANK, word).map((claim) =>
      // In C a value is true where it is not nothing.
      table.words!.macros === true && claim.matcher === '!=' && NOTHINGS.test(claim.expected)
        ? { ...claim, matcher: word, expected: '', rank: UNKNOWN_RANK }
        : claim,
    )
  return [{ matcher: word, subject: condition.join(' '), expected: '', rank: UNKNOWN_RANK, tolerance: null }]
}

function throwClaim(call: Call, matcher: Matcher, negated: boolean, table: LanguageTable): Claim {
  const isCode = (arg: Tokens): boolean =>
    arg.some((token) => token === '=>' || token === '->' || token === '{' || token === 'fn' || token === 'fun' || token === 'function')
  const codeAt = call.args.findLastIndex(isCode)
  const values = call.types.length > 0 || call.args.length > 1
  const place = table.words!.order === 'actual_first' ? 0 : -1
  const subject =
    call.block[0] ?? call.args[codeAt] ?? (values || table.words!.order === 'actual_first' ? call.args.at(place) : undefined) ?? []
  const expected = [...call.types, ...call.args.filter((arg) => arg !== subject)].map((arg) =>
    arg.join(' ').replace(/^\\ | \. class$| :: class(?: \. java)?$/g, ''),
  )
  const rank = negated ? 2 : throwRank(expected, table)
  return {
    matcher: call.word,
    subject: subject.join(' '),
    expected: expected.join(' , '),
    rank: matcher.stem === 'nothrow' ? 2 : rank,
    tolerance: null,
  }
}

/** `expect(x, matcher)`: the second argument says what is demanded; a plain value must be equal. */
function carried(value: string, demand: Tokens, negated: boolean, table: LanguageTable): Claim {
  const words = table.words!
  const open = demand.findIndex((token) => token === '(')
  const head = open < 0 ? demand : demand.slice(0, open)
  const turned = head.some((word) => NEGATING.test(word))
  const name = WORD.test(head[0] ?? '')
    ? head.findLast((token, at) => WORD.test(token) && !NEGATING.test(token) && head[at - 1] !== '<')
    : undefined
  const matcher = name === undefined ? undefined : matcherOf(name, words)
  // `isNot(equals(3))`.
  if (turned && name === undefined && open >= 0) return carried(value, inner(demand, open), !negated, table)
  if (matcher === undefined || (matcher.rank === null && !/^(?:is|has|throws|matches|Is|Has|Throws)/.test(head[0] ?? '')))
    return matched({ stem: 'equals', negated: false, rank: 4 }, 'equals', negated, value, [demand], table)
  const args = open < 0 ? [] : splitArguments(inner(demand, open))
  const types = head.includes('<') ? [head.slice(head.indexOf('<') + 1, -1)] : []
  return matched(matcher, name!, negated !== turned, value, [...types, ...args], table)
}
