import type { Clock } from '../kernel/index.ts'
import type { QueueEngine } from './engine.ts'
import type { Ending, Executor } from './execute.ts'
import type { JobHandler } from './handler.ts'
import type { ClaimedJob } from './job.ts'

/** A moment that is due but cannot be claimed (paused, group full) is asked for again no faster than this. */
const SHORTEST_MS = 20
const LONGEST_MS = 60_000

export type LaneDeps = {
  engine: QueueEngine
  executor: Executor
  clock: Clock
  handlers: readonly JobHandler[]
  workerId: string
  leaseMs: number
  /** At most this many run at once. */
  concurrency: number
  /** At most this many are claimed at once. */
  batch: number
  onClaimed: (job: ClaimedJob) => void
  onEnded: (job: ClaimedJob, ending: Ending) => void
  /** The engine failed: nothing can be settled any more. */
  onBroken: (error: unknown) => void
}

export type LaneMode = 'forever' | 'drain' | 'once'

/** One loop over some queues: claims what starts now, and waits for the bell, a free slot or the next due moment. */
export type Lane = {
  readonly running: number
  /** Resolves when its mode has nothing left to do, or it was stopped; what it has started has ended by then. */
  run(mode: LaneMode): Promise<void>
  wake(): void
  /** Claims nothing more. */
  stop(): void
}

export function createLane(deps: LaneDeps): Lane {
  const { engine, clock, handlers } = deps
  const queues = [...new Set(handlers.map(({ queue }) => queue))]
  const active = new Map<ClaimedJob, Promise<void>>()
  let stopped = false
  let signalled = false
  let wakeUp: () => void = () => undefined

  function wake(): void {
    signalled = true
    wakeUp()
  }

  function start(job: ClaimedJob): void {
    deps.onClaimed(job)
    const work = deps.executor
      .run(job)
      .then((ending) => deps.onEnded(job, ending), deps.onBroken)
      .finally(() => {
        active.delete(job)
        wake()
      })
    active.set(job, work)
  }

  /** Kinds with a limit of their own are claimed by themselves, the others together. */
  function shares(): { kinds: string[]; limit: number }[] {
    const counts = new Map<string, number>()
    for (const { kind } of active.keys()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
    const free = handlers.filter(({ concurrency }) => concurrency === undefined).map(({ kind }) => kind)
    const limited = handlers.flatMap(({ kind, concurrency }) =>
      concurrency === undefined ? [] : [{ kinds: [kind], limit: concurrency - (counts.get(kind) ?? 0) }],
    )
    return free.length === 0 ? limited : [{ kinds: free, limit: Number.POSITIVE_INFINITY }, ...limited]
  }

  async function claim(most: number): Promise<number> {
    let claimed = 0
    for (const { kinds, limit } of shares()) {
      const slots = Math.min(most - claimed, deps.batch, deps.concurrency - active.size, limit)
      if (stopped || slots <= 0) continue
      const jobs = await engine.claim({ queues, kinds, limit: slots, workerId: deps.workerId, leaseMs: deps.leaseMs })
      for (const job of jobs) start(job)
      claimed += jobs.length
    }
    return claimed
  }

  async function rest(): Promise<void> {
    const due = await engine.nextDueAt(queues)
    if (signalled || stopped) return
    const pause = due === null ? LONGEST_MS : Math.min(LONGEST_MS, Math.max(SHORTEST_MS, due - clock.now()))
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pause)
      wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  return {
    get running() {
      return active.size
    },
    wake,
    stop() {
      stopped = true
      wake()
    },
    async run(mode) {
      try {
        for (;;) {
          signalled = false
          const claimed = stopped ? 0 : await claim(mode === 'once' ? 1 : Number.POSITIVE_INFINITY)
          if (stopped || mode === 'once') break
          if (mode === 'drain' && claimed === 0 && active.size === 0) break
          if (claimed === 0 || active.size >= deps.concurrency) await rest()
        }
      } catch (error) {
        deps.onBroken(error)
      }
      await Promise.all(active.values())
    },
  }
}
