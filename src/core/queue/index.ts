export { awaitEnded, hasEnded } from './await.ts'
export { type Caller, type CallerDeps, type CallerOptions, createCaller } from './caller.ts'
export { type ConsumerDeps, type MessageConsumer, createConsumer } from './consumer.ts'
export * from './engine.ts'
export type { ExecutionResult } from './execution-result.ts'
export { createMemoryQueue } from './engines/memory/queue.ts'
export { SHARED_COMMITS, type SqliteQueueOptions, createSqliteQueue } from './engines/sqlite/queue.ts'
export { type AbortCause, JobAborted, LEASE_MS } from './execute.ts'
export * from './handler.ts'
export { createRequestIntake } from './intake.ts'
export * from './job.ts'
export { type Outbox, type OutboxRow, createOutbox, relayOutbox, relayWaiting } from './outbox.ts'
export * from './request-view.ts'
export * from './service.ts'
export { createSleepDetector } from './sleep.ts'
export * from './statistics.ts'
export {
  type QueueWorker,
  type WorkerDeps,
  type WorkerEnd,
  type WorkerOptions,
  type WorkerReport,
  type WorkerSettings,
  createWorker,
} from './worker.ts'
export { waitUntil } from './wait.ts'
