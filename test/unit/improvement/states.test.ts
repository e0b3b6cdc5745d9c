import { describe, expect, test } from 'vitest'
import { TRANSITIONS, assertTransition } from '../../../src/core/improvement/states.ts'

describe('candidate states', () => {
  test('every state that is reached is also described', () => {
    for (const next of Object.values(TRANSITIONS)) for (const state of next) expect(TRANSITIONS).toHaveProperty(state)
  })

  test('every state but the first can be reached', () => {
    const reached = new Set(Object.values(TRANSITIONS).flat())
    expect(Object.keys(TRANSITIONS).filter((state) => !reached.has(state as never))).toEqual(['proposed'])
  })

  test('nothing lands without an approval', () => {
    const into = (state: string): string[] =>
      Object.entries(TRANSITIONS)
        .filter(([, next]) => (next as readonly string[]).includes(state))
        .map(([from]) => from)
    expect(into('landing')).toEqual(['approved'])
    expect(into('approved').toSorted()).toEqual(['awaiting_approval', 'landing', 'needs_attention'])
  })

  test('a step that does not exist is a conflict a person can read', () => {
    expect(() => assertTransition('c1', 'declined', 'landing')).toThrow(expect.objectContaining({ code: 'STATE_CONFLICT', exitCode: 1 }))
    expect(() => assertTransition('c1', 'approved', 'landing')).not.toThrow()
  })
})
