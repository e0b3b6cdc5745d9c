export type { ProcessRequest, ProcessResult, RunningProcess } from './spawn.ts'
export { runProcess, startProcess } from './spawn.ts'
export type { ProcessIdentity, ProcessInfo } from './identity.ts'
export { createProcessInfo } from './identity.ts'
