import { SingularityError, suggest } from '../kernel/index.ts'
import type { FileMetrics, FunctionMetrics } from './metrics.ts'

/** A figure that may not pass its limit: `cyclomatic>15`. */
export type Limit = { rule: string; operator: Operator; value: number }

export type Finding = {
  /** The figure. */
  rule: string
  path: string
  /** Where the function begins; 1 for a figure of the file. */
  line: number
  value: number
  limit: number
}

type Operator = '>' | '>=' | '<' | '<='

const HOLDS: Readonly<Record<Operator, (value: number, limit: number) => boolean>> = {
  '>': (value, limit) => value > limit,
  '>=': (value, limit) => value >= limit,
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
}

const OF_FUNCTIONS: Readonly<Record<string, (each: FunctionMetrics) => number | null>> = {
  cyclomatic: (each) => each.cyclomatic,
  cognitive: (each) => each.cognitive,
  nesting: (each) => each.nesting,
  parameters: (each) => each.parameters?.length ?? null,
  lines: (each) => each.line_count,
  volume: (each) => each.halstead?.volume ?? null,
  difficulty: (each) => each.halstead?.difficulty ?? null,
  effort: (each) => each.halstead?.effort ?? null,
}

const OF_FILES: Readonly<Record<string, (file: FileMetrics) => number | null>> = {
  'file.cyclomatic': (file) => file.cyclomatic,
  'file.cognitive': (file) => file.cognitive,
  'file.functions': (file) => file.functions.length,
  'file.physical': (file) => file.lines.physical,
  'file.source': (file) => file.lines.source,
  'file.comment': (file) => file.lines.comment,
  'file.volume': (file) => file.halstead?.volume ?? null,
  'file.original': (file) => file.maintainability?.original ?? null,
  'file.sei': (file) => file.maintainability?.sei ?? null,
  'file.visual_studio': (file) => file.maintainability?.visual_studio ?? null,
  'file.error_ratio': (file) => file.error_ratio,
}

/** Names that may stand in a limit: of functions, then of files. */
export const LIMIT_NAMES: readonly string[] = [...Object.keys(OF_FUNCTIONS), ...Object.keys(OF_FILES)]

/** @throws USAGE where it is no `NAME>NUMBER`, or no figure has that name */
export function parseLimit(text: string): Limit {
  const match = /^\s*([a-z_.]+)\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)\s*$/.exec(text)
  if (match === null)
    throw new SingularityError('USAGE', `${text} is no limit.`, {
      hints: ["--fail-on 'cyclomatic>15'", "--fail-on 'file.visual_studio<20'"],
    })
  const [, rule = '', operator, value] = match
  if (!LIMIT_NAMES.includes(rule)) {
    const near = suggest(rule, LIMIT_NAMES)
    throw new SingularityError('USAGE', `No figure is called ${rule}.`, {
      hints: [...(near === undefined ? [] : [`--fail-on '${near}${operator}${value}'`]), `known: ${LIMIT_NAMES.join(', ')}`],
    })
  }
  return { rule, operator: operator as Operator, value: Number(value) }
}

/** Where limits are passed, in the order of the file. A figure that is not known passes none. */
export function checkLimits(path: string, file: FileMetrics, limits: readonly Limit[]): Finding[] {
  const found: Finding[] = []
  for (const { rule, operator, value: limit } of limits) {
    const add = (line: number, value: number | null): void => {
      if (value !== null && HOLDS[operator](value, limit)) found.push({ rule, path, line, value, limit })
    }
    const [ofFile, ofFunction] = [OF_FILES[rule], OF_FUNCTIONS[rule]]
    if (ofFile !== undefined) add(1, ofFile(file))
    if (ofFunction !== undefined) for (const each of file.functions) add(each.line_start, ofFunction(each))
  }
  return found.toSorted((a, b) => a.line - b.line)
}
