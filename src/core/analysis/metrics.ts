import type { Cyclomatic, FileFacts, FunctionFact, HalsteadCounts, InitializerFact, LineCounts, PartialReason } from '../parsing/index.ts'

/** Which constructs are one decision; docs/metrics.md lists them per language. */
export const PROFILES = ['default', 'eslint', 'rca', 'sonar'] as const
export type Profile = (typeof PROFILES)[number]

/** Of Halstead, "Elements of Software Science" (1977); effort in elementary mental discriminations, volume in bits. */
export type Halstead = HalsteadCounts & { volume: number; difficulty: number; effort: number }

/** Higher is easier to maintain. `original` and `sei` may be negative, `visual_studio` is 0 to 100. */
export type Maintainability = { original: number; sei: number; visual_studio: number }

export type FunctionMetrics = {
  /** null where it has none. */
  name: string | null
  kind: string
  /** From 1, inclusive. */
  line_start: number
  line_end: number
  line_count: number
  /** As written; null in tier 2: tokens cannot tell them. */
  parameters: string[] | null
  /** Its own decisions; those of functions inside are theirs. */
  cyclomatic: number | null
  /** Likewise, as SonarSource's analyzers report functions; the file's figure has nested functions one level deeper. */
  cognitive: number | null
  nesting: number | null
  halstead: Halstead | null
}

/** Figures that the tier cannot know are null, never 0. */
export type FileMetrics = {
  language: string
  tier: 1 | 2 | 3
  engine: string
  partial: PartialReason | null
  /** Share of bytes inside syntax errors, 0 to 1. */
  error_ratio: number | null
  lines: LineCounts
  cyclomatic: number | null
  cognitive: number | null
  halstead: Halstead | null
  maintainability: Maintainability | null
  functions: FunctionMetrics[]
}

/** Figures of one file from what its bytes say. Cyclomatic figures are those of the profile; all others are the same in each. */
export function measureFile(facts: FileFacts, profile: Profile): FileMetrics {
  const functions = facts.functions.map((each) => measureFunction(each, profile, facts.tier))
  if (profile === 'eslint') functions.push(...facts.initializers.map(measureInitializer))
  const halstead = measureHalstead(facts.file.halstead)
  const cyclomatic = fileCyclomatic(facts, profile)
  return {
    language: facts.language,
    tier: facts.tier,
    engine: facts.engine,
    partial: facts.partial,
    error_ratio: facts.errorRatio,
    lines: facts.lines,
    cyclomatic,
    cognitive: facts.file.cognitive,
    halstead,
    maintainability: measureMaintainability({ volume: halstead?.volume ?? null, cyclomatic, lines: facts.lines }),
    functions: functions.toSorted((a, b) => a.line_start - b.line_start || b.line_end - a.line_end),
  }
}

/**
 * 1 + the decisions of the whole file, functions included: McCabe's number as if the file were one function (McCabe, "A Complexity
 * Measure", 1976, for one connected graph). null where decisions are not known.
 */
function fileCyclomatic({ file, functions, initializers }: FileFacts, profile: Profile): number | null {
  const outside = file.decisions?.[profile] ?? null
  const own = functions.map(({ cyclomatic }) => cyclomatic?.[profile] ?? null)
  if (outside === null || own.includes(null)) return null
  const fields = profile === 'eslint' ? initializers.map(({ cyclomatic }) => cyclomatic) : []
  return [...own, ...fields].reduce<number>((sum, figure) => sum + figure! - 1, 1 + outside)
}

function measureFunction(fact: FunctionFact, profile: Profile, tier: FileFacts['tier']): FunctionMetrics {
  return {
    name: fact.name,
    kind: fact.kind,
    line_start: fact.row + 1,
    line_end: fact.rowEnd + 1,
    line_count: fact.rowEnd - fact.row + 1,
    parameters: tier === 1 ? fact.parameters : null,
    cyclomatic: cyclomaticOf(fact.cyclomatic, profile),
    cognitive: fact.cognitiveOwn,
    nesting: fact.nesting,
    halstead: measureHalstead(fact.halstead),
  }
}

/** eslint's rule looks at the value of a class field as if it were a function; no other figure does. */
function measureInitializer({ name, row, rowEnd, cyclomatic }: InitializerFact): FunctionMetrics {
  return {
    name,
    kind: 'field_initializer',
    line_start: row + 1,
    line_end: rowEnd + 1,
    line_count: rowEnd - row + 1,
    parameters: [],
    cyclomatic,
    cognitive: null,
    nesting: null,
    halstead: null,
  }
}

const cyclomaticOf = (figures: Cyclomatic | null, profile: Profile): number | null => figures?.[profile] ?? null

/**
 * Halstead's figures: with n = n1 + n2 and N = N1 + N2, volume = N·log2(n), difficulty = n1/2 · N2/n2, effort = difficulty · volume
 * (Halstead 1977). Without operands the difficulty is 0.
 */
export function measureHalstead(counts: HalsteadCounts | null): Halstead | null {
  if (counts === null) return null
  const { n1, n2, N1, N2 } = counts
  const vocabulary = n1 + n2
  const volume = vocabulary === 0 ? 0 : (N1 + N2) * Math.log2(vocabulary)
  const difficulty = n2 === 0 ? 0 : (n1 / 2) * (N2 / n2)
  return { ...counts, volume, difficulty, effort: difficulty * volume }
}

/**
 * The three indexes that go by this name, over one file with V = Halstead volume, G = cyclomatic figure, L = source lines, C = comment
 * lines as a share of source and comment lines (0 to 1):
 * - original: 171 - 5.2·ln V - 0.23·G - 16.2·ln L (Oman and Hagemeister 1992; coefficients of Coleman et al. 1994);
 * - sei: 171 - 5.2·log2 V - 0.23·G - 16.2·log2 L + 50·sin(sqrt(2.4·C)) (Software Engineering Institute 1997);
 * - visual_studio: max(0, original · 100 / 171) (Microsoft 2007).
 * null where a part is not known, or where V or L is 0: the logarithm has no value there.
 */
export function measureMaintainability(parts: {
  volume: number | null
  cyclomatic: number | null
  lines: Pick<LineCounts, 'source' | 'comment'>
}): Maintainability | null {
  const { volume, cyclomatic, lines } = parts
  if (volume === null || cyclomatic === null || lines.comment === null || volume === 0 || lines.source === 0) return null
  const share = lines.comment / (lines.source + lines.comment)
  const original = 171 - 5.2 * Math.log(volume) - 0.23 * cyclomatic - 16.2 * Math.log(lines.source)
  const sei = 171 - 5.2 * Math.log2(volume) - 0.23 * cyclomatic - 16.2 * Math.log2(lines.source) + 50 * Math.sin(Math.sqrt(2.4 * share))
  return { original, sei, visual_studio: Math.max(0, (original * 100) / 171) }
}
