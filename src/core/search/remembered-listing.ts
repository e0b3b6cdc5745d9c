import type { Generation, Generations } from './generation.ts'
import { SQL } from './sql.ts'
import type { WorktreeRow } from './store.ts'

/** So that the next search need not compare rows. Nothing is lost where it cannot be written. */
export function rememberListing(generations: Generations, generation: Generation, worktree: WorktreeRow, digest: string): void {
  let release: (() => void) | undefined
  try {
    release = generations.lease()
    if (release === undefined) return
    const db = generations.open(generation)
    try {
      const now = db.get<WorktreeRow>(SQL.worktree, worktree.path)
      // only where nobody wrote since the rows were compared
      if (now?.revision === worktree.revision && now.version === worktree.version && now.complete === 1)
        db.run(SQL.remember, digest, now.id)
    } finally {
      db.close()
    }
  } catch {
    // a folder that cannot be written is searched all the same
  } finally {
    release?.()
  }
}
