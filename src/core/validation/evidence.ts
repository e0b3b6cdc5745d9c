import type { TestStatus } from './runner.ts'

export type Verdict = 'keep' | 'roll_back' | 'cannot_decide'

export type MetricVerdict = 'improved' | 'not_worse' | 'worse' | 'unclear' | 'not_measured'

/** The base compared with itself in the same way: what the instrument says where there is nothing to see. */
export type InstrumentEvidence = {
  estimate: number
  lower: number
  upper: number
  /** The whole interval lies within the margin: only then does a comparison on this machine count. */
  equivalent: boolean
  pairs: number
  /** ISO time; a control is used again for a day while tree, plan and surroundings stay. */
  measured_at: string
}

export type MetricEvidence = {
  name: string
  unit: string
  direction: 'lower' | 'higher'
  /** Candidate relative to base as a ratio minus one (0.03 = 3 % more), or null when not measured. */
  estimate: number | null
  lower: number | null
  upper: number | null
  verdict: MetricVerdict
  /** Sign-flip p-value for "no difference", two-sided; null when not measured. A claim needs it and the interval. */
  sign_flip_p: number | null
  /** How often it was measured on fresh sandboxes: a claim of harm or gain needs two rounds and rests on both. */
  rounds: number
  /** Null where none belongs to it (metrics of the user). */
  control: InstrumentEvidence | null
  /** Why it was not measured. */
  detail: string | null
  /** The number was printed by the measured command itself: it never decides alone. */
  self_reported: boolean
  /** The paired samples [base, candidate], kept so that a record can be decided again. */
  samples: readonly (readonly [number, number])[]
}

export type GuardEvidence = { name: string; ok: boolean | null; detail: string }

export type Weakening = {
  file: string
  line: number | null
  kind:
    | 'test_lost'
    | 'test_skipped'
    | 'test_failing'
    | 'fewer_assertions'
    | 'looser_assertion'
    | 'looser_tolerance'
    | 'parameter_row_lost'
    | 'runner_exclusion'
    | 'exit_zero_wrapper'
    | 'coverage_limit_lowered'
    | 'snapshot_changed'
    | 'unclassified'
  detail: string
  /** Proven by syntax; false means a person has to look (`tests_touched`). */
  proven: boolean
}

export type TestEvidence = {
  baseline: Record<TestStatus, number>
  candidate: Record<TestStatus, number>
  regressed: readonly string[]
  weakened: readonly Weakening[]
  fixed: readonly string[]
  flaky: readonly string[]
  /** Passed when the base was measured, and failed on it as well when they failed here; absent where there are none. */
  base_fails?: readonly string[]
  /** Base tests that were touched: the old version fails on the candidate, the new one passes. */
  contract_changed: readonly string[]
  complete: boolean
  coarse: boolean
  hang: boolean
}

export type SiteEvidence = {
  file: string
  line: number
  exercised: boolean | null
  equal_tree: boolean
  kept: boolean
  reason: string | null
}

/** Everything the verdict depends on; stored in the record and decided again by `replay`. */
export type Evidence = {
  tests: TestEvidence
  metrics: readonly MetricEvidence[]
  guards: readonly GuardEvidence[]
  sites: readonly SiteEvidence[]
  /** Static findings that end the matter before any test runs (does not parse, breaks the platform, ...). */
  contract: readonly { name: string; ok: boolean; detail: string; privileged?: boolean }[]
  /** The positive control of the plan: null where none was run. */
  control: { noticed: number; planted: number } | null
  /** With others of its run this candidate passed the margin, without it they did not: the metric of both together. */
  train: { others: number; metric: MetricEvidence } | null
  errors: readonly string[]
  /** Files of the user's repository that changed while this ran without a jail; absent in older records. */
  tampered?: readonly string[]
}

export type DecisionPolicy = {
  regression_threshold: number
  allow_unexercised: boolean
  /** false: a metric that got worse is a person's to weigh, not the end of the candidate. Records of earlier versions lack it. */
  auto_rollback_on_regression?: boolean
}

export const DEFAULT_POLICY: DecisionPolicy = {
  regression_threshold: 0.05,
  allow_unexercised: false,
  auto_rollback_on_regression: true,
}

export type VerdictReason = { code: string; detail: string }
