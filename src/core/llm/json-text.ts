import { type ParseError, parseTree, printParseErrorCode, visit } from 'jsonc-parser'
import { messageOf, oneLine } from '../kernel/index.ts'

/** A piece of an answer that is meant to be JSON, and where it begins in it (UTF-16 units). */
export type JsonText = { text: string; start: number }

const STRICT = { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false }

function problems(text: string): ParseError[] {
  const found: ParseError[] = []
  parseTree(text, found, STRICT)
  return found
}

/** The JSON of an answer: all of it; else, where prose may stand around it, what its one fence holds, or its only object or list. */
export function jsonIn(answer: string, withProse: boolean): JsonText {
  const text = answer.trim()
  const all = { text, start: answer.indexOf(text) }
  if (!withProse || isJson(text)) return all
  const fences = [...answer.matchAll(/^[ \t]*```[\w-]*[ \t]*\r?\n([\s\S]*?)^[ \t]*```[ \t]*$/gm)]
  if (fences.length === 1) {
    const [whole, inner = ''] = fences[0]!
    return { text: inner.trim(), start: fences[0]!.index + whole.indexOf(inner.trim()) }
  }
  if (text.startsWith('{') || text.startsWith('[')) return all
  const found = topLevelValues(answer)
  return found.length === 1 ? found[0]! : all
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Objects and lists that stand in prose, by their brackets; strings are skipped. What does not parse does not count. */
function topLevelValues(text: string): JsonText[] {
  const found: JsonText[] = []
  let [depth, start, quoted] = [0, 0, false]
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    if (quoted) {
      if (char === '\\') at++
      else if (char === '"') quoted = false
    } else if (depth > 0 && char === '"') quoted = true
    else if (char === '{' || char === '[') {
      if (depth++ === 0) start = at
    } else if ((char === '}' || char === ']') && depth > 0 && --depth === 0) {
      const piece = text.slice(start, at + 1)
      if (isJson(piece)) found.push({ text: piece, start })
    }
  }
  return found
}

/** Errors after which a repair would guess: an escape that loses its backslash, a value whose end is missing. */
const GUESSES = new Set([
  'UnexpectedEndOfString',
  'InvalidEscapeCharacter',
  'InvalidUnicode',
  'UnexpectedEndOfNumber',
  'UnexpectedEndOfComment',
])

/** Whether a repair cannot hide that something is missing: never at the end of the text, never inside a string. */
export function mayRepair(text: string): boolean {
  if (!text.startsWith('{') && !text.startsWith('[')) return false
  return !problems(text).some(({ error, offset }) => GUESSES.has(printParseErrorCode(error)) || offset >= text.length)
}

/** Paths of keys that stand twice in one object: which of the two was meant cannot be known. */
export function duplicateKeys(text: string): string[] {
  const open: Set<string>[] = []
  const found: string[] = []
  visit(
    text,
    {
      onObjectBegin: () => void open.push(new Set()),
      onObjectEnd: () => void open.pop(),
      onObjectProperty(name, _offset, _length, _line, _column, path) {
        const keys = open.at(-1)!
        if (keys.has(name)) found.push([...path(), name].reduce<string>((all, step) => join(all, step), ''))
        keys.add(name)
      },
    },
    STRICT,
  )
  return found
}

function join(path: string, step: string | number): string {
  if (typeof step === 'number') return `${path}[${step}]`
  return path === '' ? step : `${path}.${step}`
}

/** The seeds' form of broken JSON: `position` in bytes of the whole answer, `line` and `column` from 1. */
export function decodeError(error: unknown, json: JsonText, answer: string): Readonly<Record<string, unknown>> {
  // V8 names no position for an unexpected token
  const first = problems(json.text)
    .map(({ offset }) => offset)
    .sort((a, b) => a - b)[0]
  const own = /position (\d+)/.exec(messageOf(error))?.[1]
  const offset = json.start + (first ?? (own === undefined ? 0 : Number(own)))
  const before = answer.slice(0, offset)
  return {
    type: 'json_decode_error',
    error: oneLine(messageOf(error)),
    position: Buffer.byteLength(before),
    line: before.split('\n').length,
    column: offset - before.lastIndexOf('\n'),
    response_preview: Array.from(answer.slice(0, 200)).slice(0, 100).join(''),
  }
}
