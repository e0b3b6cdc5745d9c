import { isMessage } from './matcher-ranks.ts'
import { splitArguments } from './syntax.ts'
import type { AssertionWords } from './tables.ts'

export type Tokens = readonly string[]

export const OPENERS = new Set(['(', '[', '{'])
export const CLOSERS = new Set([')', ']', '}'])
export const DOTS = new Set(['.', '->', '::', '?.', ':', '&.'])

/** What stands behind a matcher: types in angle brackets, arguments, a block. */
export function argumentsOf(right: Tokens, words: AssertionWords): { types: Tokens[]; args: Tokens[]; block: Tokens[] } {
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
    const end = OPENERS.has(token) ? closing(tokens, at) : at
    const part = tokens.slice(at, end + 1)
    const joins = token === '.' || tokens[at - 1] === '.'
    if (token === '$' || token === '@@' || token === '<|') {
      found.push(tokens.slice(at + 1))
      break
    }
    if (joins && found.length > 0) found.at(-1)!.push(...part)
    else found.push([...part])
    at = end
  }
  return found
}

/** Where the bracket at `open` closes. */
export function closing(tokens: Tokens, open: number): number {
  let depth = 0
  for (let at = open; at < tokens.length; at++) {
    if (OPENERS.has(tokens[at]!)) depth++
    else if (CLOSERS.has(tokens[at]!) && --depth === 0) return at
  }
  return tokens.length - 1
}

/** What stands in the brackets that open at `open`. */
export const inner = (tokens: Tokens, open: number): Tokens => tokens.slice(open + 1, closing(tokens, open))

/** Without brackets around all of it. */
export function unwrapped(tokens: Tokens): Tokens {
  let part = tokens
  while (part[0] === '(' && closing(part, 0) === part.length - 1 && part.length > 2) part = part.slice(1, -1)
  return part
}

/** Without the dot before a member. */
export function withoutDot(tokens: Tokens): Tokens {
  const last = tokens.at(-1)
  return last !== undefined && DOTS.has(last) ? tokens.slice(0, last === ':' && tokens.at(-2) === ':' ? -2 : -1) : tokens
}

/** Named and message arguments in their places. */
export function ordered(args: readonly Tokens[], words: AssertionWords): Tokens[] {
  const label = (arg: Tokens): string | undefined => (arg[1] === ':' || arg[1] === '=' ? arg[0] : undefined)
  const plain = args.filter((arg) => !isMessage(label(arg) ?? ''))
  const expected = plain.find((arg) => label(arg) === 'expected')
  const actual = plain.find((arg) => label(arg) === 'actual')
  const values = words.message_first === true && plain.length > 2 ? plain.slice(plain.length - 2) : plain
  if (expected === undefined || actual === undefined) return values
  const pair = [expected.slice(2), actual.slice(2)]
  return words.order === 'expected_first' ? pair : pair.toReversed()
}
