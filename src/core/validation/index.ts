export * from './evidence.ts'
export type * from './runner.ts'
