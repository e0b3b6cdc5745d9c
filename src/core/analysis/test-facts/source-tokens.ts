import type { FileFacts, Span } from '../../parsing/index.ts'
import type { AssertionWords } from './tables.ts'

/** One token of a source. Bytes of the file, lines from 1; `layout` tokens stand for a change of indentation and have no length. */
export type SourceToken = { text: string; start: number; end: number; line: number; layout: boolean }

/** A line that is as deep as the one before. */
export const NEW_LINE = '\u00b6'

const OPERATORS =
  '===|!==|<=>|\\.\\.\\.|\\.\\.<|==|!=|<=|>=|=>|->|<-|::|&&|\\|\\||\\+\\+|--|\\+=|-=|\\*=|/=|\\+-|\\?\\.|\\?:|\\?\\?|\\|>|<\\||\\.\\.|=~|~=|!~'
const WORD = '[A-Za-z_$\\x80-\\xff][\\w$\\x80-\\xff]*'
const NUMBER = '\\d\\w*(?:\\.\\d\\w*)?'
const PLAIN = new RegExp(`\`[^\`\\n]*\`|${WORD}|${NUMBER}|${OPERATORS}|\\S`, 'y')
/** How texts fall into tokens: a shell's words are whole, and so are names with dashes where a dash may stand in a name. */
const LEXING: Readonly<Record<string, RegExp>> = {
  shell: /[^\s;|&()<>"'`]+|&&|\|\||;;|\S/y,
  dashes: new RegExp(`-?[A-Za-z_$\\x80-\\xff](?:[\\w$\\x80-\\xff]|-(?=[A-Za-z]))*|${NUMBER}|${OPERATORS}|\\S`, 'y'),
}

/** Comments that somebody acts on: the program that runs a script, pragmas, annotations of PHPUnit, doctests, settings of fuzzers, lit's commands. */
const DIRECTIVE = /^#!|^\{-#|(?:^|[\s*])@[a-z]|>>>|forge-config|\bRUN:|\bCHECK|go:build|bats /i
export const isDirective = (comment: string): boolean => DIRECTIVE.test(comment)

const CLOSERS = new Set([')', ']', '}'])
const OPENERS = new Set(['(', '[', '{'])
/** After these a new line ends the statement: what follows is never reached. */
const LEAVING = new Set(['return', 'throw', 'break'])

/**
 * The tokens of a source by its bytes and the spans of its comments and strings: no white space, comments, statement ends that may be
 * left out (`skip`) or trailing commas, so that equal code in another layout gives equal tokens.
 */
export function tokensOfSource(
  bytes: Uint8Array,
  facts: Pick<FileFacts, 'comments' | 'strings'>,
  words: Pick<AssertionWords, 'lexing' | 'layout'>,
  skip: readonly string[],
): SourceToken[] {
  // One letter per byte: places in this text are places in the file.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  const pattern = LEXING[words.lexing ?? ''] ?? PLAIN
  const tokens: SourceToken[] = []
  const comments = cursorOf(facts.comments)
  const strings = cursorOf(facts.strings)
  const depths = words.layout === true ? [0] : undefined
  // In a shell a line end ends a command: joined lines are one.
  const lines = words.lexing !== undefined
  let [line, depth, lineStart] = [1, 0, 0]
  let fresh = true
  const decode = (from: number, to: number): string => {
    const part = text.slice(from, to)
    return /[\x80-\xff]/.test(part) ? Buffer.from(part, 'latin1').toString('utf8') : part
  }
  const push = (token: string, start: number, end: number): void => {
    const last = tokens.at(-1)
    if (last !== undefined && LEAVING.has(last.text) && (fresh || token === '}' || token === ';' || token === 'end')) last.text += ' ;'
    if (fresh && depths !== undefined && depth === 0) indent(start)
    if (fresh && lines && tokens.length > 0) tokens.push({ text: NEW_LINE, start, end: start, line, layout: true })
    fresh = false
    if (skip.includes(token)) return
    if (CLOSERS.has(token) && last?.text === ',') tokens.pop()
    if (OPENERS.has(token)) depth++
    else if (CLOSERS.has(token)) depth = Math.max(0, depth - 1)
    tokens.push({ text: token, start, end, line, layout: false })
  }
  const indent = (start: number): void => {
    const column = start - lineStart
    const mark = (sign: string): void => void tokens.push({ text: sign, start, end: start, line, layout: true })
    if (column > depths!.at(-1)!) {
      depths!.push(column)
      mark('\u21e5')
    } else {
      while (column < depths!.at(-1)!) {
        depths!.pop()
        mark('\u21e4')
      }
      mark(NEW_LINE)
    }
  }
  const pass = (from: number, to: number): void => {
    for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) {
      line++
      lineStart = at + 1
      fresh = true
    }
  }
  for (let at = 0; at < text.length;) {
    const comment = comments(at)
    const span = comment ?? strings(at)
    if (span !== undefined && span.end > at) {
      const raw = decode(at, span.end)
      if (comment === undefined) push(raw, at, span.end)
      else if (isDirective(raw)) push(raw.replace(/[\s*]+/g, ' ').trim(), at, span.end)
      pass(at, span.end)
      if (comment === undefined) fresh = false
      at = span.end
      continue
    }
    const letter = text.charCodeAt(at)
    if (letter === 10) {
      pass(at, at + 1)
      at++
    } else if (letter <= 32) at++
    else {
      pattern.lastIndex = at
      const found = pattern.exec(text)?.[0] ?? text[at]!
      // A token ends where a string or comment begins.
      const end = Math.min(at + found.length, comments.next(at), strings.next(at))
      push(decode(at, end), at, end)
      at = end
    }
  }
  return tokens
}

/** The span that begins at a place; places are asked for in rising order. Spans inside of an earlier one are left out. */
function cursorOf(spans: readonly Span[]): ((at: number) => Span | undefined) & { next(at: number): number } {
  let index = 0
  const skipTo = (at: number): void => {
    while (index < spans.length && spans[index]!.start < at) index++
  }
  const find = (at: number): Span | undefined => {
    skipTo(at)
    return spans[index]?.start === at ? spans[index] : undefined
  }
  return Object.assign(find, {
    next(at: number) {
      skipTo(at + 1)
      return spans[index]?.start ?? Number.POSITIVE_INFINITY
    },
  })
}

/** The tokens that lie in a span. */
export function tokensIn(tokens: readonly SourceToken[], span: Pick<Span, 'start' | 'end'>): SourceToken[] {
  const from = firstFrom(tokens, span.start)
  let to = from
  while (to < tokens.length && tokens[to]!.end <= span.end) to++
  return tokens.slice(from, to)
}

/** Index of the first token that begins at a byte or later. */
export function firstFrom(tokens: readonly SourceToken[], start: number): number {
  let [low, high] = [0, tokens.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (tokens[middle]!.start < start) low = middle + 1
    else high = middle
  }
  return low
}
