import { accessSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type BetterSqlite3 from 'better-sqlite3'
import { SingularityError, diskRefusal, messageOf, makeFolder } from '../kernel/index.ts'
import { type BackupOptions, backUpDaily, backUpVersion } from './backups.ts'
import { demandSound, damaged, isDamage } from './damage.ts'
import { type Journal, type JournalOptions, chooseJournal, setJournal } from './journal.ts'
import { isSqliteError, loadSqlite, vectorLibrary } from './library.ts'

export type SqlValue = string | number | bigint | null | Uint8Array
export type Row = Record<string, SqlValue>
/** By position, or one object for `@name`. */
export type SqlParameter = SqlValue | Readonly<Record<string, SqlValue>>

export type Database = {
  readonly path: string
  /** Undefined where the file was opened for reading only. */
  readonly journal: Journal | undefined
  /** Runs a statement (prepared once, cached by text) and returns its rows. */
  all<T = Row>(sql: string, ...params: readonly SqlParameter[]): T[]
  get<T = Row>(sql: string, ...params: readonly SqlParameter[]): T | undefined
  /** Rows as arrays in the order of the columns: half the cost where many rows with many columns are read. */
  values(sql: string, ...params: readonly SqlParameter[]): SqlValue[][]
  /** Runs a write; returns how many rows changed. */
  run(sql: string, ...params: readonly SqlParameter[]): number
  /**
   * BEGIN IMMEDIATE ... COMMIT. Nested calls join the outer transaction. The body is synchronous on purpose: a
   * transaction never stays open across an await.
   */
  transaction<T>(body: () => T): T
  /** What commits survive from now on; not inside a transaction. Costs nothing where it is so already. */
  setSynchronous(level: Synchronous): void
  /** Brings the tables of sqlite-vec into this connection, once; answers its version. Throws what the loader says. */
  loadVectors(): string
  close(): void
}

/** A commit survives a power cut, or only the end of the process: the last ones may be undone, never half of one. */
export type Synchronous = 'FULL' | 'NORMAL'

export type DatabaseOptions = JournalOptions & {
  /** Marks the file as ours (`PRAGMA application_id`). */
  applicationId: number
  migrations: readonly string[]
  readOnly?: boolean
  /** How long a statement waits for another process, with the whole thread; 5000 ms. Who sets less tries again by itself: `isBusy`. */
  busyTimeoutMs?: number
  /** How long opening insists while another process holds the file; 5000 ms. */
  patienceMs?: number
  /**
   * So many pages of 4 KB gather in the write-ahead log before whoever commits copies them to the file; 1000. More is faster where
   * the same pages are written again and again, and makes the log as long.
   */
  checkpointPages?: number
  /** Keeps a copy of every day on which the file was written to. */
  backups?: BackupOptions
  /** Lets statements write the shadow tables of virtual ones. For files that can be built again only. */
  shadowTables?: boolean
}

const BUSY_TIMEOUT_MS = 5000

/** How often each file is open in this thread: such a file was looked at, and is not alone. */
const openHere = new Map<string, number>()

/** Whether a file is a database that can be read; it is neither made nor migrated. Throws what SQLite says. */
export function readSchema(path: string): void {
  const native = new (loadSqlite())(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS })
  try {
    native.prepare('SELECT count(*) FROM sqlite_schema').get()
  } finally {
    native.close()
  }
}

/**
 * Opens (and migrates) a SQLite file: WAL where the file system allows it, synchronous=FULL, foreign keys on. Before a migration of
 * an existing file a backup is written beside it with VACUUM INTO.
 * A file that was not closed by who had it last is looked through first.
 * @throws STATE_NEWER when the file was written by a newer program, STATE_UNUSABLE when it is not ours or damaged,
 * DISK_FULL, READ_ONLY.
 */
export function openDatabase(options: DatabaseOptions): Database {
  try {
    // changing the journal mode does not wait for others as statements do
    return insist(() => open(options), options.patienceMs)
  } catch (error) {
    throw SingularityError.isInstance(error) ? error : storageError(error, options.path)
  }
}

/** Runs a body again while another process holds the file, for 5 s at most where nothing is said; waits with the whole thread. Throws what the body throws. */
export function insist<T>(body: () => T, patienceMs = BUSY_TIMEOUT_MS): T {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return body()
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }
}

function open(options: DatabaseOptions): Database {
  const existed = existsSync(options.path)
  makeFolder(dirname(options.path))
  const wanted = options.readOnly ? undefined : chooseJournal(options)
  let journal: Journal | undefined
  if (wanted && existed && !openHere.has(options.path)) demandSound(options.path)
  const native = new (loadSqlite())(options.path, {
    timeout: options.busyTimeoutMs ?? BUSY_TIMEOUT_MS,
    readonly: options.readOnly === true,
  })
  try {
    if (options.shadowTables) native.unsafeMode(true)
    if (wanted) {
      journal = setJournal(native, wanted, options)
      native.pragma('synchronous = FULL')
      if (options.checkpointPages !== undefined) native.pragma(`wal_autocheckpoint = ${options.checkpointPages}`)
    }
    native.pragma('foreign_keys = ON')
    migrate(native, options, existed)
  } catch (error) {
    native.close()
    throw error
  }
  openHere.set(options.path, (openHere.get(options.path) ?? 0) + 1)
  return wrap(native, options, journal)
}

function migrate(native: BetterSqlite3.Database, options: DatabaseOptions, existed: boolean): void {
  const read = (name: string): number => native.pragma(name, { simple: true }) as number
  const known = options.migrations.length
  const current = read('user_version')
  const owner = read('application_id')
  if (current > 0 && owner !== options.applicationId)
    throw new SingularityError('STATE_UNUSABLE', `${options.path} is not a file of singularity.`, { hints: ['singularity doctor'] })
  if (current > known)
    throw new SingularityError('STATE_NEWER', `${options.path} has version ${current}; this program knows ${known}.`, {
      hints: ['Update singularity.'],
    })
  if (current === known || options.readOnly) return
  if (existed && current > 0) backUpVersion(native, options.path, current)
  // a migration may say a constraint in other words: a change of the schema's text, which is refused otherwise
  native.unsafeMode(true)
  try {
    native
      .transaction(() => {
        for (let version = read('user_version'); version < known; version++) native.exec(options.migrations[version]!)
        native.pragma(`application_id = ${options.applicationId}`)
        native.pragma(`user_version = ${known}`)
      })
      .immediate()
  } finally {
    native.unsafeMode(options.shadowTables === true)
  }
}

function wrap(native: BetterSqlite3.Database, { path, backups }: DatabaseOptions, journal: Journal | undefined): Database {
  const statements = new Map<string, BetterSqlite3.Statement>()
  const prepare = (sql: string): BetterSqlite3.Statement => {
    let statement = statements.get(sql)
    if (!statement) statements.set(sql, (statement = native.prepare(sql)))
    return statement
  }
  // a statement answers either objects or arrays
  const arrays = new Map<string, BetterSqlite3.Statement>()
  const prepareArrays = (sql: string): BetterSqlite3.Statement => {
    let statement = arrays.get(sql)
    if (!statement) arrays.set(sql, (statement = native.prepare(sql).raw()))
    return statement
  }
  // made once: the library builds four functions for every body it is given
  const inTransaction = native.transaction((body: () => unknown) => body()).immediate
  let synchronous: Synchronous = 'FULL'
  let vectors: string | undefined
  const guard = <T>(body: () => T): T => {
    try {
      return body()
    } catch (error) {
      throw isSqliteError(error) ? storageError(error, path) : error
    }
  }
  return {
    path,
    journal,
    all: <T>(sql: string, ...params: readonly SqlParameter[]) => guard(() => prepare(sql).all(...params) as T[]),
    get: <T>(sql: string, ...params: readonly SqlParameter[]) => guard(() => prepare(sql).get(...params) as T | undefined),
    values: (sql, ...params) => guard(() => prepareArrays(sql).all(...params) as SqlValue[][]),
    run: (sql, ...params) => guard(() => prepare(sql).run(...params).changes),
    transaction: <T>(body: () => T) => guard(() => (native.inTransaction ? body() : (inTransaction(body) as T))),
    setSynchronous(level) {
      // with a rollback journal a power cut could break the file itself, not only lose the last commits
      if (level === synchronous || journal === 'rollback') return
      guard(() => native.exec(`PRAGMA synchronous = ${level}`))
      synchronous = level
    },
    loadVectors() {
      if (vectors === undefined) {
        native.loadExtension(vectorLibrary())
        vectors = native.prepare('SELECT vec_version()').pluck().get() as string
      }
      return vectors
    },
    close() {
      if (!native.open) return
      if (backups && native.prepare('SELECT total_changes()').pluck().get() !== 0) backUpDaily(native, path, backups)
      native.close()
      const others = openHere.get(path)! - 1
      if (others > 0) openHere.set(path, others)
      else openHere.delete(path)
    },
  }
}

/** Another process holds the file; what was thrown by the library or by a `Database`. */
export function isBusy(error: unknown): boolean {
  const thrown = SingularityError.isInstance(error) ? error.cause : error
  return isSqliteError(thrown) && thrown.code.startsWith('SQLITE_BUSY')
}

/** A file of the write-ahead log cannot be opened where its folder cannot be written, and SQLite says no more than that. */
function sealed(error: unknown, path: string): SingularityError | undefined {
  if (!isSqliteError(error) || !error.code.startsWith('SQLITE_CANTOPEN')) return undefined
  try {
    accessSync(dirname(path), constants.W_OK)
    return undefined
  } catch (reason) {
    return diskRefusal(reason, path)
  }
}

function storageError(error: unknown, path: string): SingularityError {
  const refused = diskRefusal(error, path) ?? sealed(error, path)
  if (refused) return refused
  if (isDamage(error)) return damaged(path, messageOf(error), error)
  return new SingularityError('STATE_UNUSABLE', `${path} cannot be used: ${messageOf(error)}.`, {
    cause: error,
    hints: ['singularity doctor'],
  })
}
