import { createRequire } from 'node:module'
import type BetterSqlite3 from 'better-sqlite3'
import type * as SqliteVec from 'sqlite-vec'

let library: typeof BetterSqlite3 | undefined

/** SQLite with its native part. Who has to wait for something else calls it meanwhile: loading takes a third of an empty process. */
export function loadSqlite(): typeof BetterSqlite3 {
  return (library ??= createRequire(import.meta.url)('better-sqlite3') as typeof BetterSqlite3)
}

/** The file a thread of its own loads SQLite from. */
export function sqliteLibrary(): string {
  return createRequire(import.meta.url).resolve('better-sqlite3')
}

/** Loads the native part and answers the version of SQLite. Throws what the loader says. */
export function probeSqlite(): string {
  const native = new (loadSqlite())(':memory:')
  try {
    return native.prepare('SELECT sqlite_version()').pluck().get() as string
  } finally {
    native.close()
  }
}

/** The file of sqlite-vec for this platform. Throws where the package has none. */
export function vectorLibrary(): string {
  return (createRequire(import.meta.url)('sqlite-vec') as typeof SqliteVec).getLoadablePath()
}

/** Loads sqlite-vec into an empty database and answers its version. Throws what the loader says. */
export function probeVectors(): string {
  const native = new (loadSqlite())(':memory:')
  try {
    native.loadExtension(vectorLibrary())
    return native.prepare('SELECT vec_version()').pluck().get() as string
  } finally {
    native.close()
  }
}

export function isSqliteError(error: unknown): error is InstanceType<typeof BetterSqlite3.SqliteError> {
  return library !== undefined && error instanceof library.SqliteError
}
