import { describe, expect, it } from 'vitest'
import { readNotice } from '../../../src/core/improvement/control.ts'
import { type Trial, emptyTrial } from '../../../src/core/improvement/trials.ts'

const report = (tests: { id: string; message?: string }[]): Trial['reports'] =>
  new Map([
    [
      'suite',
      {
        tests: tests.map(({ id, message }) => ({ id, file: id, name: id, status: 'fail' as const, ms: null, ...(message && { message }) })),
        complete: true,
        coarse: false,
        problems: [],
      },
    ],
  ])

const trial = (more: Partial<Trial>): Trial => ({ ...emptyTrial('c0ffee'), ...more })

describe('a planted fault', () => {
  it('is noticed when tests fail, hang or are gone, and not when all pass', () => {
    expect(readNotice(trial({ regressed: ['a::b'], reports: report([{ id: 'a::b' }]) }), 'a.go')).toBe(true)
    expect(readNotice(trial({ hang: true }), 'a.go')).toBe(true)
    expect(readNotice(trial({ weakened: [{ id: 'a::b', now: 'missing' }] }), 'a.js')).toBe(true)
    expect(readNotice(trial({}), 'a.go')).toBe(false)
  })

  it('says nothing when a build, a compiler or a missing runner stopped the run', () => {
    const missing = [{ id: 'a::b', now: 'missing' }]
    expect(readNotice(trial({ guards: [{ name: 'build', ok: false, detail: '' }] }), 'a.ts')).toBeNull()
    expect(readNotice(trial({ unrun: 'compile', weakened: missing }), 'a.go')).toBeNull()
    expect(readNotice(trial({ unrun: 'compile', coarse: true, regressed: ['::(suite)'] }), 'a.c')).toBeNull()
    expect(readNotice(trial({ unrun: 'start', silent: true, weakened: missing }), 'a.py')).toBeNull()
  })

  it('is noticed by a test that fails in spite of another package that does not compile, not by one that does not compile itself', () => {
    const [own, other] = [
      { id: 'a::b', message: 'want 3, got 4' },
      { id: 'a::b', message: 'src/a.ts:3:1 - error TS2322: Type' },
    ]
    expect(readNotice(trial({ unrun: 'compile', regressed: ['a::b'], reports: report([own]) }), 'a.ts')).toBe(true)
    expect(readNotice(trial({ unrun: 'compile', regressed: ['a::b'], reports: report([other]) }), 'a.ts')).toBeNull()
  })

  it('that leaves no report is noticed in an interpreted language and says nothing in a compiled one', () => {
    const silent = trial({ silent: true, weakened: [{ id: 'a::b', now: 'missing' }] })
    expect(readNotice(silent, 'a.js')).toBe(true)
    expect(readNotice(silent, 'a.c')).toBeNull()
    expect(readNotice(trial({ errors: ['no report'] }), 'a.go')).toBeNull()
  })
})
