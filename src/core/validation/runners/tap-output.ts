import { Parser } from 'tap-parser'
import { asNumber, asRecord, asText, type ReportBuilder } from './report.ts'

export type TapLine = { name: string; group: string; status: 'pass' | 'fail' | 'skip' | 'todo'; ms: number | null; message: string }

/**
 * Reads a TAP stream (versions 12 to 14) strictly: a missing plan, a bail-out or a count that does not fit makes it incomplete.
 * `group` is the last comment before the assertion, tape's way to name a test.
 */
export function readTap(text: string): { lines: TapLine[]; ended: boolean; problems: string[] } {
  const lines: TapLine[] = []
  const problems: string[] = []
  let bailed = false
  const parser = new Parser({ strict: false })
  const follow = (current: Parser, parents: readonly string[]): void => {
    let group = ''
    current.on('comment', (comment: string) => {
      const found = comment.replace(/^\s*#\s?/, '').trim()
      if (!/^(?:tests|pass|fail|skip|todo|ok|time=|failed \d|Subtest:)/.test(found)) group = found.replace(/^(?:TODO|SKIP) /, '')
    })
    current.on('child', (child: Parser) => follow(child, [...parents, child.name]))
    current.on(
      'assert',
      (assert: {
        ok: boolean
        name: string
        skip?: unknown
        todo?: unknown
        diag?: unknown
        time?: unknown
        closingTestPoint?: unknown
      }) => {
        if (assert.closingTestPoint) return
        const status = assert.skip ? 'skip' : assert.todo ? 'todo' : assert.ok ? 'pass' : 'fail'
        const name = [...parents, assert.name].filter((part) => part !== '').join(' > ')
        lines.push({ name, group, status, ms: asNumber(assert.time), message: messageOf(assert.diag) })
      },
    )
  }
  follow(parser, [])
  parser.on('bailout', (reason: string) => {
    bailed = true
    problems.push(`bailed out: ${reason}`)
  })
  parser.end(text)
  const results = parser.results
  for (const failure of results?.failures ?? []) if ('tapError' in failure && failure.tapError) problems.push(String(failure.tapError))
  // The parser makes up a plan for an empty stream: only one that was printed counts.
  return { lines, ended: /^1\.\.\d+/m.test(text) && !bailed, problems }
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
