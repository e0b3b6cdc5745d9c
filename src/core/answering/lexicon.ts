import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What the gates know of words, ready to use. */
export type Lexicon = {
  /** What a request wants, by how it begins. */
  frames: readonly (readonly [name: string, start: RegExp])[]
  phrases: readonly (readonly [words: RegExp, one: string])[]
  /** Stem -> the first stem of its group. */
  sameVerb: ReadonlyMap<string, string>
  sameNoun: ReadonlyMap<string, string>
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
  /** The first of these in a sentence may stand anywhere. */
  verbs: ReadonlySet<string>
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
  /** Word -> what it is the negation of. */
  negated: ReadonlyMap<string, string>
  kinds: ReadonlySet<string>
  fillers: ReadonlySet<string>
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
  verbs: string[][]
  nouns: string[][]
  poles: [string, string][]
  negated: Record<string, string>
  kinds: string[]
  fillers: string[]
}

/** English endings off, so that 'caching', 'cached' and 'caches' are one word. Rough, and the same for everybody. */
export function stem(word: string): string {
  let text = word.replace(/is(e|es|ed|ing|ation)$/, 'iz$1')
  if (text.length > 5) text = text.replace(/ily$/, 'y').replace(/ly$/, '')
  if (text.length > 4 && text.endsWith('ies')) text = `${text.slice(0, -3)}y`
  else if (text.length > 4 && /(?:s|x|z|ch|sh)es$/.test(text)) text = text.slice(0, -2)
  else if (text.length > 3 && text.endsWith('s') && !/(?:ss|us|is)$/.test(text)) text = text.slice(0, -1)
  if (text.length > 6)
    text = text
      .replace(/([st])ion$/, '$1')
      .replace(/(?<=....)[ai]ble$/, '')
      .replace(/(?<=....)ment$/, '')
  if (text.length > 5 && text.endsWith('ing')) text = text.slice(0, -3)
  else if (text.length > 4 && text.endsWith('ed')) text = text.slice(0, -2)
  if (/([bdfgmnprt])\1$/.test(text) || (text.length > 6 && text.endsWith('ll'))) text = text.slice(0, -1)
  return text.length > 3 ? text.replace(/e$/, '') : text
}

function groupsOf(groups: readonly (readonly string[])[]): Map<string, string> {
  const same = new Map<string, string>()
  for (const group of groups) for (const word of group) if (!same.has(stem(word))) same.set(stem(word), stem(group[0]!))
  return same
}

/** Word -> where it stands: the number of the axis and that of the side. */
function axesOf(axes: readonly (readonly string[])[]): Map<string, [number, number][]> {
  const found = new Map<string, [number, number][]>()
  axes.forEach((sides, axis) => {
    sides.forEach((words, side) => {
      for (const word of words.split(' ')) found.set(stem(word), [...(found.get(stem(word)) ?? []), [axis, side]])
    })
  })
  return found
}

/** The words the gates know, from templates_data/answering/lexicon.json. */
export function loadLexicon(dataFolder: string): Lexicon {
  const source = JSON.parse(readFileSync(join(dataFolder, 'answering', 'lexicon.json'), 'utf8')) as Source
  const sameVerb = groupsOf(source.verbs)
  const like = new Map<string, string[]>()
  for (const [one, other] of source.like) {
    like.set(one, [...(like.get(one) ?? []), other])
    like.set(other, [...(like.get(other) ?? []), one])
  }
  return {
    frames: source.frames.map(([name, start]) => [name, new RegExp(`^(?:${start})`, 'i')] as const),
    phrases: source.phrases.map(([words, one]) => [new RegExp(`(?<![\\w-])(?:${words})(?:(?<= )|(?![\\w-]))`, 'gi'), one] as const),
    sameVerb,
    sameNoun: groupsOf(source.nouns),
    things: new Set(source.things.map(stem)),
    whole: new Set(source.whole),
    contractions: source.contractions.map(([short, long]) => [new RegExp(`\\b(?:${short})(?!\\w)`, 'gi'), long] as const),
    like,
    adjectives: new Set(source.adjectives),
    rivals: axesOf(source.rivals),
    polite: new RegExp(`^${source.polite}`, 'i'),
    verbs: new Set(sameVerb.keys()),
    light: new Set(source.light.map(stem)),
    doing: new Set(source.doing.map(stem)),
    free: new Set(source.free.map(stem)),
    poles: axesOf(source.poles),
    negated: new Map(Object.entries(source.negated).map(([word, of]) => [stem(word), of])),
    kinds: new Set(source.kinds.map(stem)),
    fillers: new Set(source.fillers),
  }
}
