import type { ImproveData } from './data.ts'
import type { RunSummary, CandidateReport } from './service.ts'
import { branchOf, candidateData, countTotals } from './report.ts'
import type { ImprovementDeps } from './session.ts'
import type { Candidate, Run, Store } from './store.ts'

export function runSummary(store: Store, run: Run): RunSummary {
  const { id, startedAt, finishedAt, status, base, branch } = run
  return { id, started_at: startedAt, finished_at: finishedAt, status, base, branch, totals: countTotals(store.candidatesOf(id)) }
}

/** What the proof of a candidate leaves open, in words. */
function notProven(candidate: Candidate, { request, summary }: Run): string[] {
  const { proof } = candidate.evidence
  const open: string[] = []
  if (!proof) return ['Nothing was run.']
  const isolation = (summary as Partial<ImproveData> | null)?.isolation ?? request.isolation
  if (isolation === 'none') {
    const leave = request.isolation === 'none' ? '--isolation none' : 'isolation.trustOwnTests'
    open.push(`That it did nothing else: it ran without a jail (${leave}).`)
  }
  const unknown = proof.sites.filter(({ kept, exercised, equal_tree: equal }) => kept && exercised !== true && !equal)
  if (unknown.length > 0)
    open.push(
      `That any test exercises ${unknown
        .map(({ file, line }) => `${file}:${line}`)
        .slice(0, 5)
        .join(', ')}.`,
    )
  if (proof.control && proof.control.noticed < proof.control.planted)
    open.push(`What the tests do not see: they noticed ${proof.control.noticed} of ${proof.control.planted} planted faults nearby.`)
  if (proof.tests.coarse) open.push('Single tests: the suite can only pass or fail as a whole.')
  const unmeasured = proof.metrics.filter(({ verdict }) => verdict === 'not_measured')
  if (unmeasured.length > 0) open.push(`Speed and size in production (${unmeasured.map(({ name }) => name).join(', ')} not measured).`)
  else if (proof.metrics.length > 0) open.push('Speed outside the tests: CPU time is that of the test suite.')
  if (proof.tests.flaky.length > 0) open.push(`Anything about ${proof.tests.flaky.length} flaky tests.`)
  open.push('Behaviour no test describes.')
  return open
}

/** A candidate with its proof, its approval and its history. */
export function candidateReport({ store, approvals }: Pick<ImprovementDeps, 'store' | 'approvals'>, candidate: Candidate): CandidateReport {
  const landed =
    candidate.landed !== null && candidate.targetRef !== null ? { commit: candidate.landed, branch: branchOf(candidate)! } : null
  return {
    candidate: candidateData(candidate),
    diff_hash: candidate.diffHash,
    run: runSummary(store, store.run(candidate.runId)),
    reason: candidate.evidence.reason,
    reference: candidate.evidence.reference,
    exercised_sites: candidate.evidence.sites,
    not_proven: notProven(candidate, store.run(candidate.runId)),
    approval: approvals.latest(candidate.id),
    questions: approvals.questions(candidate.id),
    history: store.history(candidate.id),
    landed,
    undo: landed && candidate.undo === null ? `singularity undo ${candidate.id}` : null,
  }
}
