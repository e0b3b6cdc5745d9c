export * from './affected-tests.ts'
