import { describe, expect, it } from 'vitest'
import { limitOnChange } from '../../../src/core/improvement/trials.ts'

describe('how long a suite may take on a change', () => {
  it.each([
    ['at least 15 s', 20 * 60_000, 100, 15_000],
    ['three times what it took on the base', 20 * 60_000, 60_000, 180_000],
    ['never more than plan.timeout', 10_000, 100, 10_000],
  ])('%s', (_text, timeoutMs, wallMs, expected) => {
    expect(limitOnChange({ timeoutMs }, { wallMs })).toBe(expected)
  })
})
