import { type Clock, newUuid } from '../kernel/index.ts'
import type { ProcessInfo } from '../process/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { createChores } from './chores.ts'
import type { MessageConsumer } from './consumer.ts'
import type { QueueEngine } from './engine.ts'
import { type Ending, LEASE_MS, createExecutor } from './execute.ts'
import type { JobHandler } from './handler.ts'
import { type ClaimedJob, LLM_QUEUE } from './job.ts'
import { type Lane, type LaneMode, createLane } from './lane.ts'

export type WorkerSettings = {
  /** Jobs at once, in each of the two loops. */
  concurrency: number
  /** Jobs per claim: requests to models, everything else. 50 and 100. */
  batch: { llm: number; other: number }
  leaseMs?: number
  retentionDays: number
}

export type WorkerDeps = {
  engine: QueueEngine
  handlers: readonly JobHandler[]
  clock: Clock
  log: Logger
  version: string
  processes: ProcessInfo
  settings: WorkerSettings
  /** Takes what other programs send. */
  messages?: MessageConsumer
}

/** `newer`, `gone`: the database belongs to a newer program, or is not there any more; the command exits 6. */
export type WorkerEnd = 'signal' | 'asked' | 'idle' | 'done' | 'newer' | 'gone'

export type WorkerReport = {
  end: WorkerEnd
  claimed: number
  completed: number
  failed: number
  cancelled: number
  /** Put back: to be tried again, or because the worker stopped. */
  waiting: number
  fenced: number
  /** Of other programs, consumed. */
  messages: number
}

export type WorkerOptions = {
  mode: LaneMode
  /** Ends when nothing was there to do for so long. */
  idleExitMs?: number
  /** Ends at once: what runs is put back. */
  signal?: AbortSignal
  /** Ends after what runs. */
  finish?: AbortSignal
  onEvent?: (event: { type: 'claimed' | Ending; job: ClaimedJob }) => void
}

export type QueueWorker = { readonly id: string; run(options: WorkerOptions): Promise<WorkerReport> }

const COUNTED: Readonly<Record<Ending, 'completed' | 'failed' | 'cancelled' | 'waiting' | 'fenced'>> = {
  completed: 'completed',
  dead: 'failed',
  cancelled: 'cancelled',
  waiting: 'waiting',
  fenced: 'fenced',
}

/**
 * Serves the queues its handlers name, in two independent loops: requests to models, and everything else. It registers itself,
 * takes over from owners that are gone, and leaves nothing leased behind when it stops.
 */
export function createWorker(deps: WorkerDeps): QueueWorker {
  const id = newUuid(deps.clock)
  return { id, run: (options) => runWorker(deps, id, options) }
}

async function runWorker(deps: WorkerDeps, workerId: string, options: WorkerOptions): Promise<WorkerReport> {
  const { engine, clock, log, settings, messages } = deps
  const leaseMs = settings.leaseMs ?? LEASE_MS
  const report = { claimed: 0, completed: 0, failed: 0, cancelled: 0, waiting: 0, fenced: 0, messages: 0 }
  let end: WorkerEnd = 'done'
  let broken: unknown
  let stopping = false
  let workedAt = clock.monotonic()
  const handlers = new Map(deps.handlers.map((handler) => [handler.kind, handler]))
  const executor = createExecutor({ engine, handlers, clock, log, workerId, leaseMs })

  const lanes: Lane[] = [
    { own: deps.handlers.filter(({ queue }) => queue === LLM_QUEUE), batch: settings.batch.llm },
    { own: deps.handlers.filter(({ queue }) => queue !== LLM_QUEUE), batch: settings.batch.other },
  ]
    .filter(({ own }) => own.length > 0)
    .map(({ own, batch }) =>
      createLane({
        engine,
        executor,
        clock,
        handlers: own,
        workerId,
        leaseMs,
        concurrency: settings.concurrency,
        batch,
        onClaimed(job) {
          report.claimed++
          options.onEvent?.({ type: 'claimed', job })
        },
        onEnded(job, ending) {
          report[COUNTED[ending]]++
          workedAt = clock.monotonic()
          options.onEvent?.({ type: ending, job })
        },
        onBroken(error) {
          broken ??= error
          stop('done')
        },
      }),
    )

  /** Who asks politely, or has a newer database, lets what runs come to its end: it may have been paid for. */
  function stop(why: WorkerEnd, { now } = { now: why !== 'asked' && why !== 'newer' }): void {
    if (!stopping) end = why
    stopping = true
    for (const lane of lanes) lane.stop()
    if (now) executor.stop()
  }

  const slept = (): void => executor.abort('slept', ({ paid }) => paid)
  const chores = createChores(deps, { workerId, leaseMs, busy: () => executor.running > 0, stop, slept })
  const onWake = (): void => {
    for (const lane of lanes) lane.wake()
    executor.check()
    if (options.mode === 'forever') messages?.wake()
    chores.soon()
  }
  const noteMessages = (count: number): number => {
    report.messages += count
    if (count > 0) workedAt = clock.monotonic()
    return count
  }
  const onAbort = (): void => stop('signal')
  const onFinish = (): void => stop('signal', { now: false })

  const queues = [...new Set(deps.handlers.map(({ queue }) => queue))]
  // armed before the first look: nothing that comes between is missed
  const release = await engine.subscribe(queues, onWake)
  const { version, processes } = deps
  await engine.registerWorker({ ...processes.self, id: workerId, queues, version, startedAt: clock.now(), role: 'worker' })
  await engine.reap()
  chores.start()
  const { idleExitMs } = options
  const idle =
    idleExitMs === undefined
      ? undefined
      : setInterval(
          () => {
            if (executor.running > 0) workedAt = clock.monotonic()
            else if (clock.monotonic() - workedAt >= idleExitMs) stop('idle')
          },
          Math.max(10, Math.min(250, idleExitMs / 4)),
        )
  options.signal?.addEventListener('abort', onAbort)
  options.finish?.addEventListener('abort', onFinish)
  if (options.signal?.aborted) onAbort()
  if (options.finish?.aborted) onFinish()
  try {
    if (options.mode === 'forever') messages?.start(noteMessages)
    await runLanes(
      lanes,
      options.mode,
      () => report.claimed,
      async () => (stopping ? 0 : noteMessages((await messages?.consume()) ?? 0)),
    )
  } finally {
    clearInterval(idle)
    options.signal?.removeEventListener('abort', onAbort)
    options.finish?.removeEventListener('abort', onFinish)
    release()
    await messages?.stop()
    await chores.stop()
    await executor.close()
    await leave(deps, workerId, end)
  }
  // a file that went away under us is told by its own name
  if (broken !== undefined && end === 'done') throw broken
  return { end, ...report }
}

async function runLanes(lanes: readonly Lane[], mode: LaneMode, claimed: () => number, takeMessages: () => Promise<number>): Promise<void> {
  if (mode === 'once') {
    await takeMessages()
    for (const lane of lanes) if (claimed() === 0) await lane.run('once')
    return
  }
  for (;;) {
    const before = claimed()
    const taken = mode === 'drain' ? await takeMessages() : 0
    await Promise.all(lanes.map((lane) => lane.run(mode)))
    // what one loop has done may have made work for the other
    if (mode !== 'drain' || claimed() + taken === before) return
  }
}

/** Where the file has gone or is another version's, there is nothing to sign off from. */
async function leave(deps: WorkerDeps, workerId: string, end: WorkerEnd): Promise<void> {
  if (end === 'gone' || end === 'newer') return
  const { engine, log, settings } = deps
  try {
    await engine.removeWorker(workerId)
    await engine.maintain({ retentionDays: settings.retentionDays })
  } catch (error) {
    log.warn('a worker could not sign off', { error })
  }
}
