import type { CandidateReport } from '../core/improvement/index.ts'
import { SingularityError, messageOf, oneLine, printable } from '../core/kernel/index.ts'
import stringWidth from 'string-width'

type Color = 'green' | 'red' | 'cyan' | 'gray'
export type Line = { text: string; color?: Color }

/** What is longer is cut: nobody reads on, and a line of a megabyte would be wrapped at every key. */
const LONGEST_LINE = 4000
// oxlint-disable-next-line no-control-regex -- plain ASCII has one column per character
const ASCII = /^[\u0020-\u007e]*$/
const WORDS = { keep: 'keep', roll_back: 'roll back', cannot_decide: 'undecided' } as const

const percent = (ratio: number | null): string => (ratio === null ? '?' : `${ratio >= 0 ? '+' : ''}${(ratio * 100).toFixed(1)} %`)
const exercise = (exercised: boolean | null): string =>
  exercised === true ? 'exercised' : exercised === false ? 'not exercised' : 'not known to be exercised'

/** The lines of a candidate's proof. */
export function evidenceLines(report: CandidateReport): Line[] {
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
        `${name}: ${verdict === 'not_measured' ? `not measured${detail ? `: ${detail}` : ''}` : `${percent(estimate)}, between ${percent(lower)} and ${percent(upper)}: ${verdict.replaceAll('_', ' ')}${p === null ? '' : `, sign flip p ${p.toFixed(3)}`}`}`,
    ),
    ...guards.map(({ name, ok, detail }) => `${name}: ${detail}${ok === false ? ' (not ok)' : ''}`),
    '',
    ...report.exercised_sites.map(
      ({ file, line, kept, exercised, reason }) =>
        `${file}:${line} ${kept ? 'kept' : 'dropped'}, ${exercise(exercised)}${reason === null ? '' : `: ${reason}`}`,
    ),
    '',
    'What this does not prove:',
    ...report.not_proven.map((text) => `  ${text}`),
    ...report.questions.flatMap(({ text, answer }) => ['', `question: ${text}`, ...(answer === null ? [] : [`  answer: ${answer}`])]),
  ].map((text) => ({ text: oneLine(text) }))
}

/** A diff, line by line, with nothing in it that drives a terminal. What comes before a file's first hunk is its header. */
export function diffLines(diff: string): Line[] {
  let isHeader = true
  return diff.split('\n').map((raw) => {
    if (raw.startsWith('diff --git ')) isHeader = true
    else if (raw.startsWith('@@')) isHeader = false
    const text = printable(raw)
      .replaceAll('\t', '  ')
      .replace(isHeader ? /(?<=^index [0-9a-f]{12}|\.\.[0-9a-f]{12})[0-9a-f]+/g : '', '')
    const color = isHeader
      ? 'gray'
      : raw.startsWith('+')
        ? 'green'
        : raw.startsWith('-')
          ? 'red'
          : raw.startsWith('@@')
            ? 'cyan'
            : undefined
    return color ? { text, color } : { text }
  })
}

/** Everything as JSON; JSON itself leaves C1 controls and bidirectional marks as they are. */
export function jsonLines(report: CandidateReport): Line[] {
  return JSON.stringify(report, null, 2)
    .split('\n')
    .map((text) => ({ text: printable(text) }))
}

/** Lines broken at the width of the screen, so that nothing a yes is about stays unseen; wide characters count double. */
export function wrapLines(lines: readonly Line[], width: number): Line[] {
  return lines.flatMap((line) => {
    const text = line.text.length > LONGEST_LINE ? `${line.text.slice(0, LONGEST_LINE)}… (${line.text.length} characters)` : line.text
    return rowsOf(text, width).map((row) => ({ ...line, text: row }))
  })
}

function rowsOf(text: string, width: number): string[] {
  if (ASCII.test(text)) {
    const rows: string[] = []
    let rest = text
    while (rest.length > width) {
      const space = rest.slice(0, width + 1).lastIndexOf(' ')
      const at = space > width / 2 ? space : width
      rows.push(rest.slice(0, at))
      rest = rest.slice(at)
    }
    return [...rows, rest]
  }
  const rows = ['']
  let used = 0
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    const columns = stringWidth(segment)
    if (used + columns > width) {
      rows.push('')
      used = 0
    }
    rows[rows.length - 1] += segment
    used += columns
  }
  return rows
}

/** One row of the list. */
export function listLine({ candidate, questions }: CandidateReport): string {
  const asked = questions.some(({ answer }) => answer === null) ? '(question) ' : ''
  const word = candidate.verdict === null ? '' : WORDS[candidate.verdict]
  return oneLine(`${candidate.id}  ${word.padEnd(9)}  ${candidate.risk.padEnd(6)}  ${asked}${candidate.title}`)
}

/** What went wrong, with the first thing to do about it. */
export function failureLine(error: unknown): string {
  const [hint] = SingularityError.isInstance(error) ? error.hints : []
  return hint === undefined ? messageOf(error) : `${messageOf(error)}  ${hint}`
}

/** The keys that work now; each line fits the width, on a narrow terminal the rarer ones are left out. */
export function keyLine(view: 'list' | 'reading' | 'input', isRefused: boolean, width: number): string {
  const isWide = width >= 80
  if (view === 'input') return 'enter send  esc back'
  if (view === 'reading')
    return isWide
      ? `arrows scroll  e evidence  d diff  J json  ${isRefused ? 'o override' : 'a approve  r reject'}  q back`
      : `e d J read  ${isRefused ? 'o override' : 'a approve  r reject'}  q back`
  if (isWide)
    return isRefused
      ? 'e read  d diff  J json  o override  ? ask  / search  q quit'
      : 'e read  d diff  J json  a approve  r reject  ? ask  n answer  / search  q quit'
  return isRefused ? 'e read  d diff  o override  q quit' : 'e read  d diff  a approve  r reject  q quit'
}
