import { SingularityError } from '../kernel/index.ts'
import type { EventName } from '../telemetry/index.ts'
import type { ImproveData, RunEvent } from './data.ts'
import { countTotals } from './report.ts'
import type { ImprovementDeps, Session } from './session.ts'

type Deps = Pick<ImprovementDeps, 'store' | 'log'>

function emit({ store, log }: Deps, name: EventName, runId: string, data: unknown): void {
  store.event(name, runId, null, data)
  log.info(name, { run: runId, data })
}

/** Writes the start of a run to the event log. */
export function announceStart({ deps, run, request, isolation }: Session): void {
  emit(deps, 'genesis.experiment.request', run.id, {
    base: run.base,
    branch: run.branch,
    sources: request.sources,
    isolation: isolation.kind,
    look: request.look,
  })
}

/** Passes events on and writes each new phase of the run to the event log. */
export function announcePhases(deps: Deps, runId: () => string | undefined, observe: (event: RunEvent) => void): (event: RunEvent) => void {
  let phase = ''
  return (event) => {
    const id = runId()
    if (event.type === 'phase' && event.phase !== phase && id !== undefined) {
      phase = event.phase
      emit(deps, 'genesis.experiment.status', id, { phase })
    }
    deps.log.debug(
      'progress',
      event.type === 'verdict' ? { type: event.type, id: event.candidate.id, verdict: event.candidate.verdict } : event,
    )
    observe(event)
  }
}

/** Writes the end of a run, with its totals, to the event log. */
export function announceEnd({ deps, run }: Session, data: ImproveData, exitCode: number): void {
  const { found, kept, rolled_back, cannot_decide, errored } = data.totals
  emit(deps, 'genesis.experiment.completed', run.id, { totals: data.totals, exitCode })
  emit(deps, 'metrics.improvement.local', run.id, data.totals)
  const tried = kept + rolled_back + cannot_decide + errored
  emit(deps, 'metrics.genesis.experiments', run.id, { found, tried, ms: deps.clock.now() - Date.parse(run.startedAt) })
}

/** Writes what was taken over from another clone to the event log. */
export function announceImport(deps: Deps, runId: string): void {
  emit(deps, 'metrics.improvement.global', runId, countTotals(deps.store.candidatesOf(runId)))
}

/** Writes a run that ended by an error to the event log. */
export function announceFailure({ deps, run }: Session, error: unknown): void {
  const code = SingularityError.isInstance(error) ? error.code : 'INTERNAL'
  emit(deps, 'genesis.experiment.failed', run.id, { code })
  deps.log.error('run failed', { run: run.id, error })
}
