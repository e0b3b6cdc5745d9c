import { type Clock, messageOf } from '../kernel/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { LeaseReport, QueueEngine } from './engine.ts'
import type { JobContext, JobHandler, JobOutcome } from './handler.ts'
import type { ClaimedJob, Settlement } from './job.ts'

export const LEASE_MS = 30_000
const RETRY_AFTER_THROW_MS = 1000
/** Every commit rings: what a look costs is shared by all rings of this time. */
const CHECK_MS = 50

/**
 * Why a handler was interrupted. `stopped`: the worker ends; `cancelled`: somebody asked for it; `lost`: another process owns the
 * job now; `slept`: the machine was suspended, what was under way on the network has an unknown outcome.
 */
export type AbortCause = 'stopped' | 'cancelled' | 'lost' | 'slept'

/** The reason of the signal a handler gets. */
export class JobAborted extends Error {
  readonly why: AbortCause

  constructor(why: AbortCause) {
    super(`the job was interrupted: ${why}`)
    this.name = 'JobAborted'
    this.why = why
  }
}

/** What became of one claim. */
export type Ending = 'completed' | 'waiting' | 'dead' | 'cancelled' | 'fenced'

export type Executor = {
  /** Runs a claimed job through its handler and settles it. @throws what the engine throws; a handler's failure is settled */
  run(job: ClaimedJob, onProgress?: (text: string) => void): Promise<Ending>
  readonly running: number
  abort(why: AbortCause, which?: (job: ClaimedJob) => boolean): void
  /** Interrupts everything; what is given to it from now on is put back unseen. */
  stop(): void
  /** Asks soon whether something that runs was cancelled. */
  check(): void
  close(): Promise<void>
}

export type ExecutorDeps = {
  engine: QueueEngine
  handlers: ReadonlyMap<string, JobHandler>
  clock: Clock
  log: Logger
  workerId: string
  leaseMs: number
}

/** The one way a claimed job is run, by a worker and by a caller with its own row alike. */
export function createExecutor(deps: ExecutorDeps): Executor {
  const { engine, handlers, clock, log, workerId } = deps
  const running = new Map<string, { job: ClaimedJob; controller: AbortController }>()
  let stopping = false
  let checking: NodeJS.Timeout | undefined
  const keeper = engine.keepLeases({ workerId, leaseMs: deps.leaseMs, onReport })

  function interrupt(id: string, why: AbortCause): void {
    running.get(id)?.controller.abort(new JobAborted(why))
  }

  function onReport({ lost, cancelled }: LeaseReport): void {
    for (const id of lost) interrupt(id, 'lost')
    for (const id of cancelled) interrupt(id, 'cancelled')
  }

  function contextOf(job: ClaimedJob, signal: AbortSignal, onProgress?: (text: string) => void): JobContext {
    return {
      signal,
      log,
      attempts: {
        open: (attempt) => engine.openAttempt(job, attempt),
        update: (n, change) => engine.updateAttempt(job.id, n, change),
        list: () => engine.attempts(job.id),
      },
      ...(onProgress && { onProgress }),
    }
  }

  async function outcomeOf(job: ClaimedJob, signal: AbortSignal, onProgress?: (text: string) => void): Promise<Settlement> {
    const lease = { id: job.id, token: job.token }
    try {
      signal.throwIfAborted()
      const handler = handlers.get(job.kind)
      if (!handler) throw new Error(`nobody here runs jobs of kind ${job.kind}`)
      const outcome = await handler.run(job, contextOf(job, signal, onProgress))
      const cause = causeOf(signal)
      if (cause === 'cancelled' && outcome.to !== 'completed') return { ...lease, to: 'cancelled', reason: 'cancelled' }
      if (cause === 'stopped' && outcome.to === 'available' && job.lifetime === 'with_owner')
        return { ...lease, to: 'cancelled', reason: 'owner_gone' }
      return { ...lease, ...settlementOf(outcome) }
    } catch (error) {
      const cause = causeOf(signal)
      if (cause === undefined) log.warn('a job failed', { id: job.id, kind: job.kind, error })
      return { ...lease, ...afterThrow(job, cause, error, clock) }
    }
  }

  return {
    get running() {
      return running.size
    },
    async run(job, onProgress) {
      const controller = new AbortController()
      running.set(job.id, { job, controller })
      if (stopping) controller.abort(new JobAborted('stopped'))
      keeper.hold(job)
      try {
        const settlement = await outcomeOf(job, controller.signal, onProgress)
        const [settled] = await engine.settle([settlement])
        if (settled === 'fenced') log.warn('the claim of a job was lost before it ended', { id: job.id, token: job.token })
        return settled === 'fenced' ? 'fenced' : endingOf(settlement, job)
      } finally {
        keeper.drop(job)
        running.delete(job.id)
      }
    },
    abort(why, which = () => true) {
      for (const { job, controller } of running.values()) if (which(job)) controller.abort(new JobAborted(why))
    },
    stop() {
      stopping = true
      for (const { controller } of running.values()) controller.abort(new JobAborted('stopped'))
    },
    check() {
      if (running.size === 0) return
      checking ??= setTimeout(() => {
        checking = undefined
        keeper.check()
      }, CHECK_MS).unref()
    },
    close() {
      clearTimeout(checking)
      return keeper.stop()
    },
  }
}

function causeOf(signal: AbortSignal): AbortCause | undefined {
  return signal.reason instanceof JobAborted ? signal.reason.why : undefined
}

type Ended = Settlement extends infer S ? (S extends unknown ? Omit<S, 'id' | 'token'> : never) : never

function settlementOf(outcome: JobOutcome): Ended {
  if (outcome.to === 'available') return outcome
  if (outcome.to === 'completed') return { ...outcome, result: JSON.stringify(outcome.result ?? null) }
  const { result, ...rest } = outcome
  return result === undefined ? rest : { ...rest, result: JSON.stringify(result) }
}

/** What was interrupted by us costs no attempt; what failed by itself gets one more, then it is dead. */
function afterThrow(job: ClaimedJob, cause: AbortCause | undefined, error: unknown, clock: Clock): Ended {
  const now = clock.now()
  if (cause === 'cancelled') return { to: 'cancelled', reason: 'cancelled' }
  if (cause === 'stopped' && job.lifetime === 'with_owner') return { to: 'cancelled', reason: 'owner_gone' }
  if (cause !== undefined) return { to: 'available', runAt: now, counts: false, reason: cause }
  const failed = { reason: 'processing_exception', errorMessage: messageOf(error) }
  if (job.reason === failed.reason || job.attempt >= job.maxAttempts) return { to: 'dead', ...failed }
  return { to: 'available', runAt: now + RETRY_AFTER_THROW_MS, counts: true, ...failed }
}

function endingOf(settlement: Settlement, job: ClaimedJob): Ending {
  if (settlement.to !== 'available') return settlement.to
  return settlement.counts && job.attempt >= job.maxAttempts ? 'dead' : 'waiting'
}
