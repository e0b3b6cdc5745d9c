import type { CandidateData, ImproveData } from '../../core/improvement/index.ts'
import { formatDuration, plural, oneLine } from '../../core/kernel/index.ts'
import { type Paint, paint } from '../_cli/paint.ts'
import { table } from './text.ts'

const WORDS: Record<string, { word: string; color: Paint }> = {
  keep: { word: 'keep', color: 'green' },
  roll_back: { word: 'roll back', color: 'red' },
  cannot_decide: { word: 'undecided', color: 'yellow' },
  errored: { word: 'errored', color: 'red' },
  not_run: { word: 'not run', color: 'dim' },
  replaced: { word: 'in part', color: 'dim' },
}

export function verdictWord(candidate: CandidateData): { word: string; color: Paint } {
  if (candidate.state === 'errored') return WORDS['errored']!
  if (candidate.state === 'abandoned' && candidate.verdict === 'roll_back') return WORDS['replaced']!
  return WORDS[candidate.verdict ?? 'not_run']!
}

/** The word for a verdict; null is evidence without one. */
export function verdictName(verdict: string | null): string {
  return WORDS[verdict ?? 'errored']!.word
}

function heading(text: string): string {
  return `\n${paint('bold', text)}\n`
}

function baselineLine({ baseline }: ImproveData): string {
  if (!baseline) return ''
  const { pass = 0, fail = 0, error = 0, skip = 0, todo = 0 } = baseline.tests
  const parts = [
    `${plural(pass, 'test')} pass`,
    ...(fail + error > 0 ? [`${fail + error} fail`] : []),
    ...(skip + todo > 0 ? [`${skip + todo} skipped`] : []),
  ]
  const flaky = baseline.flaky.length > 0 ? `, ${baseline.flaky.length} flaky` : ''
  return `${parts.join(', ')}${flaky} in ${formatDuration(baseline.seconds * 1000)}${baseline.cached ? ' (known from an earlier run)' : ''}`
}

/** How much of a candidate is kept. */
export function sitesOf({ sites }: CandidateData): string {
  if (sites.found === 0) return 'whole'
  return sites.kept === sites.found ? plural(sites.found, 'site') : `${sites.kept} of ${sites.found}`
}

function why(candidate: CandidateData): string {
  const [first] = candidate.reasons
  if (first) return `${first.code.replaceAll('_', ' ')}: ${first.detail}`
  return candidate.sites.dropped > 0
    ? `${plural(candidate.sites.dropped, 'site')} left as ${candidate.sites.dropped === 1 ? 'it was' : 'they were'}`
    : ''
}

function blindSpots({ blind_spots: spots, baseline }: ImproveData): string {
  const functions = spots.filter(({ kind }) => kind === 'unexercised_function')
  const faults = spots.filter(({ kind }) => kind === 'unnoticed_fault')
  const lines: string[] = []
  if (baseline?.control && baseline.control.planted > 0)
    lines.push(`  The tests noticed ${baseline.control.noticed} of ${plural(baseline.control.planted, 'planted fault')}.`)
  for (const { file, line, detail } of faults.slice(0, 5)) lines.push(`  ${paint('yellow', `${oneLine(file)}:${line}`)} ${oneLine(detail)}`)
  if (functions.length > 0) {
    lines.push(`  Nobody tests ${functions.length === 1 ? 'this function' : `these ${functions.length} functions`}:`)
    for (const { file, line, name } of functions.slice(0, 8)) lines.push(`    ${oneLine(name)} ${paint('dim', `${oneLine(file)}:${line}`)}`)
    if (functions.length > 8) lines.push(`    and ${functions.length - 8} more`)
  }
  return lines.length === 0 ? '' : heading('What your tests do not see') + `${lines.join('\n')}\n`
}

function landedOn(candidates: readonly CandidateData[]): string {
  const branches = [
    ...new Set(candidates.flatMap(({ landed_on: branch, state }) => (branch === null || state !== 'landed' ? [] : [oneLine(branch)]))),
  ]
  return branches.length === 0 ? '' : ` on ${branches.join(', ')}`
}

function totalsLine({ totals, candidates }: ImproveData): string {
  const parts = [
    paint('green', `${totals.kept} kept`),
    totals.rolled_back > 0 ? paint('red', `${totals.rolled_back} rolled back`) : '',
    totals.cannot_decide > 0 ? paint('yellow', `${totals.cannot_decide} undecided`) : '',
    totals.errored > 0 ? paint('red', `${totals.errored} errored`) : '',
    totals.not_run > 0 ? `${totals.not_run} not run` : '',
    totals.landed > 0 ? paint('green', `${totals.landed} landed${landedOn(candidates)}`) : '',
    totals.waiting > 0 ? `${totals.waiting} waiting for you` : '',
  ]
  return `${plural(totals.found, 'candidate')}: ${parts.filter(Boolean).join(', ')}`
}

/** A run for people: plan and baseline, candidates, blind spots, notes, what to type next. */
export function presentRun(data: ImproveData, look = false): string {
  const shown = data.candidates.filter(({ id }) => !data.candidates.some(({ parent }) => parent === id))
  const lines: string[] = [
    `${paint('bold', `run ${data.run.id}`)} on ${oneLine(data.run.branch ?? 'a detached head')} at ${data.run.base.slice(0, 10)}`,
  ]
  for (const { id, origin } of data.plan?.entries.slice(0, 6) ?? []) lines.push(paint('dim', `  ${oneLine(id)} (${oneLine(origin)})`))
  if (data.baseline) lines.push(`  ${baselineLine(data)}`)
  let text = `${lines.join('\n')}\n`
  if (shown.length > 0) {
    text += heading(look ? 'Could be improved (not proven yet)' : 'Candidates')
    const rows = shown.map((candidate) =>
      look
        ? [
            candidate.id,
            candidate.title,
            plural(candidate.sites.found, 'site'),
            candidate.files.length === 1 ? oneLine(candidate.files[0]!) : plural(candidate.files.length, 'file'),
          ]
        : [
            verdictWord(candidate).word,
            candidate.id,
            candidate.title,
            sitesOf(candidate),
            candidate.risk,
            candidate.state.replaceAll('_', ' '),
          ],
    )
    text += `${table(rows, { grow: look ? 1 : 2, paint: (row, column, cell) => (!look && column === 0 ? paint(verdictWord(shown[row]!).color, cell) : column === (look ? 0 : 1) ? paint('dim', cell) : cell) })}\n`
    if (!look) {
      const reasons = shown.filter((candidate) => why(candidate) !== '').map((candidate) => [candidate.id, why(candidate)])
      if (reasons.length > 0)
        text +=
          heading('Why') + `${table(reasons, { grow: 1, paint: (_row, column, cell) => (column === 0 ? paint('dim', cell) : cell) })}\n`
    }
  }
  text += blindSpots(data)
  if (look && data.hot_rules.length > 0)
    text +=
      heading('Hot rules') +
      `${table(
        data.hot_rules.map(({ rule, sites, files }) => [rule, plural(sites, 'site'), plural(files, 'file')]),
        { grow: 0 },
      )}\n`
  if (data.notes.length > 0) text += heading('Notes') + `${data.notes.map((note) => `  ${oneLine(note)}`).join('\n')}\n`
  text += look ? '\n' : `\n${totalsLine(data)}\n`
  if (data.next.length > 0) text += `${data.next.map((command) => `  ${paint('cyan', oneLine(command))}`).join('\n')}\n`
  return text
}
