import { type GuardPair, measureGuards } from '../analysis/index.ts'
import { plural } from '../kernel/index.ts'
import { languageOf } from '../parsing/index.ts'
import { type MetricEvidence, type PlanEntry, isWorse } from '../validation/index.ts'
import { cutDown } from './cut-down.ts'
import type { Draft } from './draft.ts'
import { measureCpu, measureMetric, measureUserMetrics } from './measure.ts'
import { tryBaseTests } from './prepare.ts'
import { candidateData } from './report.ts'
import { type Session, mayContinue } from './session.ts'
import { policyOf, recordTrial, settleDraft } from './settle.ts'
import { findCarrier, rideTrain } from './train.ts'
import { type Trial, isGreen, isOpen, tryCommit } from './trials.ts'

/** A candidate on a train, with the suites that decide about it. */
export type Rider = { draft: Draft; entries: PlanEntry[] }

/** Puts the riders' commits on one tip; a rider that touches what an earlier one touches stays behind. */
async function couple(session: Session, riders: readonly Rider[]): Promise<{ coupled: Rider[]; overlapping: Rider[] }> {
  const coupled: Rider[] = []
  const overlapping: Rider[] = []
  for (const rider of riders) {
    if ((await tipOf(session, [...coupled, rider])) === null) overlapping.push(rider)
    else coupled.push(rider)
  }
  return { coupled, overlapping }
}

async function tipOf(session: Session, riders: readonly Rider[]): Promise<string | null> {
  const { git } = session.deps
  let tip = session.base
  for (const { draft } of riders) {
    const { tree, conflicts } = await git.mergeTrees(tip, draft.commit!.commit)
    if (conflicts.length > 0) return null
    tip =
      riders.length === 1 ? draft.commit!.commit : await git.commitTree({ tree, parents: [tip], message: `train: ${draft.candidate.id}` })
  }
  return tip
}

const union = (riders: readonly Rider[]): PlanEntry[] => {
  const all = riders.flatMap(({ entries }) => entries)
  return all.filter((entry, index) => all.findIndex(({ id }) => id === entry.id) === index)
}

/** The train: full suites, types and lint once on the tip, bisected when red; then the measurements of the tip. */
export async function ride(session: Session, all: readonly Rider[]): Promise<void> {
  let { coupled: riders, overlapping } = await couple(session, all)
  for (const { draft } of overlapping) setAside(session, draft)
  while (riders.length > 0) {
    let last: { key: string; trial: Trial; tip: string } | undefined
    const culprits = new Map<Rider, Trial>()
    const keyOf = (members: readonly Rider[]): string => members.map(({ draft }) => draft.candidate.id).join(',')
    const result = await rideTrain(riders, {
      mayContinue: () => mayContinue(session),
      validate: async (members) => {
        session.observe({ type: 'phase', phase: 'train', detail: `${plural(members.length, 'candidate')} on one tip` })
        const tip = (await tipOf(session, members))!
        const trial = await tryCommit(session, tip, {
          entries: union(members),
          fresh: members.some(({ draft }) => draft.proposal.explicit),
          steps: true,
          confirm: true,
        })
        last = { key: keyOf(members), trial, tip }
        // no shorter train tells more where the base fails, too
        if (isGreen(trial) || isOpen(trial)) return 'green'
        culprits.set(members.at(-1)!, trial)
        return trial.errors.length > 0 ? 'errored' : 'red'
      },
    })
    const next: Rider[] = []
    for (const { member } of result.culprits) {
      const trial = culprits.get(member)!
      recordTrial(member.draft, trial)
      await tryBaseTests(session, member.draft, member.entries, trial)
      const child = await cutDown(session, member.draft, member.entries, trial)
      settleDraft(session, member.draft)
      if (child) next.push({ draft: child, entries: member.entries })
    }
    if (next.length > 0 && mayContinue(session)) {
      riders = [...result.kept, ...next]
      continue
    }
    riders = await arrive(session, result.kept, last?.key === keyOf(result.kept) ? last : undefined)
  }
}

/** Its tests never ran on the tip, so there is no verdict: it counts as not run and is found again by the next run. */
function setAside(session: Session, draft: Draft): void {
  const { store } = session.deps
  const { id } = draft.candidate
  const detail = 'touches lines of another candidate of this run; it is offered again once that one is decided'
  store.db.transaction(() => {
    store.saveReasons(id, [{ code: 'overlaps', detail }])
    store.move(id, 'abandoned', { reason: 'overlaps' })
  })
  draft.candidate = store.candidate(id)
  session.observe({ type: 'verdict', candidate: candidateData(draft.candidate) })
}

/**
 * The tip is green: measure it against the base, then decide every member with the same evidence. Answers the riders
 * that have to ride again because one that made the train too slow left it.
 */
async function arrive(session: Session, riders: readonly Rider[], seen: { trial: Trial; tip: string } | undefined): Promise<Rider[]> {
  if (riders.length === 0) return []
  const tip = seen?.tip ?? (await tipOf(session, riders))!
  const entries = union(riders)
  const trial =
    seen?.trial ??
    (await tryCommit(session, tip, { entries, fresh: riders.some(({ draft }) => draft.proposal.explicit), steps: true, confirm: true }))
  if (isOpen(trial)) {
    for (const { draft } of riders) {
      recordTrial(draft, trial)
      settleDraft(session, draft)
    }
    return []
  }
  const margin = policyOf(session).regression_threshold
  session.observe({ type: 'phase', phase: 'measure', detail: 'CPU time of the tests, base against tip' })
  const { metric: cpu, unstable } = await measureCpu(session, tip, entries, margin)
  if (unstable.regressed.length > 0 && riders.length > 1) {
    // one of them made a test flaky: each is looked at alone
    for (const rider of riders) await arrive(session, [rider], undefined)
    return []
  }
  const own = await measureUserMetrics(session, tip, margin)
  for (const { name, verdict, detail } of own)
    if (verdict === 'not_measured') session.notes.push(`--metric ${name} was not measured: ${detail}.`)
  const metrics = [cpu, ...own]
  const worse = metrics.find((metric) => isWorse(metric, margin))
  if (worse && riders.length > 1) return leaveBehind(session, riders, worse, margin)
  trial.regressed.push(...unstable.regressed.filter((id) => !trial.regressed.includes(id)))
  trial.flaky.push(...unstable.flaky)
  trial.fixed = trial.fixed.filter((id) => !unstable.flaky.includes(id))
  for (const { draft, entries: own } of riders) {
    recordTrial(draft, trial)
    draft.evidence.metrics = metrics
    await tryBaseTests(session, draft, own, trial)
    draft.evidence.guards.push(...(await recount(session, draft)), ...unmeasured(metrics))
    settleDraft(session, draft)
  }
  if (isGreen(trial)) session.deps.store.cache(`validated:${await session.deps.git.treeOf(tip)}`, 'validated_tree', { alone: true, tip })
  return []
}

/** What was not measured is told, is never a pass and blocks nothing. */
const unmeasured = (metrics: readonly MetricEvidence[]): Draft['evidence']['guards'] =>
  metrics
    .filter(({ verdict }) => verdict === 'not_measured')
    .map(({ name, detail }) => ({ name, ok: null, detail: `not measured: ${detail}` }))

/**
 * The train as a whole is past the margin: the rider that carries it there is found by measuring shorter trains, leaves
 * and is tried alone, where its own cost decides; if alone it is within the margin, a person sees what it does together
 * with the others. The rest rides again, as a new tip that is validated and measured like the first.
 */
async function leaveBehind(session: Session, riders: readonly Rider[], worse: MetricEvidence, margin: number): Promise<Rider[]> {
  const change = `${worse.name} ${((worse.estimate ?? 0) * 100).toFixed(1)} %`
  session.observe({ type: 'phase', phase: 'train', detail: `${change} together: looking for the candidate that carries it` })
  let together = worse
  const carrier = await findCarrier(riders, {
    mayContinue: () => mayContinue(session),
    isSlow: async (prefix) => {
      const metric = await measureMetric(session, (await tipOf(session, prefix))!, union(prefix), { name: worse.name, margin })
      const slow = isWorse(metric, margin)
      if (slow) together = metric
      return slow
    },
  })
  if (!carrier) {
    session.notes.push(`Together the candidates change ${change}; the time was up before it was known which of them does.`)
    return []
  }
  const { member, others } = carrier
  if (others > 0) member.draft.evidence.train = { others, metric: together }
  await arrive(session, [member], undefined)
  return riders.filter((rider) => rider !== member)
}

/** The primary metric of a rule: its own matches at the kept sites go to zero. Guards: complexity, lines and bytes. */
async function recount(session: Session, draft: Draft): Promise<Draft['evidence']['guards']> {
  const { recount: count } = draft.proposal
  const [before, after] = [session.reader, session.deps.git.reader(draft.commit!.commit)]
  const matches = [0, 0]
  const pairs: GuardPair[] = []
  for (const file of draft.commit!.files) {
    const texts = [(await before.text(file)) ?? '', (await after.text(file)) ?? ''] as const
    if (count) for (const [side, text] of texts.entries()) matches[side]! += count(file, text)
    pairs.push({ before: texts[0], after: texts[1], language: languageOf(file) })
  }
  const size = measureGuards(pairs, !draft.proposal.explicit, draft.sites.length)
  if (!count) return size
  const gone = matches[0]! - matches[1]!
  return [
    {
      name: 'rule matches',
      ok: gone >= draft.sites.length,
      detail: `${matches[0]} -> ${matches[1]} at ${plural(draft.sites.length, 'kept site')}`,
    },
    ...size,
  ]
}
