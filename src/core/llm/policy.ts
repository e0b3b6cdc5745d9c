import type { FailureKind, FailureReason, ProviderFailure } from './failure.ts'

/** What follows from one failed call. */
export type Policy = {
  /** `wait`: the same model after a pause; `fallback`: the next model at once; `larger`: the next model with a larger window; `reask`: the same conversation with the errors told; `dead`: no other try can help. */
  then: 'wait' | 'fallback' | 'larger' | 'longer' | 'reask' | 'dead'
  /** One of the attempts of the request. */
  counts: boolean
  /** Says something about the provider's health: feeds the breaker and the retry budget. */
  health: boolean
  /** The whole provider is out until a person says otherwise. */
  blocks: boolean
}

const row = (then: Policy['then'], more: Partial<Policy> = {}): Policy => ({ then, counts: true, health: false, blocks: false, ...more })

/** The retry policy, one row per reason. */
export const POLICY: Readonly<Record<FailureReason, Policy>> = {
  connection: row('wait', { health: true }),
  timeout_headers: row('wait', { health: true }),
  timeout_idle: row('wait', { health: true }),
  timeout_total: row('wait', { health: true }),
  truncated: row('wait', { health: true }),
  overloaded: row('wait', { health: true }),
  server: row('wait', { health: true }),
  rate_limited: row('wait', { counts: false }),
  quota: row('fallback', { counts: false, blocks: true }),
  auth: row('fallback', { counts: false, blocks: true }),
  model_not_found: row('fallback', { counts: false }),
  context_overflow: row('larger'),
  bad_request: row('dead'),
  refused: row('dead'),
  truncated_output: row('longer'),
  json_decode_error: row('reask'),
  validation: row('reask'),
  internal: row('wait'),
  cancelled: row('wait', { counts: false }),
}

/** How often the same model is tried for reasons that may pass, before the next one is. */
export const TRIES_PER_MODEL = 2
export const MAX_REASKS = 2

const BASE_MS = 1000
const CAP_MS = 5 * 60_000
const LONGEST_RETRY_AFTER_MS = 15 * 60_000

/**
 * Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"): a random share of base * 2^n, never less than what the
 * provider asked for, of which at most a quarter of an hour counts.
 * @param n how many tries have failed before this one, from 0
 * @param random in [0, 1)
 * @returns milliseconds
 */
export function backoffMs(n: number, retryAfterMs: number | null, random: number): number {
  const jitter = random * Math.min(CAP_MS, BASE_MS * 2 ** n)
  return Math.round(Math.max(Math.min(retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS), jitter))
}

/** 'provider_unavailable.rate_limited': how rows, events and exit codes name a failure. */
export function reasonText({ kind, reason }: { kind: FailureKind; reason: FailureReason }): string {
  return `${kind}.${reason}`
}

/** The text that lands in `error_message`: the seeds' sentence for malformed answers, else one that names the kind. */
export function errorText(
  failure: ProviderFailure,
  place: { provider: string; model: string; complexity: string; taskType: string; keyName?: string | null },
): string {
  const where = `provider ${place.provider}, model ${place.model}, ${place.complexity} ${place.taskType}`
  // what the provider says may hold a part of the key
  if (failure.reason === 'auth' && place.keyName)
    return `LLM provider unavailable (auth): ${place.provider} refuses the key ${place.keyName} [${where}]`
  // the seeds' exact sentence, and nothing after it
  if (failure.kind === 'malformed_response') return failure.message
  if (failure.kind === 'provider_unavailable') return `LLM provider unavailable (${failure.reason}): ${failure.message} [${where}]`
  return `LLM request failed (${failure.reason}): ${failure.message} [${where}]`
}
