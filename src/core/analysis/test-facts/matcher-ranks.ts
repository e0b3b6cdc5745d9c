import vocabulary from '../../../../templates_data/tests/vocabulary.json' with { type: 'json' }
import type { AssertionWords } from './tables.ts'

/** What a matcher's name means, whatever framework spells it. */
export type Matcher = {
  /** The name without the framework's own words: `assertEquals`, `XCTAssertEqual` and `EXPECT_EQ` are `equals`, `equal`, `eq`. */
  stem: string
  negated: boolean
  /** As in AssertionFact.strength; null where the name is unknown. */
  rank: number | null
}

const STEMS = new Map(Object.entries(vocabulary.stems).flatMap(([rank, stems]) => stems.map((stem) => [stem, Number(rank)] as const)))
const PREFIXES = vocabulary.prefixes
const NEGATIONS = vocabulary.negations
/** Stems of values that nearly everything else differs from. */
const NOTHING = new Set(vocabulary.nothing)

/** Tells a matcher by its name. */
export function matcherOf(name: string, words: AssertionWords): Matcher {
  const given = words.ranks?.[name]
  let stem = name
    .replace(/^.*[.:>#$@]/s, '')
    .replace(/[_\-?!`]/g, '')
    .toLowerCase()
  let negated = false
  while (stem !== '' && !STEMS.has(stem)) {
    const not = NEGATIONS.find((word) => stem.startsWith(word))
    const prefix = not ?? PREFIXES.find((word) => stem.startsWith(word) && stem.length > word.length)
    if (prefix === undefined) break
    if (not !== undefined) negated = !negated
    stem = stem.slice(prefix.length)
  }
  const known = given ?? STEMS.get(stem)
  return { stem, negated, rank: known === undefined ? null : negated ? rankOfNegated(stem, known) : known }
}

/** Not equal to a value allows nearly everything; not nothing is mere existence. */
export function rankOfNegated(stem: string, rank: number): number {
  return NOTHING.has(stem) ? 1 : rank >= 3 ? 2 : Math.min(3, rank + 1)
}

/** Stems whose argument is a condition that must hold. */
export const isTruth = (stem: string): boolean => vocabulary.truth.includes(stem)
export const isThrowing = (stem: string): boolean => vocabulary.throwing.includes(stem)
export const isApproximate = (stem: string): boolean => vocabulary.approximate.includes(stem)
/** Words that hold a value and are followed by its matcher, or take it as their second argument. */
export const isCarrier = (word: string): boolean => vocabulary.carriers.includes(word)
/** Words between a value and its matcher that demand nothing. */
export const isFiller = (word: string): boolean => vocabulary.fillers.includes(word)
export const isMessage = (word: string): boolean => vocabulary.messages.includes(word)
