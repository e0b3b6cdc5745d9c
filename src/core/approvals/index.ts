export type * from './approval.ts'
export type { Approvals } from './approvals.ts'
export { createApprovals } from './approvals.ts'
export { type ResponseDeps, createResponseHandlers } from './responses.ts'
