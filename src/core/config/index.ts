export * from './edit.ts'
export * from './schema.ts'
export * from './settings.ts'
export * from './write.ts'
