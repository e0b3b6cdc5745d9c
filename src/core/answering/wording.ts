import { type Lexicon, rootOf } from './lexicon.ts'

/** "use Y instead of X" is "replace X with Y". */
const INSTEAD = /\b(?:use|prefer|take) (.+?),? (?:insteadof|not) (.+?)(?= (?:in|where|for|from|on|when|if)\b|$)/i
const INSTEAD_FIRST = /^insteadof (.+?), ?(?:use|prefer|take) (.+)$/i
/** "In a.ts, do X" is "do X in a.ts". */
const TOPIC = /^((?:in|on|before|after|when|if|with|without|for|where|once|while|during|insteadof) [^,]+), (.+)$/i
/** "is X done by Y" is "Y X done"; the order tells who does it to whom. */
const PASSIVE = /(^| )(?:is|are|was|were|be|been|get|gets) (.*?) by (.+)$/i
/** "which X are used by Y" is "which X does Y use". */
const WHICH_PASSIVE = /^(which|what) (.+?) (?:is|are|was|were|gets?|got|(?:has|have) been) (\w+) by (.+)$/i
/** "can X be done by Y" is "can Y do X". */
const CAN_PASSIVE = /^(can|could|may|should|must) (.+?) be (\w+)(.*?) by (.+)$/i
/** "how is X done" is "how do we do X". */
const ASKED_PASSIVE =
  /^(how|when|where|why|in what way) (?:is|are|was|were|(?:does|do) (?=.* gets? )) ?(.+?) (?:gets? )?(\w+(?:ed|en)|built|sent|kept|run|set|found|made|read|thrown)((?: (?:in|on|to|for|with|from|when|if|after|before|during|twice|once) ?.*)?)$/i
/** "how can X be done" is "how do I do X". */
const HOW_PASSIVE =
  /^how (?:can|could|should|would|must|may|do|does) (?!(?:i|we|you|one) )(.+?) (?:be|get) (\w+(?:ed|en)|built|sent|kept|run|set|found|made|read|thrown|done)(.*)$/i
/** "explain how X is done" is "in what way do we do X". */
const TOLD_PASSIVE =
  /^(?:explain|describe)(?: to me)? how (.+?) (?:is|are|gets?) (\w+(?:ed|en)|built|sent|kept|run|set|found|made|read|thrown)(.*)$/i
/** "is X done" is "do we do X". */
const WHETHER_PASSIVE =
  /^(?:is|are|was|were) (?!there\b)(?:the |our |all )?(.+?) (\w{2,}ed|built|sent|kept|run|set|made|read|thrown)((?: (?:in|on|to|for|with|from|when|if|after|before|during|anywhere|somewhere) ?.*)?)$/i
/** "make X responsive" is "make a responsive X". */
const MAKE_STATE =
  /^make (?:the |all |every |our |my |this |an? )((?:(?!(?:the|an?|of|in|on|with|after|before|for|to|from|when|if|by|as)\b)\S+ ?){1,3}) (?!\w+(?:ing|ed|[^s]s)$)([a-z]+)$/i
/** "use Y in X" is "change X to Y". */
const USE_IN = /^use (.+?) (?:in|for) (?!this\b|here\b|\w+ing\b)(.+)$/i
/** "requests that fail" are "failed requests". */
const RELATIVE_VERB =
  /\b(\w+) (?:that|which|who) (?:have |has |had )?(fail|failed|fails|changed|change|exist|exists|expire|expired)(?= (?:\d|in|on|from|to|with|for|at|before|after|three|two)|$)/gi
/** "if the list is empty" is "if empty list". */
const STATE =
  /\b(if|when|whether|that|case|once|while|handle) (?:the |an? )?(\w+) (?:is|are|was|were) (\w+)(?=$| (?:in|on|for|to|then)\b)/gi
/** "which file defines X" is "where is X defined". */
const WHICH_PLACE = /^(?:which|what) (?:file|code|place|(?:part|piece) of (?:the )?code) (\w+s) (.+)$/i

/** "Branches that are merged" is "merged branches". */
const RELATIVE =
  /\b(\w+) (?:that|which|who) (?:have been|has been|is|are|was|were)(?: already)? (\w+)(?= (?:in|on|from|to|with|for|at|before|after)\b|$)/gi
/** "It fails. Why?" is "why it fails". */
const ASKED_LAST = /^(.+?)[.,;:] (why|how)$/i
const FIX_LAST = /^(?:there (?:is|are) (?:an? )?)?(.+?)[.,;:] (?:please )?fix (?:it|this|that|them)$/i
const THANKS = /[,.;]? (?:please|thanks|thank you)$/i

/** "X should be done" is "do X", "X should do Y" is "do Y in X". */
const MODAL =
  /^(?!who|which|what|where|when|why|how|should|must)(.+?) (?:should|must|shall|has to|have to|needs? to|ought to|(?:is|are) supposed to) (not )?(be )?(\S+)(.*)$/i
/** What follows a verb without an object. */
const INTRANSITIVE = /^(?:$| (?:if|when|on|after|before|in|at|by|within|while|until|during|parallel|\w+ly)\b)/i
/** "the file's size" is "the size of the file". */
const POSSESSIVE = /\b(\w+)['’]s ((?:\w+ )*?\w+)(?= (?:in|on|for|to|from|with|when|if|by|is|are|before|after|as)\b|$)/g
/** "give X a Y" is "add a Y to X". */
const GIVE = /^give (?!me\b|us\b|an? )(.+?) (an?|some|more) (.+)$/i
const HAVE = /^(?:have|contain|include|get|receive)$/i
/** "make X sortable" is "allow to sort X". */
const ABLE = /^(?:make|change) (.+?) (\w{3,})able$/i
/** Words that end so and are nothing one does. */
const NOT_ABLE = /^(?:st|us|avail|read|suit|reason|port|scal|maintain|mut|immut|vari|reli|cap|en|dis|t|null|execut|access|compar|valu|vi)$/i
/** "use X to do Y" is "do Y with X". */
const USE_TO = /^use (.+?) (?:to|for) (\w+)((?: .+)?)$/i
/** "let X do Y" is "do Y in X". */
const CAUSED =
  /^(?:let|make|have) ((?:(?:the|an?|this|these|all|every|each|our|my) )?(?!(?:the|an?|this|these|all|every|each|our|my) )\S+(?: \S+)?? )(?:to )?(not )?([a-z]+)( .+)?$/i

/** One order of words for sentences that say the same. */
export function reorder(text: string, lexicon: Lexicon): string {
  const isVerb = (word: string): boolean => {
    const root = rootOf(word, lexicon)
    return (
      (lexicon.verbs.has(root) || lexicon.negated.has(root)) &&
      !lexicon.free.has(root) &&
      !lexicon.adjectives.has(word) &&
      !/(?:ed|ing|er|[^s]s)$/.test(word)
    )
  }
  return text
    .replace(MODAL, (_whole, subject: string, not: string | undefined, be: string | undefined, verb: string, rest: string) => {
      const denied = not ?? ''
      if (be !== undefined && verb === 'in') return `${denied}change ${subject} to${rest}`
      if (be !== undefined)
        return /^(?:an?|the)$/.test(verb) ? `${denied}make ${subject} ${verb}${rest}` : `${denied}${verb} ${subject}${rest}`
      if (INTRANSITIVE.test(rest)) return `${denied}${verb} ${subject}${rest}`
      return HAVE.test(verb) ? `${denied}add${rest} to ${subject}` : `${denied}${verb}${rest} in ${subject}`
    })
    .replace(POSSESSIVE, '$2 of $1')
    .replace(TOPIC, '$2 $1')
    .replace(INSTEAD_FIRST, 'replace $1 with $2')
    .replace(INSTEAD, 'replace $2 with $1')
    .replace(RELATIVE, '$2 $1')
    .replace(RELATIVE_VERB, '$2 $1')
    .replace(STATE, (whole, mark: string, subject: string, state: string) =>
      lexicon.adjectives.has(state.toLowerCase()) ? `${mark} ${state} ${subject}` : whole,
    )
    .replace(CAN_PASSIVE, '$1 $5 $3 $2$4')
    .replace(HOW_PASSIVE, 'how do i $2 $1$3')
    .replace(TOLD_PASSIVE, 'in what way do we $2 $1$3')
    .replace(
      ASKED_PASSIVE,
      (_whole, how: string, subject: string, done: string, rest: string) =>
        `${/^how/i.test(how) ? 'in what way' : how} do we ${done} ${subject}${rest}`,
    )
    .replace(USE_IN, 'change $2 to $1')
    .replace(GIVE, 'add $2 $3 to $1')
    .replace(ABLE, (whole, subject: string, what: string) => (NOT_ABLE.test(what) ? whole : `allow ${what} ${subject}`))
    .replace(USE_TO, (whole, tool: string, verb: string, rest: string) =>
      verb.endsWith('ing') || (/ to /.test(whole) && isVerb(verb)) ? `${verb}${rest} with ${tool}` : whole,
    )
    .replace(CAUSED, (whole, subject: string, not = '', verb: string, rest = '') => {
      const thing = lexicon.things.has(rootOf(verb, lexicon))
      const clear =
        !thing ||
        rest === '' ||
        /^ (?:the|an?|all|every|its|only|on|in|at|to|from|when|if|with|after|before|for|by|as|parallel|\u0001)/.test(rest)
      if (!isVerb(verb) || !clear) return whole
      return INTRANSITIVE.test(rest) ? `${not}${verb} ${subject.trim()}${rest}` : `${not}${verb}${rest} in ${subject.trim()}`
    })
    .replace(MAKE_STATE, 'make $2 $1')
    .replace(WHETHER_PASSIVE, (whole, subject: string, done: string, rest: string) =>
      /[A-Z]/.test(done) || / (?:than|or) /.test(subject) ? whole : `do we ${done} ${subject}${rest}`,
    )
    .replace(WHICH_PASSIVE, '$1 $2 does $4 $3')
    .replace(WHICH_PLACE, 'where is $2 $1')
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
  return reorder(words.replace(/ +/g, ' ').trim(), lexicon)
}

/** Whether "which N does X do" or "which N does X" is asked: who does it to whom. */
export function asked(words: string): string[] {
  if (!/^(?:which|what|who) (?!is |are |was |were )/i.test(words)) return []
  if (/^\w+ (?:[\w-]+ ){0,3}?(?:does|do|did|can|should) /i.test(words)) return ['asked:o']
  return / (?:is|are|was|were|does|do|did) /i.test(words) ? [] : ['asked:s']
}
