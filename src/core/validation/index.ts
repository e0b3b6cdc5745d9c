export * from './evidence.ts'
export type * from './runner.ts'
export * from './tamper/index.ts'
