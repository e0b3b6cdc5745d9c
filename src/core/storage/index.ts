export type { Database, Row, SqlValue } from './database.ts'
export { openDatabase } from './database.ts'
export { STATE_MIGRATIONS } from './migrations/state.ts'
