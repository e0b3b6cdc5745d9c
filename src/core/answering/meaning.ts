import { type Lexicon, stem } from './lexicon.ts'

/** One word of a request as the gates see it. */
export type Token = {
  text: string
  slot: boolean
  /** Its place says nothing. */
  free: boolean
  /** May be missing on one side. */
  optional: boolean
  kind: boolean
  /** The phrase it stands in: its number and the preposition it begins with. */
  phrase: number
  role: string
}

/** What a request says, taken apart. Two requests whose parts are equal are taken for the same. */
export type Meaning = {
  /** What is wanted: how, why, where, explain, do, ... */
  frame: string
  /** Frames that may want the same. */
  like: readonly string[]
  tokens: readonly Token[]
  /** What may not differ at all: literals, names, paths, numbers, versions, flags, languages; sorted. */
  slots: readonly string[]
  negations: number
  /** Signed opposites: 'axis:pole', sorted. */
  poles: readonly string[]
  /** 'to', 'from', 'both' or 'none'. */
  direction: string
}

/** Prepositions that say the same of what follows. */
const ROLES = new Map(
  Object.entries({
    at: 'in in on of for within inside about during across',
    to: 'to into onto',
    from: 'from since',
    with: 'with using via by through',
    before: 'before until till',
    after: 'after then',
    if: 'if when once whenever where',
    as: 'as',
    than: 'than insteadof',
    between: 'between',
    that: 'that which who so',
    without: 'without',
    over: 'over above against',
  }).flatMap(([role, words]) => words.split(' ').map((word) => [word, role] as const)),
)

/** Say what stands in what relation; where both sides have one, its place counts. */
const MARKS = new Set(['if', 'when', 'with'])

const NEGATION = /^(?:not|no|never|none|neither|nor|without|nobody|nothing|cannot|except|but)$|n't$/
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
const LANGUAGES = new Map(Object.entries({ js: 'javascript', ts: 'typescript', py: 'python', golang: 'go', 'c++': 'cpp', 'c#': 'csharp' }))

/** Code in fences, quoted text, addresses, flags, numbers with their units, words; in that order. */
const PIECES = new RegExp(
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
function slotOf(piece: string): string | undefined {
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
const ARTICLES = new Set('a an the this that these those my our your its their'.split(' '))

/** "X should be done" is "do X", "X should do Y" is "do Y in X". */
const MODAL =
  /^(?!who|which|what|where|when|why|how|should|must)(.+?) (?:should|must|has to|have to|needs? to|ought to) (not )?(be )?(\S+)(.*)$/i
/** "the file's size" is "the size of the file". */
const POSSESSIVE = /\b(\w+)['’]s ((?:\w+ )*?\w+)(?= (?:in|on|for|to|from|with|when|if|by|is|are|before|after|as)\b|$)/g

function reorder(text: string): string {
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
function plain(text: string, lexicon: Lexicon): string {
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
function asked(words: string): string[] {
  if (!/^(?:which|what|who) (?!is |are |was |were )/i.test(words)) return []
  if (/^\w+ (?:[\w-]+ ){1,3}?(?:does|do|did|can|should) /i.test(words)) return ['asked:o']
  return / (?:is|are|was|were|does|do|did) /i.test(words) ? [] : ['asked:s']
}

/** Takes a request apart. Pure; the same text always has the same meaning. */
export function meaningOf(text: string, lexicon: Lexicon): Meaning {
  // literals first: nothing inside them is a word
  const literals: string[] = []
  let words = plain(
    text.replace(/```[\s\S]*?(?:```|$)|`[^`\n]+`|"[^"\n]+"/g, (piece) => `\u0001${literals.push(piece) - 1}\u0001`),
    lexicon,
  )
  const poles = asked(words)
  let frame = 'do'
  for (const [name, start] of lexicon.frames) {
    if (!start.test(words)) continue
    frame = name
    words = words.replace(start, '')
    break
  }
  words = reorder(words)
  // "is the build slow" asks for the slow build
  const said = frame === 'do' ? null : /^(.+?)(?: (?:is|are|was|were))?(?: (?:so|too|very|that))? (?:the )?(\w+)$/.exec(words)
  if (said && lexicon.adjectives.has(said[2]!.toLowerCase())) words = `${said[2]} ${said[1]}`
  words = words.replace(/\u0001(\d+)\u0001/g, (_whole, index) => literals[Number(index)]!)

  const tokens: Token[] = []
  const directions = new Set<string>()
  let negations = 0
  const wished = frame === 'do' || frame === 'how'
  let verbSeen = false
  let named = false
  let [phrase, role] = [0, '']
  const push = (made: Omit<Token, 'phrase' | 'role'>): void => {
    const token = { ...made, phrase, role }
    // "the function `f`" is "the `f` function"
    if (token.slot && tokens.at(-1)?.kind && tokens.at(-1)?.phrase === phrase && !tokens.at(-2)?.slot) tokens.splice(-1, 0, token)
    else tokens.push(token)
  }
  for (const { 0: piece, index } of words.matchAll(PIECES)) {
    const letter = /^[A-HJ-Z]$/.test(piece) && (piece !== 'A' || index > 0 || !/^a\b/i.test(text.trim()))
    const slot = letter ? piece : slotOf(piece)
    if (slot !== undefined) {
      named = false
      push({ text: LANGUAGES.get(slot.toLowerCase()) ?? slot, slot: true, free: false, optional: false, kind: false })
      continue
    }
    let word = piece
      .toLowerCase()
      .replace(/[.:'’]+$/, '')
      .replace(/(?:'|’)s$/, '')
    if (word === 'to' || word === 'from') directions.add(word)
    if (ROLES.has(word)) [phrase, role] = [phrase + 1, ROLES.get(word)!]
    const denied = lexicon.negated.get(stem(word)) ?? (word === 'undefined' ? undefined : /^un(\w{2,}ed)$/.exec(word)?.[1])
    if (NEGATION.test(word) || denied !== undefined) negations++
    word = denied ?? word
    const root = lexicon.whole.has(word) ? word : stem(word)
    for (const [axis, side] of lexicon.rivals.get(root) ?? []) poles.push(`rival${axis}:${side}`)
    if (!lexicon.light.has(root)) for (const [axis, pole] of lexicon.poles.get(root) ?? []) poles.push(`${axis}:${pole}`)
    const thing = named
    named = ARTICLES.has(word)
    if (NEGATION.test(word) || lexicon.fillers.has(word)) continue
    const language = LANGUAGES.get(word)
    const [light, verb] = [lexicon.light.has(root), lexicon.verbs.has(root) && !thing]
    const [asVerb, asNoun] = [lexicon.sameVerb.get(root), lexicon.sameNoun.get(root)]
    const alone = thing && lexicon.things.has(root) ? root : undefined
    push({
      text: language ?? (thing ? (asNoun ?? alone ?? asVerb) : (asVerb ?? asNoun)) ?? root,
      slot: language !== undefined,
      free: light || lexicon.free.has(root) || (role === '' && ((verb && !verbSeen) || (frame === 'do' && tokens.length === 0))),
      optional: MARKS.has(word) || (light && !(thing && lexicon.things.has(root)) && (wished || !lexicon.doing.has(root))),
      kind: lexicon.kinds.has(root) && !/(?:ed|ing)$/.test(word),
    })
    verbSeen ||= verb && !light
  }
  return {
    frame,
    like: lexicon.like.get(frame) ?? [],
    tokens,
    slots: tokens
      .filter((each) => each.slot)
      .map((each) => each.text)
      .sort(),
    negations,
    poles: [...new Set(poles)].sort(),
    direction: directions.size === 2 ? 'both' : ([...directions][0] ?? 'none'),
  }
}
