/** Kinds of characters a word is made of. */
const OTHER = 0
const LOWER = 1
const UPPER = 2
const DIGIT = 3
const DENSE = 4

/** Letters of scripts without spaces, the marks they share (the long vowel sign of Japanese) among them. */
const DENSE_SCRIPT = /(?=\p{L})[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Bopomofo}]/u
const UPPER_CASE = /[\p{Lu}\p{Lt}]/u
const LETTER = /[\p{L}\p{M}]/u
const NUMBER = /\p{Nd}/u
const BEYOND_ASCII = /[^\0-\x7f]/
/** A longer word is a blob of data, not language. */
const MOST_UNITS = 48

/** Kind + 1 of each code unit seen so far; 0 is not known yet. */
const kinds = new Uint8Array(0x1_00_00)

function kindOfText(character: string): number {
  if (DENSE_SCRIPT.test(character)) return DENSE
  if (UPPER_CASE.test(character)) return UPPER
  if (LETTER.test(character)) return LOWER
  return NUMBER.test(character) ? DIGIT : OTHER
}

function kindAt(text: string, at: number): number {
  const unit = text.charCodeAt(at)
  if ((unit & 0xfc_00) === 0xd8_00) return kindOfText(String.fromCodePoint(text.codePointAt(at)!))
  const known = kinds[unit]!
  if (known > 0) return known - 1
  const kind = kindOfText(String.fromCharCode(unit))
  kinds[unit] = kind + 1
  return kind
}

/** Code units of the character at `at`: two for a surrogate pair. */
function widthAt(text: string, at: number): number {
  return (text.charCodeAt(at) & 0xfc_00) === 0xd8_00 && at + 1 < text.length ? 2 : 1
}

/** Composed form: the same word is the same bytes, however it was typed. */
export function composed(text: string): string {
  return BEYOND_ASCII.test(text) ? text.normalize('NFC') : text
}

/**
 * Calls `visit(start, end)` for each run of letters, digits and underscores of `text`: an identifier, a word, or a phrase of a script
 * without spaces.
 */
export function scanRuns(text: string, visit: (start: number, end: number) => void): void {
  let start = -1
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    const inside = unit < 128 ? isAsciiWord(unit) : kindAt(text, at) !== OTHER
    if (inside && start < 0) start = at
    else if (!inside && start >= 0) {
      visit(start, at)
      start = -1
    }
    if (unit > 127) at += widthAt(text, at) - 1
  }
  if (start >= 0) visit(start, text.length)
}

function isAsciiWord(unit: number): boolean {
  return (unit > 96 && unit < 123) || (unit > 64 && unit < 91) || (unit > 47 && unit < 58) || unit === 95
}

/**
 * The words of one run, lower case: cut at underscores, at changes of case (`HTTPServer` is http, server) and between letters and digits.
 * Scripts without spaces (Chinese, Japanese, Korean) give overlapping pairs of characters.
 */
export function splitRun(run: string): string[] {
  const words: string[] = []
  let start = 0
  let before = OTHER
  for (let at = 0; at <= run.length;) {
    const kind = at < run.length ? kindAt(run, at) : OTHER
    const width = at < run.length ? widthAt(run, at) : 1
    if (kind !== before) {
      if (before === UPPER && kind === LOWER) {
        // the last capital opens the next word
        const last = lastCharacter(run, start, at)
        pushWord(words, run.slice(start, last))
        start = last
      } else {
        if (before === DENSE) pushPairs(words, run.slice(start, at))
        else if (before !== OTHER) pushWord(words, run.slice(start, at))
        start = at
      }
      before = kind
    }
    at += width
  }
  return words
}

function lastCharacter(run: string, start: number, end: number): number {
  const before = end - 1
  return before > start && (run.charCodeAt(before) & 0xfc_00) === 0xdc_00 ? before - 1 : before
}

function pushWord(words: string[], word: string): void {
  if (word !== '') words.push(word.slice(0, MOST_UNITS).toLowerCase())
}

function pushPairs(words: string[], run: string): void {
  const characters = [...run]
  if (characters.length === 1) words.push(run)
  for (let at = 0; at + 1 < characters.length; at += 1) words.push(`${characters[at]}${characters[at + 1]}`)
}

/**
 * The words of a text for a full-text index: identifiers split, lower case, composed (NFC), not stemmed, in order. A script without
 * spaces gives overlapping pairs, so that a query of the same characters finds them.
 */
export function splitIdentifiers(text: string): string[] {
  const plain = composed(text)
  const words: string[] = []
  scanRuns(plain, (start, end) => {
    for (const word of splitRun(plain.slice(start, end))) words.push(word)
  })
  return words
}
