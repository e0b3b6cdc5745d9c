import type { TestReport, TestStatus } from './runner.ts'

export type Statuses = Readonly<Record<string, TestStatus>>

export type ReportComparison = {
  /** Passed on the base, fails or errors here. */
  regressed: string[]
  /** Passed on the base, is skipped, to do or missing here. */
  weakened: { id: string; now: 'skip' | 'todo' | 'missing' }[]
  /** Failed on the base every time, passes here. */
  fixed: string[]
  /** Tests the base does not have. */
  added: { id: string; status: TestStatus }[]
}

export function countStatuses(statuses: Iterable<TestStatus>): Record<TestStatus, number> {
  const counts: Record<TestStatus, number> = { pass: 0, fail: 0, skip: 0, todo: 0, error: 0 }
  for (const status of statuses) counts[status]++
  return counts
}

/** A table without a prototype: a test may be called `constructor` or `__proto__`. */
export function emptyStatuses(): Record<string, TestStatus> {
  return Object.create(null) as Record<string, TestStatus>
}

export function statusesOf(report: TestReport): Record<string, TestStatus> {
  const statuses = emptyStatuses()
  for (const { id, status } of report.tests) statuses[id] = status
  return statuses
}

/** The status of a test; also for tables that were read back from a record and have a prototype. */
export function statusOf(statuses: Statuses, id: string): TestStatus | undefined {
  return Object.hasOwn(statuses, id) ? statuses[id] : undefined
}

/**
 * Compares a candidate's report with the base's, test by test. Stricter than SWE-bench's grading: a passing test that
 * is skipped, marked to do or gone counts as weakened. Flaky and red tests of the base never block and are never fixed
 * unless they were red in every run.
 */
export function compareReports(
  base: Statuses,
  unstable: ReadonlySet<string>,
  candidate: TestReport,
  selected?: (id: string) => boolean,
): ReportComparison {
  const now = statusesOf(candidate)
  const result: ReportComparison = { regressed: [], weakened: [], fixed: [], added: [] }
  for (const [id, before] of Object.entries(base)) {
    if (unstable.has(id) || (selected && !selected(id))) continue
    const after = now[id]
    if (before === 'pass') {
      if (after === undefined) result.weakened.push({ id, now: 'missing' })
      else if (after === 'fail' || after === 'error') result.regressed.push(id)
      else if (after !== 'pass') result.weakened.push({ id, now: after })
    } else if ((before === 'fail' || before === 'error') && after === 'pass') result.fixed.push(id)
  }
  for (const { id, status } of candidate.tests) if (statusOf(base, id) === undefined) result.added.push({ id, status })
  return result
}
