import { plural } from '../kernel/index.ts'
import { type PlanEntry, baseTestsOverlay, classifyBaseTests, entriesFor, isTestPath, isTouched, packageOf } from '../validation/index.ts'
import { affectedFiles } from './affected.ts'
import { type CandidateCommit, commitCandidate } from './commit.ts'
import { type StaticReport, checkContract } from './contract.ts'
import { type Draft, siteCounts, siteEvidence } from './draft.ts'
import { type Bench, type Exercise, exerciseSites } from './exercise.ts'
import { measuredOf, quickFiles, suitesWith } from './quick.ts'
import type { Session } from './session.ts'
import type { Proposal, Site } from './source.ts'
import { type Trial, tryCommit } from './trials.ts'

const testFilesOf = (session: Session): string[] => session.baseline!.entries.flatMap(({ files }) => files)

async function commitDraft(session: Session, draft: Draft, sites: readonly Site[]): Promise<CandidateCommit> {
  const { deps, base } = session
  const commit = await commitCandidate(deps.git, { id: draft.candidate.id, base, proposal: draft.proposal, sites })
  draft.commit = commit
  draft.sites = sites
  return commit
}

/**
 * Everything about a candidate that can be known before its tests run: which sites are exercised, the frozen commit,
 * the static contract, what it does to the tests. Answers false when the contract already rejects it.
 */
export async function prepareDraft(session: Session, draft: Draft, bench: Bench): Promise<{ entries: PlanEntry[]; rejected: boolean }> {
  const { deps, base } = session
  let commit = await commitDraft(session, draft, draft.sites)
  deps.store.move(draft.candidate.id, 'committed')
  let contract = await examine(session, draft.proposal, commit.commit)
  const entries = entriesFor(session.plan!, commit.files)
  const exercise: Exercise = rejects(contract)
    ? { sites: new Map(), whole: new Map() }
    : await exerciseSites(session, draft, bench, entries, contract.changed)
  const { sites: exercised } = exercise
  const blind = draft.sites.filter((site) => exercised.get(site) !== true && !contract.equalTrees.has(site.file))
  // A rule may leave its untested places alone; what a person handed in is judged as a whole.
  if (!rejects(contract) && !draft.proposal.explicit && blind.length > 0 && blind.length < draft.sites.length) {
    draft.dropped.push(...blind.map((site) => ({ site, reason: 'no test exercises it', exercised: exercised.get(site) ?? null })))
    commit = await commitDraft(
      session,
      draft,
      draft.sites.filter((site) => !blind.includes(site)),
    )
    contract = await examine(session, draft.proposal, commit.commit)
  }
  recordContract(draft, contract)
  draft.evidence.sites = [
    ...siteEvidence(draft, exercised, contract.equalTrees),
    ...[...exercise.whole].map(([file, known]) => ({
      file,
      line: 1,
      exercised: known,
      equal_tree: contract.equalTrees.has(file),
      kept: true,
      reason: null,
    })),
  ]
  draft.evidence.control = controlEvidence(contract, bench)
  deps.store.saveCommit(draft.candidate.id, { base, ...commit, sites: siteCounts(draft) })
  return { entries, rejected: rejects(contract) }
}

/** What the static contract says about a commit of a proposal. */
export async function examine(session: Session, proposal: Proposal, commit: string): Promise<StaticReport> {
  return checkContract({
    git: session.deps.git,
    base: session.base,
    commit,
    scope: proposal.scope,
    explicit: proposal.explicit,
    isTestFile: (path) => isTestPath(path, session.plan!),
    baseTestFiles: testFilesOf(session),
    facts: session.deps.facts,
  })
}

/** Whether the static contract alone proves harm. */
export function rejects({ findings, weakening }: StaticReport): boolean {
  return findings.some(({ ok }) => !ok) || weakening.weakened.some(({ proven }) => proven)
}

/** Takes the static contract into the evidence. */
export function recordContract(draft: Draft, { findings, weakening }: StaticReport): void {
  draft.evidence.contract = findings
  draft.evidence.tests.weakened = [...weakening.weakened]
  draft.facts.testsTouched = weakening.weakened.some(({ proven }) => !proven)
  draft.facts.addedTestsOnly = weakening.touched && weakening.addedOnly
  draft.facts.privileged = findings.some(({ privileged }) => privileged === true)
}

function controlEvidence(contract: StaticReport, { control }: Bench): Draft['evidence']['control'] {
  if (control.planted.length > 0) return { noticed: control.noticed, planted: control.planted.length }
  return contract.changed.some(({ path }) => !contract.equalTrees.has(path)) ? null : { noticed: 0, planted: 0 }
}

/**
 * The affected tests of the packages it touches, of a long suite the quick ones, when they are fewer than all: a cheap way
 * to reject, never to accept.
 */
export async function tryAffected(session: Session, draft: Draft, entries: readonly PlanEntry[]): Promise<Trial | null> {
  const { packages } = session.plan!
  const all = testFilesOf(session)
  const changed = draft.commit!.files
  const touched = new Set(changed.map((path) => packageOf(path, packages)))
  const own = entries.filter(({ scope }) => touched.has(scope))
  const suites = own.length > 0 ? own : entries
  const measured = measuredOf(session.baseline!.entries, suites)
  const reachable = new Set(measured.flatMap(({ files }) => files))
  const affected = (await affectedFiles(session, changed, all, draft.commit!.commit)).files.filter((file) => reachable.has(file))
  const files = quickFiles(measured, affected) ?? affected
  if (files.length === 0 || files.length >= all.length * 0.8) return null
  session.observe({ type: 'phase', phase: 'candidates', detail: `${draft.candidate.id}: ${plural(files.length, 'affected test file')}` })
  const chosen = suitesWith(suites, measured, files)
  return tryCommit(session, draft.commit!.commit, { entries: chosen, files, fresh: draft.proposal.explicit, steps: false, confirm: true })
}

/** The base's own tests on the candidate's source, where the candidate touches tests. */
export async function tryBaseTests(session: Session, draft: Draft, entries: readonly PlanEntry[], own: Trial): Promise<void> {
  const { git } = session.deps
  const isTestFile = (path: string): boolean => isTestPath(path, session.plan!)
  if (!draft.commit!.files.some(isTestFile)) return
  const overlay = await baseTestsOverlay({ git, candidateCommit: draft.commit!.commit, baseCommit: session.base, isTestFile })
  if (overlay.commit === draft.commit!.commit) return
  const contract = await examine(session, draft.proposal, draft.commit!.commit)
  const trial = await tryCommit(session, overlay.commit, { entries, fresh: true, steps: false, confirm: true })
  draft.results.push({ purpose: 'base_tests', commit: overlay.commit, suites: trial.results })
  const { base_fails: open = [] } = draft.evidence.tests
  if (trial.baseFails.length > 0) draft.evidence.tests.base_fails = [...new Set([...open, ...trial.baseFails])]
  for (const entry of entries) {
    const [base, old, next] = [
      session.baseline!.entries.find(({ entryId }) => entryId === entry.id),
      trial.reports.get(entry.id),
      own.reports.get(entry.id),
    ]
    if (!base || !old || !next) continue
    const stable = new Map(
      Object.entries(base.statuses).filter(([id]) => ![...base.flaky, ...trial.flaky, ...trial.baseFails].includes(id)),
    )
    const verdicts = classifyBaseTests(stable, old, next, (test) => isTouched(contract.weakening, test))
    draft.evidence.tests.contract_changed.push(...verdicts.contract_changed)
    if (!verdicts.compiles) draft.evidence.tests.contract_changed.push(`${entry.id}: the base's tests do not run on this source`)
    else draft.evidence.tests.regressed.push(...verdicts.regressed.filter((id) => !draft.evidence.tests.regressed.includes(id)))
  }
}
