export type * from './isolation.ts'
export type * from './sandbox.ts'
