import { splitArguments, splitTokens } from './syntax.ts'
import type { LanguageTable, ToleranceRule } from './tables.ts'

/** What one assertion demands, apart from where it stands. Ranks: 0 never fails, 1 truthy, 2 kind or order, 3 partial, 4 exact. */
export type Claim = { matcher: string; subject: string; expected: string; rank: number; tolerance: number | null }

const AND = new Set(['&&', 'and'])
const OR = new Set(['||', 'or'])
const EQUAL = new Set(['==', '===', 'is'])
const OTHER = new Set(['!=', '!==', '<', '>', '<=', '>=', 'in', 'not in', 'is not'])
const OPERATORS = new Set([...EQUAL, ...OTHER])
const NEGATED: Readonly<Record<string, string>> = {
  '==': '!=',
  '===': '!==',
  '!=': '==',
  '!==': '===',
  '<': '>=',
  '>=': '<',
  '>': '<=',
  '<=': '>',
  in: 'not in',
  'not in': 'in',
  is: 'is not',
  'is not': 'is',
}
const NOTHING = new Set(['null', 'None', 'nil', 'undefined', '0'])
const LITERAL = /^(?:["'`].*["'`]|-?[\d.][\w.]*|true|false|True|False|None|nil|null|undefined)$/s

export function isLiteral(text: string): boolean {
  return LITERAL.test(text)
}

/** What a condition that must hold demands: one claim per conjunct. `fallback` is the rank of a bare value. */
export function claimsOfCondition(tokens: readonly string[], table: LanguageTable, fallback: number, matcher: string): Claim[] {
  return splitTokens(unwrap(tokens), AND).flatMap((part) => claimOfComparison(unwrap(part), table, fallback, matcher))
}

/** What `if (condition) fail()` demands: the condition turned round, one claim per alternative. */
export function claimsOfFailure(tokens: readonly string[], setup: string): Claim[] {
  return splitTokens(unwrap(tokens), OR).map((raw) => {
    const part = unwrap(raw)
    const at = operatorAt(part)
    const context = setup === '' ? '' : `${setup} ; `
    if (at === undefined) {
      const negated = part[0] === '!'
      return {
        matcher: negated ? 'true' : 'false',
        subject: context + (negated ? part.slice(1) : part).join(' '),
        expected: '',
        rank: negated ? 4 : 3,
        tolerance: null,
      }
    }
    return comparison(part.slice(0, at), NEGATED[part[at]!]!, part.slice(at + 1), context)
  })
}

function claimOfComparison(tokens: readonly string[], table: LanguageTable, fallback: number, matcher: string): Claim[] {
  if (tokens.length === 0) return []
  const at = operatorAt(tokens)
  if (at !== undefined) return [comparison(tokens.slice(0, at), joined(tokens, at), tokens.slice(at + operatorLength(tokens, at)), '')]
  const text = tokens.join(' ')
  if (table.truths.includes(text)) return [{ matcher, subject: text, expected: '', rank: 0, tolerance: null }]
  const predicate = tokens.at(-3)
  const rank = predicate === undefined || tokens.at(-2) !== '(' ? undefined : table.assertions.predicates?.[predicate]
  if (rank !== undefined) return [{ matcher: predicate!, subject: tokens.slice(0, -4).join(' '), expected: '', rank, tolerance: null }]
  if (tokens[0] === '!' || tokens[0] === 'not')
    return [{ matcher: 'falsy', subject: tokens.slice(1).join(' '), expected: '', rank: Math.max(2, fallback), tolerance: null }]
  if (tokens[0] === 'isinstance')
    return [
      {
        matcher: 'isinstance',
        subject: (splitArguments(tokens.slice(2, -1))[0] ?? []).join(' '),
        expected: text,
        rank: 2,
        tolerance: null,
      },
    ]
  return [{ matcher, subject: text, expected: '', rank: fallback, tolerance: null }]
}

function comparison(left: readonly string[], operator: string, right: readonly string[], context: string): Claim {
  // `Math.abs(a - b) < 0.001` states a tolerance.
  const bound = right.length === 1 ? Number(right[0]!.replaceAll('_', '')) : Number.NaN
  if ((operator === '<' || operator === '<=') && left.some((token) => /^(?:abs|Abs|fabs)$/.test(token)) && !Number.isNaN(bound)) {
    return { matcher: 'abs', subject: context + left.join(' '), expected: '', rank: 3, tolerance: bound }
  }
  const flipped = isLiteral(left.join(' ')) && !isLiteral(right.join(' ')) && EQUAL.has(operator)
  const subject = context + (flipped ? right : left).join(' ')
  const expected = (flipped ? left : right).join(' ')
  const negative = operator === '!=' || operator === '!==' || operator === 'is not'
  const rank = EQUAL.has(operator) ? 4 : negative && NOTHING.has(expected) ? 1 : operator === 'in' ? 3 : 2
  return { matcher: operator === '===' ? '==' : operator, subject, expected, rank, tolerance: null }
}

function operatorAt(tokens: readonly string[]): number | undefined {
  let depth = 0
  for (const [at, token] of tokens.entries()) {
    if (token === '(' || token === '[' || token === '{') depth++
    else if (token === ')' || token === ']' || token === '}') depth--
    else if (depth === 0 && at > 0 && (OPERATORS.has(token) || (token === 'not' && tokens[at + 1] === 'in'))) return at
    if (depth === 0 && (token === '=>' || token === 'lambda' || token === '?')) return undefined
  }
  return undefined
}

function operatorLength(tokens: readonly string[], at: number): number {
  return (tokens[at] === 'is' && tokens[at + 1] === 'not') || tokens[at] === 'not' ? 2 : 1
}

function joined(tokens: readonly string[], at: number): string {
  return operatorLength(tokens, at) === 2 ? `${tokens[at]} ${tokens[at + 1]}` : tokens[at]!
}

function unwrap(tokens: readonly string[]): readonly string[] {
  let current = tokens
  while (current[0] === '(' && current.at(-1) === ')' && closes(current)) current = current.slice(1, -1)
  return current
}

function closes(tokens: readonly string[]): boolean {
  let depth = 0
  for (const [at, token] of tokens.entries()) {
    if (token === '(') depth++
    else if (token === ')' && --depth === 0) return at === tokens.length - 1
  }
  return false
}

/** Reads the tolerance of a matcher's arguments; what is left of them is the expected value. */
export function toleranceOf(
  args: readonly (readonly string[])[],
  rule: ToleranceRule,
): { tolerance: number | null; rest: (readonly string[])[] } {
  const rest: (readonly string[])[] = []
  let tolerance: number | null = rule.default === undefined ? null : asTolerance(rule.default, rule.as)
  const position = rule.argument < 0 ? args.length + rule.argument : rule.argument
  for (const [at, arg] of args.entries()) {
    const keyword = arg[1] === '=' || arg[1] === ':' ? rule.keywords?.[arg[0]!] : undefined
    const number = numberOf(keyword === undefined ? arg : arg.slice(2))
    const way = keyword ?? (at === position ? rule.as : undefined)
    if (way === undefined || number === undefined) rest.push(arg)
    else tolerance = asTolerance(number, way)
  }
  return { tolerance, rest }
}

function numberOf(tokens: readonly string[]): number | undefined {
  const text = tokens
    .join('')
    .replaceAll('_', '')
    .replace(/[fFdD]$/, '')
  return text === '' || Number.isNaN(Number(text)) ? undefined : Number(text)
}

function asTolerance(value: number, way: 'digits' | 'delta'): number {
  return way === 'digits' ? 10 ** -value / 2 : value
}

const APPROXIMATION_KEYS = new Set(['rel', 'abs', 'rel_tol', 'abs_tol', 'nan_ok'])

/** `pytest.approx(3, rel=1e-5)` as an expected value: its number and its tolerance. */
export function approximationOf(claim: Claim, table: LanguageTable): Claim {
  const prefix = table.assertions.approximations?.find((start) => claim.expected.startsWith(start))
  if (prefix === undefined) return claim
  const inner = claim.expected.slice(prefix.length, -1).trim().split(' ')
  const values: (readonly string[])[] = []
  let tolerance = 1e-6
  for (const arg of splitArguments(inner)) {
    const number = APPROXIMATION_KEYS.has(arg[0]!) && arg[1] === '=' ? numberOf(arg.slice(2)) : undefined
    if (number === undefined) values.push(arg)
    else tolerance = number
  }
  return { matcher: 'approx', subject: claim.subject, expected: values.map((value) => value.join(' ')).join(' , '), rank: 3, tolerance }
}
