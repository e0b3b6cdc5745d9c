import type { DecisionPolicy, Evidence, InstrumentEvidence, Verdict, VerdictReason } from './evidence.ts'
import { plural } from '../kernel/index.ts'
import { SIGN_FLIP_LIMIT } from './statistics/paired.ts'

/** What the decision needs beyond the evidence: facts of the diff, not of its runs. */
export type VerdictFacts = {
  /** Edits of tests that could not be classified. */
  testsTouched: boolean
  /** Tests were added and nothing else about tests was changed. */
  addedTestsOnly: boolean
}

export type Decision = { verdict: Verdict | null; reasons: VerdictReason[] }

type Rule = { code: string; when: (evidence: Evidence, policy: DecisionPolicy, facts: VerdictFacts) => string | null }

const list = (names: readonly string[], limit = 3): string =>
  names.slice(0, limit).join(', ') + (names.length > limit ? ` and ${names.length - limit} more` : '')

/** Evidence that cannot be trusted gives no verdict at all: the candidate is `errored`. */
const ERRORS: readonly Rule[] = [
  {
    code: 'tampered',
    when: ({ tampered = [] }) => (tampered.length > 0 ? `the repository was changed while the tests ran: ${list(tampered, 20)}` : null),
  },
  { code: 'errored', when: ({ errors }) => (errors.length > 0 ? list(errors) : null) },
  // The base was complete (else there is no run): a report that is not says nothing about the candidate, not even doubt.
  {
    code: 'incomplete',
    when: ({ tests, tampered }) => (tests.complete || tampered || tests.base_fails ? null : 'no complete test report'),
  },
]

/** The contract's finding of source that begins to name an assertion library or a test framework: it may behave while tests look. */
export const NAMES_JUDGE = 'names its judge'

/** Proven harm. */
const ROLL_BACK: readonly Rule[] = [
  {
    code: 'contract',
    when: ({ contract }) => {
      const broken = contract.filter(({ ok }) => !ok)
      return broken.length > 0 ? list(broken.map(({ name, detail }) => `${name}: ${detail}`)) : null
    },
  },
  {
    code: 'hang',
    when: ({ tests }) => (tests.hang ? 'the tests end on the base and twice took more than three times as long here' : null),
  },
  { code: 'tests_regressed', when: ({ tests }) => (tests.regressed.length > 0 ? list(tests.regressed) : null) },
  {
    code: 'tests_weakened',
    when: ({ tests }) => {
      const proven = tests.weakened.filter((each) => each.proven)
      return proven.length > 0 ? list(proven.map(({ file, line, detail }) => `${file}${line === null ? '' : `:${line}`} ${detail}`)) : null
    },
  },
  {
    code: 'guard',
    when: ({ guards }) => {
      const failed = guards.filter(({ ok }) => ok === false)
      return failed.length > 0 ? list(failed.map(({ name, detail }) => `${name}: ${detail}`)) : null
    },
  },
  {
    code: 'metric_worse',
    when: (evidence, policy) => (policy.auto_rollback_on_regression === false ? null : worseMetrics(evidence, policy)),
  },
]

/** Neither proven good nor proven bad: a person may decide. */
const CANNOT_DECIDE: readonly Rule[] = [
  {
    code: 'base_fails',
    when: ({ tests }) => (tests.base_fails ? `the unchanged code fails them now, too: ${list(tests.base_fails)}` : null),
  },
  {
    code: 'contract_changed',
    when: ({ tests }) =>
      tests.contract_changed.length > 0 ? `the old version fails here and the new one passes: ${list(tests.contract_changed)}` : null,
  },
  {
    code: 'tests_touched',
    when: (_evidence, _policy, facts) => (facts.testsTouched ? 'tests were edited in a way that cannot be classified' : null),
  },
  {
    code: 'names_judge',
    when: ({ contract }) => list(contract.filter(({ name }) => name === NAMES_JUDGE).map(({ detail }) => detail)) || null,
  },
  {
    code: 'blind_plan',
    when: ({ control }) =>
      control !== null && control.planted > 0 && control.noticed === 0
        ? `the tests noticed none of ${control.planted} planted faults`
        : null,
  },
  {
    code: 'no_control',
    when: ({ control, sites }) =>
      control === null && sites.some(({ equal_tree }) => !equal_tree)
        ? 'no fault could be planted to check that the tests see this code'
        : null,
  },
  {
    code: 'unexercised',
    when: ({ sites }, { allow_unexercised }) => {
      const blind = sites.filter(({ kept, exercised, equal_tree }) => kept && exercised !== true && !equal_tree)
      return !allow_unexercised && blind.length > 0
        ? `no test is known to exercise ${list(blind.map(({ file, line }) => `${file}:${line}`))}`
        : null
    },
  },
  {
    code: 'metric_worse',
    when: (evidence, policy) => (policy.auto_rollback_on_regression === false ? worseMetrics(evidence, policy) : null),
  },
  {
    code: 'metric_unclear',
    when: ({ metrics }, { regression_threshold }) => {
      const unclear = metrics.filter((metric) => isUnclear(metric, regression_threshold) && !isWorse(metric, regression_threshold))
      return unclear.length > 0
        ? list(unclear.map(({ name, lower, upper }) => `${name} between ${percent(lower)} and ${percent(upper)}`))
        : null
    },
  },
  {
    code: 'metric_together',
    when: ({ train }, { regression_threshold }) =>
      train !== null && (isWorse(train.metric, regression_threshold) || isUnclear(train.metric, regression_threshold))
        ? `with ${plural(train.others, 'other candidate')} of this run ${train.metric.name} is ${percent(train.metric.estimate)}, without this one it is not`
        : null,
  },
]

/** Notes that do not change the verdict but keep the candidate from landing without a person (see `needsPerson`). */
const REMARKS: readonly Rule[] = [
  {
    code: 'tests_added',
    when: (_evidence, _policy, facts) => (facts.addedTestsOnly ? 'tests were added: a person reads them first' : null),
  },
  {
    code: 'metric_open',
    when: ({ metrics }) => {
      const open = metrics.find(({ name, verdict }) => name !== 'cpu' && verdict === 'not_measured')
      return open ? `${open.name} was asked for and not measured: ${open.detail ?? ''}` : null
    },
  },
  {
    code: 'self_reported',
    when: ({ metrics }) => (metrics.some((metric) => metric.self_reported) ? 'a metric was printed by the measured command itself' : null),
  },
  { code: 'privileged', when: ({ contract }) => list(contract.filter(({ privileged }) => privileged).map(({ detail }) => detail)) || null },
]

/**
 * The verdict as a pure function of the evidence: the first class that holds wins (error, roll back, cannot decide,
 * keep), and every reason of that class is told. `null` means errored: evidence without a verdict. Harm is looked for
 * before doubt, so that more evidence of harm never improves a verdict.
 */
export function decideVerdict(evidence: Evidence, policy: DecisionPolicy, facts: VerdictFacts): Decision {
  const hold = (rules: readonly Rule[]): VerdictReason[] =>
    rules.flatMap(({ code, when }) => {
      const detail = when(evidence, policy, facts)
      return detail === null ? [] : [{ code, detail }]
    })
  const errors = hold(ERRORS)
  const harm = hold(ROLL_BACK)
  if (harm.length > 0) return { verdict: 'roll_back', reasons: [...harm, ...errors.filter(({ code }) => code !== 'incomplete')] }
  if (errors.length > 0) return { verdict: null, reasons: errors }
  const doubts = hold(CANNOT_DECIDE)
  if (doubts.length > 0) return { verdict: 'cannot_decide', reasons: [...doubts, ...hold(REMARKS)] }
  return { verdict: 'keep', reasons: hold(REMARKS) }
}

/** Reasons with which `--yes` does not say yes. */
export const PERSON_REASONS: ReadonlySet<string> = new Set(['tests_added', 'self_reported', 'metric_open', 'privileged'])

type Metric = Evidence['metrics'][number]

/**
 * Change as a ratio minus one, turned so that positive is worse: the stored interval decides, not the stored word. Where
 * higher is better it is the inverse ratio, as in `comparePaired`: a margin on the log scale is the same both ways.
 */
function harmOf({ direction, estimate, lower, upper }: Metric): { estimate: number; least: number; most: number } | null {
  if (estimate === null || lower === null || upper === null) return null
  if (direction === 'lower') return { estimate, least: lower, most: upper }
  const inverse = (ratio: number): number => 1 / (1 + ratio) - 1
  return { estimate: inverse(estimate), least: inverse(upper), most: inverse(lower) }
}

function worseMetrics({ metrics }: Evidence, { regression_threshold }: DecisionPolicy): string | null {
  const worse = metrics.filter((metric) => isWorse(metric, regression_threshold))
  return worse.length > 0 ? list(worse.map(({ name, estimate }) => `${name} ${percent(estimate)}`)) : null
}

/** Proven harm: interval and sign-flip test agree, in two rounds, with an instrument that is good enough for this threshold. */
export function isWorse(metric: Metric, threshold: number): boolean {
  const harm = harmOf(metric)
  return (
    harm !== null &&
    harm.least > 0 &&
    harm.estimate > threshold &&
    metric.rounds >= 2 &&
    metric.sign_flip_p !== null &&
    metric.sign_flip_p <= SIGN_FLIP_LIMIT &&
    (metric.control === null || isWithin(metric.control, threshold))
  )
}

const isWithin = ({ lower, upper }: InstrumentEvidence, threshold: number): boolean => upper < threshold && lower > 1 / (1 + threshold) - 1

function isUnclear(metric: Metric, threshold: number): boolean {
  const harm = harmOf(metric)
  if (harm === null) return metric.verdict === 'unclear'
  return harm.most >= threshold
}

function percent(ratio: number | null): string {
  return ratio === null ? 'unknown' : `${ratio >= 0 ? '+' : ''}${(ratio * 100).toFixed(1)} %`
}
