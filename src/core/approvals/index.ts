export type * from './approval.ts'
