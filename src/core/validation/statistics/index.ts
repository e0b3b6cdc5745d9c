export * from './distributions.ts'
export * from './measure.ts'
export * from './paired.ts'
