import { isAbsolute, posix } from 'node:path'
import { printable, sha256 } from '../../kernel/index.ts'
import type { TestReport, TestResult, TestStatus } from '../runner.ts'

const MAX_NAME = 400
const MAX_MESSAGE = 4000

export type FoundTest = { file: string; name: string; status: TestStatus; ms?: number | null | undefined; message?: string | undefined }

export type ReportBuilder = {
  add(test: FoundTest): void
  problem(text: string): void
  readonly size: number
  /**
   * Closes the report. `ended` says that the runner wrote its end mark; an exit code that contradicts the statuses makes
   * the report incomplete (exit 0 with failures, or a failure exit without any).
   */
  finish(outcome: { ended: boolean; exitCode: number | null; coarse?: boolean }): TestReport
}

/** Text of a test or message made fit for terminals and keys: one line, no control characters, bounded. */
export function cleanName(text: string): string {
  const line = printable(text).replace(/\s+/g, ' ').trim()
  return line.length <= MAX_NAME ? line : `${line.slice(0, MAX_NAME)}…${sha256(line).slice(0, 8)}`
}

export function createReport(): ReportBuilder {
  const tests: TestResult[] = []
  const problems: string[] = []
  const seen = new Map<string, number>()
  return {
    add({ file, name, status, ms, message }) {
      const clean = cleanName(name) || '(no name)'
      const key = `${printable(file)}::${clean}`
      const occurrence = (seen.get(key) ?? 0) + 1
      seen.set(key, occurrence)
      const id = occurrence === 1 ? key : `${key} #${occurrence}`
      const known = ms !== undefined && ms !== null && Number.isFinite(ms) ? ms : null
      tests.push({ id, file, name: clean, status, ms: known, ...(message ? { message: printable(message).slice(0, MAX_MESSAGE) } : {}) })
    },
    problem(text) {
      problems.push(printable(text).slice(0, MAX_MESSAGE))
    },
    get size() {
      return tests.length
    },
    finish({ ended, exitCode, coarse = false }) {
      const failed = tests.filter((test) => test.status === 'fail' || test.status === 'error').length
      let complete = ended && problems.length === 0
      if (!ended) problems.push(`the report is ${tests.length === 0 ? 'missing or empty' : 'cut'} (exit ${exitCode ?? 'by signal'})`)
      if (ended && exitCode === null) {
        complete = false
        problems.push('the runner was ended by a signal')
      } else if (ended && exitCode === 0 && failed > 0) {
        complete = false
        problems.push(`exit 0 although ${failed} tests failed`)
      } else if (ended && exitCode !== 0 && failed === 0) {
        complete = false
        problems.push(`exit ${exitCode} although no test failed`)
      }
      return { tests, complete, coarse, problems }
    },
  }
}

/** A path of a report as a path relative to the top of the tree; unchanged where it lies outside. */
export function relativeToTop(path: string, root: string, scope: string): string {
  const plain = path.startsWith('file://') ? decodeURIComponent(path.slice(7)) : path
  if (!isAbsolute(plain)) return posix.normalize(posix.join(scope, plain))
  const base = root.endsWith('/') ? root : `${root}/`
  return plain.startsWith(base) ? plain.slice(base.length) : plain
}

/** A path relative to the top as a path relative to a package. */
export function relativeToScope(path: string, scope: string): string {
  return scope === '' ? path : posix.relative(scope, path)
}

/** Parses a JSON report; undefined where it is missing, cut or not JSON. */
export function parseReport(data: Buffer | undefined): unknown {
  if (!data || data.length === 0) return undefined
  try {
    return JSON.parse(data.toString('utf8')) as unknown
  } catch {
    return undefined
  }
}

/** JSON lines; a last line that is cut is reported by `cut`, other lines that are not JSON by `noise`. */
export function parseLines(text: string): { values: unknown[]; cut: boolean; noise: string[] } {
  const values: unknown[] = []
  const noise: string[] = []
  const lines = text.split('\n')
  for (const line of lines) {
    if (line.trim() === '') continue
    try {
      values.push(JSON.parse(line) as unknown)
    } catch {
      noise.push(line)
    }
  }
  return { values, cut: text.length > 0 && !text.endsWith('\n'), noise }
}

export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

export function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

export function asText(value: unknown): string {
  return typeof value === 'string'
    ? value
    : value === undefined || value === null
      ? ''
      : typeof value === 'object'
        ? JSON.stringify(value)
        : String(value as number)
}

export function asNumber(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : null
}
