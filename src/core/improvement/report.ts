import type { TestEvidence } from '../validation/index.ts'
import type { CandidateData, ImproveData, Totals } from './data.ts'
import type { Candidate, Run } from './store.ts'

const NO_TESTS: CandidateData['evidence']['tests'] = { baseline: {}, candidate: {}, regressed: [], weakened: [], fixed: [], flaky: [] }

function testsOf(tests: TestEvidence): CandidateData['evidence']['tests'] {
  return {
    baseline: tests.baseline,
    candidate: tests.candidate,
    regressed: [...tests.regressed],
    weakened: [...tests.weakened],
    fixed: [...tests.fixed],
    flaky: [...tests.flaky],
  }
}

/** The name of the branch a candidate is for or landed on, without `refs/heads/`. */
export function branchOf({ targetRef }: Candidate): string | null {
  return targetRef?.replace(/^refs\/heads\//, '') ?? null
}

/** A candidate as the outside sees it. */
export function candidateData(candidate: Candidate): CandidateData {
  const { proof } = candidate.evidence
  return {
    id: candidate.id,
    parent: candidate.parent,
    title: candidate.title,
    source: candidate.source,
    risk: candidate.risk,
    verdict: candidate.verdict,
    state: candidate.state,
    reasons: candidate.reasons.map(({ code, detail }) => ({ code, detail })),
    files: candidate.files,
    sites: candidate.sites,
    commit: candidate.landed ?? candidate.commit,
    landed_on: candidate.landed === null ? null : branchOf(candidate),
    evidence: {
      tests: proof ? testsOf(proof.tests) : NO_TESTS,
      metrics: (proof?.metrics ?? []).map(({ samples: _samples, direction: _direction, ...metric }) => metric),
      guards: (proof?.guards ?? []).map(({ name, ok, detail }) => ({ name, ok, detail })),
    },
  }
}

/** A whole of which a part was kept: the part stands for it in every count. */
export function isReplaced(candidate: Candidate, all: readonly Candidate[]): boolean {
  return all.some(({ parent }) => parent === candidate.id)
}

/**
 * Counts by verdict; `found` is the sum of kept, rolled_back, cannot_decide, errored and not_run. A candidate that was
 * replaced by its good part is not counted beside it. `waiting` and `landed` count states.
 */
export function countTotals(candidates: readonly Candidate[]): Totals {
  const totals: Totals = { found: 0, kept: 0, rolled_back: 0, cannot_decide: 0, errored: 0, not_run: 0, waiting: 0, landed: 0 }
  for (const candidate of candidates) {
    if (isReplaced(candidate, candidates)) continue
    totals.found++
    if (candidate.state === 'errored') totals.errored++
    else if (candidate.verdict === 'keep') totals.kept++
    else if (candidate.verdict === 'roll_back') totals.rolled_back++
    else if (candidate.verdict === 'cannot_decide') totals.cannot_decide++
    else totals.not_run++
    if (candidate.state === 'awaiting_approval' || candidate.state === 'approved') totals.waiting++
    if (candidate.state === 'landed' || candidate.state === 'observing' || candidate.state === 'confirmed') totals.landed++
  }
  return totals
}

export type RunSummaryData = Pick<ImproveData, 'plan' | 'isolation' | 'baseline' | 'blind_spots' | 'hot_rules' | 'notes' | 'next'>

const EMPTY: RunSummaryData = { plan: null, isolation: null, baseline: null, blind_spots: [], hot_rules: [], notes: [], next: [] }

/** The commands that go on from where the candidates stand now. */
function candidateCommands(candidates: readonly Candidate[]): string[] {
  const waiting = candidates.filter(({ state }) => state === 'awaiting_approval')
  const landed = candidates.find(({ state }) => state === 'landed')
  const weakened = candidates.find(({ state, reasons }) => state === 'rejected' && reasons.some(({ code }) => code === 'tests_weakened'))
  const unkept = candidates.find((each) => each.evidence.proof !== null && !isReplaced(each, candidates))
  return [
    ...(waiting.length > 0
      ? [`singularity show ${waiting[0]!.id}`, `singularity approve ${waiting.map(({ id }) => id).join(' ')}`, 'singularity inbox']
      : []),
    ...(candidates.some(({ state }) => state === 'approved') ? ['singularity resume'] : []),
    ...(landed ? [`singularity undo ${landed.id}`] : []),
    ...(weakened ? [`singularity approve ${weakened.id} --override REASON`] : []),
    ...(waiting.length === 0 && !landed && !weakened && unkept ? [`singularity show ${unkept.id}`] : []),
  ]
}

/** The data of a run: what it kept in its row, and its candidates as they stand now. */
export function improveData(run: Run, candidates: readonly Candidate[], summary?: RunSummaryData): ImproveData {
  const kept: RunSummaryData = { ...EMPTY, ...(run.summary as RunSummaryData | null), ...summary }
  return {
    run: { id: run.id, base: run.base, branch: run.branch, started_at: run.startedAt, finished_at: run.finishedAt },
    ...kept,
    next: [...candidateCommands(candidates), ...kept.next],
    candidates: candidates.map(candidateData),
    totals: countTotals(candidates),
  }
}
