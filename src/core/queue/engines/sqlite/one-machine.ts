import { type Clock, SingularityError } from '../../../kernel/index.ts'
import type { ProcessInfo } from '../../../process/index.ts'
import type { Connection } from './connection.ts'
import type { StoredWorker } from './rows.ts'
import { SQL } from './sql.ts'

/** Longer than a worker is silent: it says that it is there with every third of a lease. */
const SILENT_MS = 60_000

/**
 * On a network or shared file system a lock holds between the processes of one machine, and maybe no further: while another machine
 * works on the same queue, nobody else does.
 * @throws STATE_UNUSABLE
 */
export function demandOneMachine(store: Connection, clock: Clock, processes: ProcessInfo): void {
  if (store.db.journal !== 'rollback') return
  const now = clock.now()
  const other = store.db
    .all<StoredWorker>(SQL.workers)
    .find(({ bootId, seenAt }) => bootId !== processes.self.bootId && Math.abs(now - seenAt) < SILENT_MS)
  if (!other) return
  store.close()
  throw new SingularityError(
    'STATE_UNUSABLE',
    `${store.path} is on a shared file system, and another machine works with it (or this one did before it was started again): ${other.role} ${other.id} was seen ${Math.round(Math.abs(now - other.seenAt) / 1000)} s ago.`,
    { hints: ['singularity queue stop   # there', 'try again in a minute'] },
  )
}
