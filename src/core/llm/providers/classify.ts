import type { FailureKind, FailureReason } from '../failure.ts'
import { ProviderFailure } from '../failure.ts'
import { type Clock, messageOf, systemClock } from '../../kernel/index.ts'
import type { ProviderOptions } from '../provider.ts'
import type { StopReason } from './clocks.ts'

/** What is known of the attempt an error came out of. */
export type AttemptState = {
  provider: string
  stopped: StopReason | null
  /** A request was handed to the network. */
  sent: boolean
  /** Of the last response; null before its headers. */
  status: number | null
  headers: Headers | null
  clock: Clock
}

/** An attempt of which nothing has left. */
export function unsent({ name, clock = systemClock }: Pick<ProviderOptions, 'name' | 'clock'>): AttemptState {
  return { provider: name, stopped: null, sent: false, status: null, headers: null, clock }
}

const KIND: Readonly<Record<FailureReason, FailureKind>> = {
  connection: 'provider_unavailable',
  timeout_headers: 'provider_unavailable',
  timeout_idle: 'provider_unavailable',
  timeout_total: 'provider_unavailable',
  truncated: 'provider_unavailable',
  overloaded: 'provider_unavailable',
  server: 'provider_unavailable',
  rate_limited: 'provider_unavailable',
  quota: 'provider_unavailable',
  auth: 'provider_unavailable',
  model_not_found: 'provider_unavailable',
  context_overflow: 'processing_exception',
  bad_request: 'processing_exception',
  refused: 'processing_exception',
  internal: 'processing_exception',
  cancelled: 'processing_exception',
  truncated_output: 'malformed_response',
  json_decode_error: 'malformed_response',
  validation: 'malformed_response',
}

/** The codes and types of the providers, most exact first where an answer has several. */
const REASON_OF_CODE: Readonly<Record<string, FailureReason>> = {
  rate_limit_exceeded: 'rate_limited',
  rate_limit_error: 'rate_limited',
  ramp_limit_exceeded: 'rate_limited',
  slow_down: 'rate_limited',
  insufficient_quota: 'quota',
  credit_balance_exhausted: 'quota',
  organization_spend_limit_exceeded: 'quota',
  project_spend_limit_exceeded: 'quota',
  organization_usage_limit_exceeded: 'quota',
  enforced_spend_limit_reached: 'quota',
  contract_spend_limit_reached: 'quota',
  linked_organization_spend_limit_reached: 'quota',
  organization_on_hold: 'quota',
  billing_error: 'quota',
  billing_hard_limit_reached: 'quota',
  billing_not_active: 'quota',
  invalid_api_key: 'auth',
  authentication_error: 'auth',
  permission_error: 'auth',
  permission_denied: 'auth',
  account_deactivated: 'auth',
  model_not_found: 'model_not_found',
  not_found_error: 'model_not_found',
  context_length_exceeded: 'context_overflow',
  exceed_context_size_error: 'context_overflow',
  model_context_window_exceeded: 'context_overflow',
  request_too_large: 'context_overflow',
  string_above_max_length: 'context_overflow',
  content_policy_violation: 'refused',
  content_filter: 'refused',
  moderation_blocked: 'refused',
  invalid_prompt: 'refused',
  overloaded_error: 'overloaded',
  server_is_overloaded: 'overloaded',
  engine_overloaded: 'overloaded',
  server_error: 'server',
  api_error: 'server',
  internal_error: 'server',
  internal_server_error: 'server',
  timeout_error: 'server',
}

function reasonOfStatus(status: number): FailureReason {
  if (status < 400) return 'connection'
  if (status === 401 || status === 403) return 'auth'
  if (status === 402) return 'quota'
  if (status === 404) return 'model_not_found'
  if (status === 413) return 'context_overflow'
  if (status === 429) return 'rate_limited'
  if (status === 503 || status === 529) return 'overloaded'
  if (status === 408 || status === 409 || status >= 500) return 'server'
  return 'bad_request'
}

/** A gateway that gave up on the model says nothing about what the model did and billed. */
const UNSURE = new Set([408, 409, 502, 504, 524])

/** Errors of the socket's set-up: no request can have left. A proxy that refuses to tunnel is told as ABORTED; we abort under our own name. */
const NOT_CONNECTED =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EPROTO|UND_ERR_(CONNECT_TIMEOUT|PRX_TLS|INVALID_ARG|ABORTED)|\w*CERT\w*|UNABLE_TO_\w+|ERR_(TLS|SSL)_\w+)$/

const OF_AN_SDK = /^(API|OpenAI|Anthropic)\w*Error$/

type Duck = { status?: unknown; code?: unknown; type?: unknown; errorCode?: unknown; name?: unknown; cause?: unknown; error?: unknown }

/** All errors from the outside to the first cause. Two copies of an SDK have two classes of everything, so nothing asks `instanceof`. */
function chain(error: unknown): Duck[] {
  const found: Duck[] = []
  for (let at = error; at !== null && typeof at === 'object' && found.length < 8; at = (at as Duck).cause) found.push(at as Duck)
  return found
}

/** Codes and types of an error and of the body it carries: the detailed ones first. */
function codesOf(error: Duck): string[] {
  const body = (error.error ?? {}) as Duck & { details?: { error_code?: unknown } }
  const inner = (body.error ?? body) as Duck & { details?: { error_code?: unknown } }
  return [error.errorCode, inner.details?.error_code, error.code, inner.code, error.type, inner.type]
    .filter((code) => (typeof code === 'string' && code !== '') || typeof code === 'number')
    .map(String)
}

/** The first code we know; `undefined` where none says anything. */
export function reasonOfCodes(codes: readonly string[]): FailureReason | undefined {
  return codes.map((code) => REASON_OF_CODE[code.toLowerCase()]).find((reason) => reason !== undefined)
}

/** The provider's own time, in ms since 1970: what it says about times of day must not depend on a wrong clock of ours. */
export function providerTime({ headers, clock }: Pick<AttemptState, 'headers' | 'clock'>): number {
  const told = Date.parse(headers?.get('date') ?? '')
  return Number.isNaN(told) ? clock.now() : told
}

/** Milliseconds the provider asks us to wait: `retry-after-ms`, or `retry-after` in seconds or as a date; null: it says nothing. */
function retryAfter(state: AttemptState): number | null {
  const exact = Number.parseFloat(state.headers?.get('retry-after-ms') ?? '')
  if (exact >= 0) return exact
  const text = state.headers?.get('retry-after') ?? ''
  if (/^[\d.]+$/.test(text)) return Number.parseFloat(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? null : Math.max(0, date - providerTime(state))
}

/** The names under which providers tell the id of a request. */
export function requestIdOf(headers: Headers | null): string | null {
  return headers?.get('x-request-id') ?? headers?.get('request-id') ?? headers?.get('x-generation-id') ?? null
}

/** One failure of a reason, with what the attempt knows of its outcome, its id and the wait. */
export function failureOf(
  reason: FailureReason,
  message: string,
  state: AttemptState,
  more: { httpStatus?: number | null; outcome?: ProviderFailure['outcome']; details?: ProviderFailure['details']; cause?: unknown } = {},
): ProviderFailure {
  const advice = state.headers?.get('x-should-retry')
  return new ProviderFailure(KIND[reason], reason, message, {
    httpStatus: more.httpStatus === undefined ? state.status : more.httpStatus,
    retryAfterMs: retryAfter(state),
    outcome: more.outcome ?? (state.sent ? 'unknown' : 'not_sent'),
    providerRequestId: requestIdOf(state.headers),
    shouldRetry: advice === 'true' ? true : advice === 'false' ? false : null,
    details: more.details ?? [],
    cause: more.cause,
  })
}

const STOPPED: Readonly<Record<StopReason, string>> = {
  timeout_headers: 'did not begin to answer in time',
  timeout_idle: 'stopped answering',
  timeout_total: 'did not finish in time',
  cancelled: 'was asked to stop',
}

/**
 * Whatever came out of an attempt as a failure in our words: by our own clocks, then by the codes and types the provider sent, then by
 * HTTP status, then by what the socket said. Never by the text of a message.
 */
export function classify(error: unknown, state: AttemptState): ProviderFailure {
  if (state.stopped) return failureOf(state.stopped, `The provider ${state.provider} ${STOPPED[state.stopped]}.`, state, { cause: error })
  const errors = chain(error)
  const known = errors.find((each) => each instanceof ProviderFailure)
  if (known) return known as unknown as ProviderFailure

  const message = `The provider ${state.provider} failed: ${messageOf(error)}`
  const answered = errors.find((each) => typeof each.status === 'number')
  if (answered) {
    const status = answered.status as number
    const told = reasonOfCodes(codesOf(answered))
    // some servers call everything an api_error
    const reason = told === undefined || (told === 'server' && status < 500) ? reasonOfStatus(status) : told
    const outcome = UNSURE.has(status) ? 'unknown' : 'answered'
    return failureOf(reason, message, state, { httpStatus: status, outcome, cause: error })
  }
  if (errors.some((each) => each.name === 'SyntaxError'))
    return failureOf('json_decode_error', `The provider ${state.provider} sent JSON that is broken.`, state, {
      details: [{ type: 'json_decode_error', error: messageOf(error), position: null, response_preview: '' }],
      cause: error,
    })
  const codes = errors.flatMap(codesOf)
  const number = codes.map(Number).find((code) => code >= 400 && code < 600)
  const reason = reasonOfCodes(codes) ?? (number === undefined ? undefined : reasonOfStatus(number))
  if (reason) return failureOf(reason, message, state, { cause: error })
  // what the socket says tells a person more than that a fetch has failed
  const why = codes.find((code) => NOT_CONNECTED.test(code))
  if (state.status === null && why !== undefined)
    return failureOf('connection', `The provider ${state.provider} cannot be reached: ${why}.`, state, {
      outcome: 'not_sent',
      cause: error,
    })
  // an error the provider put into its stream, with a code nobody knows
  if (state.status !== null && errors.some((each) => each.error !== undefined)) return failureOf('server', message, state, { cause: error })
  if (state.status !== null && (codes.length > 0 || errors.some((each) => OF_AN_SDK.test(each.constructor.name))))
    return failureOf('truncated', message, state, { cause: error })
  // an error of the network has a cause; what has neither code nor cause is a bug of ours
  if (state.sent && state.status === null && (codes.length > 0 || errors.length > 1))
    return failureOf('connection', message, state, { cause: error })
  return failureOf('internal', messageOf(error), state, { cause: error })
}
