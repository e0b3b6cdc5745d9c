import { plural } from '../kernel/index.ts'
import type { PlanEntry } from '../validation/index.ts'
import { commitCandidate, commitSites } from './commit.ts'
import { type Draft, createDraft, siteCounts } from './draft.ts'
import { compareSites, keepGoodPart, runBound } from './partial.ts'
import { examine, recordContract, rejects } from './prepare.ts'
import { type Session, mayContinue } from './session.ts'
import type { Site } from './source.ts'
import { type Trial, isGreen, tryCommit } from './trials.ts'

/**
 * Keeps the good part of a failing candidate as a candidate of its own, with this one as parent. Only the failing tests
 * run while searching; the train confirms the part by a full run.
 */
export async function cutDown(session: Session, draft: Draft, entries: readonly PlanEntry[], trial: Trial): Promise<Draft | null> {
  if (draft.sites.length < 2 || trial.hang) return null
  const { git, store, settings } = session.deps
  const named = namedSites(session, draft, trial)
  const items = draft.sites.filter((site) => !named.has(site))
  const checks = trial.guards.filter(({ ok }) => ok === false).map(({ name }) => name)
  // What only a linter refuses needs no tests to be cut down: the train runs them on the part.
  const isLintOnly =
    checks.length > 0 && checks.every((check) => session.plan!.steps.some(({ id, kind }) => id === check && kind === 'lint'))
  let failing = [...trial.regressed, ...trial.weakened.map(({ id }) => id)]
  const test = async (subset: readonly Site[]): Promise<'pass' | 'fail'> => {
    const { commit } = await commitSites(git, { base: session.base, proposal: draft.proposal, sites: subset })
    const files = [...new Set(failing.map((id) => id.split('::')[0]!))]
    const result = await tryCommit(session, commit, {
      entries: isLintOnly ? [] : entries,
      ...(files.length > 0 && { files }),
      fresh: draft.proposal.explicit,
      steps: isLintOnly ? checks : checks.length > 0,
      confirm: false,
    })
    // A type error hid the tests' answer so far: from now on only those that fail run.
    if (failing.length === 0) failing = [...result.regressed]
    session.observe({
      type: 'phase',
      phase: 'candidates',
      detail: `${draft.candidate.id}: ${plural(subset.length, 'site')}: ${isGreen(result) ? 'green' : 'red'}`,
    })
    return isGreen(result) || (result.errors.length > 0 && result.regressed.length === 0 && files.length > 0) ? 'pass' : 'fail'
  }
  const maxRuns = Math.min(settings.maxIterations, runBound(items.length, 5))
  const part = await keepGoodPart(items, { compare: compareSites, test, maxRuns, mayContinue: () => mayContinue(session) })
  if (!part.confirmed || part.kept.length === 0) return null
  // A part is judged on its own: what it does to the tests may be another thing than what the whole did.
  const made = await commitSites(git, { base: session.base, proposal: draft.proposal, sites: part.kept })
  const contract = await examine(session, draft.proposal, made.commit)
  if (rejects(contract)) return null
  const proposal = { ...draft.proposal, changes: [] }
  const child = createDraft(
    store.addCandidate(session.run.id, proposal, draft.candidate.ordinal, draft.candidate.id),
    draft.proposal,
    part.kept,
  )
  const reasonOf = (site: Site): string =>
    named.get(site) ??
    (isLintOnly ? `${checks.join(', ')} complains` : `breaks ${failing[0]?.split('::').slice(1).join(' ') ?? 'the tests'}`)
  child.dropped = [
    ...draft.dropped,
    ...[...part.dropped, ...named.keys()].map((site) => ({ site, reason: reasonOf(site), exercised: true })),
  ]
  child.commit = await commitCandidate(git, { id: child.candidate.id, base: session.base, proposal: draft.proposal, sites: part.kept })
  recordContract(child, contract)
  const { control, sites } = draft.evidence
  const known = (site: Site): boolean | null => sites.find((each) => each.file === site.file && each.line === site.line)?.exercised ?? null
  child.evidence.control = control
  child.evidence.sites = [
    ...part.kept.map((site) => ({ file: site.file, line: site.line, exercised: known(site), equal_tree: false, kept: true, reason: null })),
    ...child.dropped.map(({ site, reason, exercised }) => ({
      file: site.file,
      line: site.line,
      exercised,
      equal_tree: false,
      kept: false,
      reason,
    })),
    ...sites.filter(isWhole(draft)).map((site) => ({ ...site, kept: false, reason: 'changed as a whole' })),
  ]
  store.move(child.candidate.id, 'committed')
  store.saveCommit(child.candidate.id, { base: session.base, ...child.commit, sites: siteCounts(child) })
  draft.replacedBy = child.candidate.id
  session.drafts.push(child)
  return child
}

/** Evidence about files that are changed as a whole: a part holds sites only. */
const isWhole =
  ({ sites, dropped }: Draft) =>
  ({ file }: { file: string }): boolean =>
    ![...sites, ...dropped.map(({ site }) => site)].some((site) => site.file === file)

/** Lines between a site and a complaint about it: formatters name the beginning of the statement. */
const NEAR = 3

/**
 * Sites that a failing check names, and how: those on the very lines, or the nearest within a few lines where the check had
 * no complaint at all on the base.
 */
function namedSites(session: Session, draft: Draft, trial: Trial): Map<Site, string> {
  const hit = new Map<Site, string>()
  for (const { stepId, places } of trial.steps) {
    if (!trial.guards.some(({ name, ok }) => name === stepId && ok === false)) continue
    const reason = session.plan!.steps.some(({ id, kind }) => id === stepId && kind === 'lint') ? `${stepId} complains` : 'a type error'
    const wasClean = session.baseline!.steps.some((step) => step.stepId === stepId && step.exitCode === 0)
    for (const { file, line } of places) {
      const distance = (site: Site): number => Math.abs(site.line - line)
      const near = draft.sites
        .filter((site) => (site.file === file || site.file.endsWith(`/${file}`)) && distance(site) <= (wasClean ? NEAR : 0))
        .toSorted((a, b) => distance(a) - distance(b))
      for (const site of near) if (distance(site) === distance(near[0]!)) hit.set(site, reason)
    }
  }
  return hit.size < draft.sites.length ? hit : new Map()
}
