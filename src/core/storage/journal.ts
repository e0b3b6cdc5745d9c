import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type BetterSqlite3 from 'better-sqlite3'
import { SingularityError } from '../kernel/index.ts'
import { sharedFileSystem } from './file-system.ts'

/** `rollback`: every commit waits for the disk, whatever is asked for, and readers wait for writers. */
export type Journal = 'wal' | 'rollback'

export type JournalOptions = {
  path: string
  /**
   * What is done on a network or shared file system, where the memory that a write-ahead log shares between programs does not reach
   * every reader: a rollback journal with a warning (the default), or the file is refused.
   */
  onShared?: 'rollback' | 'refuse'
  /** What the user should know; the same text comes for every file of a folder. */
  onWarning?: (text: string) => void
  /** Names the file system of a path where other machines may share it. */
  fileSystem?: (path: string) => string | undefined
}

/**
 * Which journal a file gets where it lies. Asked before the file is opened: a file whose write-ahead log is there is in use, or was
 * left by a crash, and is never turned back.
 * @throws STATE_UNUSABLE
 */
export function chooseJournal({ path, onShared, onWarning, fileSystem = sharedFileSystem }: JournalOptions): Journal {
  const folder = dirname(path)
  const shared = fileSystem(folder)
  if (shared === undefined) return 'wal'
  if (onShared === 'refuse')
    throw new SingularityError('STATE_UNUSABLE', `${folder} is on ${shared}, where locks may not reach every machine.`, { hints: [] })
  if (existsSync(`${path}-wal`))
    throw new SingularityError(
      'STATE_UNUSABLE',
      `${path} has a write-ahead log, and is on ${shared}, where one is not safe. Another program may be using it.`,
      { hints: ['singularity queue stop', `sqlite3 '${path}' 'PRAGMA journal_mode = DELETE'   # once no program has it open`] },
    )
  onWarning?.(
    `${folder} is on ${shared}: SQLite works there with a rollback journal, slower, and for one machine at a time. A local disk is better.`,
  )
  return 'rollback'
}

/** Sets the journal and looks whether the file took it; one that takes no write-ahead log gets a rollback journal. Answers which it is. */
export function setJournal(native: BetterSqlite3.Database, wanted: Journal, { path, onWarning }: JournalOptions): Journal {
  const set = (mode: 'WAL' | 'DELETE'): boolean => native.pragma(`journal_mode = ${mode}`, { simple: true }) === mode.toLowerCase()
  if (wanted === 'wal') {
    if (set('WAL')) return 'wal'
    onWarning?.(`${dirname(path)} takes no write-ahead log of SQLite: a rollback journal is used, which is slower.`)
  }
  if (!set('DELETE')) throw new SingularityError('STATE_UNUSABLE', `${path} does not take a rollback journal.`)
  return 'rollback'
}
