import { Parser } from 'tap-parser'
import { asNumber, asRecord, asText, type ReportBuilder } from './report.ts'

export type TapLine = {
  /** Names of the subtests the line stands in, outermost first. */
  parents: readonly string[]
  name: string
  group: string
  status: 'pass' | 'fail' | 'skip' | 'todo' | 'error'
  ms: number | null
  message: string
}

/** Comments that sum up instead of naming a test. */
const SUMMARY = /^(?:(?:tests|pass|fail|skip|todo)\s+\d+|ok|time=.*|failed \d.*|Subtest:.*|\{.*\}|No coverage generated)$/

type Assert = {
  ok: boolean
  name: string
  skip?: unknown
  todo?: unknown
  diag?: unknown
  time?: unknown
  closingTestPoint?: unknown
}

/**
 * Reads a TAP stream (versions 12 to 14) strictly: a missing plan, a bail-out or a count that does not fit makes it incomplete.
 * `group` is the last comment before the assertion, tape's way to name a test.
 */
export function readTap(text: string): { lines: TapLine[]; ended: boolean; problems: string[] } {
  const lines: TapLine[] = []
  const problems: string[] = []
  let planned: number | undefined
  let bailed = false
  const parser = new Parser({ strict: false })
  const follow = (current: Parser, parents: readonly string[]): { failed: boolean } => {
    const state = { failed: false }
    let group = ''
    let child = { failed: false }
    current.on('comment', (comment: string) => {
      const found = comment.replace(/^\s*#\s?/, '').trim()
      // tape tells of a skipped test in a comment and nothing else
      const skipped = /^SKIP (.+)$/.exec(found)
      if (skipped) lines.push({ parents, name: '', group: skipped[1]!, status: 'skip', ms: null, message: '' })
      else if (!SUMMARY.test(found)) group = found.replace(/^TODO /, '')
    })
    current.on('child', (inner: Parser) => (child = follow(inner, [...parents, inner.name])))
    current.on('assert', (assert: Assert) => {
      const status = assert.skip ? 'skip' : assert.todo ? 'todo' : assert.ok ? 'pass' : 'fail'
      const line = { parents, name: assert.name, group, ms: asNumber(assert.time), message: messageOf(assert.diag) }
      if (status === 'fail') state.failed = true
      if (!assert.closingTestPoint || status === 'skip' || status === 'todo') lines.push({ ...line, status })
      // A subtest that fails although nothing in it did died, ended early or ran out of time.
      else if (status === 'fail' && !child.failed) lines.push({ ...line, status: 'error' })
      child = { failed: false }
    })
    return state
  }
  follow(parser, [])
  parser.on('plan', (plan: { start: number; end: number }) => (planned = plan.end - plan.start + 1))
  parser.on('bailout', (reason: string) => {
    bailed = true
    problems.push(`bailed out: ${reason}`)
  })
  parser.end(text)
  const results = parser.results
  for (const failure of results?.failures ?? []) if ('tapError' in failure && failure.tapError) problems.push(String(failure.tapError))
  // the parser announces a plan of its own for a stream without one
  return { lines, ended: planned !== undefined && /^1\.\.\d+/m.test(text) && !bailed, problems }
}

function messageOf(diag: unknown): string {
  const record = asRecord(diag)
  return asText(record['stack']) || asText(record['message']) || (Object.keys(record).length > 0 ? JSON.stringify(record) : '')
}

/** Adds the lines of a TAP stream to a report. */
export function addTap(report: ReportBuilder, text: string, place: (line: TapLine) => { file: string; name: string }): boolean {
  const { lines, ended, problems } = readTap(text)
  for (const line of lines) report.add({ ...place(line), status: line.status, ms: line.ms, message: line.message })
  for (const problem of problems) report.problem(problem)
  return ended
}

/** 'parents > comment > assertion', as far as there are any. */
export function tapName({ parents, group, name }: TapLine): string {
  return [...parents, group, name].filter((part) => part !== '').join(' > ')
}
