import { copyFileSync, existsSync, linkSync, renameSync, rmSync, statSync } from 'node:fs'
import { SingularityError } from '../kernel/index.ts'
import { flush, listBackups, stamp } from './backups.ts'
import { findDamage, forgetDamage, isDamage, withFileAlone } from './damage.ts'
import { type Database, type DatabaseOptions, openDatabase } from './database.ts'
import { loadSqlite } from './library.ts'
import { type Salvaged, salvageRows } from './salvage.ts'

export type RepairReport = {
  path: string
  /** `salvaged`: row by row; `restored`: from a copy of an earlier day; `new`: nothing could be read. */
  how: 'salvaged' | 'restored' | 'new'
  /** Where the damaged file lies now. */
  aside: string
  rows: Salvaged
  /** The copy that was taken. */
  backup: string | null
}

export type RepairOptions = Omit<DatabaseOptions, 'backups'> & {
  /** Wall-clock ms, for the name of what is set aside. */
  now: number
  /** What is tried first; the other follows where it yields nothing. */
  prefer: 'salvage' | 'backup'
  /** Brings the new file in order before it takes the place of the old one. */
  finish?: (db: Database, how: RepairReport['how']) => void
}

const PARTS = ['-wal', '-shm', '-journal'] as const

/**
 * Puts a sound file in the place of a damaged one, which is kept beside it as `NAME.corrupt-TIME`. At every moment one of the two has
 * the name, so that nobody who comes in between starts with an empty file.
 * @throws STATE_UNUSABLE where a program has the file open
 */
export function repairDatabase(options: RepairOptions): RepairReport {
  const { path } = options
  demandAlone(path)
  const draft = `${path}.mending`
  removeDatabase(draft)
  const ways = options.prefer === 'salvage' ? [salvage, restore] : [restore, salvage]
  const found = ways.reduce<Found | undefined>((done, way) => done ?? way(options, draft), undefined) ?? startAnew(options, draft)
  flush(draft)
  const aside = setAside(path, options.now)
  renameSync(draft, path)
  forgetDamage(path)
  return { path, aside, ...found }
}

type Found = Omit<RepairReport, 'path' | 'aside'>

/** Also brings what stands in the write-ahead log into the file, where that can still be done. */
function demandAlone(path: string): void {
  try {
    // with a rollback journal only who is in the middle of something can be seen
    const alone = withFileAlone(path, (native) => native.exec('BEGIN EXCLUSIVE; ROLLBACK'))
    if (alone) return
  } catch (error) {
    // not even its first page can be read, so nobody works with it
    if (isDamage(error)) return
    throw error
  }
  throw new SingularityError('STATE_UNUSABLE', `${path} is damaged, and another program has it open.`, {
    hints: ['singularity queue stop', 'singularity doctor --fix'],
  })
}

function draftOf({ now: _now, prefer: _prefer, finish: _finish, ...options }: RepairOptions, draft: string): Database {
  return openDatabase({ ...options, path: draft })
}

/** undefined where not one row can be read. */
function salvage(options: RepairOptions, draft: string): Found | undefined {
  draftOf(options, draft).close()
  const target = new (loadSqlite())(draft)
  let rows: Salvaged
  try {
    target.pragma('foreign_keys = ON')
    const source = new (loadSqlite())(options.path, { readonly: true, fileMustExist: true })
    try {
      source.pragma('cell_size_check = ON')
      rows = salvageRows(source, target)
    } finally {
      source.close()
    }
  } catch (error) {
    if (!isDamage(error)) throw error
    rows = {}
  } finally {
    target.close()
  }
  if (Object.values(rows).every(({ kept }) => kept === 0)) {
    removeDatabase(draft)
    return undefined
  }
  finish(options, draft, 'salvaged')
  return { how: 'salvaged', rows, backup: null }
}

/** The newest copy that is sound; undefined where there is none. */
function restore(options: RepairOptions, draft: string): Found | undefined {
  for (const backup of listBackups(options.path)) {
    try {
      copyFileSync(backup, draft)
      if (findDamage(draft, 'full') !== undefined) continue
      finish(options, draft, 'restored')
      return { how: 'restored', rows: {}, backup }
    } catch {
      // the one before may do
    }
    removeDatabase(draft)
  }
  return undefined
}

function startAnew(options: RepairOptions, draft: string): Found {
  finish(options, draft, 'new')
  return { how: 'new', rows: {}, backup: null }
}

function finish(options: RepairOptions, draft: string, how: RepairReport['how']): void {
  const db = draftOf(options, draft)
  try {
    options.finish?.(db, how)
  } finally {
    db.close()
  }
}

/** The name stays taken until the new file replaces it; a write-ahead log must not meet a file it does not belong to. */
function setAside(path: string, now: number): string {
  let aside = `${path}.corrupt-${stamp(now)}`
  for (let n = 2; existsSync(aside); n++) aside = `${path}.corrupt-${stamp(now)}-${n}`
  try {
    linkSync(path, aside)
  } catch {
    copyFileSync(path, aside)
  }
  for (const part of ['-wal', '-journal'])
    if (existsSync(path + part) && statSync(path + part).size > 0) renameSync(path + part, aside + part)
  for (const part of PARTS) rmSync(path + part, { force: true })
  return aside
}

/** Takes a database away with everything that belongs to it. */
export function removeDatabase(path: string): void {
  for (const part of ['', ...PARTS]) rmSync(path + part, { force: true })
  forgetDamage(path)
}
