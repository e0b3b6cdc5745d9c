import go from '../../../../templates_data/tests/go.json' with { type: 'json' }
import java from '../../../../templates_data/tests/java.json' with { type: 'json' }
import javascript from '../../../../templates_data/tests/javascript.json' with { type: 'json' }
import python from '../../../../templates_data/tests/python.json' with { type: 'json' }
import ruby from '../../../../templates_data/tests/ruby.json' with { type: 'json' }
import rust from '../../../../templates_data/tests/rust.json' with { type: 'json' }
import type { LanguageId } from '../../parsing/index.ts'

export type TestState = 'run' | 'skip' | 'todo' | 'fail' | 'only'

/** How a matcher states its tolerance: `digits` after the point, or an absolute `delta`. A negative argument counts from the end. */
export type ToleranceRule = {
  argument: number
  as: 'digits' | 'delta'
  default?: number
  keywords?: Readonly<Record<string, 'digits' | 'delta'>>
}

export type TestRules = {
  style: 'call' | 'function' | 'annotation'
  namespaces?: readonly string[]
  tests?: readonly string[]
  suites?: readonly string[]
  prefixed?: Readonly<Record<string, string>>
  modifiers?: Readonly<Record<string, string>>
  options?: Readonly<Record<string, string>>
  rows?: readonly string[]
  kinds?: readonly string[]
  pattern?: string
  markers?: readonly string[]
  legacy?: { contains: string; pattern: string }
  suite_kinds?: readonly string[]
  annotations?: Readonly<Record<string, string>>
  row_annotations?: readonly string[]
  module_marks?: readonly string[]
  subtests?: readonly string[]
  function_kinds?: readonly string[]
  function_pattern?: string
  class_kinds?: readonly string[]
  skip_calls?: readonly string[]
}

export type AssertionRules = {
  chains: readonly string[]
  negations: readonly string[]
  objects: Readonly<Record<string, string>>
  plain: Readonly<Record<string, string>>
  plain_order?: string
  /** Matchers whose subject comes first although their object's other matchers expect first. */
  actual_first?: readonly string[]
  prefixes?: readonly string[]
  trailing_chain?: readonly string[]
  macros?: Readonly<Record<string, number>>
  matchers: Readonly<Record<string, number>>
  truth?: readonly string[]
  predicates?: Readonly<Record<string, number>>
  throwing: readonly string[]
  contexts?: readonly string[]
  context_argument?: readonly string[]
  failing_calls?: readonly string[]
  throw_annotation?: string
  throw_annotation_argument?: string
  tolerance: Readonly<Record<string, ToleranceRule>>
  approximations?: readonly string[]
  wildcards: readonly string[]
  broad_errors: readonly string[]
}

/** One language's knowledge of its test frameworks (templates_data/tests/*.json). Ranks: 0 never fails, 1 truthy, 2 kind, 3 partial, 4 exact. */
export type LanguageTable = {
  languages: readonly string[]
  frameworks: readonly string[]
  /** Node kinds kept as one token. */
  atoms: readonly string[]
  skip_tokens: readonly string[]
  functions: readonly string[]
  imports: readonly string[]
  import_calls?: readonly string[]
  lists: readonly string[]
  tests: TestRules
  assertions: AssertionRules
  /** Token sequences that end the process. */
  exits: readonly string[]
  truths: readonly string[]
  /** Exception types whose handler would swallow a failed assertion; empty where every handler does. */
  catches: readonly string[]
}

const TABLES: ReadonlyMap<string, LanguageTable> = new Map(
  ([javascript, python, go, rust, java, ruby] as readonly unknown[] as readonly LanguageTable[]).flatMap((table) =>
    table.languages.map((language) => [language, table] as const),
  ),
)

/** The words with which a language's frameworks assert. */
export function assertingWords(language: LanguageId | null): ReadonlySet<string> {
  const rules = tableOf(language ?? undefined)?.assertions
  if (rules === undefined) return new Set()
  return new Set([
    ...Object.keys(rules.matchers),
    ...Object.keys(rules.macros ?? {}),
    ...Object.keys(rules.objects),
    ...Object.keys(rules.plain),
    ...rules.chains,
  ])
}

/** The table of a language; `undefined` where only the line-based fallback can compare. */
export function tableOf(language: LanguageId | undefined): LanguageTable | undefined {
  return language === undefined ? undefined : TABLES.get(language)
}
