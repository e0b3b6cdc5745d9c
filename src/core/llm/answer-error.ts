import { type ErrorCode, SingularityError, parseJson } from '../kernel/index.ts'
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
  config_untrusted: 'CONFIG_UNTRUSTED',
  config_invalid: 'CONFIG_INVALID',
  secrets_locked: 'SECRETS_LOCKED',
  context_overflow: 'CONTEXT_OVERFLOW',
}

type EndedJob = Pick<Job, 'id' | 'reason' | 'errorMessage' | 'complexity' | 'taskType'> & { result?: string | null }
type Ended = {
  model?: string
  provider?: string
  validation_errors?: readonly unknown[] | null
  error?: { data?: Record<string, unknown>; hints?: readonly string[] }
}

/** The error a request that ended without an answer is for whoever waits for it; its code fixes the exit code. */
export function answerError(job: EndedJob): SingularityError {
  const reason = job.reason ?? 'processing_exception'
  const code = BY_REASON[reason] ?? BY_KIND[reason.split('.')[0]!] ?? 'PROCESSING_FAILED'
  const { model = null, provider = null, validation_errors: errors, error } = (parseJson(job.result ?? '') ?? {}) as Ended
  return new SingularityError(code, job.errorMessage ?? `Request ${job.id} ended: ${reason}.`, {
    // whoever has no key wants the ways out, not the row
    hints: error?.hints?.length ? error.hints : code === 'LLM_NOT_CONFIGURED' ? WAYS_OUT : hintsOf(reason, job.id),
    data: {
      id: job.id,
      model,
      provider,
      complexity: job.complexity,
      task_type: job.taskType,
      ...error?.data,
      reason,
      ...(errors && { errors }),
    },
  })
}

function hintsOf(reason: string, id: string): string[] {
  return [
    ...(reason.endsWith('.auth') ? ['singularity llm check'] : []),
    ...(reason.endsWith('context_overflow') ? ['singularity llm models'] : []),
    `singularity queue show ${id}`,
  ]
}
