import { join } from 'node:path'
import { type Clock, SingularityError } from '../kernel/index.ts'
import { STATE_MIGRATIONS, removeDatabase, repairDatabase } from '../storage/index.ts'
import type { DatabaseFile } from '../system/index.ts'

export type StatePlaces = {
  stateDir(): Promise<string>
  ledgerPath(): Promise<string>
  /** Of state.db. */
  applicationId: number
  clock: Clock
}

/** Every database, and how it is mended: by who knows what its rows mean. */
export async function databaseFiles({ stateDir, ledgerPath, applicationId, clock }: StatePlaces): Promise<DatabaseFile[]> {
  const [queue, llm, answering] = await Promise.all([
    import('../queue/index.ts'),
    import('../llm/index.ts'),
    import('../answering/index.ts'),
  ])
  const account = await ledgerPath()
  const ledger: DatabaseFile = {
    name: 'account.db',
    path: account,
    applicationId: llm.ACCOUNT_APPLICATION_ID,
    version: llm.ACCOUNT_MIGRATIONS.length,
    repair: async () => llm.repairLedger(account, clock.now()),
  }
  const folder = await stateDir().catch((error: unknown) => {
    if (SingularityError.isInstance(error)) return undefined
    throw error
  })
  if (folder === undefined) return [ledger]
  const [state, jobs, cache] = ['state.db', 'queue.db', 'cache.db'].map((name) => join(folder, name)) as [string, string, string]
  return [
    {
      name: 'state.db',
      path: state,
      applicationId,
      version: STATE_MIGRATIONS.length,
      // runs, approvals and the journal belong together: a whole copy of an earlier day rather than a part of today
      repair: async () => repairDatabase({ path: state, applicationId, migrations: STATE_MIGRATIONS, now: clock.now(), prefer: 'backup' }),
    },
    {
      name: 'queue.db',
      path: jobs,
      applicationId: queue.QUEUE_APPLICATION_ID,
      version: queue.QUEUE_MIGRATIONS.length,
      repair: async () => queue.repairQueue(jobs, clock.now()),
    },
    {
      name: 'cache.db',
      path: cache,
      applicationId: answering.CACHE_APPLICATION_ID,
      version: answering.CACHE_MIGRATIONS.length,
      async repair() {
        removeDatabase(cache)
        return null
      },
    },
    ledger,
  ]
}
