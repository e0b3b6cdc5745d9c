export * from './engine.ts'
export * from './handler.ts'
export * from './job.ts'
