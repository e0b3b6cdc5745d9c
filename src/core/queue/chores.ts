import type { Clock } from '../kernel/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { QueueEngine } from './engine.ts'
import { createSleepDetector } from './sleep.ts'

/** How often a worker looks after itself and the queue: with jobs under way, and without. Whatever is written wakes it at once. */
const TICK_MS = { busy: 1000, idle: 5000 }
const SOON_MS = 100
const CHORES_EVERY_MS = 3_600_000

export type ChoreDeps = { engine: QueueEngine; clock: Clock; log: Logger; settings: { retentionDays: number } }

type ChoreOptions = {
  workerId: string
  leaseMs: number
  busy: () => boolean
  stop: (why: 'asked' | 'newer' | 'gone') => void
  slept: () => void
}

/** What a worker does beside its jobs: looks whether it should stop, takes over from the dead, notices a suspended machine, tidies up. */
export function createChores(deps: ChoreDeps, options: ChoreOptions) {
  const { engine, clock, log, settings } = deps
  const sleep = createSleepDetector(clock)
  const reapMs = Math.max(50, options.leaseMs / 3)
  let timer: NodeJS.Timeout | undefined
  let under: Promise<void> | undefined
  let lookedAt = Number.NEGATIVE_INFINITY
  let ended = false
  let reapedAt = clock.monotonic()
  let tidiedAt = clock.monotonic()

  async function once(): Promise<void> {
    const missing = sleep.slept()
    if (missing > 0) {
      log.warn('the machine was suspended', { ms: missing })
      options.slept()
    }
    const health = engine.health()
    if (health !== 'ok') return options.stop(health)
    const own = (await engine.workers()).find(({ id }) => id === options.workerId)
    if (own?.stopping === true) return options.stop('asked')
    const now = clock.monotonic()
    if (now - reapedAt >= reapMs) {
      reapedAt = now
      const { released, dead, ended: over } = await engine.reap()
      if (released.length + dead.length + over.length > 0) log.info('took over', { released, dead, ended: over })
    }
    if (now - tidiedAt >= CHORES_EVERY_MS) {
      tidiedAt = now
      await engine.maintain({ retentionDays: settings.retentionDays })
    }
  }

  function look(): void {
    clearTimeout(timer)
    if (under || ended) return
    lookedAt = clock.monotonic()
    under = once()
      .catch((error: unknown) => log.warn('a worker could not look after the queue', { error }))
      .finally(() => {
        under = undefined
        plan(Math.min(options.busy() ? TICK_MS.busy : TICK_MS.idle, reapMs))
      })
  }

  function plan(ms: number): void {
    clearTimeout(timer)
    if (!ended) timer = setTimeout(look, ms)
  }

  return {
    start: look,
    /** Something was written: perhaps we are asked to stop. */
    soon() {
      if (!under) plan(Math.max(0, SOON_MS - (clock.monotonic() - lookedAt)))
    },
    async stop(): Promise<void> {
      ended = true
      clearTimeout(timer)
      await under
    },
  }
}
