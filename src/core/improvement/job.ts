import type { JobContext, JobHandler, JobOutcome, NewJob } from '../queue/index.ts'
import { type Clock, EXIT, type ExitCode, SingularityError, messageOf, strongestExit } from '../kernel/index.ts'
import type { CandidateData, ImproveRequest, Totals } from './data.ts'
import type { ImprovementService, JobEnd } from './service.ts'

/** Runs of the main job that a worker makes. */
export const IMPROVE_JOB = { kind: 'improve.run', queue: 'validation' } as const

/** One run and what an earlier one of the same job has left; more would be a run that kills whoever makes it. */
const MOST_ATTEMPTS = 3
/** What a job waits for may be there although nobody rang: it looks again after this long, ms. */
const LOOK_AGAIN_MS = 60_000

/** Where the person stood, and on which branch what is kept would land. */
export type JobPlace = { folder: string; branch: string | null }

/** What is stored of a request: everything a run needs, a patch by its content. */
type StoredJob = JobPlace & { request: Omit<ImproveRequest, 'patch'> & { patch: { name: string; base64: string } | null } }

/** What a run leaves for whoever waits for the job. */
export type JobResult = {
  run: string
  exit_code: ExitCode
  /** Somebody has to decide: nothing was answered for a person. */
  needs_person: boolean
  totals: Totals
  candidates: Pick<CandidateData, 'id' | 'title' | 'verdict' | 'state' | 'landed_on'>[]
  notes: string[]
  next: string[]
}

/**
 * A run as a durable job. Of variables of the edit phase only the names are stored: their values are secrets, and the worker's own
 * count.
 */
export function improveJob(id: string, request: ImproveRequest, place: JobPlace): NewJob {
  const { patch, exec } = request
  const stored: StoredJob = {
    ...place,
    request: {
      ...request,
      patch: patch && { name: patch.name, base64: Buffer.from(patch.bytes).toString('base64') },
      exec: exec && { ...exec, env: exec.env.map((pair) => pair.split('=', 1)[0]!) },
    },
  }
  const asked = request.goal?.text ?? request.agent?.goal
  return {
    id,
    ...IMPROVE_JOB,
    payload: JSON.stringify(stored),
    agentId: 'improve',
    taskType: asked === undefined ? 'validation' : 'goal',
    maxAttempts: MOST_ATTEMPTS,
  }
}

/** @throws USAGE where the worker lacks a variable the edit phase is to have */
function requestOf({ request }: StoredJob, env: Readonly<Record<string, string | undefined>>): ImproveRequest {
  const { patch, exec } = request
  const valueOf = (name: string): string => {
    const value = env[name]
    if (value === undefined) throw new SingularityError('USAGE', `--exec-env ${name}: the worker has no such variable.`)
    return `${name}=${value}`
  }
  return {
    ...request,
    patch: patch && { name: patch.name, bytes: Buffer.from(patch.base64, 'base64') },
    exec: exec && { ...exec, env: exec.env.map(valueOf) },
  }
}

export type ImproveHandlerDeps = {
  clock: Clock
  /** The main job as somebody in that folder has it, for one run. @throws where there is no such repository any more */
  open(folder: string, options: { offline: boolean }): Promise<{ service: ImprovementService; close(): Promise<void> }>
  /** The worker's environment. */
  env: Readonly<Record<string, string | undefined>>
}

/**
 * Makes one run per job. A second attempt finds the first one's run in state.db: it takes the result of a finished one, goes on after
 * one that was killed, and waits for one that somebody still makes. Nobody is asked and nothing is answered for anybody: what needs a
 * person waits in the inbox.
 */
export function createImproveHandler({ clock, open, env }: ImproveHandlerDeps): JobHandler {
  return {
    ...IMPROVE_JOB,
    // a machine that runs two suites at once measures neither
    concurrency: 1,
    async run(job, context) {
      try {
        const stored = JSON.parse(job.payload) as StoredJob
        const request = requestOf(stored, env)
        const { service, close } = await open(stored.folder, { offline: request.offline })
        try {
          return outcomeOf(await service.attemptJob({ id: job.id, branch: stored.branch }, request, tell(context), context.signal), clock)
        } finally {
          await close()
        }
      } catch (error) {
        context.signal.throwIfAborted()
        return failureOf(error, clock)
      }
    },
  }
}

function tell({ log, onProgress }: JobContext): Parameters<ImprovementService['attemptJob']>[2] {
  return (event) => {
    if (event.type !== 'phase') return
    log.debug('progress of a run', { phase: event.phase, detail: event.detail })
    onProgress?.(`${event.phase}: ${event.detail}`)
  }
}

function outcomeOf(end: JobEnd, clock: Clock): JobOutcome {
  if (end.to === 'ended') return { to: 'completed', result: end.result }
  return { to: 'available', runAt: clock.now() + LOOK_AGAIN_MS, counts: false, reason: end.reason, errorMessage: end.message }
}

/** The repository is in somebody's hands: that passes. */
const PASSES: ReadonlySet<string> = new Set(['REPOSITORY_BUSY', 'REPOSITORY_LOCKED', 'RUN_IN_PROGRESS'])

/** What a person would be told at once is told in the result; a bug of ours is tried once more. */
function failureOf(error: unknown, clock: Clock): JobOutcome {
  if (!SingularityError.isInstance(error) || error.kind === 'bug') throw error
  const { code, kind, message, hints, data, exitCode } = error
  if (PASSES.has(code)) {
    const runAt = clock.now() + LOOK_AGAIN_MS
    return { to: 'available', runAt, counts: true, reason: code.toLowerCase(), errorMessage: message }
  }
  const result = { exit_code: exitCode, needs_person: exitCode === EXIT.personNeeded, error: { code, kind, message, hints, data } }
  return { to: 'dead', reason: code === 'LIMIT_REACHED' ? 'run_timeout' : code.toLowerCase(), errorMessage: messageOf(error), result }
}

/** What all runs of a job came to: the last one's answer, and what waits of the earlier ones. */
export function jobResult(
  last: { run: string; exitCode: ExitCode; totals: Totals; notes: string[]; next: string[] },
  candidates: readonly CandidateData[],
): JobResult {
  const waits = candidates.some(({ state }) => state === 'awaiting_approval' || state === 'approved')
  const exitCode = strongestExit([last.exitCode, ...(waits ? [EXIT.personNeeded] : [])])
  return {
    run: last.run,
    exit_code: exitCode,
    needs_person: exitCode === EXIT.personNeeded,
    totals: last.totals,
    candidates: candidates
      .filter(({ state }) => state !== 'abandoned')
      .map(({ id, title, verdict, state, landed_on }) => ({ id, title, verdict, state, landed_on })),
    notes: last.notes,
    next: last.next,
  }
}
