import type { ModelReport, ModelStatistics } from '../llm/index.ts'
import type { QueueEngine } from '../queue/index.ts'
import type { Database } from '../storage/index.ts'

export type ReportParts = {
  engine: () => Promise<QueueEngine>
  database: () => Promise<Database>
  /** undefined where a newer program wrote it. */
  cacheFile: () => Promise<Database | undefined>
}

/** What was measured about models in this repository: queue.db knows the calls, state.db what came of them, cache.db who answered. */
export function composeReports({ engine, database, cacheFile }: ReportParts) {
  return {
    /** `since`: wall-clock ms; 0: everything that is kept. */
    async report(since: number): Promise<ModelReport> {
      const [{ reportOf }, { readOutcomes }] = [await import('../llm/index.ts'), await import('../agents/index.ts')]
      return reportOf(await (await engine()).calls(since), readOutcomes(await database(), since), since)
    },

    /** The split by tier is of all answers, whatever `since` says: cache.db keeps no more. */
    async statistics(since: number): Promise<ModelStatistics> {
      const [{ statisticsOf }, { readStatistics }] = [await import('../llm/index.ts'), await import('../answering/index.ts')]
      const cache = await cacheFile()
      return statisticsOf(await (await engine()).calls(since), cache ? readStatistics(cache).tiers : [], since)
    },
  }
}
