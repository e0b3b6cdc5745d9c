import fc from 'fast-check'
import { expect, it } from 'vitest'
import { rebuildResults, suiteResults } from '../../../src/core/improvement/results.ts'
import { type TestReport, type TestStatus, statusesOf } from '../../../src/core/validation/index.ts'

const status = fc.constantFrom<TestStatus>('pass', 'fail', 'skip', 'todo', 'error')
const id = fc.tuple(fc.constantFrom('a.js', 'b.js', 'c.js'), fc.nat(5)).map(([file, name]) => `${file}::t${name}`)
const report = (statuses: Record<string, TestStatus>): TestReport => ({
  tests: Object.entries(statuses).map(([each, now]) => ({ id: each, file: each.split('::')[0]!, name: each, status: now, ms: null })),
  complete: true,
  coarse: false,
  problems: [],
})

it('every single result can be told again from the baseline and the difference', () => {
  fc.assert(
    fc.property(fc.dictionary(id, status), fc.dictionary(id, status), fc.boolean(), (base, next, whole) => {
      const files = whole ? null : [...new Set(Object.keys(next).map((each) => each.split('::')[0]!))]
      expect(rebuildResults(base, suiteResults('suite', base, report(next), files))).toEqual(statusesOf(report(next)))
    }),
  )
})

it('a suite that says the same as on the base takes no room', () => {
  const base = { 'a.js::x': 'pass', 'b.js::y': 'skip' } as const
  expect(suiteResults('suite', base, report({ ...base }), null)).toMatchObject({ changed: {}, counts: { pass: 1, skip: 1 } })
})
