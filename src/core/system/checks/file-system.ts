import { statfsSync } from 'node:fs'
import { SingularityError } from '../../kernel/index.ts'
import { nearest, sharedFileSystem } from '../../storage/index.ts'
import { type Check, fail, ok, warn } from '../check.ts'

const LOW_BYTES = 1_000_000_000

/**
 * SQLite's write-ahead log needs memory shared between all readers. Where another machine may read the files, the state gets a slower
 * journal and one machine at a time; the ledger, which is about money, is not used at all.
 */
export const fileSystem: Check = {
  id: 'file-system',
  async run(deps) {
    const folder = await deps.stateDir().catch((error: unknown) => {
      if (SingularityError.isInstance(error)) return deps.stateHome
      throw error
    })
    const path = nearest(folder)
    const ledger = deps.env['SINGULARITY_LEDGER'] || deps.stateHome
    const sharedLedger = sharedFileSystem(ledger)
    if (sharedLedger)
      return fail(`${ledger} is on ${sharedLedger}: nothing can be paid for there`, 'export SINGULARITY_LEDGER=/local/path/account.db')
    const shared = sharedFileSystem(path)
    if (shared)
      return warn(
        `${path} is on ${shared}: the databases have a rollback journal there, slower, and for one machine at a time`,
        'git clone the repository onto a local disk',
      )
    const { bavail, bsize } = statfsSync(path)
    const free = bavail * bsize
    if (free < LOW_BYTES)
      return warn(`${Math.round(free / 1_000_000)} MB free for ${path}`, 'free some space: each sandbox is a copy of the repository')
    return ok(`local, ${(free / 1_000_000_000).toFixed(1)} GB free`)
  },
}
