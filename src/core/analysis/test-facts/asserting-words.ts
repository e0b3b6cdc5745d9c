import { isCarrier, isTruth, matcherOf } from './matcher-ranks.ts'
import { tableOf } from './tables.ts'

/** Tells the words with which a language's frameworks assert from those of helpers. */
export function assertingWords(language: string | null): (word: string) => boolean {
  const table = tableOf(language ?? undefined)
  if (table === undefined) return () => false
  const { words, assertions: rules } = table
  if (words !== undefined)
    return (word) => {
      const { rank, stem } = matcherOf(word, words)
      return rank !== null || isTruth(stem) || isCarrier(word)
    }
  const known = new Set([
    ...Object.keys(rules.matchers),
    ...Object.keys(rules.macros ?? {}),
    ...Object.keys(rules.objects),
    ...Object.keys(rules.plain),
    ...rules.chains,
  ])
  return (word) => known.has(word)
}
