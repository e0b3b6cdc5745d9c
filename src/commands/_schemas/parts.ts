import { boolean, count, hash, list, map, nullable, number, object, oneOf, string, time, use, type Schema } from './build.ts'

const id: Schema = { type: 'string', minLength: 4 }
const verdict = oneOf('keep', 'roll_back', 'cannot_decide')
const testCounts = map(count)

/** The states of src/core/improvement/data.ts. */
const STATES = [
  'proposed',
  'committed',
  'sandboxed',
  'validating',
  'validated',
  'rejected',
  'errored',
  'awaiting_approval',
  'approved',
  'declined',
  'expired',
  'landing',
  'landed',
  'observing',
  'confirmed',
  'undoing',
  'undone',
  'conflict',
  'undo_conflict',
  'needs_attention',
  'abandoned',
]

const evidence = object({
  tests: object({
    baseline: testCounts,
    candidate: testCounts,
    regressed: list(string),
    weakened: list(object({ file: string, line: nullable(count), kind: string, detail: string, proven: boolean })),
    fixed: list(string),
    flaky: list(string),
  }),
  metrics: list(
    object({
      name: string,
      unit: string,
      estimate: nullable(number),
      lower: nullable(number),
      upper: nullable(number),
      verdict: oneOf('improved', 'not_worse', 'worse', 'unclear', 'not_measured'),
      sign_flip_p: nullable(number),
      rounds: count,
      control: nullable(object({ estimate: number, lower: number, upper: number, equivalent: boolean, pairs: count, measured_at: time })),
      detail: nullable(string),
      self_reported: boolean,
    }),
  ),
  guards: list(object({ name: string, ok: nullable(boolean), detail: string })),
})

const candidate = object(
  {
    id,
    parent: nullable(id),
    title: string,
    source: object({ kind: oneOf('rules', 'fixers', 'patch', 'branch', 'exec', 'history', 'model'), id: string }),
    risk: oneOf('low', 'medium', 'high'),
    verdict: nullable(verdict),
    state: oneOf(...STATES),
    reasons: list(object({ code: string, detail: string })),
    files: list(string),
    sites: object({ found: count, exercised: count, kept: count, dropped: count }),
    commit: nullable(hash),
    landed_on: nullable(string),
    evidence,
  },
  'A proposed change with its proof.',
)

const totals = object(
  {
    found: count,
    kept: count,
    rolled_back: count,
    cannot_decide: count,
    errored: count,
    not_run: count,
    waiting: count,
    landed: count,
  },
  'found is the sum of the five counts after it; waiting and landed count states.',
)

const run = object({
  run: object({ id, base: hash, branch: nullable(string), started_at: time, finished_at: nullable(time) }),
  plan: nullable(
    object({
      entries: list(object({ id: string, runner: string, scope: string, command: string, origin: string })),
      steps: list(object({ id: string, kind: string, command: string })),
      hash: string,
    }),
  ),
  baseline: nullable(
    object({
      tests: testCounts,
      runs: count,
      seconds: number,
      cpu_seconds: nullable(number),
      flaky: list(string),
      red: list(string),
      cached: boolean,
      control: nullable(object({ noticed: count, planted: count })),
    }),
  ),
  blind_spots: list(
    object({
      kind: oneOf('unnoticed_fault', 'unexercised_function', 'blind_plan'),
      file: string,
      line: count,
      name: string,
      detail: string,
    }),
  ),
  candidates: list(use('candidate')),
  totals: use('totals'),
  isolation: nullable(oneOf('bubblewrap', 'seatbelt', 'none')),
  hot_rules: list(object({ rule: string, sites: count, files: count })),
  notes: list(string),
  next: list(string),
})

const runSummary = object({
  id,
  started_at: time,
  finished_at: nullable(time),
  status: string,
  base: hash,
  branch: nullable(string),
  totals: use('totals'),
})

const approval = object({
  id: string,
  candidate_id: id,
  status: oneOf('open', 'approved', 'rejected', 'expired', 'void'),
  diff_hash: string,
  evidence_hash: string,
  requested_at: time,
  expires_at: time,
  decided_at: nullable(time),
  decided_by: nullable(string),
  via: nullable(string),
  reason: nullable(string),
  overrides: boolean,
})

const question = object({
  id: string,
  candidate_id: nullable(id),
  run_id: nullable(id),
  session_id: nullable(string),
  text: string,
  asked_by: string,
  asked_at: time,
  answer: nullable(string),
  answered_by: nullable(string),
  answered_at: nullable(time),
})

const candidateReport = object(
  {
    candidate: use('candidate'),
    diff_hash: nullable(string),
    run: use('runSummary'),
    reason: string,
    reference: nullable(string),
    exercised_sites: list(object({ file: string, line: count, exercised: nullable(boolean), kept: boolean, reason: nullable(string) })),
    not_proven: list(string),
    approval: nullable(use('approval')),
    questions: list(use('question')),
    history: list(object({ at: time, name: string, detail: string })),
    landed: nullable(object({ commit: hash, branch: string })),
    undo: nullable(string),
  },
  'The claim, its proof, and what the proof does not say.',
)

const rule: Schema = {
  type: 'object',
  properties: {
    id: string,
    version: count,
    languages: list(string),
    safety: string,
    title: string,
    reason: string,
    reference: string,
    requires: map(string),
    value: count,
    origin: string,
  },
  required: ['id', 'version', 'languages', 'safety', 'title', 'reason', 'reference', 'requires', 'value', 'origin'],
}

/** Parts that several answers share, by the name under `$defs`. */
export const PARTS: Readonly<Record<string, Schema>> = { candidate, totals, run, runSummary, approval, question, candidateReport, rule }
