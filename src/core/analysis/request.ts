import { SingularityError } from '../kernel/index.ts'
import type { FileFacts, SyntaxJson } from '../parsing/index.ts'
import { measureFile, type Profile } from './metrics.ts'

/** What `code.analysis.parse` is asked. */
export type AnalysisRequest = {
  content: string
  language: string
  options: { extract_functions: boolean; calculate_metrics: boolean; generate_ast: boolean }
}

export type AnalysisReply = {
  language: string
  functions: { name: string | null; line_start: number; line_end: number; complexity: number | null; parameters: string[] | null }[]
  metrics: { lines_of_code: number; cyclomatic_complexity: number | null; cognitive_complexity: number | null } | null
  ast: SyntaxJson | null
}

const OPTIONS = { extract_functions: true, calculate_metrics: true, generate_ast: false }

/** @throws REQUEST_INVALID with the first thing that is wrong */
export function readRequest(value: unknown): AnalysisRequest {
  const refuse = (what: string): never => {
    throw new SingularityError('REQUEST_INVALID', `The request ${what}.`, {
      hints: [`echo '{"content": "fn main() {}", "language": "rust"}' | singularity code analyze --request -`],
    })
  }
  if (!isObject(value)) return refuse('is no JSON object')
  const { content, language, options = {}, ...more } = value
  const [unknown] = Object.keys(more)
  if (unknown !== undefined) return refuse(`has an unknown field "${unknown}"`)
  if (typeof content !== 'string') return refuse('has no text "content"')
  if (typeof language !== 'string') return refuse('has no text "language"')
  if (!isObject(options)) return refuse('has "options" that are no object')
  for (const [name, given] of Object.entries(options)) {
    if (!Object.hasOwn(OPTIONS, name)) return refuse(`has an unknown option "${name}"`)
    if (typeof given !== 'boolean') return refuse(`has an option "${name}" that is neither true nor false`)
  }
  return { content, language, options: { ...OPTIONS, ...options } }
}

/** Lines of code are source lines. What was not asked for is empty or null. */
export function replyOf({ options }: AnalysisRequest, facts: FileFacts, profile: Profile, ast: SyntaxJson | null): AnalysisReply {
  const file = measureFile(facts, profile)
  const functions = file.functions.map(({ name, line_start, line_end, cyclomatic, parameters }) => {
    return { name, line_start, line_end, complexity: cyclomatic, parameters }
  })
  const metrics = {
    lines_of_code: file.lines.source,
    cyclomatic_complexity: file.cyclomatic,
    cognitive_complexity: file.cognitive,
  }
  return {
    language: facts.language,
    functions: options.extract_functions ? functions : [],
    metrics: options.calculate_metrics ? metrics : null,
    ast,
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
