import type { LineCounts } from '../parsing/index.ts'
import type { FileMetrics } from './metrics.ts'

export type LanguageTotals = { language: string; files: number; functions: number; lines: LineCounts }

export type Totals = {
  files: number
  skipped: number
  /** Files of which some facts may be missing or wrong. */
  partial: number
  functions: number
  /** `logical` and `comment` of the files whose tier knows them; null where none does. */
  lines: LineCounts
  /** Sums over the files whose figure is known; null where none is. */
  cyclomatic: number | null
  cognitive: number | null
  /** Most source lines first. */
  languages: LanguageTotals[]
}

export function sumFiles(files: readonly FileMetrics[], skipped: number): Totals {
  const languages = new Map<string, FileMetrics[]>()
  for (const file of files) {
    const known = languages.get(file.language)
    if (known) known.push(file)
    else languages.set(file.language, [file])
  }
  const functionsOf = (some: readonly FileMetrics[]): number => some.reduce((sum, { functions }) => sum + functions.length, 0)
  return {
    files: files.length,
    skipped,
    partial: files.filter(({ partial }) => partial !== null).length,
    functions: functionsOf(files),
    lines: sumLines(files),
    cyclomatic: sumKnown(files.map((file) => file.cyclomatic)),
    cognitive: sumKnown(files.map((file) => file.cognitive)),
    languages: [...languages]
      .map(([language, some]) => ({ language, files: some.length, functions: functionsOf(some), lines: sumLines(some) }))
      .sort((a, b) => b.lines.source - a.lines.source || (a.language < b.language ? -1 : 1)),
  }
}

function sumLines(files: readonly FileMetrics[]): LineCounts {
  const sum = (pick: (lines: LineCounts) => number): number => files.reduce((total, { lines }) => total + pick(lines), 0)
  return {
    physical: sum(({ physical }) => physical),
    source: sum(({ source }) => source),
    logical: sumKnown(files.map(({ lines }) => lines.logical)),
    comment: sumKnown(files.map(({ lines }) => lines.comment)),
    blank: sum(({ blank }) => blank),
  }
}

function sumKnown(figures: readonly (number | null)[]): number | null {
  const known = figures.filter((figure) => figure !== null)
  return known.length === 0 ? null : known.reduce((sum, figure) => sum + figure, 0)
}
