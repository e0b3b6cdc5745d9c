import { expect, it } from 'vitest'
import { type TestReport, type TestStatus, compareReports, statusOf, statusesOf } from '../../../src/core/validation/index.ts'

const ODD = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf']
const report = (statuses: readonly (readonly [string, TestStatus])[]): TestReport => ({
  tests: statuses.map(([id, status]) => ({ id, file: id, name: id, status, ms: null })),
  complete: true,
  coarse: false,
  problems: [],
})

it('tests may be called as the members every object has', () => {
  const passing = report(ODD.map((id) => [id, 'pass']))
  const base = statusesOf(passing)
  expect(Object.keys(base)).toEqual(ODD)
  // written to a record and read back
  const stored = JSON.parse(JSON.stringify(base)) as typeof base
  for (const statuses of [base, stored]) {
    const gone = compareReports(statuses, new Set(), report([]))
    expect(gone).toEqual({ regressed: [], weakened: ODD.map((id) => ({ id, now: 'missing' })), fixed: [], added: [] })
    expect(compareReports(statuses, new Set(), report(ODD.map((id) => [id, 'fail']))).regressed).toEqual(ODD)
    expect(compareReports(statuses, new Set(), passing)).toEqual({ regressed: [], weakened: [], fixed: [], added: [] })
  }
})

it('and such a test is an addition where the base has none', () => {
  expect(compareReports({}, new Set(), report(ODD.map((id) => [id, 'pass']))).added.map(({ id }) => id)).toEqual(ODD)
  expect(statusOf({}, 'constructor')).toBeUndefined()
})
