export type * from './git.ts'
export type * from './repository.ts'
