import { type ErrorCode, SingularityError } from '../kernel/index.ts'
import type { Job } from '../queue/index.ts'
import { WAYS_OUT } from './route.ts'

const BY_KIND: Readonly<Record<string, ErrorCode>> = {
  provider_unavailable: 'PROVIDER_UNAVAILABLE',
  malformed_response: 'MALFORMED_RESPONSE',
  processing_exception: 'PROCESSING_FAILED',
  cancelled: 'CANCELLED',
  deadline: 'LIMIT_REACHED',
}

const BY_REASON: Readonly<Record<string, ErrorCode>> = {
  'processing_exception.refused': 'ANSWER_REFUSED',
  'processing_exception.context_overflow': 'CONTEXT_OVERFLOW',
  'processing_exception.bad_request': 'BAD_REQUEST',
  budget_reached: 'BUDGET_REACHED',
  model_unpriced: 'MODEL_UNPRICED',
  cost_unbounded: 'COST_UNBOUNDED',
  ledger_unusable: 'LEDGER_UNUSABLE',
  llm_not_configured: 'LLM_NOT_CONFIGURED',
  offline: 'OFFLINE',
  replay_miss: 'REPLAY_MISS',
  context_overflow: 'CONTEXT_OVERFLOW',
}

/** The error a request that ended without an answer is for whoever waits for it; its code fixes the exit code. */
export function answerError(job: Pick<Job, 'id' | 'reason' | 'errorMessage'>): SingularityError {
  const reason = job.reason ?? 'processing_exception'
  const code = BY_REASON[reason] ?? BY_KIND[reason.split('.')[0]!] ?? 'PROCESSING_FAILED'
  return new SingularityError(code, job.errorMessage ?? `Request ${job.id} ended: ${reason}.`, {
    // whoever has no key wants the ways out, not the row
    ...(code !== 'LLM_NOT_CONFIGURED' && { hints: [`singularity queue show ${job.id}`] }),
    ...(code === 'LLM_NOT_CONFIGURED' && { hints: WAYS_OUT }),
    data: { id: job.id, reason },
  })
}
