import { stripVTControlCharacters } from 'node:util'

/** Removes escape sequences and control characters: text from a repository may try to drive the terminal. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(
    // oxlint-disable-next-line no-control-regex -- removing control characters is the purpose
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    '',
  )
}

/** The same on one line: a title with a line break must not look like a line of ours. */
export function oneLine(text: string): string {
  return printable(text.replace(/[\r\n\t\u0085\u2028\u2029]+/g, ' '))
}

/** A word as a shell reads it back. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** '1 test', '2 tests'. */
export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : many}`
}
