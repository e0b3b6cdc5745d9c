import { keyOf } from './compare-assertions.ts'
import type { AssertionFact, TestFact, TestFacts } from '../../analysis/index.ts'

/** One file on both sides; a side on which no runner finds it is null. */
export type FilePair = { path: string; oldPath: string; base: TestFacts | null; candidate: TestFacts | null; inSource: boolean }

/** A test with the file it stands in. */
export type Owned = { test: TestFact; pair: FilePair; assertions: readonly AssertionFact[] }

/** The tests of one side with their assertions. */
export function owned(pair: FilePair, facts: TestFacts | null): Owned[] {
  if (facts === null) return []
  const byTest = new Map<string, AssertionFact[]>()
  for (const fact of facts.assertions) {
    const list = byTest.get(fact.test)
    if (list === undefined) byTest.set(fact.test, [fact])
    else list.push(fact)
  }
  return facts.tests.map((test) => ({ test, pair, assertions: byTest.get(test.id) ?? [] }))
}

/** Finds successors of lost tests among the new ones and takes both out of their lists. */
export function adopt(lost: Owned[], fresh: Owned[]): [Owned, Owned][] {
  const found: [Owned, Owned][] = []
  const by = (same: (a: Owned, b: Owned) => boolean): void => {
    for (let at = 0; at < lost.length; at++) {
      const other = fresh.findIndex((candidate) => same(lost[at]!, candidate))
      if (other < 0) continue
      found.push([lost[at]!, fresh[other]!])
      lost.splice(at--, 1)
      fresh.splice(other, 1)
    }
  }
  by((a, b) => a.test.name === b.test.name && bodyOf(a) === bodyOf(b))
  by((a, b) => a.assertions.length > 0 && bodyOf(a) === bodyOf(b))
  by((a, b) => a.test.name === b.test.name && (a.pair === b.pair || similarity(a, b) > 0.5))
  by((a, b) => similarity(a, b) > 0.6)
  return found
}

/** All that a test demands, whatever it is called. */
export function bodyOf(item: Owned): string {
  return item.assertions.map(keyOf).sort().join('\n')
}

/** The share of tokens two tests have in common, 0 to 1. */
export function similarity(a: Owned, b: Owned): number {
  const one = new Map<string, number>()
  for (const token of a.test.tokens) one.set(token, (one.get(token) ?? 0) + 1)
  let common = 0
  for (const token of b.test.tokens) {
    const left = one.get(token) ?? 0
    if (left > 0) {
      common++
      one.set(token, left - 1)
    }
  }
  return (2 * common) / (a.test.tokens.length + b.test.tokens.length || 1)
}

/** What each test has more of than its predecessor, and all that new tests have: what was lost elsewhere has moved here. */
export function gained(
  matches: readonly [Owned, Owned, boolean][],
  fresh: readonly Owned[],
  keysOf: (item: Owned) => readonly string[],
): Map<string, number> {
  const gains = new Map<string, number>()
  const add = (before: readonly string[], after: readonly string[]): void => {
    const rest = [...before]
    for (const key of after) {
      const at = rest.indexOf(key)
      if (at >= 0) rest.splice(at, 1)
      else gains.set(key, (gains.get(key) ?? 0) + 1)
    }
  }
  for (const [base, candidate] of matches) add(keysOf(base), keysOf(candidate))
  for (const item of fresh) add([], keysOf(item))
  return gains
}
