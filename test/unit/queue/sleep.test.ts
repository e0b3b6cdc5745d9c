import { expect, it } from 'vitest'
import { createSleepDetector } from '../../../src/core/queue/index.ts'
import { manualClock } from '../../support/queue.ts'

it('tells a suspended machine from time that passes and from a small correction of the clock', () => {
  const clock = manualClock()
  const sleep = createSleepDetector(clock)
  clock.advance(3_600_000)
  expect(sleep.slept()).toBe(0)
  clock.jump(29_000)
  expect(sleep.slept()).toBe(0)
  clock.jump(31_000)
  expect(sleep.slept()).toBe(31_000)
  expect(sleep.slept()).toBe(0)
  clock.jump(-3_600_000)
  expect(sleep.slept()).toBe(0)
})
