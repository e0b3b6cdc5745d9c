import fc from 'fast-check'
import { expect, test } from 'vitest'
import { judgeAudits } from '../../src/core/answering/index.ts'
import { clopperPearsonUpper } from '../../src/core/validation/index.ts'

/** Reproducible numbers in [0, 1) (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

test('the bound is the published one: 299, 473 and 773 audits for 0, 1 and 3 errors', () => {
  for (const [wrong, audits] of [
    [0, 299],
    [1, 473],
    [3, 773],
  ] as const) {
    expect(clopperPearsonUpper(wrong, audits)).toBeLessThanOrEqual(0.01)
    expect(clopperPearsonUpper(wrong, audits - 1)).toBeGreaterThan(0.01)
  }
  expect([clopperPearsonUpper(0, 0), clopperPearsonUpper(5, 5)]).toEqual([1, 1])
})

test('the bound holds the true share in at least 95 of 100 samples', () => {
  for (const share of [0.002, 0.01, 0.05, 0.3])
    for (const audits of [60, 300, 800]) {
      const random = numbers(audits * 1000 + share * 1e6)
      let held = 0
      const samples = 3_000
      for (let sample = 0; sample < samples; sample++) {
        let wrong = 0
        for (let n = 0; n < audits; n++) if (random() < share) wrong++
        if (clopperPearsonUpper(wrong, audits) >= share) held++
      }
      // three standard errors of the count of samples
      expect(held / samples).toBeGreaterThanOrEqual(0.95 - 3 * Math.sqrt((0.95 * 0.05) / samples))
    }
})

test('a tier that turned worse than 1 % goes back to shadow by itself, soon', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.double({ min: 0.03, max: 0.5, noNaN: true }),
      fc.integer({ min: 299, max: 1_500 }),
      (seed, share, before) => {
        const random = numbers(seed)
        // live by `before` audits that all agreed; from now on a share is wrong
        const right: boolean[] = Array.from({ length: before }, () => true)
        expect(judgeAudits('ask', right).state).toBe('live')
        for (let audits = 1; audits <= 2_000; audits++) {
          right.unshift(random() >= share)
          if (judgeAudits('ask', right.slice(0, 2_000)).state === 'shadow') return
        }
        throw new Error(`still live after 2000 audits with ${share} wrong`)
      },
    ),
    { numRuns: 60 },
  )
})

test('what is needed is what is needed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 0, max: 6 }), (right, wrong) => {
      const sample = (more: number): boolean[] => [
        ...Array.from({ length: right + more }, () => true),
        ...Array.from({ length: wrong }, () => false),
      ]
      const { state, needed, bound } = judgeAudits('ask', sample(0))
      expect(state === 'live').toBe(bound <= 0.01)
      expect(judgeAudits('ask', sample(needed)).state).toBe('live')
      if (needed > 0) expect(judgeAudits('ask', sample(needed - 1)).state).toBe('shadow')
    }),
    { numRuns: 100 },
  )
})
