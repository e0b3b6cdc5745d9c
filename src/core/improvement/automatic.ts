import { grantApproval, land } from './decide.ts'
import { type Target, describeRefusal, undoCandidate } from './deliver.ts'
import type { Draft } from './draft.ts'
import { type Landing, checkHooks } from './hooks.ts'
import { revalidate } from './merged.ts'
import type { Session } from './session.ts'
import type { Candidate } from './store.ts'

/**
 * Lands what a policy approves, in the order of the train. The trees on the way to the train's tip were not validated one
 * by one: as soon as a member stays behind, each later one has its tree tested, and so has what landed before it.
 */
export async function landAutomatic(session: Session, drafts: readonly Draft[], target: Target, wholeTrain: boolean): Promise<void> {
  const { deps } = session
  const at = await deps.git.resolve(target.ref)
  let isTrain = wholeTrain && (at === undefined || at === session.base)
  let untested: Candidate[] = []
  for (const [index, { candidate }] of drafts.entries()) {
    grantApproval(deps, deps.store.candidate(candidate.id), { name: '--yes', via: 'yes-flag' }, null)
    session.observe({ type: 'phase', phase: 'land', detail: `${candidate.id} on ${target.ref.replace('refs/heads/', '')}` })
    const landing = {
      ...deps,
      revalidate: (tree: string, onto: string, each: Candidate) => revalidate(session, tree, onto, each),
      checkHooks: (each: Landing) => checkHooks(deps, async () => session.isolation.room, each),
    }
    const onTheWay = isTrain && index < drafts.length - 1
    const result = await land(landing, candidate.id, { target, approvedBy: '--yes', onTheWay })
    if (result.status === 'landed') {
      untested = onTheWay ? [...untested, deps.store.candidate(candidate.id)] : []
      continue
    }
    if (result.status === 'ready') continue
    session.notes.push(`${candidate.id} is approved but did not land: ${describeRefusal(result).detail}.`)
    isTrain = false
    await testStation(session, untested, target)
    untested = []
  }
}

/** What landed on the way to a tip that will not be reached: tested now, and taken back where it does not hold. */
async function testStation(session: Session, landed: readonly Candidate[], target: Target): Promise<void> {
  const { deps } = session
  const last = landed.at(-1)
  const tip = await deps.git.resolve(target.ref)
  if (!last || tip === undefined) return
  const files = landed.flatMap((each) => each.files)
  if ((await revalidate(session, await deps.git.treeOf(tip), session.base, { ...last, files })) === null) return
  for (const candidate of landed.toReversed()) {
    const { status } = await undoCandidate(deps, candidate)
    session.notes.push(
      status === 'undone'
        ? `${candidate.id} was undone: without the candidate that stayed behind the tests fail.`
        : `${candidate.id} landed, but without the candidate that stayed behind the tests fail: singularity undo ${candidate.id}`,
    )
  }
}
