import type { ExitCode } from '../kernel/index.ts'
import type { ImproveRequest, RunEvent } from './data.ts'
import { jobResult } from './job.ts'
import { closeKilled } from './recover.ts'
import { candidateData, improveData } from './report.ts'
import type { JobEnd } from './service.ts'
import type { ImprovementDeps } from './session.ts'
import type { Run } from './store.ts'

/** Jobs this process makes a run for now. */
const active = new Set<string>()

type Observe = (event: RunEvent) => void
type JobOfRun = { id: string; branch: string | null }

/**
 * One attempt at a run that a job asked for. A run that was finished for it before is its answer, also where the process died before
 * it could say so; one that somebody still makes, or that waits for an answer, is waited for. What an interrupted one had decided and
 * not asked about is let go: it is proven again.
 * @throws what the run ends by
 */
export async function attemptJob(
  deps: ImprovementDeps,
  job: JobOfRun,
  start: { request: ImproveRequest; observe: Observe; signal: AbortSignal },
): Promise<JobEnd> {
  const { store, approvals } = deps
  for (const run of store.runsOfJob(job.id)) {
    if (run.status === 'finished') return { to: 'ended', result: resultOf(deps, job.id, run) }
    if (run.status !== 'running') continue
    if (isMade(deps, run, job.id)) return { to: 'waits', reason: 'run_elsewhere', message: `Another process still makes run ${run.id}.` }
    closeKilled(deps, run.id)
  }
  const earlier = store.runsOfJob(job.id)
  const open = approvals.openQuestions().find(({ run_id: run }) => earlier.some(({ id }) => id === run))
  if (open) return waitsForAnswer(open)
  for (const { id } of earlier)
    for (const candidate of store.candidatesOf(id))
      if (candidate.state === 'validated') store.move(candidate.id, 'abandoned', { reason: 'its job was begun again' })
  active.add(job.id)
  try {
    const { runImprovement } = await import('./run.ts')
    const { data, failure } = await runImprovement(deps, { ...start, job, stopSoon: start.signal })
    if (failure) throw failure
    return { to: 'ended', result: resultOf(deps, job.id, store.run(data.run.id)) }
  } catch (error) {
    const asked = approvals.openQuestions().find(({ run_id: run }) => store.runsOfJob(job.id).some(({ id }) => id === run))
    if (asked && !start.signal.aborted) return waitsForAnswer(asked)
    throw error
  } finally {
    active.delete(job.id)
  }
}

const waitsForAnswer = ({ id, text }: { id: string; text: string }): JobEnd => ({
  to: 'waits',
  reason: 'waiting_for_answer',
  message: `${text}  singularity answer ${id} TEXT`,
})

/** A process that lives makes it; our own has forgotten one whose end could not be written. */
function isMade({ process, isAlive }: ImprovementDeps, run: Run, jobId: string): boolean {
  const isOurs = run.process.pid === process.pid && run.process.pidStart === process.pidStart && run.process.bootId === process.bootId
  return isOurs ? active.has(jobId) : isAlive(run.process)
}

function resultOf({ store }: ImprovementDeps, jobId: string, run: Run) {
  const { totals, notes, next } = improveData(run, store.candidatesOf(run.id))
  const candidates = store.runsOfJob(jobId).flatMap(({ id }) => store.candidatesOf(id).map(candidateData))
  return jobResult({ run: run.id, exitCode: (run.exitCode ?? 0) as ExitCode, totals, notes, next }, candidates)
}
