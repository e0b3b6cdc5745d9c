export * from './engine.ts'
export { type SqliteQueueOptions, createSqliteQueue } from './engines/sqlite/queue.ts'
export * from './handler.ts'
export * from './job.ts'
