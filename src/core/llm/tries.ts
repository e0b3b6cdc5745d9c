import type { Attempt } from '../queue/index.ts'
import type { ProviderFailure } from './failure.ts'
import { MAX_REASKS, POLICY, TRIES_PER_MODEL, backoffMs } from './policy.ts'
import type { ChatMessage } from './provider.ts'
import type { Candidate } from './routing.ts'

/** What the attempts of one request have taught so far: which models are left, and how the next call has to look. */
export type Tries = {
  /** Attempts that count against the limit, and re-asks. */
  calls: number
  reasks: number
  /** Model -> failures that may pass. */
  failures: Map<string, number>
  /** Passed over while another model is left. */
  resting: Set<string>
  /** Cannot serve this request at all. */
  unfit: Set<string>
  /** A window of this size was too small. */
  needsMoreThan: number
  /** The output limit is multiplied by this. */
  longer: number
  /** What is said to a model whose answer did not fit: its own answer and the errors. */
  reask: readonly ChatMessage[] | null
  /** Wall-clock ms: not before this when nobody else is left. */
  notBefore: number
}

/** A crash leaves rows behind: the limits go on counting where they were. */
export function triesOf(rows: readonly Attempt[]): Tries {
  const tries: Tries = {
    calls: 0,
    reasks: 0,
    failures: new Map(),
    resting: new Set(),
    unfit: new Set(),
    needsMoreThan: 0,
    longer: 1,
    reask: null,
    notBefore: 0,
  }
  for (const { step, model, reason } of rows) {
    if (step === 'reask') tries.reasks += 1
    const policy = reason !== null && Object.hasOwn(POLICY, reason) ? POLICY[reason as keyof typeof POLICY] : undefined
    if (policy?.then === 'fallback') tries.unfit.add(model)
    if (policy?.then === 'wait' && policy.counts) tries.failures.set(model, (tries.failures.get(model) ?? 0) + 1)
    // a dead process, or a machine that slept, leaves no reason: that is money, not an attempt
    if (step === 'call' && policy?.counts) tries.calls += 1
  }
  for (const [model, count] of tries.failures) if (count >= TRIES_PER_MODEL) tries.resting.add(model)
  return tries
}

export type Next = 'again' | 'pause' | 'end'

/**
 * Takes one failure in and says what follows. `pause`: the job waits until `notBefore`; `again`: another call, now.
 * @param maxRetries attempts after the first one
 * @param random in [0, 1), for the jitter
 */
export function learn(
  tries: Tries,
  failed: { failure: ProviderFailure; candidate: Candidate; step: Attempt['step']; reask: readonly ChatMessage[] | null },
  limits: { maxRetries: number; now: number; random: number },
): Next {
  const { failure, candidate, step } = failed
  const name = candidate.model.name
  const policy = POLICY[failure.reason]
  if (step === 'reask') tries.reasks += 1
  else if (policy.counts) tries.calls += 1
  tries.reask = null
  if (policy.then === 'dead' || (policy.then !== 'reask' && tries.calls > limits.maxRetries)) return 'end'
  switch (policy.then) {
    case 'reask':
      if (failed.reask !== null && tries.reasks < MAX_REASKS) {
        tries.reask = failed.reask
        return 'again'
      }
      tries.unfit.add(name)
      return tries.calls > limits.maxRetries ? 'end' : 'again'
    case 'longer':
      if (tries.longer > 1) return 'end'
      tries.longer = 2
      return 'again'
    case 'larger':
      tries.needsMoreThan = Math.max(tries.needsMoreThan, candidate.model.contextTokens)
      return 'again'
    case 'fallback':
      tries.unfit.add(name)
      return 'again'
    case 'wait': {
      const count = (tries.failures.get(name) ?? 0) + 1
      tries.failures.set(name, count)
      tries.notBefore = limits.now + backoffMs(count - 1, failure.retryAfterMs, limits.random)
      const another = count >= TRIES_PER_MODEL || failure.reason === 'rate_limited'
      if (!another) return 'pause'
      tries.resting.add(name)
      return 'again'
    }
  }
}
