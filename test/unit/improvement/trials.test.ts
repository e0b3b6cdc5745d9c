import { describe, expect, it } from 'vitest'
import { hangLimit } from '../../../src/core/improvement/trials.ts'

describe('how long a suite may take on a change', () => {
  it.each([
    ['at least 15 s', 20 * 60_000, 100, 15_000],
    ['three times what it took on the base', 20 * 60_000, 60_000, 180_000],
    ['no longer than plan.timeout where the base is quick', 10_000, 100, 10_000],
    ['three times the base even above plan.timeout, within which the base ended', 60_000, 50_000, 150_000],
  ])('%s', (_text, timeoutMs, wallMs, expected) => {
    expect(hangLimit({ timeoutMs }, { wallMs })).toBe(expected)
  })
})
