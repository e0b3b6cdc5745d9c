export type { ProcessRequest, ProcessResult, RunningProcess } from './spawn.ts'
export { runProcess, startProcess } from './spawn.ts'
