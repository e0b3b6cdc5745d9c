import type { CandidateReport } from '../core/improvement/index.ts'
import { oneLine, printable } from '../core/kernel/index.ts'

const percent = (ratio: number | null): string => (ratio === null ? '?' : `${ratio >= 0 ? '+' : ''}${(ratio * 100).toFixed(1)} %`)

/** The lines of a candidate's proof. */
export function evidenceLines(report: CandidateReport): string[] {
  const { candidate } = report
  const { tests, metrics, guards } = candidate.evidence
  return [
    `${candidate.id}  ${candidate.title}`,
    report.reason,
    '',
    ...candidate.reasons.map(({ code, detail }) => `${code.replaceAll('_', ' ')}: ${detail}`),
    `tests: ${tests.baseline['pass'] ?? 0} pass on the base, ${tests.candidate['pass'] ?? 0} here`,
    ...tests.regressed.map((id) => `  fails now: ${id}`),
    ...tests.weakened.map(({ file, detail }) => `  weakened: ${file} ${detail}`),
    ...metrics.map(
      ({ name, estimate, lower, upper, verdict, detail, sign_flip_p: p }) =>
        `${name}: ${verdict === 'not_measured' ? `not measured: ${detail ?? ''}` : `${percent(estimate)} between ${percent(lower)} and ${percent(upper)}: ${verdict}${p === null ? '' : `, sign flip p ${p.toFixed(3)}`}`}`,
    ),
    ...guards.map(({ name, detail }) => `${name}: ${detail}`),
    '',
    ...report.exercised_sites.map(
      ({ file, line, kept, exercised, reason }) =>
        `${file}:${line} ${kept ? 'kept' : 'dropped'} ${exercised === true ? 'exercised' : 'not known to be exercised'} ${reason ?? ''}`,
    ),
    '',
    'What this does not prove:',
    ...report.not_proven.map((text) => `  ${text}`),
    ...report.questions.flatMap(({ text, answer }) => ['', `question: ${text}`, ...(answer === null ? [] : [`  answer: ${answer}`])]),
  ].map(oneLine)
}

/** A diff, line by line, with nothing in it that drives a terminal. */
export function diffLines(diff: string): string[] {
  return diff.split('\n').map((line) => printable(line).replaceAll('\t', '  '))
}

/** Everything as JSON; JSON itself leaves C1 controls and bidirectional marks as they are. */
export function jsonLines(report: CandidateReport): string[] {
  return JSON.stringify(report, null, 2).split('\n').map(printable)
}

/** One row of the list. */
export function listLine({ candidate, questions }: CandidateReport): string {
  const asked = questions.some(({ answer }) => answer === null) ? '  (question)' : ''
  return oneLine(`${candidate.id}  ${candidate.verdict ?? ''}  ${candidate.risk.padEnd(6)} ${candidate.title}${asked}`)
}

/** The keys that work now; each line fits 80 columns. */
export function keyLine(view: 'list' | 'reading' | 'input', isRefused: boolean): string {
  if (view === 'input') return 'enter send  esc back'
  if (view === 'reading') return `arrows scroll  e evidence  d diff  J json  ${isRefused ? 'o override' : 'a approve  r reject'}  q back`
  return isRefused
    ? 'e read  d diff  J json  o override  ? ask  / search  q quit'
    : 'e read  d diff  J json  a approve  r reject  ? ask  n answer  / search  q quit'
}
