import { type TestReport, type TestStatus, countStatuses, statusesOf } from '../validation/index.ts'

export type SuiteResults = {
  entry: string
  /** The test files that ran; null for the whole suite. */
  files: readonly string[] | null
  complete: boolean
  counts: Record<TestStatus, number>
  /** Only what is not as in the baseline of the run: with it, every single result can be told. */
  changed: Readonly<Record<string, TestStatus | 'missing'>>
}

/** One trial of a candidate: alone, as a member of a train (then the commit is the tip), or under the base's tests. */
export type TrialResults = { purpose: 'candidate' | 'base_tests'; commit: string; suites: readonly SuiteResults[] }

type Statuses = Readonly<Record<string, TestStatus>>

/** What a suite said about each test, as a difference to the baseline. */
export function suiteResults(entry: string, base: Statuses, report: TestReport, files: readonly string[] | null): SuiteResults {
  const now = statusesOf(report)
  const changed: Record<string, TestStatus | 'missing'> = {}
  for (const [id, status] of Object.entries(now)) if (base[id] !== status) changed[id] = status
  for (const id of within(base, files)) if (now[id] === undefined) changed[id] = 'missing'
  return { entry, files, complete: report.complete, counts: countStatuses(Object.values(now)), changed }
}

/** Every result of a suite again, from the baseline and the difference. */
export function rebuildResults(base: Statuses, { files, changed }: SuiteResults): Record<string, TestStatus> {
  const all: [string, TestStatus | 'missing'][] = within(base, files).map((id) => [id, base[id]!])
  return Object.fromEntries(
    [...new Map([...all, ...Object.entries(changed)])].filter((pair): pair is [string, TestStatus] => pair[1] !== 'missing'),
  )
}

function within(base: Statuses, files: readonly string[] | null): string[] {
  const ids = Object.keys(base)
  return files === null ? ids : ids.filter((id) => files.includes(id.split('::')[0]!))
}
