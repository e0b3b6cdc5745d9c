import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, statSync, statfsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type BetterSqlite3 from 'better-sqlite3'
import { type Clock, makeFolder } from '../kernel/index.ts'
import { faultOf, findDamage } from './damage.ts'

const DAY_MS = 86_400_000
const KEEP = 3
/** A second or so of copying; what is larger than this is not copied by a command that somebody waits for. */
const LARGEST_BYTES = 128 * 1024 * 1024
const SPARE_BYTES = 64 * 1024 * 1024

export type BackupOptions = { clock: Pick<Clock, 'now'> }

/** Copies of a file, newest first: one a day (`NAME.TIME`), and one before each migration (`NAME.vVERSION`). */
export function listBackups(path: string): string[] {
  const folder = join(dirname(path), 'backups')
  if (!existsSync(folder)) return []
  const name = basename(path)
  return readdirSync(folder)
    .filter((file) => file.startsWith(`${name}.`) && /^(?:v\d+|\d{8}T\d{6})$/.test(file.slice(name.length + 1)))
    .map((file) => join(folder, file))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
}

/** Before a migration. @throws what SQLite says */
export function backUpVersion(native: BetterSqlite3.Database, path: string, version: number): void {
  const target = targetOf(path, `v${version}`)
  rmSync(target, { force: true })
  native.prepare('VACUUM INTO ?').run(target)
}

/**
 * Once a day, of a file that was written to: a copy that is checked before it counts; the last three are kept. Whatever goes wrong is no
 * failure of who happens to close the file.
 */
export function backUpDaily(native: BetterSqlite3.Database, path: string, { clock }: BackupOptions): void {
  const own = `${path}.backing-up-${process.pid}`
  try {
    const { size } = statSync(path)
    const now = clock.now()
    const daily = listBackups(path).filter((file) => !/\.v\d+$/.test(file))
    if (size > LARGEST_BYTES || daily.some((file) => Math.abs(now - timeOf(file)) < DAY_MS)) return
    const { bavail, bsize } = statfsSync(dirname(path))
    if (bavail * bsize < 2 * size + SPARE_BYTES) return
    // of a damaged file the copies of better days are kept, and none is made that only looks sound
    if (faultOf(native, 'quick') !== undefined) return
    sweep(path, now)
    native.prepare('VACUUM INTO ?').run(own)
    if (findDamage(own, 'quick') !== undefined) return
    flush(own)
    renameSync(own, targetOf(path, stamp(now)))
    for (const old of daily.slice(KEEP - 1)) rmSync(old, { force: true })
  } catch {
    // the next one who closes it tries again
  } finally {
    rmSync(own, { force: true })
  }
}

/** What was killed while it copied. Nobody copies for an hour. */
function sweep(path: string, now: number): void {
  const folder = dirname(path)
  for (const file of readdirSync(folder))
    if (file.startsWith(`${basename(path)}.backing-up-`) && now - statSync(join(folder, file)).mtimeMs > DAY_MS / 24)
      rmSync(join(folder, file), { force: true })
}

/** `20261130T235959`, UTC: sorts as it reads and needs no quotes. */
export function stamp(now: number): string {
  return new Date(now).toISOString().replaceAll(/[-:]|\.\d+Z$/g, '')
}

function timeOf(file: string): number {
  const [, year, month, day, hour, minute, second] = /(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)$/.exec(file) ?? []
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
}

function targetOf(path: string, suffix: string): string {
  const folder = join(dirname(path), 'backups')
  makeFolder(folder)
  return join(folder, `${basename(path)}.${suffix}`)
}

/** So that it is on the disk before another file gives way to it. */
export function flush(path: string): void {
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
