export type { Database, Row, SqlValue } from './database.ts'
export { openDatabase, probeSqlite } from './database.ts'
export { STATE_MIGRATIONS } from './migrations/state.ts'
