import { describe, expect, test } from 'vitest'
import { ProviderFailure, type Candidate, type FailureKind, type FailureReason } from '../../../src/core/llm/index.ts'
import { POLICY, backoffMs } from '../../../src/core/llm/policy.ts'
import { learn, triesOf } from '../../../src/core/llm/tries.ts'
import type { Attempt } from '../../../src/core/queue/index.ts'

const model = (name: string, contextTokens = 1000): Candidate =>
  ({ model: { name, contextTokens }, provider: { name: name.split('/')[0] }, boundNusd: 10 }) as Candidate
const failure = (reason: FailureReason, kind: FailureKind = 'provider_unavailable', retryAfterMs: number | null = null): ProviderFailure =>
  new ProviderFailure(kind, reason, reason, { retryAfterMs })
const limits = { maxRetries: 3, now: 1_000_000, random: 0 }
const row = (over: Partial<Attempt>): Attempt => ({
  n: 1,
  step: 'call',
  provider: 'a',
  model: 'a/one',
  phase: 'settled',
  kind: null,
  reason: null,
  httpStatus: null,
  usage: null,
  costNusd: 0,
  costSource: 'computed',
  ms: 1,
  skipped: [],
  droppedParams: [],
  startedAt: 0,
  ...over,
})

describe('learning from a failed call', () => {
  test('the same model is tried twice, then the next one; four calls are the end', () => {
    const tries = triesOf([])
    const fail = (name: string): string =>
      learn(tries, { failure: failure('overloaded'), candidate: model(name), step: 'call', reask: null }, limits)
    expect(fail('a/one')).toBe('pause')
    expect(tries.resting.has('a/one')).toBe(false)
    expect(fail('a/one')).toBe('again')
    expect(tries.resting.has('a/one')).toBe(true)
    expect(fail('b/two')).toBe('pause')
    expect(fail('b/two')).toBe('end')
    expect(tries.calls).toBe(4)
  })

  test('a rate limit costs no attempt and waits as long as it was told to', () => {
    const tries = triesOf([])
    for (let index = 0; index < 10; index++)
      expect(
        learn(
          tries,
          { failure: failure('rate_limited', 'provider_unavailable', 4000), candidate: model('a/one'), step: 'call', reask: null },
          limits,
        ),
      ).toBe('again')
    expect(tries.calls).toBe(0)
    expect(tries.notBefore).toBe(limits.now + 4000)
  })

  test('two re-asks, then another model, each with the errors told', () => {
    const tries = triesOf([])
    const wrong = { failure: failure('validation', 'malformed_response'), candidate: model('a/one') }
    const reask = [{ role: 'user', content: 'params must be object' }] as const
    expect(learn(tries, { ...wrong, step: 'call', reask }, limits)).toBe('again')
    expect(tries.reask).toEqual(reask)
    expect(learn(tries, { ...wrong, step: 'reask', reask }, limits)).toBe('again')
    expect(tries.reask).toEqual(reask)
    expect(learn(tries, { ...wrong, step: 'reask', reask }, limits)).toBe('again')
    expect(tries.reask).toBeNull()
    expect([...tries.unfit]).toEqual(['a/one'])
    expect({ calls: tries.calls, reasks: tries.reasks }).toEqual({ calls: 1, reasks: 2 })
  })

  test('a cut answer gets one longer try; a wrong request and a refusal none', () => {
    const tries = triesOf([])
    const cut = {
      failure: failure('truncated_output', 'malformed_response'),
      candidate: model('a/one'),
      step: 'call',
      reask: null,
    } as const
    expect(learn(tries, cut, limits)).toBe('again')
    expect(tries.longer).toBe(2)
    expect(learn(tries, cut, limits)).toBe('end')
    for (const reason of ['bad_request', 'refused'] as const)
      expect(
        learn(
          triesOf([]),
          { failure: failure(reason, 'processing_exception'), candidate: model('a/one'), step: 'call', reask: null },
          limits,
        ),
      ).toBe('end')
  })

  test('a window that was too small asks for a larger one; quota and auth leave the model alone', () => {
    const tries = triesOf([])
    learn(
      tries,
      { failure: failure('context_overflow', 'processing_exception'), candidate: model('a/one', 8000), step: 'call', reask: null },
      limits,
    )
    expect(tries.needsMoreThan).toBe(8000)
    for (const reason of ['quota', 'auth'] as const) {
      expect(learn(tries, { failure: failure(reason), candidate: model(`b/${reason}`), step: 'call', reask: null }, limits)).toBe('again')
      expect(POLICY[reason].blocks).toBe(true)
      expect(tries.unfit.has(`b/${reason}`)).toBe(true)
    }
  })
})

describe('what rows of an earlier process say', () => {
  test('calls and re-asks go on counting; unknown outcomes are money, not attempts', () => {
    const tries = triesOf([
      row({ reason: 'overloaded' }),
      row({ n: 2, reason: 'overloaded' }),
      row({ n: 3, model: 'b/two', reason: 'validation' }),
      row({ n: 4, model: 'b/two', step: 'reask', reason: 'validation' }),
      row({ n: 5, model: 'b/two', phase: 'unknown', reason: 'cancelled' }),
      row({ n: 6, model: 'b/two', phase: 'calling' }),
      row({ n: 7, model: 'c/three', reason: 'auth' }),
    ])
    expect({ calls: tries.calls, reasks: tries.reasks }).toEqual({ calls: 3, reasks: 1 })
    expect([...tries.resting]).toEqual(['a/one'])
    expect([...tries.unfit]).toEqual(['c/three'])
  })
})

test('backoff: full jitter under a cap, never before the provider allows, at most a quarter of an hour', () => {
  expect(backoffMs(0, null, 0.999)).toBeLessThanOrEqual(1000)
  expect(backoffMs(3, null, 0.5)).toBe(4000)
  expect(backoffMs(30, null, 0.999)).toBeLessThanOrEqual(300_000)
  expect(backoffMs(0, 7000, 0)).toBe(7000)
  expect(backoffMs(0, 3_600_000, 0)).toBe(900_000)
})
