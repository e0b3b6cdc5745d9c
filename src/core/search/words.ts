const ASCII = /^[\0-\x7f]*$/
const ASCII_WORDS = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g
const CJK = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u30fc`
const WORDS = new RegExp(
  String.raw`[${CJK}]+|\p{Lu}+(?![\p{Ll}])|\p{Lu}?\p{Ll}[\p{Ll}\p{M}]*|\p{Nd}+|[\p{Lo}\p{Lt}\p{Lm}\p{M}\p{No}\p{Nl}]+`,
  'gu',
)
const IS_CJK = new RegExp(`^[${CJK}]`, 'u')

/**
 * The words of a text as they are searched for: identifiers fall apart at case, underscores and digits; letters are composed (NFC) and
 * small; Chinese, Japanese and Korean become overlapping pairs of characters. Texts and queries go through this one rule.
 */
export function splitWords(text: string): string[] {
  if (ASCII.test(text)) return (text.match(ASCII_WORDS) ?? []).map((word) => word.toLowerCase())
  const words: string[] = []
  for (const word of text.normalize('NFC').match(WORDS) ?? []) {
    if (IS_CJK.test(word)) pairs(word, words)
    else words.push(word.toLowerCase())
  }
  return words
}

function pairs(run: string, into: string[]): void {
  const characters = [...run]
  if (characters.length === 1) into.push(run)
  for (let at = 0; at + 1 < characters.length; at++) into.push(characters[at]! + characters[at + 1]!)
}

/** Words that say how a question is put, not what it is about. */
const FILLERS = new Set(
  'a an and are as at be by can do does for from how i if in is it its me my of on or that the this to was we what when where which who why with you'.split(
    ' ',
  ),
)

/** The distinct words of a query, at most `most`, without fillers where other words are left. */
export function queryWords(text: string, most = 48): string[] {
  const all = [...new Set(splitWords(text.slice(0, 20_000)))]
  const telling = all.filter((word) => !FILLERS.has(word))
  const kept = telling.length > 0 ? telling : all
  // a pasted page is known by its longest words
  return kept.length <= most ? kept : kept.toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1)).slice(0, most)
}
