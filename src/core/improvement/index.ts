export type * from './data.ts'
export type * from './service.ts'
export type * from './source.ts'
