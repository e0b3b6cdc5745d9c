import { SingularityError, diskRefusal, groupBy, messageOf } from '../kernel/index.ts'
import { cutDown } from './cut-down.ts'
import { type Draft, createDraft } from './draft.ts'
import type { Bench } from './exercise.ts'
import type { Found } from './find.ts'
import { prepareDraft, tryAffected } from './prepare.ts'
import { type Rider, ride } from './ride.ts'
import { type Session, mayContinue } from './session.ts'
import { recordTrial, settleDraft, settleTampered } from './settle.ts'
import { isGreen, isOpen, tryLint } from './trials.ts'

/**
 * Proves the candidates of a run: each alone as far as that is cheap, the survivors on a train. They are put into the session's
 * drafts as they come: what is decided is there also when the rest is cut short.
 */
export async function proveCandidates(session: Session, found: readonly Found[], bench: Bench): Promise<void> {
  const asked = found.filter(({ proposal }) => proposal.alternative === undefined)
  if (asked.length > 0) await proveTogether(session, asked, bench)
  for (const group of groupBy(found, ({ proposal }) => proposal.alternative).entries())
    if (group[0] !== undefined) await proveAlternatives(session, group[1], bench)
}

/**
 * Answers to one question, the smallest first, each proven as if it were alone: the first that is kept is the winner, and the rest
 * needs no proof. So the winner is the smallest of the kept ones, and was measured in this run, not chosen by a measurement.
 */
async function proveAlternatives(session: Session, found: readonly Found[], bench: Bench): Promise<void> {
  const { store } = session.deps
  let winner: string | null = null
  for (const [index, one] of found.entries()) {
    if (winner === null && (index === 0 || mayContinue(session))) {
      await proveTogether(session, [one], bench)
      const kept = store
        .candidatesOf(session.run.id)
        .find(({ id, parent, verdict }) => (id === one.candidate.id || parent === one.candidate.id) && verdict === 'keep')
      winner = kept?.id ?? null
      continue
    }
    if (winner === null) continue
    store.saveReasons(one.candidate.id, [{ code: 'not_needed', detail: `${winner} answers the same and was kept` }])
    store.move(one.candidate.id, 'abandoned', { reason: 'not needed' })
  }
  if (winner !== null) session.answered.push(...found.map(({ candidate }) => candidate.id).filter((id) => id !== winner))
}

async function proveTogether(session: Session, found: readonly Found[], bench: Bench): Promise<void> {
  const { drafts } = session
  const riders: Rider[] = []
  for (const [index, { candidate, proposal }] of found.entries()) {
    if (index > 0 && !mayContinue(session)) break
    session.observe({ type: 'candidate', id: candidate.id, title: candidate.title, index: index + 1, of: found.length, stage: 'checking' })
    const draft = createDraft(candidate, proposal)
    drafts.push(draft)
    try {
      const rider = await screen(session, draft, bench, { alone: found.length === 1 })
      if (rider === 'settled') continue
      riders.push(rider)
    } catch (error) {
      fail(session, draft, error)
    }
  }
  try {
    await ride(session, riders)
  } catch (error) {
    // nobody knows which of them it was: none of them has a verdict
    for (const { draft } of riders) if (draft.candidate.verdict === null) settleTampered(session, draft, error)
    throw error
  }
}

/** What the machine cannot do for one candidate it cannot do for the next. */
const MACHINE: ReadonlySet<string> = new Set(['DISK_FULL', 'READ_ONLY'])

/** An unexpected failure of one candidate ends that candidate, not the run. */
function fail(session: Session, draft: Draft, error: unknown): void {
  if (settleTampered(session, draft, error)) throw error
  const refused = diskRefusal(error) ?? error
  if (session.signal.aborted || (SingularityError.isInstance(refused) && MACHINE.has(refused.code))) throw refused
  draft.evidence.errors.push(messageOf(error))
  if (draft.commit === null) {
    session.deps.store.saveReasons(draft.candidate.id, [{ code: 'errored', detail: messageOf(error) }])
    session.deps.store.move(draft.candidate.id, 'errored')
  } else settleDraft(session, draft)
}

/**
 * Static contract, lint of its own files where it would ride with others, affected tests; a red candidate of many sites is cut
 * down to its good part at once.
 */
async function screen(session: Session, draft: Draft, bench: Bench, { alone }: { alone: boolean }): Promise<Rider | 'settled'> {
  const { entries, rejected } = await prepareDraft(session, draft, bench)
  if (rejected) {
    settleDraft(session, draft)
    return 'settled'
  }
  const blind = draft.evidence.sites.filter(({ kept, exercised, equal_tree: equal }) => kept && exercised !== true && !equal)
  if (blind.length === draft.sites.length && draft.sites.length > 0 && !draft.proposal.explicit) {
    draft.evidence.tests.complete = true
    settleDraft(session, draft)
    return 'settled'
  }
  const { commit, files } = draft.commit!
  const refused = alone ? null : await tryLint(session, commit, { files, fresh: draft.proposal.explicit })
  const trial = refused ?? (await tryAffected(session, draft, entries))
  // what the base fails as well is asked again by the full run
  if (!trial || isGreen(trial) || isOpen(trial) || trial.errors.length > 0) return { draft, entries }
  recordTrial(draft, trial)
  const part = await cutDown(session, draft, entries, trial)
  settleDraft(session, draft)
  return part ? { draft: part, entries } : 'settled'
}
