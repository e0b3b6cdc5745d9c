import vocabulary from '../../../../templates_data/tests/vocabulary.json' with { type: 'json' }
import { orderedClaim, throwRank, UNKNOWN_RANK, weigh } from './assertions.ts'
import { claimsOfCondition, type Claim } from './expression.ts'
import { isApproximate, isCarrier, isFiller, isMessage, isThrowing, isTruth, matcherOf, rankOfNegated, type Matcher } from './matcher-ranks.ts'
import { splitArguments } from './syntax.ts'
import type { AssertionWords, LanguageTable } from './tables.ts'

type Tokens = readonly string[]

const DOTS = new Set(['.', '->', '::', '?.', ':', '&.'])
const OPENERS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }
const CLOSERS = new Set(Object.values(OPENERS))
const NUMBER = /^-?\d[\d_]*(?:\.\d+)?(?:[eE]-?\d+)?[fFdDmMlL]?$/
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
  const isChain = namespace.some((word) => word in OPENERS)
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

const TESTS = /^(?:=|==|!=|=~|<|>|-(?:eq|ne|lt|le|gt|ge))$/
/** Words of a block that asserts: Terraform's `assert { condition = … error_message = … }`. */
const CONDITION = ['{', 'condition', '=']

/** Forms of one language that are no calls: a shell's test command, a pipeline to `Should`, a block with a condition. */
function formOf(tokens: Tokens, words: AssertionWords): ((table: LanguageTable) => Claim[]) | undefined {
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

/** Where the matcher stands: its last place outside of all brackets, the first token where it is not found. */
function placeOf(tokens: Tokens, name: string | null): number {
  let depth = 0
  let found = -1
  const wanted = name?.replaceAll('`', '').split(/[.:]+/).at(-1)
  for (const [at, token] of tokens.entries()) {
    if (token in OPENERS) depth++
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
  while (end > 1 && (isFiller(chain[end - 1]!) || DOTS.has(chain[end - 1]!) || /^[()]$/.test(chain[end - 1]!) && isFillerCall(chain, end))) end--
  return chain.slice(0, end).join(' ')
}

/** `Should ( )` at the end. */
function isFillerCall(chain: Tokens, end: number): boolean {
  return (chain[end - 1] === ')' && chain[end - 2] === '(' && isFiller(chain[end - 3] ?? '')) || (chain[end - 1] === '(' && isFiller(chain[end - 2] ?? ''))
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
  return [{ ...orderedClaim(call.negated ? `not ${word}` : word, [...rest.slice(0, 2)], words.order, rank), tolerance }]
}

function conditionClaims(condition: Tokens, word: string, negated: boolean, table: LanguageTable): Claim[] {
  let depth = 0
  const own = condition.findIndex((token) => {
    if (token in OPENERS) depth++
    else if (CLOSERS.has(token)) depth--
    return depth === 0 && (token === '≈' || token === '=')
  })
  // Julia's approximate equality, Elixir's match.
  if (!negated && own > 0) {
    const [left, right] = [condition.slice(0, own).join(' '), condition.slice(own + 1).join(' ')]
    const match = condition[own] === '='
    return [{ matcher: condition[own]!, subject: match ? right : left, expected: match ? left : right, rank: 3, tolerance: null }]
  }
  if (!negated) return claimsOfCondition(condition, table, UNKNOWN_RANK, word)
  return [{ matcher: word, subject: condition.join(' '), expected: '', rank: UNKNOWN_RANK, tolerance: null }]
}

function throwClaim(call: Call, matcher: Matcher, negated: boolean, table: LanguageTable): Claim {
  const isCode = (arg: Tokens): boolean => arg.some((token) => token === '=>' || token === '->' || token === '{' || token === 'fn' || token === 'fun' || token === 'function')
  const codeAt = call.args.findLastIndex(isCode)
  const values = call.types.length > 0 || call.args.length > 1
  const place = table.words!.order === 'actual_first' ? 0 : -1
  const subject = call.block[0] ?? call.args[codeAt] ?? (values || table.words!.order === 'actual_first' ? call.args.at(place) : undefined) ?? []
  const expected = [...call.types, ...call.args.filter((arg) => arg !== subject)].map((arg) => arg.join(' ').replace(/^\\ | \. class$| :: class(?: \. java)?$/g, ''))
  const rank = negated ? 2 : throwRank(expected, table)
  return { matcher: call.word, subject: subject.join(' '), expected: expected.join(' , '), rank: matcher.stem === 'nothrow' ? 2 : rank, tolerance: null }
}

/** `expect(x, matcher)`: the second argument says what is demanded; a plain value must be equal. */
function carried(value: string, demand: Tokens, negated: boolean, table: LanguageTable): Claim {
  const words = table.words!
  const open = demand.findIndex((token) => token === '(')
  const head = open < 0 ? demand : demand.slice(0, open)
  const turned = head.some((word) => NEGATING.test(word))
  const name = WORD.test(head[0] ?? '') ? head.findLast((token, at) => WORD.test(token) && !NEGATING.test(token) && head[at - 1] !== '<') : undefined
  const matcher = name === undefined ? undefined : matcherOf(name, words)
  // `isNot(equals(3))`.
  if (turned && name === undefined && open >= 0) return carried(value, inner(demand, open), !negated, table)
  if (matcher === undefined || (matcher.rank === null && !/^(?:is|has|throws|matches|Is|Has|Throws)/.test(head[0] ?? '')))
    return matched({ stem: 'equals', negated: false, rank: 4 }, 'equals', negated, value, [demand], table)
  const args = open < 0 ? [] : splitArguments(inner(demand, open))
  const types = head.includes('<') ? [head.slice(head.indexOf('<') + 1, -1)] : []
  return matched(matcher, name!, negated !== turned, value, [...types, ...args], table)
}

function matched(matcher: Matcher, word: string, negated: boolean, subject: string, args: readonly Tokens[], table: LanguageTable): Claim {
  const { tolerance, rest } = isApproximate(matcher.stem) ? lastNumber(args, 1) : { tolerance: null, rest: args }
  const expected = rest.filter((arg) => arg.length > 0).map((arg) => unwrapped(arg).join(' '))
  let rank = matcher.rank ?? UNKNOWN_RANK
  if (isThrowing(matcher.stem)) rank = matcher.negated ? 2 : throwRank(expected, table)
  if (negated) rank = matcher.negated ? UNKNOWN_RANK : rankOfNegated(expected.length === 1 && NOTHINGS.test(expected[0]!) ? 'null' : matcher.stem, rank)
  return { matcher: negated ? `not ${word}` : word, subject, expected: expected.join(' , '), rank, tolerance }
}

const NOTHINGS = /^(?:null|nil|None|Nothing|NULL|nullptr|undefined)$/

/** Named and message arguments in their places. */
function ordered(args: readonly Tokens[], words: AssertionWords): Tokens[] {
  const label = (arg: Tokens): string | undefined => (arg[1] === ':' || arg[1] === '=' ? arg[0] : undefined)
  const plain = args.filter((arg) => !isMessage(label(arg) ?? ''))
  const expected = plain.find((arg) => label(arg) === 'expected')
  const actual = plain.find((arg) => label(arg) === 'actual')
  const values = words.message_first === true && plain.length > 2 ? plain.slice(plain.length - 2) : plain
  if (expected === undefined || actual === undefined) return values
  const pair = [expected.slice(2), actual.slice(2)]
  return words.order === 'expected_first' ? pair : pair.toReversed()
}

/** The tolerance of a call: a number behind the two values, or where the language says. */
function positional(word: string, matcher: Matcher, args: readonly Tokens[], words: AssertionWords): { tolerance: number | null; rest: readonly Tokens[] } {
  const at = words.tolerance_at?.[word] ?? (isApproximate(matcher.stem) || matcher.stem.startsWith('equal') || matcher.stem.startsWith('arequal') ? 2 : undefined)
  const number = at === undefined ? undefined : numberOf(args[at])
  if (number === undefined) return { tolerance: null, rest: args.slice(0, isApproximate(matcher.stem) ? 3 : 2) }
  const digits = words.digits?.includes(word) === true
  return { tolerance: digits ? 10 ** -number / 2 : number, rest: args.filter((_, index) => index !== at) }
}

function lastNumber(args: readonly Tokens[], at: number): { tolerance: number | null; rest: readonly Tokens[] } {
  const number = numberOf(args[at])
  return number === undefined ? { tolerance: null, rest: args } : { tolerance: number, rest: args.filter((_, index) => index !== at) }
}

function numberOf(arg: Tokens | undefined): number | undefined {
  const text = arg?.join('').replaceAll('_', '') ?? ''
  return NUMBER.test(text) ? Number(text.replace(/[fFdDmMlL]$/, '')) : undefined
}

/** Takes `Within(0.1)`, `+- 0.1`, `accuracy: 0.1` out of an assertion. */
function withoutTolerance(tokens: Tokens): { rest: Tokens; tolerance: number | null } {
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

/** What stands behind a matcher: types in angle brackets, arguments, a block. */
function argumentsOf(right: Tokens, words: AssertionWords): { types: Tokens[]; args: Tokens[]; block: Tokens[] } {
  let at = 0
  const types: Tokens[] = []
  if (right[0] === '<' || right[0] === '[') {
    const close = right[0] === '<' ? right.indexOf('>') : closing(right, 0)
    if (close > 0 && /^[({]$/.test(right[close + 1] ?? '')) {
      types.push(right.slice(1, close))
      at = close + 1
    }
  }
  if (right[at] === '!') at++
  const args: Tokens[] = []
  if (right[at] === '(' && words.juxtaposed !== true) {
    const end = closing(right, at)
    args.push(...splitArguments(right.slice(at + 1, end)))
    at = end + 1
    // `assertThrows(E.class) { … }`; what else stands there is a message.
    return { types, args, block: right[at] === '{' ? [right.slice(at)] : [] }
  }
  const rest = right.slice(at)
  if (rest[0] === '{') return { types, args, block: [rest] }
  const parts = words.juxtaposed === true ? atoms(rest) : splitArguments(rest)
  // F#'s methods take one group of arguments.
  const group = words.juxtaposed === true && parts.length === 1 && parts[0]![0] === '(' ? splitArguments(inner(parts[0]!, 0)) : []
  args.push(...(group.length > 0 && (group.length > 1 || right[0] !== '(' || types.length > 0) ? group : parts))
  return { types, args, block: [] }
}

/** Arguments side by side: names with their members, bracketed groups, literals; what follows an operator belongs together. */
function atoms(tokens: Tokens): Tokens[] {
  const found: string[][] = []
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!
    const end = token in OPENERS ? closing(tokens, at) : at
    const part = tokens.slice(at, end + 1)
    const joins = token === '.' || tokens[at - 1] === '.'
    if (token === '$' || token === '@@' || token === '<|') {
      found.push([...tokens.slice(at + 1)])
      break
    }
    if (joins && found.length > 0) found.at(-1)!.push(...part)
    else found.push([...part])
    at = end
  }
  return found
}

function closing(tokens: Tokens, open: number): number {
  let depth = 0
  for (let at = open; at < tokens.length; at++) {
    if (tokens[at]! in OPENERS) depth++
    else if (CLOSERS.has(tokens[at]!) && --depth === 0) return at
  }
  return tokens.length - 1
}

const inner = (tokens: Tokens, open: number): Tokens => tokens.slice(open + 1, closing(tokens, open))

function unwrapped(tokens: Tokens): Tokens {
  let part = tokens
  while (part[0] === '(' && closing(part, 0) === part.length - 1 && part.length > 2) part = part.slice(1, -1)
  return part
}

function withoutDot(tokens: Tokens): Tokens {
  const last = tokens.at(-1)
  return last !== undefined && DOTS.has(last) ? tokens.slice(0, last === ':' && tokens.at(-2) === ':' ? -2 : -1) : tokens
}
