import type { Fault } from './faults.ts'

const SWAPS: readonly (readonly [RegExp, Fault['kind'], (token: string) => string])[] = [
  [/(?<=\s)(?:===|!==|==|!=|<=|>=|<|>)(?=\s)/, 'relation', (token) => OPPOSITE[token]!],
  [/\b(?:true|false|True|False)\b/, 'boolean', (token) => OPPOSITE[token]!],
  [/(?<![\w.#-])\d{1,9}(?![\w.%])/, 'number', (token) => String(Number(token) + 1)],
]

const OPPOSITE: Readonly<Record<string, string>> = {
  '===': '!==',
  '!==': '===',
  '==': '!=',
  '!=': '==',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
  true: 'false',
  false: 'true',
  True: 'False',
  False: 'True',
}

/** The same text with strings and comments blanked out, offset for offset; strings are taken to end on their line. */
function withoutProse(text: string): string {
  return text.replace(
    /\/\*[\s\S]*?\*\/|<!--[\s\S]*?-->|(?:\/\/|(?<=^|\s)(?:#|--)\s)[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/gm,
    (found) => found.replace(/[^\n]/g, ' '),
  )
}

/**
 * Faults by tokens, for languages without a syntax tree table: at most one per line, first the surest kind, in the order
 * of the text. Whether the result parses is the caller's question where it can be asked.
 */
export function plantLineFaults(options: { text: string; lines?: ReadonlySet<number> }): { fault: Fault; after: string }[] {
  const { text, lines } = options
  const found: { fault: Fault; after: string }[] = []
  let offset = 0
  for (const [index, code] of withoutProse(text).split('\n').entries()) {
    const at = offset
    offset += code.length + 1
    if (lines && !lines.has(index + 1)) continue
    for (const [token, kind, turn] of SWAPS) {
      const match = token.exec(code)
      if (!match) continue
      const [start, end] = [at + match.index, at + match.index + match[0].length]
      const replacement = turn(match[0])
      const bytes = Buffer.byteLength(text.slice(0, start))
      found.push({
        fault: {
          start: bytes,
          end: bytes + Buffer.byteLength(match[0]),
          text: replacement,
          kind,
          line: index + 1,
          functionName: '(top level)',
        },
        after: text.slice(0, start) + replacement + text.slice(end),
      })
      break
    }
  }
  return found
}
