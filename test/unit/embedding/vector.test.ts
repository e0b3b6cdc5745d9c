import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cosineOf, distance, dot, readCurve } from '../../../src/core/embedding/index.ts'

const vectors = fc.array(fc.tuple(fc.integer({ min: -127, max: 127 }), fc.integer({ min: -127, max: 127 })), {
  minLength: 1,
  maxLength: 128,
})

describe('integer vectors', () => {
  it('have a distance that is the inner products of the same numbers', () => {
    fc.assert(
      fc.property(vectors, (pairs) => {
        const a = Int8Array.from(pairs, ([x]) => x)
        const b = Int8Array.from(pairs, ([, y]) => y)
        expect(distance(a, b)).toBe(dot(a, a) + dot(b, b) - 2 * dot(a, b))
      }),
    )
  })

  it('give the cosine of what they were scaled from', () => {
    const scale = 127
    expect(cosineOf(0, scale)).toBe(1)
    expect(cosineOf(distance(Int8Array.of(127, 0), Int8Array.of(0, 127)), scale)).toBe(0)
    expect(cosineOf(distance(Int8Array.of(127, 0), Int8Array.of(-127, 0)), scale)).toBe(-1)
  })
})

it.each([
  [-1, 0],
  [0, 0],
  [0.25, 0.35],
  [0.5, 0.7],
  [0.75, 0.85],
  [1, 1],
  [2, 1],
])('a curve read at %d is %d', (x, y) => {
  const curve = [
    [0, 0],
    [0.5, 0.7],
    [1, 1],
  ] as const
  expect(readCurve(curve, x)).toBeCloseTo(y, 12)
})
