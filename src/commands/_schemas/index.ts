import {
  DETACHED,
  boolean,
  count,
  either,
  hash,
  list,
  map,
  nullable,
  number,
  object,
  oneOf,
  string,
  time,
  use,
  type Schema,
} from './build.ts'
import { CODE } from './code.ts'
import { LLM } from './llm.ts'
import { PARTS } from './parts.ts'
import { QUEUE } from './queue.ts'
import { SEARCH } from './search.ts'
import { SYSTEM } from './system.ts'

const failed = list(object({ id: string, code: string, message: string }))
const decided = either(use('candidate'), object({ candidates: list(use('candidate')), failed }))

/** What `data` holds, per command (its words joined by dots). */
const DATA: Readonly<Record<string, Schema>> = {
  look: use('run'),
  improve: either(use('run'), DETACHED),
  show: either(use('run'), use('candidateReport')),
  runs: object({ runs: list(use('runSummary')) }),
  approve: decided,
  reject: use('candidate'),
  undo: use('candidate'),
  resume: object({ candidates: list(use('candidate')) }),
  inbox: object({
    candidates: list(use('candidateReport')),
    refused: list(use('candidateReport')),
    questions: list(use('question')),
    total: count,
    next_cursor: nullable(string),
  }),
  ask: either(
    object({
      id: string,
      answer: string,
      parsed: {},
      source: oneOf('rule', 'cache', 'llm'),
      tier: nullable(oneOf('exact', 'semantic')),
      confidence: nullable(number),
      confidence_n: nullable(count),
      similarity: nullable(number),
      model: nullable(string),
      usage: nullable(object({ prompt_tokens: count, completion_tokens: count, total_tokens: count })),
      cost_nusd: count,
      cost_source: oneOf('reported', 'computed', 'estimated', 'unknown'),
      latency_ms: number,
      sent: object({ provider: nullable(string), files: list(string), bytes: count }),
    }),
    DETACHED,
    object(
      {
        complexity: oneOf('simple', 'medium', 'complex'),
        task_type: string,
        route: list(object({ model: string, provider: string })),
        skipped: list(object({ model: string, reason: string })),
        estimate_nusd: nullable(object({ low: count, likely: count, high: count })),
        bytes: count,
      },
      'With --dry-run.',
    ),
  ),
  'cache.stats': object({
    answers: count,
    without_llm: nullable(number),
    tiers: list(
      object({
        tier: oneOf('rule', 'exact', 'semantic', 'llm'),
        answers: count,
        share: number,
        p50_ms: nullable(number),
        p95_ms: nullable(number),
        lookup_p50_ms: nullable(number),
        lookup_p95_ms: nullable(number),
        read_p50_ms: nullable(number),
        read_p95_ms: nullable(number),
        cost_nusd: count,
        saved_nusd: count,
      }),
    ),
    misses: list(object({ gate: string, n: count })),
    semantic: list(
      object({ task_type: string, state: oneOf('shadow', 'live'), audits: count, wrong: count, bound: number, needed: count }),
    ),
    entries: count,
    quarantined: count,
    spent_nusd: count,
    saved_nusd: count,
  }),
  'cache.suspects': object({
    suspects: list(
      object({
        id: string,
        at: time,
        task_type: string,
        prompt: string,
        entry_prompt: nullable(string),
        similarity: number,
        reason: oneOf('wrong', 'untrusted'),
      }),
    ),
  }),
  'cache.clear': object({ cleared: count, task: nullable(string), dry_run: boolean }),
  question: use('question'),
  answer: use('question'),
  diff: object({ diff: string }),
  why: object({
    file: string,
    line: count,
    commit: hash,
    candidate: nullable(use('candidateReport')),
    trailers: map(string),
    text: string,
  }),
  replay: object({
    ok: boolean,
    problems: list(string),
    verdicts: list(
      object({
        id: string,
        title: string,
        recorded: nullable(string),
        now: nullable(string),
        changed: boolean,
        reasons: list(object({ code: string, detail: string })),
      }),
    ),
  }),
  'rules.list': object({ rules: list(use('rule')) }),
  'rules.show': {
    ...use('rule'),
    type: 'object',
    properties: {
      pattern: {},
      constraints: {},
      guards: {},
      fix: {},
      literals: list(string),
      invalid: list({ type: 'object' }),
      valid: list(string),
    },
    required: ['pattern', 'constraints', 'guards', 'fix', 'literals', 'invalid', 'valid'],
  },
  'rules.test': object({ rules: count, own: count, examples: count, failures: list({}) }),
  ...SYSTEM,
  ...QUEUE,
  ...LLM,
  ...CODE,
  ...SEARCH,
  export: object({ directory: string, files: list(string) }),
  import: object({ run: string, candidates: list(use('candidate')), asked_again: list(string) }),
}

const ERROR: Schema = object({
  schema: { type: 'string', pattern: '^singularity\\.[a-z0-9.-]+/[0-9]+$' },
  ok: { const: false },
  error: {
    type: 'object',
    properties: {
      code: { type: 'string', pattern: '^[A-Z][A-Z_]+$' },
      kind: oneOf('usage', 'environment', 'provider', 'conflict', 'limit', 'person', 'undecided', 'signal', 'bug'),
      message: string,
      hints: list(string),
      docs: string,
      data: { type: 'object' },
    },
    required: ['code', 'kind', 'message', 'hints', 'docs'],
    additionalProperties: false,
  },
})

/** The parts a schema names, and the parts these name. */
function partsOf(schema: Schema, found: Record<string, Schema> = {}): Record<string, Schema> {
  for (const [, name = ''] of JSON.stringify(schema).matchAll(/"#\/\$defs\/(\w+)"/g)) {
    const part = PARTS[name]
    if (!part || found[name]) continue
    found[name] = part
    partsOf(part, found)
  }
  return found
}

function document(title: string, schema: Schema): Schema {
  const $defs = partsOf(schema)
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title, ...schema, ...(Object.keys($defs).length > 0 && { $defs }) }
}

/** One self-contained JSON Schema per command, of the whole envelope that `--json` prints; `error` is the failed one. */
export const SCHEMAS: Readonly<Record<string, Schema>> = {
  ...Object.fromEntries(
    Object.entries(DATA).map(([name, data]) => {
      const schema = `singularity.${name}/1`
      return [name, document(schema, object({ schema: { const: schema }, ok: { const: true }, data }))]
    }),
  ),
  error: document('singularity error', ERROR),
}
