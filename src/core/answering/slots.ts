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

/** Code in fences, quoted text, addresses, flags, numbers with their units, words; in that order. */
export const PIECES = new RegExp(
  [
    '```[\\s\\S]*?(?:```|$)|`[^`\\n]+`|"[^"\\n]+"|(?<![\\w])\'[^\'\\n]+\'(?!\\w)',
    '\\w+://\\S+',
    '(?<![\\w-])--?[A-Za-z][\\w-]*',
    'v?\\d[\\w.:/%]*',
    "[A-Za-z_$@#*.~/][\\w$@#*.:~/+'’-]*",
  ].join('|'),
  'g',
)

function isIdentifier(word: string): boolean {
  return /[a-z][A-Z]|[A-Z]{2}|_|\$|^[@#]|::|\w\.\w|\(\)$/.test(word)
}

const isPath = (word: string): boolean => /[/*~]/.test(word) || /^\.\w/.test(word)

/** The normal form of something that has to be equal to the letter, else undefined. */
export function slotOf(piece: string): string | undefined {
  if (piece.startsWith('```')) return piece
  const quoted = /^(["'`])([\s\S]+)\1$/.exec(piece)?.[2]
  if (quoted !== undefined) return quoted.replace(/\(\)$/, '')
  if (piece.startsWith('-')) return piece
  if (/^v?\d/.test(piece)) return piece.replace(/^v(?=\d)/, '').replace(/[.:]+$/, '')
  const bare = piece.replace(/[.:,'’]+$/, '').replace(/['’]s$/, '')
  const counted = NUMBERS.get(bare.toLowerCase())
  if (counted !== undefined) return counted
  if (/^[A-Z][A-Z\d]+s?$/.test(bare)) return bare.replace(/s$/, '').toLowerCase()
  return isPath(bare) || isIdentifier(bare) ? bare.replace(/\(\)$/, '') : undefined
}
