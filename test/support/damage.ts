import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { loadSqlite } from '../../src/core/storage/index.ts'

const PAGE = 4096

/** Does something to a file as another program would. */
export function meddle(path: string, sql: string): void {
  const db = new (loadSqlite())(path)
  db.exec(sql)
  db.close()
}

/** Everything is in the one file, as after the last process has gone. */
export const fold = (path: string): void => meddle(path, 'PRAGMA wal_checkpoint(TRUNCATE)')

/** Overwrites whole pages (from 0) as a broken disk does. */
export function spoil(path: string, pages: readonly number[]): void {
  const handle = openSync(path, 'r+')
  for (const page of pages) writeSync(handle, Buffer.alloc(PAGE, 0x5a), 0, PAGE, page * PAGE)
  closeSync(handle)
}

export const pagesOf = (path: string): number => statSync(path).size / PAGE

/** What can be wrong with a file, how it is brought about, and what opening it says. */
export const DAMAGE: readonly (readonly [string, (path: string) => void, 'STATE_UNUSABLE' | 'STATE_NEWER'])[] = [
  ['is no database', (path) => writeFileSync(path, 'damaged '.repeat(4000)), 'STATE_UNUSABLE'],
  ['has lost its pages', (path) => writeFileSync(path, readFileSync(path).fill(0x5a, PAGE)), 'STATE_UNUSABLE'],
  ['belongs to another program', (path) => meddle(path, 'PRAGMA application_id = 7'), 'STATE_UNUSABLE'],
  ['is of a newer version', (path) => meddle(path, 'PRAGMA user_version = 99'), 'STATE_NEWER'],
]
