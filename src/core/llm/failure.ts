/** The three kinds of the seeds. */
export type FailureKind = 'provider_unavailable' | 'malformed_response' | 'processing_exception'

export type FailureReason =
  | 'connection'
  | 'timeout_headers'
  | 'timeout_idle'
  | 'timeout_total'
  | 'truncated'
  | 'overloaded'
  | 'server'
  | 'rate_limited'
  | 'quota'
  | 'auth'
  | 'model_not_found'
  | 'context_overflow'
  | 'bad_request'
  | 'refused'
  | 'truncated_output'
  | 'json_decode_error'
  | 'validation'
  | 'internal'
  | 'cancelled'

/** One failed call, told in our words. Classified by code and type, then by status; never by the text of a message. */
export class ProviderFailure extends Error {
  readonly kind: FailureKind
  readonly reason: FailureReason
  readonly httpStatus: number | null
  /** What the provider asks us to wait. */
  readonly retryAfterMs: number | null
  /** `not_sent`: no money can be owed; `answered`: the provider refused before working; `unknown`: it may have worked and billed. */
  readonly outcome: 'not_sent' | 'answered' | 'unknown'
  readonly providerRequestId: string | null
  /** The provider's own word on trying again (`x-should-retry`); null: it said nothing. */
  readonly shouldRetry: boolean | null
  /** For malformed answers: `json_decode_error` with position and preview, or one row per field. */
  readonly details: readonly Readonly<Record<string, unknown>>[]

  constructor(
    kind: FailureKind,
    reason: FailureReason,
    message: string,
    more: Partial<
      Pick<ProviderFailure, 'httpStatus' | 'retryAfterMs' | 'outcome' | 'providerRequestId' | 'shouldRetry' | 'details' | 'cause'>
    > = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.name = 'ProviderFailure'
    this.kind = kind
    this.reason = reason
    this.httpStatus = more.httpStatus ?? null
    this.retryAfterMs = more.retryAfterMs ?? null
    this.outcome = more.outcome ?? 'answered'
    this.providerRequestId = more.providerRequestId ?? null
    this.shouldRetry = more.shouldRetry ?? null
    this.details = more.details ?? []
  }
}
