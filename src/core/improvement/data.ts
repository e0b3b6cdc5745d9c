import type { SingularityError } from '../kernel/index.ts'
import type { IsolationKind } from '../sandbox/index.ts'
import type { Evidence, InstrumentEvidence, Verdict, Weakening, MetricVerdict } from '../validation/index.ts'
import type { AgentPlan, AgentRequest, ExecRequest, GoalRequest } from './goal.ts'
import type { SourceKind } from './source.ts'

/** States of a candidate; the transitions stand in `states.ts`. */
export type CandidateState =
  | 'proposed'
  | 'committed'
  | 'sandboxed'
  | 'validating'
  | 'validated'
  | 'rejected'
  | 'errored'
  | 'awaiting_approval'
  | 'approved'
  | 'declined'
  | 'expired'
  | 'landing'
  | 'landed'
  | 'observing'
  | 'confirmed'
  | 'undoing'
  | 'undone'
  | 'conflict'
  | 'undo_conflict'
  | 'needs_attention'
  | 'abandoned'

export type Risk = 'low' | 'medium' | 'high'

/** A candidate as `--json` shows it (schema singularity.improve/1). */
export type CandidateData = {
  id: string
  parent: string | null
  title: string
  source: { kind: SourceKind; id: string }
  risk: Risk
  verdict: Verdict | null
  state: CandidateState
  reasons: { code: string; detail: string }[]
  files: string[]
  sites: { found: number; exercised: number; kept: number; dropped: number }
  commit: string | null
  /** The branch it landed on. */
  landed_on: string | null
  evidence: {
    tests: {
      baseline: Record<string, number>
      candidate: Record<string, number>
      regressed: string[]
      weakened: Weakening[]
      fixed: string[]
      flaky: string[]
    }
    metrics: {
      name: string
      unit: string
      estimate: number | null
      lower: number | null
      upper: number | null
      verdict: MetricVerdict
      /** Two-sided sign-flip p-value for "no difference". */
      sign_flip_p: number | null
      /** Rounds on fresh sandboxes; a claim needs two. */
      rounds: number
      /** The base compared with itself in the same way. */
      control: InstrumentEvidence | null
      /** Why it was not measured, or what is missing. */
      detail: string | null
      self_reported: boolean
    }[]
    guards: { name: string; ok: boolean | null; detail: string }[]
  }
}

export type Totals = {
  found: number
  kept: number
  rolled_back: number
  cannot_decide: number
  errored: number
  not_run: number
  waiting: number
  landed: number
}

export type BlindSpot = {
  kind: 'unnoticed_fault' | 'unexercised_function' | 'blind_plan'
  file: string
  line: number
  name: string
  detail: string
}

/** `base`: the commit whose files were looked at. */
export type SeenBlindSpot = BlindSpot & { run: string; base: string }

export type HotRule = { rule: string; sites: number; files: number }

export type ImproveData = {
  run: { id: string; base: string; branch: string | null; started_at: string; finished_at: string | null }
  plan: {
    entries: { id: string; runner: string; scope: string; command: string; origin: string }[]
    steps: { id: string; kind: string; command: string }[]
    hash: string
  } | null
  baseline: {
    tests: Record<string, number>
    runs: number
    seconds: number
    cpu_seconds: number | null
    flaky: string[]
    red: string[]
    cached: boolean
    control: { noticed: number; planted: number } | null
  } | null
  /** What kept the programs of the project apart; `none` where a person or a recorded consent let them run without. */
  isolation: IsolationKind | null
  blind_spots: BlindSpot[]
  /** The rules that found most, `--max` or not: where a project-wide decision pays. */
  hot_rules: HotRule[]
  candidates: CandidateData[]
  totals: Totals
  /** Why nothing was found, per source; hints for the reader. */
  notes: string[]
  /** The command a person would type next. */
  next: string[]
}

export type ImproveRequest = {
  paths: string[]
  sources: ('rules' | 'fixers')[]
  rules: string[]
  patch: { name: string; bytes: Uint8Array } | null
  branch: string | null
  exec: ExecRequest | null
  /** A coding agent as the program of the edit phase; `exec` is how it is called then. */
  agent?: (AgentRequest & Partial<AgentPlan>) | null
  /** A change described in words, made by a model. */
  goal?: GoalRequest | null
  test: string | null
  metrics: string[]
  base: string | null
  into: string | null
  propose: boolean
  summary: string | null
  max: number
  timeLimitMs: number
  isolation: 'auto' | 'bubblewrap' | 'seatbelt' | 'none'
  retry: boolean
  failOn: ('rolled_back' | 'undecided')[]
  yes: boolean
  dryRun: boolean
  offline: boolean
  /** The bare command: a two-minute look, nothing decided. */
  look: boolean
}

/** What a run tells while it goes on; the terminal draws it, other outputs print one line per phase. */
export type RunEvent =
  | {
      type: 'phase'
      phase: 'estimate' | 'plan' | 'baseline' | 'control' | 'sources' | 'candidates' | 'train' | 'measure' | 'decide' | 'land'
      detail: string
      /** With an estimate: how long the rest of the run is expected to take. */
      ms?: number
    }
  /** A suite has ended; so many tests were told of. */
  | { type: 'tests'; count: number }
  | { type: 'candidate'; id: string; title: string; index: number; of: number; stage: string }
  | { type: 'verdict'; candidate: CandidateData }
  | { type: 'note'; level: 'info' | 'warn'; text: string }

export type ImproveOutcome = {
  data: ImproveData
  exitCode: number
  /** What ended the run after something was decided; also the last of `data.notes`, behind its code. */
  failure?: SingularityError
}

/** The full evidence, as the record keeps it. */
export type StoredEvidence = Evidence

/** Who looks on while something is validated outside of a run, and may stop it. */
export type Watch = { observe: (event: RunEvent) => void; signal: AbortSignal }
