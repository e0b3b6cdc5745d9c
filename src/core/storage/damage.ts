import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type BetterSqlite3 from 'better-sqlite3'
import { SingularityError, messageOf } from '../kernel/index.ts'
import { loadSqlite } from './library.ts'

/** Checking reads the whole file: about a tenth of a second for this much. What is larger is left to `doctor`. */
const LARGEST_CHECK_BYTES = 64 * 1024 * 1024
const TRIES = 4

/** What SQLite says of a file whose pages are not what they were; not of one that is locked, full or read-only. */
export function isDamage(error: unknown): boolean {
  const thrown = SingularityError.isInstance(error) ? error.cause : error
  return /^SQLITE_(?:CORRUPT|NOTADB)/.test(String((thrown as { code?: unknown } | null)?.code))
}

const markOf = (path: string): string => `${path}.damaged`

/**
 * Commands only tell: what is left of a file is the user's, so mending it is asked for. A mark beside the file keeps the next command
 * from working with it, also where it would not read the bad pages itself.
 */
export function damaged(path: string, detail: string, cause?: unknown): SingularityError {
  try {
    writeFileSync(markOf(path), `${detail}\n`, { mode: 0o600 })
  } catch {
    // who cannot write there finds the damage again
  }
  return new SingularityError('STATE_UNUSABLE', `${path} is damaged: ${detail}.`, {
    ...(cause !== undefined && { cause }),
    hints: ['singularity doctor --fix'],
    data: { damaged: path },
  })
}

/** A file that another one has replaced. */
export function forgetDamage(path: string): void {
  rmSync(markOf(path), { force: true })
}

/**
 * What is wrong with a file, in the words of SQLite; undefined where it is sound. `quick` does not compare the indexes with their tables.
 * @throws what SQLite says where the file is locked or cannot be opened
 */
export function findDamage(path: string, how: 'quick' | 'full'): string | undefined {
  const native = new (loadSqlite())(path, { readonly: true, fileMustExist: true, timeout: 5000 })
  try {
    return faultOf(native, how)
  } finally {
    native.close()
  }
}

/**
 * A file as it is, without migrating it: what is wrong with its pages or its references, whose it is and of which version.
 * @throws what SQLite says where it is locked or cannot be opened
 */
export function inspectDatabase(path: string): { damage: string | undefined; applicationId: number; version: number } {
  const damage = findDamage(path, 'full')
  if (damage !== undefined) return { damage, applicationId: 0, version: 0 }
  const native = new (loadSqlite())(path, { readonly: true, fileMustExist: true, timeout: 5000 })
  try {
    const read = (name: string): number => native.pragma(name, { simple: true }) as number
    return { damage: undefined, applicationId: read('application_id'), version: read('user_version') }
  } finally {
    native.close()
  }
}

/** The same of a file that is open. */
export function faultOf(native: BetterSqlite3.Database, how: 'quick' | 'full'): string | undefined {
  try {
    const said = String(native.pragma(how === 'quick' ? 'quick_check(1)' : 'integrity_check(1)', { simple: true }))
    return said === 'ok' ? undefined : said.replace('*** in database main ***', '').replaceAll(/\s+/g, ' ').trim()
  } catch (error) {
    if (isDamage(error)) return messageOf(error)
    throw error
  }
}

/** Whether the last one who had the file did not close it, or has it open now. */
export function isLeftOpen(path: string): boolean {
  // whoever writes makes and removes them while we look
  const size = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0
  return size(`${path}-wal`) > 0 || size(`${path}-journal`) > 0
}

/**
 * Nobody else has the file open: only then does SQLite give it to one connection alone. That is how the traces of a crash are told
 * from those of a living program, on every platform. The body has the file for itself; `undefined` where somebody lives.
 * @throws what the body throws, and what SQLite says of the file
 */
export function withFileAlone<T>(path: string, body: (native: BetterSqlite3.Database) => T): { value: T } | undefined {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const native = new (loadSqlite())(path, { fileMustExist: true, timeout: 0 })
    try {
      native.pragma('locking_mode = EXCLUSIVE')
      native.prepare('SELECT count(*) FROM sqlite_schema').get()
      return { value: body(native) }
    } catch (error) {
      if (!String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY')) throw error
    } finally {
      native.close()
    }
    // two that look at the same moment keep it from each other
    if (attempt < TRIES) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 + Math.random() * 10)
  }
  return undefined
}

/**
 * Looks once at a file that was not closed by who had it last, and at one that was found damaged: somebody may have put it right.
 * @throws STATE_UNUSABLE where it is damaged
 */
export function demandSound(path: string): void {
  if (existsSync(markOf(path))) {
    const fault = findDamage(path, 'quick')
    if (fault !== undefined) throw damaged(path, fault)
    forgetDamage(path)
  }
  if (!isLeftOpen(path) || statSync(path).size > LARGEST_CHECK_BYTES) return
  const looked = withFileAlone(path, (native) => faultOf(native, 'quick'))
  if (looked?.value !== undefined) throw damaged(path, looked.value)
}
