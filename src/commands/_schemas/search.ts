import { boolean, count, either, hash, list, nullable, number, object, oneOf, string, time, type Schema } from './build.ts'

const symbol = object({
  path: string,
  line: count,
  column: count,
  kind: string,
  symbol: string,
  container: nullable(string),
  confidence: oneOf('exact', 'import', 'name'),
})

const counts = object({ files: count, docs: count, words: count, blobs: count, chunks: count, symbols: count })

const sent = list(
  object({
    host: string,
    model: string,
    purpose: oneOf('index', 'query'),
    pieces: count,
    bytes: count,
    first_at: time,
    last_at: time,
  }),
)

const built = {
  state: oneOf('built', 'updated', 'unchanged', 'rebuilt'),
  files: object({ seen: count, parsed: count, reused: count, skipped: count }),
  chunks: count,
  embedded: count,
  reused_embeddings: count,
  ms: count,
  bytes: count,
}

/** `index`, `search` and what belongs to them. */
export const SEARCH: Readonly<Record<string, Schema>> = {
  index: either(object(built), object({ ...built, mode: oneOf('events', 'polling') }, 'A line of --watch.')),
  'index.status': object({
    state: oneOf('none', 'ready', 'behind'),
    building: boolean,
    file: nullable(string),
    bytes: count,
    behind_files: nullable(count),
    include: list(string),
    counts: nullable(counts),
    classes: list(object({ class: string, reason: nullable(string), files: count })),
    languages: list(object({ language: string, tier: count, files: count, bytes: count })),
    worktrees: list(object({ path: string, used_at: time, complete: boolean, here: boolean })),
    model: nullable(string),
    spaces: list(object({ model: string, vectors: count, missing: count })),
    left_the_machine: nullable(sent),
  }),
  'index.verify': object({
    ok: boolean,
    quick_check: string,
    counts,
    sampled: count,
    mismatched: list(object({ path: string, what: string })),
  }),
  'index.forget': object({ files: count, blobs: count, worktrees: count, left_the_machine: nullable(sent) }),
  'embedding.check': object({
    model: string,
    kind: oneOf('bundled', 'folder', 'endpoint'),
    dimensions: count,
    scale: number,
    first_ms: count,
    next_ms: count,
  }),
  'embedding.consent': object({ host: string, consent: boolean, changed: boolean }),
  'embedding.install': object({
    folder: string,
    packages: list(object({ name: string, version: string, state: oneOf('present', 'missing', 'fetched', 'removed') })),
    downloaded: count,
    kept: count,
  }),
  search: object({
    query: string,
    class: oneOf('symbol', 'path', 'quoted', 'error', 'natural'),
    mode: oneOf('hybrid', 'lexical', 'text'),
    model: nullable(string),
    freshness: object({ state: oneOf('exact', 'behind', 'none'), behind_files: nullable(count), building: boolean }),
    results: list(
      object({
        artifact_id: string,
        path: nullable(string),
        line: nullable(count),
        line_end: nullable(count),
        symbol: nullable(string),
        kind: string,
        language: nullable(string),
        content: string,
        similarity: nullable(number),
        lexical: nullable(number),
        success_rate: nullable(number),
        usage_count: nullable(count),
        recency: nullable(number),
        score: number,
        explain: nullable(
          object({
            legs: list(object({ name: string, rank: count, score: number })),
            factors: list(object({ name: string, factor: number })),
          }),
        ),
        evidence: nullable(
          object({
            tests: nullable(object({ files: list(string), complete: boolean })),
            blind_spots: list(
              object({
                kind: oneOf('unnoticed_fault', 'unexercised_function', 'blind_plan'),
                line: count,
                name: string,
                detail: string,
                run: string,
                base: hash,
              }),
            ),
            hot_spot: nullable(object({ rank: count, of: count, score: count })),
            changes: count,
            fixes: count,
            last_fix: nullable(object({ commit: hash, subject: string, time })),
          }),
        ),
      }),
    ),
    below_floor: count,
    note: nullable(string),
    took_ms: count,
  }),
  'code.defs': object({ name: string, results: list(symbol) }),
  'code.refs': object({ name: string, results: list(symbol) }),
  'code.functions': object({
    functions: list(
      object({
        path: string,
        name: nullable(string),
        kind: string,
        line_start: count,
        line_end: count,
        line_count: count,
        parameters: list(string),
        cyclomatic: nullable(count),
        cognitive: nullable(count),
        nesting: nullable(count),
      }),
    ),
  }),
  'code.chunks': object({
    chunks: list(
      object({
        path: string,
        line_start: count,
        line_end: count,
        byte_start: count,
        byte_end: count,
        symbol: nullable(string),
        kind: string,
        hash: string,
      }),
    ),
  }),
}
