import { type Clock, SingularityError } from '../../kernel/index.ts'
import type { ProcessInfo } from '../../process/index.ts'
import { type Ballast, type BallastOptions, createBallast, isFull, openDatabase } from '../../storage/index.ts'
import type { Account } from '../account.ts'
import { createHealth } from './health.ts'
import { createLearned } from './learned.ts'
import { createLimits } from './limits.ts'
import { createMoney } from './money.ts'
import { ACCOUNT_APPLICATION_ID, ACCOUNT_MIGRATIONS } from './sql.ts'

export type AccountDeps = Pick<BallastOptions, 'floorBytes' | 'freeBytes'> & {
  /** account.db in the user's state folder. */
  path: string
  clock: Clock
  processes: ProcessInfo
  /** Names the file system of a path where other machines may share it. */
  fileSystem?: (path: string) => string | undefined
}

/**
 * Opens the ledger of this user and makes it where it is missing.
 * @throws LEDGER_UNUSABLE where it cannot be written, here and in every call: nothing is paid for then; STATE_NEWER
 */
export function createAccount({ path, clock, processes, fileSystem, ...space }: AccountDeps): Account {
  return usable(path, () => {
    const db = openDatabase({
      path,
      applicationId: ACCOUNT_APPLICATION_ID,
      migrations: ACCOUNT_MIGRATIONS,
      // a cap that two machines count apart is none
      onShared: 'refuse',
      backups: { clock },
      ...(fileSystem && { fileSystem }),
    })
    try {
      const ballast = createBallast({ path, clock, ...space })
      const money = createMoney(db, clock)
      const parts = {
        ...money,
        ...createHealth(db, clock, processes),
        ...createLimits(db, clock, processes.self.bootId),
        ...createLearned(db, clock),
      }
      const reserve: Account['reserve'] = (request) => {
        // what is begun must find room to be written down: nothing new takes it
        ballast.demandSpace('nothing new is paid for')
        money.reserve(request)
      }
      return { ...guarded(path, parts, ballast), reserve: (request) => usable(path, () => reserve(request)), close: () => db.close() }
    } catch (error) {
      db.close()
      throw error
    }
  })
}

const UNUSABLE = new Set(['STATE_UNUSABLE', 'READ_ONLY', 'DISK_FULL'])

/** SQLite waits five seconds for a lock, and does not queue: of eight programs that write without a pause some wait twelve. */
const PATIENCE = 6

function usable<T>(path: string, body: () => T, tries = PATIENCE): T {
  try {
    return body()
  } catch (error) {
    if (!SingularityError.isInstance(error) || !UNUSABLE.has(error.code)) throw error
    // a transaction that got no lock has done nothing
    if (tries > 1 && String((error.cause as { code?: unknown } | undefined)?.code).startsWith('SQLITE_BUSY'))
      return usable(path, body, tries - 1)
    throw new SingularityError('LEDGER_UNUSABLE', `${path}: ${error.message} No paid call is made without it.`, {
      cause: error,
      hints: ['export SINGULARITY_LEDGER=/path/to/account.db', ...error.hints],
    })
  }
}

/** The disk may fill and the file may go while we work. What was begun is written down in the room that was held back for it. */
function guarded<T extends Record<string, (...args: never[]) => unknown>>(path: string, parts: T, ballast: Ballast): T {
  const insisting = (body: () => unknown): unknown => {
    try {
      return body()
    } catch (error) {
      if (!isFull(error) || !ballast.release()) throw error
      return body()
    }
  }
  const entries = Object.entries(parts).map(([name, method]) => [
    name,
    (...args: never[]) => usable(path, () => insisting(() => method(...args))),
  ])
  return Object.fromEntries(entries) as T
}
