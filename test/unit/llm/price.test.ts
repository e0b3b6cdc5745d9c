import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ModelPrice,
  type TokenUsage,
  assertBounded,
  boundOf,
  boundTokens,
  calibrate,
  costOf,
  estimateCost,
  nusdOf,
  promptBytes,
} from '../../../src/core/llm/index.ts'

const PRICE: ModelPrice = { input: 2000, output: 10_000, cacheRead: 200, cacheWrite: 2500, tiers: [], source: '', checked: '' }
const TIERED: ModelPrice = { ...PRICE, tiers: [{ aboveInputTokens: 1000, input: 4000, output: 15_000 }] }
const NONE: TokenUsage = { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, reasoning: 0 }
const request = (content: string) => ({ messages: [{ role: 'user' as const, content }] })

describe('what a call costs', () => {
  it.each([
    ['nothing', {}, 0],
    ['fresh input and output; reasoning is part of the output', { input: 10, output: 5, reasoning: 3 }, 10 * 2000 + 5 * 10_000],
    ['cached input is cheaper', { input: 10, cacheRead: 8 }, 2 * 2000 + 8 * 200],
    [
      'input written to the cache is dearer, for an hour twice',
      { input: 10, cacheWrite5m: 4, cacheWrite1h: 5 },
      2000 + 4 * 2500 + 5 * 4000,
    ],
  ] as const)('%s', (_name, usage, cost) => {
    expect(costOf(PRICE, { ...NONE, ...usage })).toBe(cost)
  })

  it('the rates of a tier begin above its size, for the whole call, cache included', () => {
    expect(costOf(TIERED, { ...NONE, input: 1000, output: 1 })).toBe(1000 * 2000 + 10_000)
    expect(costOf(TIERED, { ...NONE, input: 1001, cacheRead: 1, output: 1 })).toBe(1000 * 4000 + 400 + 15_000)
  })

  it.each([{ input: -1 }, { output: 0.5 }, { output: Number.NaN }, { input: 1, cacheRead: 2 }])(
    'a usage that cannot be true has no cost: %j',
    (usage) => {
      expect(costOf(PRICE, { ...NONE, ...usage })).toBeNull()
    },
  )

  it('never exceeds the bound of its size', () => {
    const tokens = fc.integer({ min: 0, max: 5000 })
    const rate = fc.integer({ min: 1000, max: 30_000_000 }).map((each) => each / 1000)
    const tier = fc.record({ aboveInputTokens: fc.integer({ min: 1, max: 5000 }), input: rate, output: rate })
    const price = fc.record({ input: rate, output: rate, cacheRead: rate, cacheWrite: rate, tiers: fc.array(tier, { maxLength: 2 }) })
    fc.assert(
      fc.property(price, tokens, tokens, tokens, tokens, tokens, (rates, fresh, read, write, output, spare) => {
        const whole: ModelPrice = {
          ...rates,
          tiers: rates.tiers.toSorted((a, b) => a.aboveInputTokens - b.aboveInputTokens),
          source: '',
          checked: '',
        }
        const input = fresh + read + write
        const cost = costOf(whole, { ...NONE, input, cacheRead: read, cacheWrite5m: write, output })
        const bound = boundOf(whole, { inputTokens: input + spare, maxOutputTokens: output })
        expect(cost).toBeLessThanOrEqual(bound)
        expect(Number.isSafeInteger(cost) && Number.isSafeInteger(bound)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('with an hour of cache too', () => {
    const usage = { ...NONE, input: 1000, cacheWrite1h: 1000 }
    expect(costOf(PRICE, usage)).toBe(boundOf(PRICE, { inputTokens: 1000, maxOutputTokens: 0, longCache: true }))
  })
})

describe('before the call', () => {
  it('no more tokens than bytes, and what providers put around', () => {
    expect(boundTokens(request('äöü'))).toBeGreaterThan(promptBytes(request('äöü')))
    expect(promptBytes(request('ä'))).toBe(promptBytes(request('a')) + 1)
    expect(boundTokens(request('a'.repeat(10_000)), 2500)).toBeLessThan(2700)
    expect(boundTokens({ ...request('a'), tools: [{ name: 't' }] })).toBeGreaterThan(1024)
  })

  it('is an interval whose end is what is reserved', () => {
    const asked = request('word '.repeat(1000))
    const { low, likely, high } = estimateCost(PRICE, asked, 1000)
    expect(low).toBeGreaterThan(0)
    expect(low).toBeLessThan(likely)
    expect(likely).toBeLessThan(high)
    expect(high).toBe(boundOf(PRICE, { inputTokens: boundTokens(asked), maxOutputTokens: 1000 }))
  })

  it('learns what a model makes of a text, slowly', () => {
    expect(calibrate(undefined, 4000, 1000)).toBe(4)
    expect(calibrate(4, 2000, 1000)).toBeCloseTo(3.8)
    expect(calibrate(4, 1e9, 1)).toBeLessThan(5)
  })

  it('a dollar is a billion', () => {
    expect([nusdOf(0.1), nusdOf(50), nusdOf(Infinity)]).toEqual([100_000_000, 50_000_000_000, Infinity])
  })

  it.each([
    [{ mcp_servers: [{ url: 'x' }] }, 'mcp_servers'],
    [{ tools: [{ type: 'web_search' }] }, 'web_search'],
  ])('what has no bound is refused under a cap: %j', (part, what) => {
    expect(() => assertBounded(part, true)).toThrow(
      expect.objectContaining({ code: 'COST_UNBOUNDED', exitCode: 5, message: expect.stringContaining(what) }),
    )
    expect(() => assertBounded(part, false)).not.toThrow()
  })

  it('tools of our own have one', () => {
    expect(() => assertBounded({ mcp_servers: [], tools: [{ name: 'read' }, { type: 'function', name: 'run' }] }, true)).not.toThrow()
  })
})
