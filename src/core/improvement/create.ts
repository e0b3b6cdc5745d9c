import { isAbsolute, join, posix, relative, sep } from 'node:path'
import { SingularityError, digest } from '../kernel/index.ts'
import { explainLine } from '../landing/index.ts'
import { diffHash } from './commit.ts'
import type { CandidateData, Watch } from './data.ts'
import { grantApproval, land, requestApproval } from './decide.ts'
import { chooseTarget, describeRefusal, hintsOfRefusal, undoCandidate } from './deliver.ts'
import type { Landing, Refusal } from './hooks.ts'
import { candidateReport, runSummary } from './explain.ts'
import { recordDecisions } from './decisions.ts'
import { assertPresent, changeGone, isPresent } from './present.ts'
import { type RecoveryReport, deadRuns, recover } from './recover.ts'
import { candidateData, improveData } from './report.ts'
import type { ImprovementService } from './service.ts'
import { type ImprovementDeps, isForeign } from './session.ts'
import { DECIDABLE, LANDED } from './states.ts'
import type { Candidate } from './store.ts'
import { trailerApprovals } from './trailers.ts'
import { waitingPage } from './waiting.ts'

/** The main job behind the front doors. Whatever is called first recovers what a killed process left. */
export function createImprovement(deps: ImprovementDeps): ImprovementService {
  const { git, store, approvals, landing } = deps
  let recovered: Promise<RecoveryReport> | undefined
  const ready = async (): Promise<RecoveryReport> => (recovered ??= recover(deps))

  function candidateOf(prefix: string): Candidate {
    const { kind, id } = store.find(prefix)
    if (kind !== 'candidate')
      throw new SingularityError('NOT_FOUND', `${prefix} is a run; a candidate is needed here.`, { hints: [`singularity show ${id}`] })
    return store.candidate(id)
  }

  async function landApproved(
    candidate: Candidate,
    approvedBy: string,
    options: { into?: string; dryRun?: boolean; watch?: Watch },
  ): Promise<void> {
    const run = store.run(candidate.runId)
    const target = await chooseTarget(git, {
      run,
      into: options.into ?? run.request.into,
      propose: run.request.propose,
      ci: deps.ci,
      protectedBranches: deps.settings.protectedBranches,
    })
    const validate = async (tree: string, onto: string, each: Candidate, override: boolean): Promise<string | null> => {
      const { UNWATCHED, validateMerged } = await import('./merged.ts')
      return validateMerged(deps, { tree, onto, candidate: each, override }, options.watch ?? UNWATCHED)
    }
    const hooks = async (landing: Landing): Promise<Refusal | null> => {
      const opened = { requested: run.request.isolation, foreign: isForeign(run.request) }
      return (await import('./hooks.ts')).checkHooks(deps, async () => (await deps.openSandboxes(opened)).room, landing)
    }
    const result = await land({ ...deps, revalidate: validate, checkHooks: hooks }, candidate.id, {
      target,
      approvedBy,
      override: approvals.latest(candidate.id)?.overrides === true,
      ...(options.dryRun && { dryRun: true }),
    })
    if (result.status === 'landed' || result.status === 'ready') return
    const { detail } = describeRefusal(result)
    const code = result.status === 'conflict' ? 'LANDING_CONFLICT' : 'LANDING_REFUSED'
    const isOut = result.status === 'unchanged' || result.status === 'conflict'
    throw new SingularityError(code, `${candidate.id} ${isOut || options.dryRun ? 'does' : 'is approved but did'} not land: ${detail}.`, {
      hints: hintsOfRefusal(result, candidate),
      data: { status: result.status },
    })
  }

  return {
    async improve(request, observe, signal, stopSoon, patience) {
      await ready()
      const { runImprovement } = await import('./run.ts') // sandboxes, runners and parsers: not for commands that only read
      const start = { request, observe, signal, stopSoon, ...(patience && { patience }) }
      const outcome = await runImprovement(deps, start)
      return patience ? (await import('./ask.ts')).waitForDecisions(deps, outcome, start) : outcome
    },

    async prepareJob(request) {
      await ready()
      const [{ checkRequest }, { resolveBase }] = [await import('./check.ts'), await import('./open.ts')]
      const base = await resolveBase(deps, request)
      await checkRequest(deps, request, base)
      const { root, prefix } = git.repository
      const branch = await git.currentBranch()
      const run = { id: 'r0', base }
      const { ci, settings } = deps
      const target = await chooseTarget(git, { ...request, run, ci, protectedBranches: settings.protectedBranches })
      const into = target.proposed ? null : target.ref.replace(/^refs\/heads\//, '')
      return { request: { ...request, base, into, propose: target.proposed }, place: { folder: join(root, prefix), branch } }
    },

    async attemptJob(job, request, observe, signal) {
      await ready()
      const { attemptJob } = await import('./attempt.ts')
      return attemptJob(deps, job, { request, observe, signal })
    },

    recover: ready,
    leftRunning: async () => deadRuns(deps).map(({ id }) => id),

    async runs({ limit }) {
      await ready()
      return store.runs(limit).map((run) => runSummary(store, run))
    },

    async show(prefix) {
      await ready()
      const { kind, id } = store.find(prefix)
      if (kind === 'run') return { kind, data: improveData(store.run(id), store.candidatesOf(id)) }
      return { kind, data: candidateReport(deps, store.candidate(id)) }
    },

    async diff(prefix, { color }) {
      await ready()
      const { kind, id } = store.find(prefix)
      const candidates = kind === 'candidate' ? [store.candidate(id)] : store.candidatesOf(id).filter(({ verdict }) => verdict === 'keep')
      const made = candidates.filter(({ commit }) => commit !== null)
      const there = await Promise.all(made.map((candidate) => isPresent(git, candidate)))
      const gone = made.find((_candidate, index) => !there[index])
      if (gone) throw changeGone(gone)
      return (await Promise.all(made.map(({ base, commit }) => git.diff(base!, commit!, { color })))).join('')
    },

    async waiting(options) {
      await ready()
      return waitingPage(deps, options)
    },

    async approve(prefix, actor, options = {}) {
      await ready()
      const candidate = candidateOf(prefix)
      if (!LANDED.includes(candidate.state)) await assertPresent(git, candidate)
      const override = options.override ?? null
      if (options.diffHash !== undefined && options.diffHash !== candidate.diffHash) throw isVoid(candidate)
      const openable = DECIDABLE.includes(candidate.state) || (candidate.state === 'rejected' && override !== null)
      const isRefused = candidate.state === 'rejected' || openable
      if (candidate.verdict === 'roll_back' && isRefused && override === null)
        throw new SingularityError('STATE_CONFLICT', `${candidate.id} was rolled back (${candidate.reasons[0]?.detail ?? ''}).`, {
          hints: [`singularity show ${candidate.id}`, `singularity approve ${candidate.id} --override REASON`],
        })
      if (!openable && candidate.state !== 'approved') throw conflict(candidate, 'approved')
      if (options.dryRun) {
        await landApproved(candidate, actor.name, { ...options, dryRun: true })
        return candidateData(candidate)
      }
      if (candidate.state !== 'approved') {
        await assertUnchanged(deps, candidate)
        if (candidate.state !== 'awaiting_approval') requestApproval(deps, candidate)
        grantApproval(deps, candidate, actor, override, options.token)
      }
      try {
        await landApproved(store.candidate(candidate.id), approvals.latest(candidate.id)?.decided_by ?? actor.name, options)
      } finally {
        recordDecisions(deps, candidate.runId)
        await deps.wake([])
      }
      return candidateData(store.candidate(candidate.id))
    },

    async reject(prefix, actor, reason, { diffHash, token } = {}) {
      await ready()
      const candidate = candidateOf(prefix)
      if (diffHash !== undefined && diffHash !== candidate.diffHash) throw isVoid(candidate)
      // A yes that could not be carried out may still be taken back.
      if (!DECIDABLE.includes(candidate.state) && candidate.state !== 'approved') throw conflict(candidate, 'rejected')
      store.db.transaction(() => {
        if (candidate.state !== 'awaiting_approval') requestApproval(deps, candidate)
        approvals.decide(candidate.id, {
          status: 'rejected',
          by: actor.name,
          via: actor.via,
          reason,
          overrides: false,
          diffHash: candidate.diffHash!,
          evidenceHash: digest(candidate.evidence.proof),
          ...(token !== undefined && { token }),
        })
        store.move(candidate.id, 'declined', { by: actor.name, reason })
        store.decline(candidate.fingerprint, candidate.id, 'declined', reason)
      })
      await landing.dropCandidate(candidate.id)
      recordDecisions(deps, candidate.runId)
      await deps.wake([])
      return candidateData(store.candidate(candidate.id))
    },

    async ask(prefix, actor, text) {
      await ready()
      return approvals.ask(candidateOf(prefix).id, actor.name, text)
    },

    async answer(questionId, actor, text) {
      await ready()
      const question = approvals.answer(questionId, actor.name, text)
      const job = question.run_id === null ? null : store.run(question.run_id).jobId
      await deps.wake(job === null ? [] : [job])
      return question
    },

    async undo(prefix, actor, options = {}) {
      await ready()
      const candidate = candidateOf(prefix)
      if (!LANDED.includes(candidate.state) && candidate.state !== 'undo_conflict') throw conflict(candidate, 'undone')
      if (!options.dryRun) store.event('candidate.undo_asked', candidate.runId, candidate.id, { by: actor.name, via: actor.via })
      const result = await undoCandidate(deps, candidate, options)
      if (result.status === 'undone' && !candidate.evidence.explicit)
        store.decline(candidate.fingerprint, candidate.id, 'undone', `taken back by ${actor.name}`)
      if (!options.dryRun) recordDecisions(deps, candidate.runId)
      if (result.status !== 'undone' && result.status !== 'ready') {
        const { detail } = describeRefusal(result)
        throw new SingularityError(
          result.status === 'undo_conflict' ? 'LANDING_CONFLICT' : 'LANDING_REFUSED',
          `${candidate.id} cannot be undone now: ${detail}.`,
          {
            hints: [`singularity show ${candidate.id}`, `git revert ${candidate.landed!.slice(0, 12)}`],
          },
        )
      }
      return candidateData(store.candidate(candidate.id))
    },

    async resume(options = {}) {
      await ready()
      const done: CandidateData[] = []
      for (const { candidate, by } of await trailerApprovals(deps)) {
        const grant = async (): Promise<void> => {
          await assertUnchanged(deps, candidate)
          grantApproval(deps, candidate, { name: by, via: 'trailer' }, null)
        }
        await grant().catch(ignoreConflict)
      }
      for (const candidate of store.inState('approved')) {
        await landApproved(candidate, approvals.latest(candidate.id)?.decided_by ?? 'unknown', options)
          .catch(ignoreConflict)
          .finally(() => recordDecisions(deps, candidate.runId))
        done.push(candidateData(store.candidate(candidate.id)))
      }
      return { candidates: done }
    },

    async replay(prefix, overrides) {
      await ready()
      const [{ readRecord }, { replayRecord }] = await Promise.all([import('./record.ts'), import('./replay.ts')])
      const { kind, id } = store.find(prefix)
      const run = store.run(kind === 'run' ? id : store.candidate(id).runId)
      if (run.recordPath === null) throw new SingularityError('RECORD_INVALID', `Run ${run.id} left no record.`)
      const record = readRecord(run.recordPath)
      const decided = replayRecord(record, overrides)
      const problems = [...decided.problems, ...((await deps.model?.problems(record.recordings ?? [])) ?? [])]
      const replayed = { ...decided, problems, ok: problems.length === 0 }
      return kind === 'run' ? replayed : { ...replayed, verdicts: replayed.verdicts.filter((each) => each.id === id) }
    },

    async exportRun(prefix, directory) {
      await ready()
      const { kind, id } = store.find(prefix)
      const { exportRun } = await import('./carry.ts')
      return exportRun(deps, kind === 'run' ? id : store.candidate(id).runId, directory)
    },

    async importRun(directory, options) {
      await ready()
      return (await import('./carry.ts')).importRun(deps, directory, options)
    },

    async why(file, line) {
      await ready()
      const { root, prefix } = git.repository
      const path = isAbsolute(file) ? relative(root, file).split(sep).join('/') : posix.join(prefix, file)
      const origin = await explainLine(git, path, line)
      const known = origin.change === null ? null : findCandidate(origin.change)
      const trailers = Object.fromEntries(Object.entries(origin.trailers).map(([key, values]) => [key, values.join(', ')]))
      return { file: origin.file, line, commit: origin.commit ?? '', candidate: known, trailers, text: origin.text }
    },
  }

  function findCandidate(id: string) {
    try {
      return candidateReport(deps, store.candidate(id))
    } catch {
      return null // the line was made on another clone: the trailers say what there is to say
    }
  }
}

/** The yes is about an exact diff and its evidence: both are computed again, a difference voids the request. */
async function assertUnchanged({ git, approvals }: ImprovementDeps, candidate: Candidate): Promise<void> {
  const request = approvals.latest(candidate.id)
  const evidenceChanged = request?.status === 'open' && request.evidence_hash !== digest(candidate.evidence.proof)
  if (!evidenceChanged && (await diffHash(git, candidate.base!, candidate.commit!)) === candidate.diffHash) return
  approvals.void(candidate.id, 'the change or its evidence is not what was asked about')
  throw isVoid(candidate)
}

/** One that cannot go on does not stop the others; its state and its reasons tell. */
function ignoreConflict(error: unknown): void {
  if (!SingularityError.isInstance(error) || error.kind !== 'conflict') throw error
}

function isVoid({ id }: Candidate): SingularityError {
  return new SingularityError('APPROVAL_VOID', `Candidate ${id} is not what approval was asked for any more.`, {
    hints: [`singularity show ${id}`],
  })
}

function conflict(candidate: Candidate, wish: string): SingularityError {
  return new SingularityError(
    'STATE_CONFLICT',
    `${candidate.id} is ${candidate.state} ${candidate.state === wish ? 'already' : `and cannot be ${wish}`}.`,
    {
      hints: [`singularity show ${candidate.id}`],
    },
  )
}
