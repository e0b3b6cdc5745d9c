import { parseJson } from '../kernel/index.ts'
import type { Attempt, JobDetail } from './job.ts'

/** What came of a job of any room, as other programs read it in the queue `job_results` and in the view of that name. */
export type ExecutionResult = {
  workflow: string
  instance_id: string
  job_id: string
  input: unknown
  output: unknown
  tokens_used: number | null
  cost_cents: number | null
  duration_ms: number
  status: 'success' | 'failure' | 'timeout'
}

const NUSD_PER_CENT = 10_000_000

/** The reference for what the view of the SQLite engine tells of a job that has ended. */
export function executionResult(
  job: JobDetail & { finishedAt: number },
  attempts: readonly Pick<Attempt, 'usage' | 'costNusd'>[],
): ExecutionResult {
  const output = job.result === null ? null : (parseJson(job.result) ?? job.result)
  const told = (output ?? {}) as { usage?: { total_tokens?: number }; cost_nusd?: number }
  const used = attempts.flatMap(({ usage }) => usage?.totalTokens ?? [])
  const cost = told.cost_nusd ?? (attempts.length === 0 ? null : attempts.reduce((sum, { costNusd }) => sum + costNusd, 0))
  return {
    workflow: job.kind,
    instance_id: job.agentId,
    job_id: job.id,
    input: parseJson(job.payload) ?? null,
    output,
    tokens_used: told.usage?.total_tokens ?? (used.length === 0 ? null : used.reduce((sum, tokens) => sum + tokens, 0)),
    cost_cents: cost === null ? null : cost / NUSD_PER_CENT,
    duration_ms: job.finishedAt - (job.startedAt ?? job.createdAt),
    status: statusOf(job),
  }
}

function statusOf({ state, reason }: JobDetail): ExecutionResult['status'] {
  if (state === 'completed') return 'success'
  return reason === 'deadline' || reason?.includes('timeout') ? 'timeout' : 'failure'
}
