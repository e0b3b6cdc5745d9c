import type { JobHandler, NewJob } from '../queue/index.ts'

/** Tidying up as a job of a worker. */
export const UPKEEP_JOB = { kind: 'upkeep', queue: 'upkeep' } as const

/** What tidying up has done. */
export type UpkeepReport = {
  /** Runs whose process had died. */
  runs: readonly string[]
  /** Requests for approval that were too old. */
  expired: readonly string[]
  /** Sandboxes that were given back. */
  sandboxes: readonly string[]
  /** Old rows of the queue that were removed. */
  pruned: number
}

/** One of them waits or runs at a time. */
export function upkeepJob(id: string): NewJob {
  return { id, ...UPKEEP_JOB, payload: '{}', agentId: 'system', uniqueKey: 'upkeep', maxAttempts: 2 }
}

export type UpkeepDeps = {
  /** Closes what dead processes left, and gives back their sandboxes. */
  recover(): Promise<Omit<UpkeepReport, 'pruned'>>
  /** Removes what ended before the retention; answers how many rows. */
  prune(): Promise<number>
}

/** Done twice it is done once: a second attempt finds nothing left. */
export function createUpkeepHandler({ recover, prune }: UpkeepDeps): JobHandler {
  return {
    ...UPKEEP_JOB,
    concurrency: 1,
    async run(_job, { signal }) {
      const { runs, expired, sandboxes } = await recover()
      signal.throwIfAborted()
      const result: UpkeepReport & { exit_code: number } = { runs, expired, sandboxes, pruned: await prune(), exit_code: 0 }
      return { to: 'completed', result }
    },
  }
}
