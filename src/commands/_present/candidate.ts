import type { CandidateReport } from '../../core/improvement/index.ts'
import { plural, oneLine } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { metricWords, ownGuards } from './metric.ts'
import { verdictWord } from './run.ts'
import { table } from './text.ts'

function tests({ candidate: { evidence } }: CandidateReport): string[] {
  const { baseline, candidate, regressed, weakened, fixed, flaky } = evidence.tests
  const lines = [
    `tests: ${baseline['pass'] ?? 0} pass on the base, ${candidate['pass'] ?? 0} here${fixed.length > 0 ? `, ${fixed.length} fixed` : ''}${flaky.length > 0 ? `, ${flaky.length} flaky` : ''}`,
  ]
  for (const id of regressed.slice(0, 8)) lines.push(paint('red', `  fails now: ${oneLine(id)}`))
  for (const { file, line, detail, proven } of weakened.slice(0, 8))
    lines.push(
      paint(
        proven ? 'red' : 'yellow',
        `  ${proven ? 'weakened' : 'touched'}: ${oneLine(file)}${line === null ? '' : `:${line}`} ${oneLine(detail)}`,
      ),
    )
  return lines
}

/** One candidate for people: the claim, its proof, and what the proof does not say. */
export function presentCandidate(report: CandidateReport): string {
  const { candidate, exercised_sites: sites } = report
  const { word, color } = verdictWord(candidate)
  const lines = [
    `${paint('bold', oneLine(candidate.title))}`,
    `${paint(color, word)}  ${candidate.id}  ${candidate.source.kind}/${oneLine(candidate.source.id)}  risk ${candidate.risk}  ${candidate.state.replaceAll('_', ' ')}`,
    '',
    oneLine(report.reason),
    ...(report.reference ? [paint('dim', oneLine(report.reference))] : []),
    '',
    ...(candidate.reasons.length > 0
      ? [paint('bold', 'Why'), ...candidate.reasons.map(({ code, detail }) => `  ${code.replaceAll('_', ' ')}: ${oneLine(detail)}`), '']
      : []),
    paint('bold', 'Proof'),
    ...tests(report).map((line) => `  ${line}`),
  ]
  for (const metric of candidate.evidence.metrics) {
    const [says, ...basis] = metricWords(metric)
    lines.push(`  ${oneLine(metric.name)}${metric.unit ? ` (${oneLine(metric.unit)})` : ''}: ${oneLine(says!)}`)
    lines.push(...basis.map((line) => paint('dim', `    ${oneLine(line)}`)))
  }
  for (const { name, ok, detail } of ownGuards(candidate.evidence))
    lines.push(`  ${oneLine(name)}: ${oneLine(detail)}${ok === false ? paint('red', ' not ok') : ''}`)
  if (sites.length > 0) {
    const kept = sites.filter((site) => site.kept)
    lines.push('', paint('bold', `${plural(kept.length, 'site')}${kept.length < sites.length ? ` of ${sites.length}` : ''}`))
    const word_ = (exercised: boolean | null): string =>
      exercised === true ? 'exercised' : exercised === false ? 'not exercised' : 'unknown'
    lines.push(
      table(
        sites
          .slice(0, 30)
          .map((site) => [`${site.file}:${site.line}`, site.kept ? 'kept' : 'dropped', word_(site.exercised), site.reason ?? '']),
        { grow: 3 },
      ),
    )
    if (sites.length > 30) lines.push(`  and ${sites.length - 30} more`)
  }
  lines.push('', paint('bold', 'What this does not prove'), ...report.not_proven.map((text) => `  ${oneLine(text)}`))
  for (const { id, text, answer } of report.questions)
    lines.push(
      '',
      `question ${id}: ${oneLine(text)}`,
      answer === null ? paint('cyan', `  singularity answer ${id} TEXT`) : `  answer: ${oneLine(answer)}`,
    )
  if (report.landed)
    lines.push(
      '',
      `Landed on ${oneLine(report.landed.branch)} as ${report.landed.commit.slice(0, 12)}${report.undo ? `.  ${paint('cyan', report.undo)}` : ', undone.'}`,
    )
  else if (['validated', 'awaiting_approval', 'conflict'].includes(candidate.state))
    lines.push(
      '',
      paint('cyan', `singularity approve ${candidate.id}`),
      ...(candidate.state === 'awaiting_approval' && report.diff_hash !== null
        ? [
            paint('dim', 'or a commit with this trailer, and then singularity resume:'),
            paint('dim', `  Singularity-Approve: ${candidate.id} ${report.diff_hash.slice(0, 12)}`),
          ]
        : []),
    )
  return `${lines.join('\n')}\n`
}
