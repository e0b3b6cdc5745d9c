export * from './affected-tests.ts'
export * from './guards.ts'
