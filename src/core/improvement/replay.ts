import { SingularityError } from '../kernel/index.ts'
import { type Baseline, type DecisionPolicy, type TestStatus, countStatuses, decideVerdict } from '../validation/index.ts'
import type { CandidateRecord, RunRecord } from './record.ts'
import { rebuildResults } from './results.ts'

export type ReplayedVerdict = {
  id: string
  title: string
  recorded: string | null
  now: string | null
  changed: boolean
  reasons: { code: string; detail: string }[]
}

/** Reads `regression_threshold=0.02` and the like. @throws USAGE */
export function overridePolicy(policy: DecisionPolicy, overrides: Readonly<Record<string, string>>): DecisionPolicy {
  const next: DecisionPolicy = { ...policy }
  for (const [name, text] of Object.entries(overrides)) {
    if (name === 'regression_threshold' && Number(text) >= 0 && text.trim() !== '') next.regression_threshold = Number(text)
    else if (name === 'allow_unexercised' && /^(true|false)$/.test(text)) next.allow_unexercised = text === 'true'
    else
      throw new SingularityError('USAGE', `${name}=${text} cannot be replayed.`, {
        hints: ['singularity replay ID --set regression_threshold=0.02', 'singularity replay ID --set allow_unexercised=true'],
      })
  }
  return next
}

/**
 * Decides a recorded run again from its evidence alone: no process, no repository, no network. Without overrides every
 * verdict must come out as recorded; a difference is a problem of the record or of this version.
 */
export function replayRecord(
  record: RunRecord,
  overrides: Readonly<Record<string, string>>,
): { ok: boolean; problems: string[]; verdicts: ReplayedVerdict[] } {
  const policy = overridePolicy(record.policy, overrides)
  const altered = Object.keys(overrides).length > 0
  const verdicts = record.candidates.map(({ id, title, verdict, evidence, facts }) => {
    const again = decideVerdict(evidence, policy, facts)
    return { id, title, recorded: verdict, now: again.verdict, changed: again.verdict !== verdict, reasons: again.reasons }
  })
  const problems = altered
    ? []
    : [
        ...verdicts
          .filter(({ changed }) => changed)
          .map(({ id, recorded, now }) => `${id} was ${recorded ?? 'errored'} and is now ${now ?? 'errored'}.`),
        ...record.candidates.flatMap((each) => contradiction(record, each)),
      ]
  return { ok: problems.length === 0, problems, verdicts }
}

/** The single results, told again from the baseline, must add up to what the evidence counts. Older records have none. */
function contradiction(record: RunRecord, { id, evidence, results = [] }: CandidateRecord): string[] {
  const last = results.findLast(({ purpose }) => purpose === 'candidate')
  if (!last) return []
  const { entries } = record.baseline as Baseline
  const told = last.suites.map((suite) =>
    countStatuses(Object.values(rebuildResults(entries.find(({ entryId }) => entryId === suite.entry)?.statuses ?? {}, suite))),
  )
  const counted = Object.entries(evidence.tests.candidate) as [TestStatus, number][]
  return counted.every(([status, count]) => told.reduce((sum, counts) => sum + counts[status], 0) === count)
    ? []
    : [`The single results of ${id} do not add up to its evidence.`]
}
