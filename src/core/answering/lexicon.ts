import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What the gates know of words, ready to use. */
export type Lexicon = {
  /** What a request wants, by how it begins. */
  frames: readonly (readonly [name: string, start: RegExp])[]
  phrases: readonly (readonly [words: RegExp, one: string])[]
  /** Stem -> the first stem of its group. */
  same: ReadonlyMap<string, string>
  /** Courtesies at the start. */
  polite: RegExp
  /** The first of these in a sentence may stand anywhere. */
  verbs: ReadonlySet<string>
  /** May be missing on one side and stand anywhere. */
  light: ReadonlySet<string>
  /** May stand anywhere. */
  free: ReadonlySet<string>
  /** Stem -> its axes with the pole it stands for. */
  poles: ReadonlyMap<string, readonly (readonly [axis: number, pole: 0 | 1])[]>
  /** Word -> what it is the negation of. */
  negated: ReadonlyMap<string, string>
  kinds: ReadonlySet<string>
  fillers: ReadonlySet<string>
}

type Source = {
  polite: string
  light: string[]
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
  if (/([bdfgmnprt])\1$/.test(text)) text = text.slice(0, -1)
  return text.length > 3 ? text.replace(/e$/, '') : text
}

/** The words the gates know, from templates_data/answering/lexicon.json. */
export function loadLexicon(dataFolder: string): Lexicon {
  const source = JSON.parse(readFileSync(join(dataFolder, 'answering', 'lexicon.json'), 'utf8')) as Source
  const same = new Map<string, string>()
  for (const group of [...source.verbs, ...source.nouns])
    for (const word of group) if (!same.has(stem(word))) same.set(stem(word), stem(group[0]!))
  const poles = new Map<string, [number, 0 | 1][]>()
  source.poles.forEach((sides, axis) => {
    sides.forEach((words, pole) => {
      for (const word of words.split(' ')) poles.set(stem(word), [...(poles.get(stem(word)) ?? []), [axis, pole as 0 | 1]])
    })
  })
  return {
    frames: source.frames.map(([name, start]) => [name, new RegExp(`^(?:${start})`, 'i')] as const),
    phrases: source.phrases.map(([words, one]) => [new RegExp(`(?<![\\w-])(?:${words})(?![\\w-])`, 'gi'), one] as const),
    same,
    polite: new RegExp(`^${source.polite}`, 'i'),
    verbs: new Set(source.verbs.flat().map(stem)),
    light: new Set(source.light.map(stem)),
    free: new Set(source.free.map(stem)),
    poles,
    negated: new Map(Object.entries(source.negated).map(([word, of]) => [stem(word), of])),
    kinds: new Set(source.kinds.map(stem)),
    fillers: new Set(source.fillers),
  }
}
