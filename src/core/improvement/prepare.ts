import { affectedTests } from '../analysis/index.ts'
import { plural } from '../kernel/index.ts'
import { type PlanEntry, baseTestsOverlay, classifyBaseTests, entriesFor, isTestPath, isTouched } from '../validation/index.ts'
import { type BaseCoverage, isExercised } from './base.ts'
import { type CandidateCommit, commitCandidate } from './commit.ts'
import { type StaticReport, checkContract } from './contract.ts'
import { type Control, exercisedByFault } from './control.ts'
import { type Draft, siteCounts, siteEvidence } from './draft.ts'
import { type Session, mayContinue } from './session.ts'
import type { Site } from './source.ts'
import { type Trial, tryCommit } from './trials.ts'

/** How many sites without coverage are decided by planted faults, one run of the tests each. */
const MAX_SITE_FAULTS = 6

export type Bench = { coverage: BaseCoverage; control: Control }

/** The lines of the base a site replaces. */
async function linesOf(session: Session, site: Site): Promise<number[]> {
  const content = await session.reader.read(site.file)
  if (!content) return [site.line]
  const lineAt = (offset: number): number => {
    let line = 1
    for (let at = content.indexOf(10); at !== -1 && at < offset; at = content.indexOf(10, at + 1)) line++
    return line
  }
  const first = Math.min(...site.edits.map(({ start }) => lineAt(start)))
  const last = Math.max(...site.edits.map(({ start, end }) => lineAt(Math.max(start, end - 1))))
  return Array.from({ length: Math.min(200, last - first + 1) }, (_value, index) => first + index)
}

/** Which sites some test exercises: by coverage, else by planted faults while the time lasts. */
async function exerciseSites(
  session: Session,
  draft: Draft,
  bench: Bench,
  entries: readonly PlanEntry[],
): Promise<Map<Site, boolean | null>> {
  const answers = new Map<Site, boolean | null>()
  let faults = 0
  for (const site of draft.sites) {
    let answer = isExercised(bench.coverage, site.file, await linesOf(session, site))
    if (answer === null && !isTestPath(site.file, session.plan!) && faults < MAX_SITE_FAULTS && mayContinue(session)) {
      faults++
      answer = await exercisedByFault(session, entries, site.file, site.line)
      if (answer === false) answer = null // one unnoticed fault is a hint, not a proof that nothing runs the line
    }
    answers.set(site, answer)
  }
  return answers
}

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
  const isTestFile = (path: string): boolean => isTestPath(path, session.plan!)
  const check = async (): Promise<StaticReport> =>
    checkContract({
      git: deps.git,
      base,
      commit: draft.commit!.commit,
      scope: draft.proposal.scope,
      explicit: draft.proposal.explicit,
      isTestFile,
      baseTestFiles: testFilesOf(session),
    })
  let commit = await commitDraft(session, draft, draft.sites)
  deps.store.move(draft.candidate.id, 'committed')
  let contract = await check()
  const entries = entriesFor(session.plan!, commit.files)
  const rejects = (): boolean => contract.findings.some(({ ok }) => !ok) || contract.weakening.weakened.some(({ proven }) => proven)
  const exercised = rejects() ? new Map<Site, boolean | null>() : await exerciseSites(session, draft, bench, entries)
  const blind = draft.sites.filter((site) => exercised.get(site) !== true && !contract.equalTrees.has(site.file))
  // A rule may leave its untested places alone; what a person handed in is judged as a whole.
  if (!rejects() && !draft.proposal.explicit && blind.length > 0 && blind.length < draft.sites.length) {
    draft.dropped.push(...blind.map((site) => ({ site, reason: 'no test exercises it', exercised: exercised.get(site) ?? null })))
    commit = await commitDraft(
      session,
      draft,
      draft.sites.filter((site) => !blind.includes(site)),
    )
    contract = await check()
  }
  record(draft, contract, bench, (site) => exercised.get(site) ?? null)
  deps.store.saveCommit(draft.candidate.id, { base, ...commit, sites: siteCounts(draft) })
  return { entries, rejected: rejects() }
}

function record(draft: Draft, contract: StaticReport, { control }: Bench, exercised: (site: Site) => boolean | null): void {
  const { evidence } = draft
  evidence.contract = contract.findings
  evidence.tests.weakened = [...contract.weakening.weakened]
  evidence.sites = siteEvidence(draft, exercised, (file) => contract.equalTrees.has(file))
  const sources = contract.changed.filter(({ path }) => !contract.equalTrees.has(path))
  evidence.control =
    control.planted.length === 0
      ? sources.length === 0
        ? { noticed: 0, planted: 0 }
        : null
      : { noticed: control.noticed, planted: control.planted.length }
  draft.facts.testsTouched = contract.weakening.weakened.some(({ proven }) => !proven)
  draft.facts.addedTestsOnly = contract.weakening.touched && contract.weakening.addedOnly
  draft.facts.privileged = contract.findings.some(({ privileged }) => privileged === true)
}

/** The affected tests, when they are fewer than all: a cheap way to reject, never to accept. */
export async function tryAffected(session: Session, draft: Draft, entries: readonly PlanEntry[]): Promise<Trial | null> {
  const all = testFilesOf(session)
  const { files } = await affectedTests(session.reader, draft.commit!.files, all)
  if (files.length === 0 || files.length >= all.length * 0.8) return null
  session.observe({ type: 'phase', phase: 'candidates', detail: `${draft.candidate.id}: ${plural(files.length, 'affected test file')}` })
  return tryCommit(session, draft.commit!.commit, { entries, files, fresh: draft.proposal.explicit, steps: false, confirm: true })
}

/** The base's own tests on the candidate's source, where the candidate touches tests. */
export async function tryBaseTests(session: Session, draft: Draft, entries: readonly PlanEntry[], own: Trial): Promise<void> {
  const { git } = session.deps
  const isTestFile = (path: string): boolean => isTestPath(path, session.plan!)
  if (!draft.commit!.files.some(isTestFile)) return
  const overlay = await baseTestsOverlay({ git, candidateCommit: draft.commit!.commit, baseCommit: session.base, isTestFile })
  if (overlay.commit === draft.commit!.commit) return
  const contract = await checkContract({
    git,
    base: session.base,
    commit: draft.commit!.commit,
    scope: draft.proposal.scope,
    explicit: true,
    isTestFile,
    baseTestFiles: testFilesOf(session),
  })
  const trial = await tryCommit(session, overlay.commit, { entries, fresh: true, steps: false, confirm: true })
  draft.results.push({ purpose: 'base_tests', commit: overlay.commit, suites: trial.results })
  for (const entry of entries) {
    const [base, old, next] = [
      session.baseline!.entries.find(({ entryId }) => entryId === entry.id),
      trial.reports.get(entry.id),
      own.reports.get(entry.id),
    ]
    if (!base || !old || !next) continue
    const stable = new Map(Object.entries(base.statuses).filter(([id]) => !base.flaky.includes(id) && !trial.flaky.includes(id)))
    const verdicts = classifyBaseTests(stable, old, next, (test) => isTouched(contract.weakening, test))
    draft.evidence.tests.contract_changed.push(...verdicts.contract_changed)
    if (!verdicts.compiles) draft.evidence.tests.contract_changed.push(`${entry.id}: the base's tests do not run on this source`)
    else draft.evidence.tests.regressed.push(...verdicts.regressed.filter((id) => !draft.evidence.tests.regressed.includes(id)))
  }
}
