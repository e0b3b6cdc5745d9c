import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { cleanScratch, type Git } from '../git/index.ts'
import { SingularityError, messageOf } from '../kernel/index.ts'
import { advance, findCheckout, findObstacle, type Checkout } from './checkout.ts'
import { createJournal, type JournalPath, type Operation } from './journal.ts'
import { journalPaths, mergeStep } from './merge.ts'
import { revertMessage, withTrailers } from './message.ts'
import { operationMark } from './processes.ts'
import { concludeFailure, recoverOperation } from './recover.ts'
import { dropCandidateReferences, locksOf, privateRef, setReferences, settleReferences } from './references.ts'
import type { Authorship, Landing, LandingDeps, LandRequest, LandResult, Recovered, Refusal, UndoResult } from './requests.ts'

/** A landing takes some milliseconds: another process's is waited for. */
const WAIT_MS = 3000

type Step = Authorship & {
  kind: Operation['kind']
  candidateId: string
  targetRef: string
  /** Current value of the ref, null where it has to be created. */
  old: string | null
  parent: string
  tree: string
  message: string
}

/** Puts candidates on branches and takes them back, by plumbing and compare-and-swap; never checks out, stashes or resets. */
export function createLanding(deps: LandingDeps): Landing {
  const { git, processInfo } = deps
  const journal = createJournal(deps)
  let queue: Promise<unknown> = Promise.resolve()

  /** One operation at a time, in this process by the queue, between processes by the lease. */
  const exclusively = <T>(body: () => Promise<T>): Promise<T | { status: 'busy'; reason: string }> => {
    const turn = queue.then(async () => {
      const owner = journal.newOperationId()
      const end = performance.now() + WAIT_MS
      while (!journal.acquire(owner)) {
        if (performance.now() > end) return { status: 'busy' as const, reason: 'another landing is in progress' }
        await delay(20)
      }
      try {
        return await body()
      } finally {
        journal.release(owner)
      }
    })
    queue = turn.catch(() => {})
    return turn
  }

  const running = new Set<string>()
  /** An open row of this very process that is not running is left over from an operation that could not be taken back. */
  const isAbandoned = ({ id, owner }: Operation): boolean => {
    const { pid, pidStart } = processInfo.self
    return owner.pid === pid && owner.pidStart === pidStart ? !running.has(id) : !processInfo.isAlive(owner)
  }

  const recoverPending = async (): Promise<{ done: Recovered[]; open: number }> => {
    const done: Recovered[] = []
    const pending = journal.pending().filter(isAbandoned)
    for (const operation of pending) {
      const verdict = await recoverOperation(git, operation, processInfo.self.bootId)
      if (!verdict) continue
      journal.close(operation, verdict.outcome, verdict.detail)
      done.push({ operation, ...verdict })
    }
    return { done, open: pending.length - done.length }
  }

  const execute = async (step: Step): Promise<{ commit: string } | Refusal> => {
    const [changed, place] = await Promise.all([
      git.changedFiles(step.parent, step.tree),
      step.old === null ? { checkout: null } : findCheckout(git, shortName(step.targetRef)),
    ])
    const paths = journalPaths(changed)
    if (paths.length === 0) return { status: 'unchanged', reason: 'the branch already has this change' }
    if ('status' in place) return place
    const obstacle = (place.checkout && (await findObstacle(git, place.checkout, paths))) ?? lockedRef(git, step.targetRef)
    if (obstacle) return obstacle
    if (step.dryRun)
      return { status: 'ready', tree: step.tree, onto: step.parent, message: step.message, paths: paths.map((each) => each.path) }
    const commit = await writeCommit(git, step)
    return typeof commit === 'string' ? move(step, commit, place.checkout, paths) : commit
  }

  const move = async (
    step: Step,
    commit: string,
    checkout: Checkout | null,
    paths: readonly JournalPath[],
  ): Promise<{ commit: string } | Refusal> => {
    const { candidateId, kind, targetRef } = step
    const locks = locksOf(git, { candidateId, targetRef, checkout })
    const operation = journal.open({
      id: journal.newOperationId(),
      candidateId,
      kind,
      targetRef,
      oldOid: step.old,
      newOid: commit,
      checkout,
      paths,
      locks,
    })
    const mark = operationMark(operation.id)
    running.add(operation.id)
    try {
      // Files first, then the ref: the other way round a crash would look as if the user had staged the inverse.
      const blocked = checkout && (await advance(git, checkout, { from: step.parent, to: commit }, mark))
      if (blocked) return await takeBack(operation, { status: 'dirty', paths: blocked })
      const moved = await git.updateRef(targetRef, commit, step.old, `singularity: ${kind} ${candidateId}`, { env: mark })
      if (!moved) return await takeBack(operation, { status: 'busy', reason: `${shortName(targetRef)} moved meanwhile` })
    } catch (error) {
      const locked = SingularityError.isInstance(error) && error.code === 'REPOSITORY_LOCKED'
      // Where even taking back fails (a full disk) the row stays open: the next start goes on, the first error tells why.
      const answer = await takeBack<Refusal | null>(operation, locked ? { status: 'busy', reason: error.message } : null).catch(() => null)
      if (answer) return answer
      throw error
    } finally {
      running.delete(operation.id)
    }
    // The landing is a fact now; private refs that cannot be written (a lock) are no reason to call it failed.
    const trouble = await settleReferences(git, operation, true).then(() => null, messageOf)
    journal.close(operation, kind === 'land' ? 'landed' : 'undone', trouble)
    return { commit }
  }

  const takeBack = async <T extends Refusal | null>(operation: Operation, answer: T): Promise<{ commit: string } | T> => {
    const { outcome, detail } = await concludeFailure(git, operation)
    journal.close(operation, outcome, detail)
    return outcome === 'landed' || outcome === 'undone' ? { commit: operation.newOid } : answer
  }

  const ready = async (): Promise<{ status: 'busy'; reason: string } | null> => {
    const { open } = await recoverPending()
    return open > 0 ? { status: 'busy', reason: 'an interrupted landing waits for another git command to end' } : null
  }

  return {
    land: (request) =>
      exclusively(async (): Promise<LandResult> => {
        const waiting = await ready()
        if (waiting) return waiting
        const old = await tipOf(git, request.targetRef)
        const parent = old ?? (await startOf(git, request))
        const merged = await mergeStep(git, { base: request.base, theirs: request.commit, ours: parent })
        if (merged.conflicts.length > 0) return { status: 'conflict', paths: [...merged.conflicts] }
        if (merged.tree !== request.validatedTree && merged.tree !== (await git.treeOf(parent)))
          return { status: 'revalidate', tree: merged.tree, onto: parent }
        const message = withTrailers(request.message, request.trailers ?? [])
        const result = await execute({ ...request, kind: 'land', old, parent, tree: merged.tree, message })
        return 'commit' in result ? { status: 'landed', commit: result.commit } : result
      }),
    undo: (request) =>
      exclusively(async (): Promise<UndoResult> => {
        const waiting = await ready()
        if (waiting) return waiting
        const { targetRef, landedCommit } = request
        const tip = await tipOf(git, targetRef)
        if (tip === null || !(await git.isAncestor(landedCommit, tip)))
          return { status: 'unchanged', reason: `${shortName(targetRef)} does not contain ${landedCommit.slice(0, 12)}` }
        const merged = await mergeStep(git, { base: landedCommit, theirs: `${landedCommit}^`, ours: tip })
        if (merged.conflicts.length > 0) return { status: 'undo_conflict', paths: [...merged.conflicts] }
        const message = withTrailers(request.message ?? (await revertMessage(git, landedCommit)), request.trailers ?? [])
        const result = await execute({ ...request, kind: 'undo', old: tip, parent: tip, tree: merged.tree, message })
        return 'commit' in result ? { status: 'undone', commit: result.commit } : result
      }),
    async recover() {
      await cleanScratch(
        git.repository,
        (pid) => pid === processInfo.self.pid || processInfo.isAlive({ ...processInfo.self, pid, pidStart: '' }),
      )
      if (journal.pending().length === 0) return []
      const result = await exclusively(recoverPending)
      return 'done' in result ? result.done : []
    },
    keepCandidate: (candidateId, commit) => setReferences(git, { [privateRef('candidates', candidateId)]: commit }),
    dropCandidate: (candidateId) => setReferences(git, { [privateRef('candidates', candidateId)]: null }),
    dropCandidateRefs: (before, keep) => dropCandidateReferences(git, before, keep),
  }
}

function shortName(ref: string): string {
  return ref.replace(/^refs\/heads\//, '')
}

async function tipOf(git: Git, ref: string): Promise<string | null> {
  if (!ref.startsWith('refs/heads/')) throw new SingularityError('REV_INVALID', `${ref} is not a branch.`)
  return (await git.resolve(`${ref}^{commit}`)) ?? null
}

async function startOf(git: Git, request: LandRequest): Promise<string> {
  const start = request.createAt === undefined ? undefined : await git.resolve(`${request.createAt}^{commit}`)
  if (start === undefined) throw new SingularityError('REV_INVALID', `The branch ${shortName(request.targetRef)} does not exist.`)
  return start
}

/** Found before the files are written, so that the usual case needs no taking back. */
function lockedRef(git: Git, ref: string): Refusal | null {
  const lock = `${git.repository.commonDir}/${ref}.lock`
  return existsSync(lock) ? { status: 'busy', reason: `${lock} exists` } : null
}

async function writeCommit(git: Git, step: Step): Promise<string | Refusal> {
  const author = step.author ?? (await git.identity())
  if (!author) throw new SingularityError('IDENTITY_MISSING', 'git does not know who you are, so no commit can be made in your name.')
  try {
    return await git.commitTree({
      tree: step.tree,
      parents: [step.parent],
      message: step.message,
      author,
      committer: step.committer ?? author,
      sign: step.sign,
    })
  } catch (error) {
    if (!step.sign || !SingularityError.isInstance(error) || error.code !== 'GIT_FAILED') throw error
    return { status: 'unsigned', reason: error.message }
  }
}
