export * from './schema.ts'
export * from './settings.ts'
