const NUMBERS = new Map(
  Object.entries({
    zero: '0',
    once: '1',
    two: '2',
    twice: '2',
    three: '3',
    four: '4',
    five: '5',
    six: '6',
    seven: '7',
    eight: '8',
    nine: '9',
    ten: '10',
    twelve: '12',
  }),
)
export const LANGUAGES = new Map(
  Object.entries({ js: 'javascript', ts: 'typescript', py: 'python', golang: 'go', 'c++': 'cpp', 'c#': 'csharp' }),
)

/** What is kept as it is, white space included. */
const QUOTED = '```[\\s\\S]*?(?:```|$)|`[^`\\n]+`|"[^"\\n]*"|(?<!\\w)\'[^\'\\n]*\'(?!\\w)'
export const LITERALS = new RegExp(QUOTED, 'g')

/**
 * Code in fences, quoted text, addresses, flags, numbers with their signs and units, operators and brackets, words, what is no ASCII; in
 * that order. Nothing but punctuation may be left out: what no piece covers, no gate compares.
 */
export const PIECES = new RegExp(
  [
    QUOTED,
    '\\w+://\\S+',
    '(?<![\\w-])--?[A-Za-z][\\w-]*',
    '(?<![\\w)\\]])[-+]?v?\\d[\\w.:/%]*|v?\\d[\\w.:/%]*',
    '\\\\[\\w+*?]+',
    '(?<!\\S)[-*/~?;:,.]+(?!\\S)|(?:[+%^<>=&|\\\\]|(?<!\\w)!|!(?=[\\w.(=]))+|[[\\]{}]|\\((?!\\))',
    "[A-Za-z_$@#*.~/][\\w$@#*.:~/+'’-]*",
    '[^\\x00-\\x7f\\u2010-\\u2027]+',
  ].join('|'),
  'g',
)

/** Says something else in quotes than without. */
const VALUE = /^(?:[-+]?[\d.]+|true|false|null|nil|none|undefined|\W*)$/i

function isIdentifier(word: string): boolean {
  return /[a-z][A-Z]|[A-Z]{2}|_|\$|\+|^[@#]|::|\w\.\w|\(\)$/.test(word)
}

const isPath = (word: string): boolean => /[/*~]/.test(word) || /^\.\w/.test(word)

/** The normal form of something that has to be equal to the letter, else undefined. */
export function slotOf(piece: string): string | undefined {
  if (piece.startsWith('```')) return piece
  const [, mark, quoted] = /^(["'`])([\s\S]*)\1$/.exec(piece) ?? []
  // "12" is not 12
  if (quoted !== undefined) return mark !== '`' && VALUE.test(quoted) ? `"${quoted}"` : quoted
  if (/^[^A-Za-z\d]+$/.test(piece) || piece.charCodeAt(0) > 0x7f) return piece
  if (/^[-\\]/.test(piece)) return piece
  if (/^[-+]?v?\d/.test(piece)) return piece.replace(/^v(?=\d)/, '').replace(/[.:]+$/, '')
  const bare = piece.replace(/[.:,'’]+$/, '').replace(/['’]s$/, '')
  const counted = NUMBERS.get(bare.toLowerCase())
  if (counted !== undefined) return counted
  if (/^[A-Z][A-Z\d]+s?$/.test(bare)) return bare.replace(/s$/, '').toLowerCase()
  return isPath(bare) || isIdentifier(bare) ? bare.replace(/\(\)$/, '') : undefined
}
