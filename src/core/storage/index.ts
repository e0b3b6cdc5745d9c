export type { Database, Row, SqlParameter, SqlValue, Synchronous } from './database.ts'
export { insist, isBusy, loadSqlite, openDatabase, probeSqlite, readSchema, sqliteLibrary } from './database.ts'
export { STATE_MIGRATIONS } from './migrations/state.ts'
