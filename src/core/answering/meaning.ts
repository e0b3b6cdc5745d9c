import { type Lexicon, rootOf } from './lexicon.ts'
import { LANGUAGES, LITERALS, PIECES, slotOf } from './slots.ts'
import { type Capitals, capitalsOf, modalOf, tensesOf } from './traits.ts'
import { asked, plain, reorder } from './wording.ts'

/** One word of a request as the gates see it. */
export type Token = {
  text: string
  /** As it was written, in small letters. */
  word: string
  /** The groups of words it may belong to. Two words that share one may mean the same. */
  senses: readonly string[]
  slot: boolean
  /** Its place says nothing. */
  free: boolean
  /** May be missing on one side. */
  optional: boolean
  kind: boolean
  /** Stands behind an article: no verb. */
  thing: boolean
  /** Behind 'the' or a possessive. */
  definite: boolean
  /** May be missing on one side beside at least two other words. */
  vague: boolean
  /** The phrase it stands in: its number and the preposition it begins with. */
  phrase: number
  role: string
  /** That preposition itself. */
  preposition: string
  /** What a pair of it may not differ in: what it is for or with, whether it is one or many. */
  bound: readonly string[]
}

/** What a request says, taken apart. Two requests whose parts are equal are taken for the same. */
export type Meaning = {
  /** What may be wanted: how, why, where, explain, do, ... */
  frames: readonly string[]
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
  capitals: Capitals
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
    if: 'if when once whenever where while',
    as: 'as',
    than: 'than insteadof',
    between: 'between',
    that: 'that which who so',
    without: 'without',
    over: 'over above against',
  }).flatMap(([role, words]) => words.split(' ').map((word) => [word, role] as const)),
)

/** Say what stands in what relation; where both sides have one, its place counts. */
const MARKS = new Set(['if', 'when', 'while', 'with'])
const ARTICLES = new Set('a an the this that these those my our your its their his her'.split(' '))
const EVERY = new Set(['all', 'every', 'each'])
/** Stand anywhere. */
const ADVERB = /^(?!(?:only|apply|reply|supply|multiply|assembly|family|early|anomaly)$)\w{3,}ly$/
const NEGATION = /^(?:not|no|never|none|neither|nor|without|nobody|nothing|cannot|except|but)$|n't$/
/** Somebody wants something to be done, and does not ask about it. */
const WISHES = new Set(['do', 'how', 'print'])

/** Takes a request apart. Pure; the same text always has the same meaning. */
export function meaningOf(text: string, lexicon: Lexicon): Meaning {
  // literals first: nothing inside them is a word
  const literals: string[] = []
  const covered = text
    .replace(LITERALS, (piece) => `\u0001${literals.push(piece) - 1}\u0001`)
    .replace(
      /(?<=\w )a(?=$| (?:from|to|and|or|by|into|than|is|are)\b)|(?<=[([{,] ?)a\b|(?<!\w)a(?= ?[,)\]}])/g,
      () => `\u0001${literals.push('`a`') - 1}\u0001`,
    )
  const capitals = capitalsOf(covered)

  // "rename User to user": both are names then
  const spelled = covered.replace(/(?<=[\w,;)'’\u0001] )[A-Z][a-z]+\b/g, (word) =>
    capitals.words.has(word.toLowerCase()) ? `\u0001${literals.push(`\`${word}\``) - 1}\u0001` : word,
  )
  let words = plain(spelled, lexicon)
  const poles = new Set([...asked(words), ...tensesOf(covered), ...modalOf(covered)])
  let frames: readonly string[] = ['do']
  for (const [names, start] of lexicon.frames) {
    if (!start.test(words)) continue
    frames = names
    words = words.replace(start, '')
    break
  }
  if (frames.includes('do')) poles.add(ALLOWED.test(words) ? 'may:1' : 'may:0')
  words = reorder(words, lexicon)
  // "is the build slow" asks for the slow build
  const said = frames.includes('do') ? null : /^(.+?)(?: (?:is|are|was|were))?(?: (?:so|too|very|that))? (?:the )?(\w+)$/.exec(words)
  if (said && lexicon.adjectives.has(said[2]!.toLowerCase())) words = `${said[2]} ${said[1]}`
  words = words.replace(/\u0001(\d+)\u0001/g, (_whole, index) => literals[Number(index)]!)

  const startsWithA = /^a\b/i.test(text.trim())
  const { tokens, negations, directions } = readTokens(words, lexicon, { frames, poles, startsWithA, capitals })
  return {
    frames,
    like: frames.flatMap((each) => lexicon.like.get(each) ?? []),
    tokens,
    slots: tokens
      .filter((each) => each.slot)
      .map((each) => each.text)
      .sort(),
    negations,
    poles: [...poles].sort(),
    capitals,
    direction: directions.size === 2 ? 'both' : ([...directions][0] ?? 'none'),
  }
}

/** What is allowed is not demanded: "X can be empty", "X must be empty". */
const ALLOWED = /^(?:(?!\b(?:if|when|that|which|who|so|because|where)\b)\S+ )+?(?:can|may|might|could) /i
/** Says into what something is changed. */
const INTO = /\b(?:to|into|as|with)\b|\bin (?!the\b)/i

/** What stands first then is a thing: "explain sets". */
const NAMING = /^(?:explain|differ|what)/
/** Asked so, "makes" is what somebody does. */
const PERSON = /^(?!which,)(?:who|which|what|why|when|where|whether|explain|how)/
/** "On one host" counts; "this one" and "how does one" do not. */
function counts(words: string, piece: string, index: number): boolean {
  return (
    /^one$/i.test(piece) &&
    !/\b(?:this|that|these|those|the|each|every|other|another|new|old|can|could|should|does|do|must|may|would|if|when) $/i.test(
      words.slice(0, index),
    ) &&
    /^one (?!(?:can|could|should|must|may|might|would|does|do|is|has|to|in|for|from|with|at|and|or|that|which|another|by)\b)\S/i.test(
      words.slice(index),
    )
  )
}

/** Adds to `poles` what it finds. */
function readTokens(
  words: string,
  lexicon: Lexicon,
  { frames, poles, startsWithA, capitals }: { frames: readonly string[]; poles: Set<string>; startsWithA: boolean; capitals: Capitals },
) {
  const tokens: Token[] = []
  const directions = new Set<string>()
  const wished = frames.some((each) => WISHES.has(each))
  const into = INTO.test(words)
  const ordered = frames.includes('do') || frames.includes('how')
  let negations = 0
  let verbSeen = false
  let named = false
  let definite = false
  let every = false
  let [phrase, role, preposition] = [0, '', '']
  let [before, owner] = ['', '']
  // "May" is a month
  const isName = (piece: string): boolean =>
    /^[A-Z]/.test(piece) && capitals.names.has(piece.toLowerCase()) && (lexicon.fillers.has(piece.toLowerCase()) || piece === 'Will')
  const push = (made: Omit<Token, 'phrase' | 'role' | 'preposition' | 'bound'>, number: string[] = []): void => {
    const stands = /^(?:for|with)$/.test(preposition) || (preposition === 'on' && lexicon.platforms.has(made.text.toLowerCase()))
    const behind = lexicon.apposed.has(made.text) && tokens.at(-1)?.slot === true && tokens.at(-1)?.phrase === phrase
    const token = {
      ...made,
      kind: made.kind && !behind,
      phrase,
      role,
      preposition,
      bound: stands ? [`by:${preposition}`, ...number] : number,
    }
    // "the function `f`" is "the `f` function"
    if (token.slot && tokens.at(-1)?.kind && tokens.at(-1)?.phrase === phrase && !tokens.at(-2)?.slot) tokens.splice(-1, 0, token)
    else tokens.push(token)
  }
  for (const { 0: piece, index } of words.matchAll(PIECES)) {
    const letter = /^[A-HJ-Zb-hj-z]$/.test(piece) && (piece !== 'A' || index > 0 || !startsWithA)
    const slot = letter ? piece : counts(words, piece, index) ? '1' : isName(piece) ? piece : slotOf(piece)
    if (slot !== undefined) {
      named = definite = every = false
      push({
        text: LANGUAGES.get(slot.toLowerCase()) ?? slot,
        word: slot,
        senses: [],
        slot: true,
        free: false,
        optional: false,
        kind: false,
        vague: false,
        thing: false,
        definite: false,
      })
      continue
    }
    let word = piece
      .toLowerCase()
      .replace(/[.:'’]+$/, '')
      .replace(/(?:'|’)s$/, '')
    if (word === 'from' || ROLES.get(word) === 'to') directions.add(word === 'from' ? 'from' : 'to')
    if (ROLES.has(word)) [phrase, role, preposition] = [phrase + 1, ROLES.get(word)!, word]
    const denied = lexicon.negated.get(rootOf(word, lexicon)) ?? (word === 'undefined' ? undefined : /^un(\w{2,}ed)$/.exec(word)?.[1])
    if (NEGATION.test(word) || denied !== undefined) negations++
    word = denied ?? word
    const root = rootOf(word, lexicon)
    for (const [axis, side] of lexicon.rivals.get(root) ?? []) poles.add(`rival${axis}:${side}`)
    if (!into && lexicon.rewritings.has(root)) poles.add(`way:${lexicon.rewritings.get(root)!}`)
    const thing = named
    const many = /[^su]s$/.test(word)
    // "in place", "the drafts": things
    const ruled =
      preposition !== 'to' && role !== '' && before === preposition && !/^(?:every|all|each|own)$/.test(word) && !word.endsWith('ing')
    const light =
      lexicon.light.has(root) &&
      !ruled &&
      !(thing && !/(?:ed|ing|en)$/.test(word) && !EVERY.has(word)) &&
      !(index === 0 && many && NAMING.test(frames.join())) &&
      !(many && (ordered ? index > 0 : named || !PERSON.test(frames.join())))
    before = word
    if (!light) for (const [axis, pole] of lexicon.poles.get(root) ?? []) poles.add(`${axis}:${pole}`)
    const describing = lexicon.adjectives.has(word) || word.endsWith('ed')
    const wasDefinite = definite
    const counted = every || (lexicon.kinds.has(root) && (definite || many))
    const theirs = /^(?:my|their|his|her)$/.test(owner) ? [`whose:${owner}`] : many && owner === '' ? ['whose:any'] : []
    const number =
      !describing && (counted || definite || many || /^an?$/.test(owner))
        ? [`number:${every || (many && (counted || !definite)) ? 'many' : many ? 'some' : 'one'}`]
        : []
    if (!describing) owner = ARTICLES.has(word) ? word : ''
    definite = word === 'the' || (definite && describing)
    every = EVERY.has(word) || (every && (describing || ARTICLES.has(word)))
    named = ARTICLES.has(word)
    if (NEGATION.test(word) || (lexicon.fillers.has(word) && !(word === 'do' && index === 0))) continue
    const language = LANGUAGES.get(word)
    // what is wanted stands first; "calls" after it are things
    const first = index === 0 && ordered
    // "the log cache": what stands behind a thing with an article is none of them's verb
    const inside = tokens.at(-1)?.phrase === phrase && tokens.some((each) => each.thing && each.phrase === phrase)
    const verb = lexicon.verbs.has(root) && !thing && !inside && !(ordered && !first && /[^s]s$/.test(word))
    const alone = (thing && lexicon.things.has(root)) || (!light && lexicon.light.has(root))
    push(
      {
        text: language ?? root,
        word,
        senses: [...(alone ? [] : (lexicon.verbs.get(root) ?? [])), ...(lexicon.nouns.get(root) ?? [])],
        slot: language !== undefined,
        free:
          light || lexicon.free.has(root) || ADVERB.test(word) || (role === '' && ((verb && !verbSeen && (ordered || index > 0)) || first)),
        optional: MARKS.has(word) || (light && !alone && (wished || !lexicon.doing.has(root))),
        kind: lexicon.kinds.has(root) && !many && (word === root || !/(?:ed|ing)$/.test(word)),
        vague: lexicon.vague.has(root),
        thing,
        definite: wasDefinite,
      },
      [...number, ...theirs],
    )
    verbSeen ||= (verb || first) && !light
  }
  return { tokens, negations, directions }
}
