/** What a whole sentence says besides its words: when it happens, and which words are names only by their first letter. */

const PAST = /\b(?:was|were|did|had)(?:n['’]t)?\b/i
const FUTURE = /\b(?:will|shall)\b|^(?:when|where) should\b|\w['’]ll\b/i
const PRESENT = /\b(?:is|are|does|has)(?:n['’]t)?\b|^(?:why |when |where |how )?(?:do|have)\b(?! (?:i|we|you|one)\b)/i
/** "Who wrote it", "which tests failed": no auxiliary tells. */
const BARE = /^(?:who|(?:which|what) [\w-]+) (\w+)/i
const BARE_PAST = /^(?:\w+ed|wrote|built|sent|kept|ran|made|broke|threw|took|began|came|went|got|left|lost|led)$/i

/** 'tense:p', 'tense:n' or 'tense:f' for everything that is said to be, to have been or to come. */
export function tensesOf(text: string): string[] {
  const bare = BARE.exec(text)?.[1]
  const found = [
    [PAST.test(text) || (bare !== undefined && BARE_PAST.test(bare)), 'p'],
    [FUTURE.test(text), 'f'],
    [PRESENT.test(text), 'n'],
  ].flatMap(([said, tense]) => (said === true ? [`tense:${tense as string}`] : []))
  return found.length === 0 && bare !== undefined ? ['tense:n'] : found
}

/** What a word may be a form of. */
function lemmas(word: string): string[] {
  const stemmed = (end: RegExp): string[] => {
    const rest = word.replace(end, '')
    return rest === word ? [] : [rest, `${rest}e`, rest.replace(/([a-z])\1$/, '$1'), rest.replace(/i$/, 'y')]
  }
  const plural = /(?:s|x|z|ch|sh|o)es$/.test(word) ? [word.slice(0, -2), word.slice(0, -1)] : [word.replace(/ies$/, 'y').replace(/s$/, '')]
  return [word, ...plural, ...stemmed(/ed$/), ...stemmed(/ing$/)]
}

const DERIVED = /(?:ion|ment|ly|er|oval|usal|ance|ence|ysis|ure|age|th)s?$/
const FORM = /(?:(ed|en)|(ing))$/

/** Whether two words of one stem may be one word: "plans" and "planes" are not, nor are "merged" and "merging". */
export function sameWord(one: string, other: string): boolean {
  if (one === other) return true
  const [, done, doing] = FORM.exec(one) ?? []
  const [, otherDone, otherDoing] = FORM.exec(other) ?? []
  if ((done !== undefined && otherDoing !== undefined) || (doing !== undefined && otherDone !== undefined)) return false
  // long words of one stem are related anyhow: "validation", "validate"
  if (Math.min(one.length, other.length) > 6) return true
  return DERIVED.test(one) || DERIVED.test(other) || lemmas(one).some((each) => lemmas(other).includes(each))
}

/** "Why can it", "why should it", "why must it": 'modal:c', 'modal:s', 'modal:m'. */
export function modalOf(text: string): string[] {
  const said = /^why (can|could|may|might|should|ought|must|need|has to|have to)?/i.exec(text.replace(/^(?:explain|tell me|please) /i, ''))
  if (said === null) return []
  const modal = said[1]?.toLowerCase() ?? ''
  return [`modal:${/^(?:can|could|may|might)$/.test(modal) ? 'c' : /^(?:should|ought)$/.test(modal) ? 's' : modal === '' ? 'd' : 'm'}`]
}

export type Capitals = {
  /** Words with a large first letter inside of a sentence, in small letters. */
  names: ReadonlySet<string>
  /** Words without, wherever they stand. */
  words: ReadonlySet<string>
}

/** "Go" is not "go". How a sentence begins tells nothing. */
export function capitalsOf(text: string): Capitals {
  const names = [...text.matchAll(/(?<=[\w,;)'’\u0001] )[A-Z][a-z]+\b/g)].map(([word]) => word.toLowerCase())
  const words = [...text.matchAll(/(?<![\w\u0001])[a-z]+\b/g)].map(([word]) => word)
  return { names: new Set(names), words: new Set(words) }
}

/** Whether a word is a name in one text and none in the other. */
export function differInCapitals(a: Capitals, b: Capitals): boolean {
  const apart = (one: Capitals, other: Capitals): boolean =>
    [...one.names].some((each) => other.words.has(each) && !other.names.has(each) && !one.words.has(each))
  return apart(a, b) || apart(b, a)
}
