import { boolean, count, either, hash, list, nullable, number, object, oneOf, string, time, type Schema } from './build.ts'

const problems = list(object({ path: string, reason: string }))
const scope = oneOf('runtime', 'development', 'test', 'build', 'optional', 'peer')

const tier: Schema = { enum: [1, 2, 3] }
const engine = oneOf('native', 'node', 'wasm', 'scanner', 'text')
const lines = object({ physical: count, source: count, logical: nullable(count), comment: nullable(count), blank: count })
const halstead = nullable(object({ n1: count, n2: count, N1: count, N2: count, volume: number, difficulty: number, effort: number }))
const known = nullable(count)
const parameters = nullable(list(string))

const ANALYSIS = object({
  profile: oneOf('default', 'eslint', 'rca', 'sonar'),
  base: nullable(hash),
  files: list(
    object({
      path: string,
      blob: hash,
      language: string,
      tier,
      engine,
      partial: nullable(oneOf('syntax', 'encoding', 'deadline', 'size', 'quarantined')),
      error_ratio: nullable(number),
      lines,
      cyclomatic: known,
      cognitive: known,
      halstead,
      maintainability: nullable(object({ original: number, sei: number, visual_studio: number })),
      functions: list(
        object({
          name: nullable(string),
          kind: string,
          line_start: count,
          line_end: count,
          line_count: count,
          parameters,
          cyclomatic: known,
          cognitive: known,
          nesting: known,
          halstead,
        }),
      ),
    }),
  ),
  skipped: problems,
  findings: list(object({ rule: string, path: string, line: count, value: number, limit: number })),
  totals: object({
    files: count,
    skipped: count,
    partial: count,
    functions: count,
    lines,
    cyclomatic: known,
    cognitive: known,
    languages: list(object({ language: string, files: count, functions: count, lines })),
  }),
})

/** A syntax tree nests without an end; only its root is described. */
const TREE = nullable({ type: 'object' })

const REPLY = object(
  {
    language: string,
    functions: list(object({ name: nullable(string), line_start: count, line_end: count, complexity: known, parameters })),
    metrics: nullable(object({ lines_of_code: count, cyclomatic_complexity: known, cognitive_complexity: known })),
    ast: TREE,
  },
  'With --request.',
)

const language = {
  name: string,
  tier,
  engine,
  version: nullable(string),
  abi: nullable(count),
  reason: nullable(string),
  verified: boolean,
}

const moment = object({ commit: hash, subject: string, time })

const HOT_SPOTS = object({
  head: nullable(hash),
  since: nullable(time),
  max_files: count,
  commits: object({ read: count, mass: count }),
  shallow: boolean,
  total: count,
  files: list(
    object({
      rank: count,
      path: string,
      language: string,
      test: boolean,
      score: count,
      cyclomatic: count,
      cognitive: known,
      lines: count,
      changes: count,
      fixes: count,
      authors: count,
      last_change: moment,
      last_fix: nullable(moment),
      function: nullable(object({ name: nullable(string), kind: string, line_start: count, line_end: count, cyclomatic: count })),
    }),
  ),
})

const technology = object({
  id: string,
  name: string,
  category: string,
  version: nullable(string),
  confidence: number,
  evidence: list(object({ path: string, line: nullable(count), sign: string })),
})

/** What `data` of the commands about code holds. */
export const CODE: Readonly<Record<string, Schema>> = {
  'code.analyze': either(ANALYSIS, REPLY),
  'code.languages': object({ languages: list(object({ ...language, share: nullable(number) })) }),
  'code.hotspots': HOT_SPOTS,
  'code.duplicates': object({
    min_tokens: count,
    normalized: boolean,
    files: count,
    tokens: count,
    duplicated_tokens: count,
    share: number,
    total: count,
    groups: list(
      object({ tokens: count, lines: count, test: boolean, places: list(object({ path: string, line_start: count, line_end: count })) }),
    ),
  }),
  'code.templates': object({
    templates: list(
      object({
        path: string,
        error: nullable(object({ line: nullable(count), message: string })),
        items: list(
          object({
            kind: oneOf('variable', 'local', 'helper', 'block', 'partial', 'inline', 'decorator'),
            name: nullable(string),
            line: count,
            line_end: count,
            column: count,
            params: list(nullable(string)),
            hash: list(string),
            container: nullable(string),
          }),
        ),
      }),
    ),
  }),
  'code.unused': object({
    exports: count,
    proposals: list(
      object({
        path: string,
        line: count,
        line_end: count,
        name: string,
        kind: string,
        language: string,
        used: oneOf('nowhere', 'own_file', 'tests'),
        confidence: oneOf('likely', 'doubtful'),
        doubts: list(
          object({ kind: oneOf('mentioned', 'file', 'public', 'decorated', 'tests'), path: nullable(string), line: nullable(count) }),
        ),
      }),
    ),
  }),
  'code.tags': object({
    written: nullable(string),
    tags: list(
      object({ name: string, path: string, line: count, line_end: count, kind: string, container: nullable(string), language: string }),
    ),
  }),
  'code.deps': object({
    manifests: list(object({ path: string, ecosystem: string, lock: boolean })),
    dependencies: list(
      object({
        purl: string,
        scope,
        direct: nullable(boolean),
        requirement: nullable(string),
        path: string,
        line: nullable(count),
      }),
    ),
    problems,
  }),
  'code.graph': object({
    nodes: list(object({ path: string, kind: oneOf('file', 'package', 'data'), language: nullable(string) })),
    edges: list(
      object({
        from: string,
        to: string,
        kind: oneOf('import', 'type', 'export', 'require', 'dynamic', 'include', 'mock', 'data', 'package', 'module', 'reference'),
        line: nullable(count),
        resolved: boolean,
      }),
    ),
    cycles: list(list(string)),
    unresolved: list(object({ path: string, line: nullable(count), specifier: nullable(string), reason: string })),
  }),
  'code.impact': object({
    base: hash,
    symbols: list(
      object({
        path: string,
        symbol: string,
        kind: string,
        change: oneOf('added', 'changed', 'removed'),
        line_start: count,
        line_end: count,
        exercised: nullable(boolean),
        by: nullable(oneOf('coverage', 'fault', 'graph')),
        callers: list(object({ path: string, line: count, symbol: nullable(string), confidence: oneOf('exact', 'import', 'name') })),
        tests: list(object({ path: string, distance: nullable(count) })),
      }),
    ),
    tests: list(object({ path: string, scope: string, distance: nullable(count), via: list(string) })),
    complete: boolean,
    unknown: problems,
  }),
  'code.tech': object({ technologies: list(technology) }),
  'code.engines': object({
    engines: list(
      object({
        name: oneOf('architecture', 'code', 'parser', 'quality', 'knowledge', 'embedding', 'semantic', 'prompt'),
        serves: string,
        commands: list(string),
        by: string,
        version: nullable(string),
        state: oneOf('ready', 'limited', 'missing'),
        detail: string,
        reason: nullable(string),
      }),
    ),
    technologies: nullable(list(technology)),
  }),
}
