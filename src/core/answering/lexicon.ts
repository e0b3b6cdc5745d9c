import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What the gates know of words, ready to use. */
export type Lexicon = {
  /** What a request may want, by how it begins. */
  frames: readonly (readonly [names: readonly string[], start: RegExp])[]
  phrases: readonly (readonly [words: RegExp, one: string])[]
  /** Stem -> the groups of words it means the same with. A word may stand in several; that does not make their words one. */
  verbs: ReadonlyMap<string, readonly string[]>
  nouns: ReadonlyMap<string, readonly string[]>
  /** Forms no ending tells: 'wrote' -> 'write', 'comparison' -> 'compare'. */
  irregular: ReadonlyMap<string, string>
  /** Verbs whose synonyms are none where they stand for a thing: a list, an order. */
  things: ReadonlySet<string>
  /** Words without endings. */
  whole: ReadonlySet<string>
  /** Courtesies at the start. */
  polite: RegExp
  contractions: readonly (readonly [short: RegExp, long: string])[]
  /** Frame -> others that may ask for the same. */
  like: ReadonlyMap<string, readonly string[]>
  /** Stand before or behind what they describe. */
  adjectives: ReadonlySet<string>
  /** May be missing on one side and stand anywhere. */
  light: ReadonlySet<string>
  /** Of the light ones: what somebody wants to be done. Asked where or when it is done, they matter. */
  doing: ReadonlySet<string>
  /** May stand anywhere. */
  free: ReadonlySet<string>
  /** Stem -> its axes with the pole it stands for. */
  poles: ReadonlyMap<string, readonly (readonly [axis: number, pole: number])[]>
  /** Like poles, but with more than two sides, and light verbs have them too. Word -> its axes and sides. */
  rivals: ReadonlyMap<string, readonly (readonly [axis: number, side: number])[]>
  /** Ways of changing something that differ where nobody says into what it is changed. Word -> its way. */
  rewritings: ReadonlyMap<string, number>
  /** Word -> what it is the negation of. */
  negated: ReadonlyMap<string, string>
  kinds: ReadonlySet<string>
  /** Kinds that only describe the name behind them: "the test `x`" is `x`, "the `x` test" is not. */
  apposed: ReadonlySet<string>
  /** Say next to nothing beside other words. */
  vague: ReadonlySet<string>
  fillers: ReadonlySet<string>
  /** Built for one is not built on it. */
  platforms: ReadonlySet<string>
}

type Source = {
  polite: string
  contractions: [string, string][]
  like: [string, string][]
  rivals: string[][]
  adjectives: string[]
  whole: string[]
  things: string[]
  light: string[]
  doing: string[]
  free: string[]
  frames: [string, string][]
  phrases: [string, string][]
  verbs: string[]
  nouns: string[]
  irregular: Record<string, string>
  poles: [string, string][]
  rewritings: string[]
  negated: Record<string, string>
  kinds: string[]
  apposed: string[]
  vague: string[]
  fillers: string[]
  platforms: string[]
}

/** English endings off, so that 'caching', 'cached' and 'caches' are one word. Rough, and the same for everybody. */
export function stem(word: string): string {
  let text = word.replace(/is(e|es|ed|ing|ation)$/, 'iz$1')
  if (text.length > 5) text = text.replace(/ily$/, 'y').replace(/ly$/, '')
  if (text.length > 4 && text.endsWith('ies')) text = `${text.slice(0, -3)}y`
  else if (text.length > 4 && /(?:s|x|z|ch|sh)es$/.test(text)) text = text.slice(0, -2)
  else if (text.length > 3 && text.endsWith('s') && !/(?:ss|us|is)$/.test(text)) text = text.slice(0, -1)
  if (text.length > 5 && text.endsWith('ing')) text = text.slice(0, -3)
  else if (text.length > 4 && text.endsWith('ied')) text = `${text.slice(0, -3)}y`
  else if (text.length > 4 && text.endsWith('ed')) text = text.slice(0, -2)
  if (text.length > 6)
    text = text
      .replace(/ization$/, 'iz')
      .replace(/ification$/, 'ify')
      .replace(/([st])ion$/, '$1')
      .replace(/(?<=....)ment$/, '')
  if (/([bdfgmnprt])\1$/.test(text) || (text.length > 6 && text.endsWith('ll'))) text = text.slice(0, -1)
  return text.length > 3 ? text.replace(/e$/, '') : text
}

/** The stem of a word as it stands in a request. */
export function rootOf(word: string, { irregular, whole }: Pick<Lexicon, 'irregular' | 'whole'>): string {
  if (whole.has(word)) return word
  const single = word.replace(/s$/, '')
  if (whole.has(single)) return single
  return stem(irregular.get(word) ?? irregular.get(single) ?? word)
}

type Roots = (word: string) => string

function groupsOf(groups: readonly string[], name: string, root: Roots): Map<string, string[]> {
  const found = new Map<string, string[]>()
  groups.forEach((group, index) => {
    for (const word of group.split(' ')) found.set(root(word), [...(found.get(root(word)) ?? []), `${name}${index}`])
  })
  return found
}

/** Word -> where it stands: the number of the axis and that of the side. */
function axesOf(axes: readonly (readonly string[])[], root: Roots): Map<string, [number, number][]> {
  const found = new Map<string, [number, number][]>()
  axes.forEach((sides, axis) => {
    sides.forEach((words, side) => {
      for (const word of words.split(' ')) found.set(root(word), [...(found.get(root(word)) ?? []), [axis, side]])
    })
  })
  return found
}

/** The words the gates know, from templates_data/answering/lexicon.json. */
export function loadLexicon(dataFolder: string): Lexicon {
  const source = JSON.parse(readFileSync(join(dataFolder, 'answering', 'lexicon.json'), 'utf8')) as Source
  const [irregular, whole] = [new Map(Object.entries(source.irregular)), new Set(source.whole)]
  const root: Roots = (word) => rootOf(word, { irregular, whole })
  const like = new Map<string, string[]>()
  for (const [one, other] of source.like) {
    like.set(one, [...(like.get(one) ?? []), other])
    like.set(other, [...(like.get(other) ?? []), one])
  }
  return {
    frames: source.frames.map(([names, start]) => [names.split('|'), new RegExp(`^(?:${start})`, 'i')] as const),
    phrases: source.phrases.map(([words, one]) => [new RegExp(`(?<![\\w-])(?:${words})(?:(?<= )|(?![\\w-]))`, 'gi'), one] as const),
    verbs: groupsOf(source.verbs, 'v', root),
    nouns: groupsOf(source.nouns, 'n', root),
    irregular,
    whole,
    things: new Set(source.things.map(root)),
    contractions: source.contractions.map(([short, long]) => [new RegExp(`\\b(?:${short})(?!\\w)`, 'gi'), long] as const),
    like,
    adjectives: new Set(source.adjectives),
    rivals: axesOf(source.rivals, root),
    polite: new RegExp(`^${source.polite}`, 'i'),
    light: new Set(source.light.map(root)),
    doing: new Set(source.doing.map(root)),
    free: new Set(source.free.map(root)),
    poles: axesOf(source.poles, root),
    rewritings: new Map(source.rewritings.flatMap((words, way) => words.split(' ').map((word) => [root(word), way] as const))),
    negated: new Map(Object.entries(source.negated).map(([word, of]) => [root(word), of])),
    kinds: new Set(source.kinds.map(root)),
    apposed: new Set(source.apposed.map(root)),
    vague: new Set(source.vague.map(root)),
    fillers: new Set(source.fillers),
    platforms: new Set(source.platforms),
  }
}
