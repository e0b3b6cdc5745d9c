import type { Site } from './source.ts'

export type PartOutcome = 'pass' | 'fail'

export type GoodPart<T> = {
  kept: T[]
  /** In the order they were found out. */
  dropped: T[]
  runs: number
  /** False when the search ended before the kept part was seen passing. */
  confirmed: boolean
}

/**
 * Keeps the good part of a change: the largest passing subset this search can reach, by delta debugging over sites
 * (Zeller & Hildebrandt 2002, reduced to prefixes). While the whole fails, a binary search finds the first prefix that
 * fails; its last element is needed for that failure, alone or together with an earlier one (interacting pairs), and is
 * dropped. The prefix before it is known to pass, so the search never looks back.
 *
 * Runs: at most (log2(n) + 1) per dropped site, plus one. The result depends on `compare`, not on the order given.
 */
export async function keepGoodPart<T>(
  items: readonly T[],
  options: {
    compare: (a: T, b: T) => number
    test: (subset: readonly T[]) => Promise<PartOutcome>
    maxRuns: number
    mayContinue?: () => boolean
  },
): Promise<GoodPart<T>> {
  const kept = items.toSorted(options.compare)
  const dropped: T[] = []
  let runs = 0
  let passing = 0 // length of the prefix that is known to pass; the empty one is the base itself
  const test = async (length: number): Promise<PartOutcome> => {
    runs++
    return options.test(kept.slice(0, length))
  }
  const mayRun = (): boolean => runs < options.maxRuns && (options.mayContinue?.() ?? true)

  while (kept.length > passing) {
    if (!mayRun()) return { kept: kept.slice(0, passing), dropped: [...dropped, ...kept.slice(passing)], runs, confirmed: passing > 0 }
    if ((await test(kept.length)) === 'pass') return { kept, dropped, runs, confirmed: true }
    let failing = kept.length
    while (failing - passing > 1 && mayRun()) {
      const middle = Math.floor((passing + failing) / 2)
      if ((await test(middle)) === 'pass') passing = middle
      else failing = middle
    }
    if (failing - passing > 1) continue
    dropped.push(...kept.splice(failing - 1, 1))
  }
  return { kept, dropped, runs, confirmed: kept.length > 0 }
}

/** Sites in the order of the source text. */
export function compareSites(a: Site, b: Site): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return (a.edits[0]?.start ?? 0) - (b.edits[0]?.start ?? 0)
}

/** Bound on runs for `keepGoodPart`: three times what the failing sites seen so far would need, and six more. */
export function runBound(sites: number, failing: number): number {
  return Math.ceil(3 * Math.max(1, failing) * Math.log2(Math.max(2, sites))) + 6
}
