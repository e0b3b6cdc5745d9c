export type { Database, Row, SqlValue } from './database.ts'
export { loadSqlite, openDatabase, probeSqlite } from './database.ts'
export { STATE_MIGRATIONS } from './migrations/state.ts'
