import go from '../../../../templates_data/tests/go.json' with { type: 'json' }
import java from '../../../../templates_data/tests/java.json' with { type: 'json' }
import javascript from '../../../../templates_data/tests/javascript.json' with { type: 'json' }
import python from '../../../../templates_data/tests/python.json' with { type: 'json' }
import ruby from '../../../../templates_data/tests/ruby.json' with { type: 'json' }
import rust from '../../../../templates_data/tests/rust.json' with { type: 'json' }
import vocabulary from '../../../../templates_data/tests/vocabulary.json' with { type: 'json' }

export type TestState = 'run' | 'skip' | 'todo' | 'fail' | 'only'

/** How a matcher states its tolerance: `digits` after the point, or an absolute `delta`. A negative argument counts from the end. */
export type ToleranceRule = {
  argument: number
  as: 'digits' | 'delta'
  default?: number
  keywords?: Readonly<Record<string, 'digits' | 'delta'>>
}

export type TestRules = {
  /** `facts`: its tests are found by the roles of its language table. */
  style: 'call' | 'function' | 'annotation' | 'facts'
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
  /** Node kinds of blocks that only their indentation marks. */
  indented?: readonly string[]
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
  /** Words of a language whose tests are found by its language table; absent where a syntax table stands above. */
  words?: AssertionWords
}

/** How a language writes assertions down, for those that are read out of facts. */
export type AssertionWords = {
  /** Which of two arguments is the expected one. */
  order: 'expected_first' | 'actual_first'
  /** A message stands in front of the values. */
  message_first?: boolean
  /** Arguments stand side by side, without brackets and commas. */
  juxtaposed?: boolean
  /** False where blocks do not stand in braces. */
  braces?: boolean
  /** A mark outside of all tests holds for the whole file, wherever it stands. */
  file_marks?: boolean
  /** Indentation is syntax. */
  layout?: boolean
  /** Macros look like calls: a parser misses tokens where nothing is missing. */
  macros?: boolean
  /** How texts fall into tokens: `shell` keeps words whole, `dashes` keeps names with dashes whole. */
  lexing?: 'shell' | 'dashes'
  /** Matchers whose third argument counts digits. */
  digits?: readonly string[]
  /** Matchers by name, before the common stems. */
  ranks?: Readonly<Record<string, number>>
  /** The tolerance is this argument of the matcher. */
  tolerance_at?: Readonly<Record<string, number>>
}

const NOTHING_KNOWN = {
  frameworks: [],
  atoms: [],
  skip_tokens: [';'],
  functions: [],
  imports: [],
  lists: [],
  tests: { style: 'facts' },
  exits: [],
  truths: ['true'],
  catches: [],
  assertions: {
    chains: [],
    negations: [],
    objects: {},
    plain: {},
    matchers: {},
    throwing: [],
    tolerance: {},
    wildcards: [],
    broad_errors: [],
  },
} as const satisfies Omit<LanguageTable, 'languages'>

const TABLES: ReadonlyMap<string, LanguageTable> = new Map(
  [...([javascript, python, go, rust, java, ruby] as readonly unknown[] as readonly LanguageTable[]), ...vocabularyTables()].flatMap(
    (table) => table.languages.map((language) => [language, bare(table)] as const),
  ),
)

/** Without inherited names: a test that calls `toString` or `constructor` means no entry of a table. */
function bare<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.assign(Object.create(null), Object.fromEntries(Object.entries(value).map(([key, part]) => [key, bare(part)]))) as T
}

/** The languages of the vocabulary, with what is the same for all of them. */
function vocabularyTables(): LanguageTable[] {
  type Entry = Partial<LanguageTable> & { words: AssertionWords }
  return Object.entries(vocabulary.languages as unknown as Record<string, Entry>).map(([language, entry]) => ({
    ...NOTHING_KNOWN,
    ...vocabulary.common,
    ...entry,
    languages: [language],
    assertions: { ...NOTHING_KNOWN.assertions, ...vocabulary.assertions, ...entry.assertions },
  }))
}

/** The table of a language; `undefined` where only the line-based fallback can compare. */
export function tableOf(language: string | undefined): LanguageTable | undefined {
  return language === undefined ? undefined : TABLES.get(language)
}
