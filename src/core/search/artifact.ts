/** Something that is known and can be found: a rule, a prompt, a decided change, a section of a document. */
export type Artifact = {
  id: string
  kind: 'rule' | 'prompt' | 'answerer' | 'technology' | 'change' | 'document'
  name: string
  content: string
  /** Empty where it belongs to no language. */
  languages: readonly string[]
  /** Where it stands in this repository; `null` for what came with the program. */
  path: string | null
  line: number | null
  lineEnd: number | null
  past: Past
}

/** How often something was used, how often that ended well, and when last (ms since 1970). */
export type Past = { uses: number; successes: number; lastUsedAt: number | null }

export const NEVER_USED: Past = { uses: 0, successes: 0, lastUsedAt: null }

/** What is told of the past: `null` where there is none. */
export type PastFigures = { successRate: number | null; usageCount: number; recency: number | null }

export type ScoreWeights = { similarity: number; success: number; recency: number; halfLifeDays: number }

/** The seeds' weights; after 30 days without use the recency is a half. */
export const SCORE_WEIGHTS: ScoreWeights = { similarity: 0.7, success: 0.2, recency: 0.1, halfLifeDays: 30 }

const DAY_MS = 86_400_000
/** What was never tried is neither good nor bad. */
const UNTRIED = 0.5

/** @param now ms since 1970 */
export function figuresOf({ uses, successes, lastUsedAt }: Past, now: number, halfLifeDays: number): PastFigures {
  const age = lastUsedAt === null ? null : Math.max(0, now - lastUsedAt) / DAY_MS
  return {
    successRate: uses === 0 ? null : successes / uses,
    usageCount: uses,
    recency: age === null ? null : halfLifeDays === 0 ? Number(age === 0) : 0.5 ** (age / halfLifeDays),
  }
}

/** The seeds' score: 0.7 similarity + 0.2 success rate + 0.1 recency, all in [0, 1]; other weights are scaled to a sum of one. */
export function scoreOf(
  { similarity, successRate, recency }: Pick<PastFigures, 'successRate' | 'recency'> & { similarity: number },
  weights: ScoreWeights,
): number {
  const total = weights.similarity + weights.success + weights.recency
  if (total === 0) return similarity
  const sum = weights.similarity * similarity + weights.success * (successRate ?? UNTRIED) + weights.recency * (recency ?? 0)
  return sum / total
}

/**
 * What the past of a file says about a piece of its code: within 1 +- `most`, 1 where nothing is known. The success rate counts two
 * thirds, as in the seeds' score, pulled to the middle while there are few uses.
 */
export function codeFactor({ successRate, usageCount, recency }: PastFigures, most: number): number {
  if (successRate === null) return 1
  const sure = usageCount / (usageCount + 2)
  return 1 + most * sure * ((2 / 3) * (2 * successRate - 1) + (1 / 3) * (2 * (recency ?? 0.5) - 1))
}
