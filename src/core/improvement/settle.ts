import { SingularityError } from '../kernel/index.ts'
import { type Decision, DEFAULT_POLICY, type DecisionPolicy, PERSON_REASONS, decideVerdict } from '../validation/index.ts'
import type { Risk } from './data.ts'
import { type Draft, siteCounts } from './draft.ts'
import { candidateData } from './report.ts'
import { type Session, throwIfStopped } from './session.ts'
import type { Candidate } from './store.ts'
import type { Trial } from './trials.ts'

export function policyOf(session: Session): DecisionPolicy {
  const { regressionThreshold, autoRollback } = session.deps.settings
  return { ...DEFAULT_POLICY, regression_threshold: regressionThreshold, auto_rollback_on_regression: autoRollback }
}

/** Copies what a trial found into the evidence of a candidate. */
export function recordTrial(draft: Draft, trial: Trial): void {
  const { base_fails: _, ...tests } = draft.evidence.tests
  const lost = trial.weakened.map(({ id, now }) => ({
    file: id.split('::')[0]!,
    line: null,
    kind: now === 'missing' ? ('test_lost' as const) : ('test_skipped' as const),
    detail: `${id} ${now === 'missing' ? 'does not run any more' : `is now ${now}`}`,
    proven: true,
  }))
  draft.evidence.tests = {
    ...tests,
    baseline: trial.baselineCounts,
    candidate: trial.counts,
    regressed: [...trial.regressed],
    weakened: [...tests.weakened, ...lost.filter(({ detail }) => !tests.weakened.some((each) => each.detail === detail))],
    fixed: [...trial.fixed],
    flaky: [...new Set(trial.flaky)],
    ...(trial.baseFails.length > 0 && { base_fails: [...trial.baseFails] }),
    complete: trial.complete,
    coarse: trial.coarse,
    hang: trial.hang,
  }
  draft.evidence.guards = [...trial.guards]
  draft.results.push({ purpose: 'candidate', commit: trial.commit, suites: trial.results })
  draft.evidence.errors = [...trial.errors]
}

const SMALL = 60

/** How much a wrong yes would cost: by source, size, privileged paths, evidence and isolation. */
export function riskOf(session: Session, draft: Draft, decision: Decision): Risk {
  const { proposal, facts, evidence } = draft
  if (facts.privileged || facts.testsTouched || facts.addedTestsOnly || session.isolation.kind === 'none') return 'high'
  if (decision.verdict !== 'keep' || evidence.tests.coarse) return 'high'
  if (proposal.explicit || proposal.safety === 'experimental' || proposal.safety === 'unknown') return 'medium'
  return draft.sites.length > SMALL || draft.commit!.files.length > SMALL ? 'medium' : 'low'
}

const STATE_OF = { keep: 'validated', cannot_decide: 'validated', roll_back: 'rejected' } as const

/** Decides a draft from its evidence and writes verdict, reasons and state. @throws INTERRUPTED */
export function settleDraft(session: Session, draft: Draft, extra: { code: string; detail: string }[] = []): Decision {
  throwIfStopped(session)
  const { store } = session.deps
  const { id } = draft.candidate
  const decision = decideVerdict(draft.evidence, policyOf(session), draft.facts)
  const sites = siteCounts(draft)
  const evidence = {
    ...draft.candidate.evidence,
    sites: draft.evidence.sites.map(({ file, line, exercised, kept, reason }) => ({ file, line, exercised, kept, reason })),
    proof: draft.evidence,
  }
  const reasons = [...decision.reasons, ...extra]
  store.db.transaction(() => {
    store.saveVerdict(id, { verdict: decision.verdict, reasons, risk: riskOf(session, draft, decision), sites, evidence })
    const { state } = store.candidate(id)
    if (state === 'committed') store.move(id, 'sandboxed')
    if (store.candidate(id).state === 'sandboxed') store.move(id, 'validating')
    store.move(id, draft.replacedBy === null ? (decision.verdict === null ? 'errored' : STATE_OF[decision.verdict]) : 'abandoned')
    store.event('improvement.local.validated', session.run.id, id, { verdict: decision.verdict })
    if (decision.verdict === 'roll_back') store.event('improvement.local.rolled_back', session.run.id, id, { reason: reasons[0]?.code })
    if (decision.verdict === 'roll_back' && draft.replacedBy === null && !draft.proposal.explicit)
      store.decline(draft.candidate.fingerprint, id, 'rolled_back', reasons[0]?.detail ?? '')
  })
  draft.candidate = store.candidate(id)
  session.observe({ type: 'verdict', candidate: candidateData(draft.candidate) })
  return decision
}

/**
 * A run without a jail in which the user's repository was touched is void, and nothing else runs: git commands of the
 * host may by now do what the tests want. Answers whether that is what happened.
 */
export function settleTampered(session: Session, draft: Draft, error: unknown): boolean {
  if (!SingularityError.isInstance(error) || error.code !== 'ISOLATION_BREACHED') return false
  draft.evidence.tampered = (error.data?.['changed'] as string[] | undefined) ?? []
  settleDraft(session, draft)
  return true
}

/** Whether `--yes` may answer for a person. */
export function isAutomatic(session: Session, { risk, reasons, verdict }: Candidate): boolean {
  const order: Record<string, number> = { none: -1, low: 0, medium: 1, high: 2 }
  return (
    verdict === 'keep' && order[risk]! <= order[session.deps.settings.autoRisk]! && !reasons.some(({ code }) => PERSON_REASONS.has(code))
  )
}
