import type { Lexicon } from './lexicon.ts'

/** "use Y instead of X" is "replace X with Y". */
const INSTEAD = /\b(?:use|prefer|take) (.+?),? (?:insteadof|not) (.+?)(?= (?:in|where|for|from|on|when|if)\b|$)/i
/** "In a.ts, do X" is "do X in a.ts". */
const TOPIC = /^((?:in|before|after|when|if|with|without|for|where|once|on) [^,]+), (.+)$/i
/** "is X done by Y" is "Y X done"; the order tells who does it to whom. */
const PASSIVE = /(^| )(?:is|are|was|were|be|been|get|gets) (.*?) by (.+)$/i

/** "Branches that are merged" is "merged branches". */
const RELATIVE =
  /\b(\w+) (?:that|which|who) (?:have been|has been|is|are|was|were)(?: already)? (\w+)(?= (?:in|on|from|to|with|for|at|before|after)\b|$)/gi
/** "It fails. Why?" is "why it fails". */
const ASKED_LAST = /^(.+?)[.,;:] (why|how)$/i
const FIX_LAST = /^(?:there (?:is|are) (?:an? )?)?(.+?)[.,;:] (?:please )?fix (?:it|this|that|them)$/i
const THANKS = /[,.;]? (?:please|thanks|thank you)$/i

/** "X should be done" is "do X", "X should do Y" is "do Y in X". */
const MODAL =
  /^(?!who|which|what|where|when|why|how|should|must)(.+?) (?:should|must|has to|have to|needs? to|ought to) (not )?(be )?(\S+)(.*)$/i
/** "the file's size" is "the size of the file". */
const POSSESSIVE = /\b(\w+)['’]s ((?:\w+ )*?\w+)(?= (?:in|on|for|to|from|with|when|if|by|is|are|before|after|as)\b|$)/g

export function reorder(text: string): string {
  return text
    .replace(MODAL, (_whole, subject: string, not: string | undefined, be: string | undefined, verb: string, rest: string) => {
      const denied = not ?? ''
      return be === undefined ? `${denied}${verb}${rest} in ${subject}` : `${denied}${verb} ${subject}${rest}`
    })
    .replace(POSSESSIVE, '$2 of $1')
    .replace(TOPIC, '$2 $1')
    .replace(INSTEAD, 'replace $2 with $1')
    .replace(RELATIVE, '$2 $1')
    .replace(PASSIVE, (whole, start: string, done: string, by: string) =>
      /\b(?:sort|order|group|default)\w*$/i.test(done)
        ? whole
        : `${start === '' ? 'does ' : ' '}${by} ${done.replace(/^(.+) (\w+(?:ed|en|t))$/, '$2 $1')}`,
    )
}

/** One wording for contractions, courtesies and fixed phrases. */
export function plain(text: string, lexicon: Lexicon): string {
  let words = text
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/[?!.]+$/, '')
    .replace(THANKS, '')
  for (const [short, long] of lexicon.contractions) words = words.replace(short, long)
  words = words
    .replace(ASKED_LAST, (_whole, said: string, how: string) => (/how/i.test(how) ? `how to ${said}` : `why ${said}`))
    .replace(FIX_LAST, 'fix $1')
  for (let before = ''; before !== words;) [before, words] = [words, words.replace(lexicon.polite, '')]
  for (const [phrase, one] of lexicon.phrases) words = words.replace(phrase, one)
  return reorder(words.replace(/ +/g, ' ').trim())
}

/** Whether "which N does X do" or "which N does X" is asked: who does it to whom. */
export function asked(words: string): string[] {
  if (!/^(?:which|what|who) (?!is |are |was |were )/i.test(words)) return []
  if (/^\w+ (?:[\w-]+ ){1,3}?(?:does|do|did|can|should) /i.test(words)) return ['asked:o']
  return / (?:is|are|was|were|does|do|did) /i.test(words) ? [] : ['asked:s']
}

