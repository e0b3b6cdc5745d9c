import { statSync } from 'node:fs'
import type { Database } from '../storage/index.ts'
import type { Generation, Generations } from './generation.ts'

/** A reader that nobody asks is closed: while it is open, no writer can fold its log into the file. */
const IDLE_MS = 2000

type Kept = { db: Database; inode: bigint; timer: NodeJS.Timeout }

/**
 * Opens an index for reading. Who searches again gets the connection of the time before, with the pages and statements it has in
 * memory; who searches once closes it at the end.
 */
export function createReaders(generations: Pick<Generations, 'open' | 'path'>) {
  let kept: Kept | undefined
  let opened = 0

  const inodeOf = (path: string): bigint | undefined => statSync(path, { throwIfNoEntry: false, bigint: true })?.ino

  function open(generation: Generation): Database {
    const path = generations.path(generation)
    const own = kept
    kept = undefined
    clearTimeout(own?.timer)
    // deleted or replaced by another file of this name
    if (own !== undefined && own.db.path === path && own.inode === inodeOf(path)) return own.db
    own?.db.close()
    opened++
    return generations.open(generation, { readOnly: true })
  }

  /** Gives it back; with `whole` false something went wrong while it was used. */
  function close(db: Database, { whole = true } = {}): void {
    const inode = inodeOf(db.path)
    if (!whole || db.journal !== undefined || opened < 2 || inode === undefined || kept !== undefined) return db.close()
    const timer = setTimeout(() => {
      kept = undefined
      db.close()
    }, IDLE_MS).unref()
    kept = { db, inode, timer }
  }

  return { open, close }
}
