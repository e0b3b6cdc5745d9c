export { ToolFailure } from './failure.ts'
