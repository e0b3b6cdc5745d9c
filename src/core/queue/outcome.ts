import { CATALOG, EXIT, type ErrorCode, type ExitCode, SingularityError } from '../kernel/index.ts'

/** Reasons whose last word alone tells the exit code, whatever kind of failure they are. */
const OWN: Readonly<Record<string, ErrorCode>> = {
  refused: 'ANSWER_REFUSED',
  context_overflow: 'CONTEXT_OVERFLOW',
  bad_request: 'BAD_REQUEST',
  cancelled: 'CANCELLED',
  owner_gone: 'CANCELLED',
  deadline: 'LIMIT_REACHED',
}

/**
 * The error code that stands for the reason of a job that failed: 'provider_unavailable.timeout_idle' is PROVIDER_UNAVAILABLE,
 * 'budget_reached' is BUDGET_REACHED; PROCESSING_FAILED for what a handler threw.
 */
export function errorCodeOf(reason: string | null): ErrorCode {
  const [kind = '', detail = kind] = (reason ?? '').split('.')
  const own = OWN[detail]
  if (own) return own
  const code = kind.toUpperCase()
  return code in CATALOG ? (code as ErrorCode) : 'PROCESSING_FAILED'
}

/** How a command ends that waited for this job; 0 where it did not fail. */
export function exitOf({ status, reason }: { status: string; reason: string | null }): ExitCode {
  return status === 'failed' ? new SingularityError(errorCodeOf(reason), '').exitCode : EXIT.done
}
