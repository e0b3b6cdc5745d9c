import type { CandidateReport, ImproveData } from '../../core/improvement/index.ts'
import { sitesOf, verdictName } from './run.ts'
import { plural, oneLine } from '../../core/kernel/index.ts'
import { metricWords } from './metric.ts'

/** Text that Markdown leaves alone. */
function plain(text: string): string {
  return oneLine(text).replace(/([\\`*_{}[\]<>|#])/g, '\\$1')
}

/** The body of a pull request. */
export function presentSummary(data: ImproveData): string {
  const { totals, baseline } = data
  const kept = data.candidates.filter(({ verdict }) => verdict === 'keep')
  const lines = [
    `## ${plural(kept.length, 'proven change')}`,
    '',
    `Each commit was validated against \`${data.run.base.slice(0, 12)}\` in a sandbox: ${baseline?.tests['pass'] ?? 0} tests pass on the base and on the tip.`,
    '',
    '| change | sites | files | risk | verdict |',
    '|---|---|---|---|---|',
    ...data.candidates
      .filter(({ verdict, state }) => verdict !== null && state !== 'abandoned')
      .map((each) => `| ${plain(each.title)} | ${sitesOf(each)} | ${each.files.length} | ${each.risk} | ${verdictName(each.verdict)} |`),
    '',
    `${totals.found} found, ${totals.kept} kept, ${totals.rolled_back} rolled back, ${totals.cannot_decide} undecided.`,
  ]
  if (data.blind_spots.length > 0)
    lines.push(
      '',
      '### What the tests do not see',
      '',
      ...data.blind_spots.slice(0, 10).map(({ file, line, detail }) => `- \`${oneLine(file)}:${line}\` ${plain(detail)}`),
    )
  lines.push('', `Undo one of them: \`singularity undo ID\`. Run \`${data.run.id}\`.`, '')
  return lines.join('\n')
}

function siteLine({ file, line, kept, exercised, reason }: CandidateReport['exercised_sites'][number]): string {
  const seen = exercised === null ? 'unknown whether a test runs it' : exercised ? 'exercised' : 'not exercised'
  return `- \`${oneLine(file)}:${line}\` ${kept ? 'kept' : 'dropped'}, ${seen}${reason === null ? '' : `: ${plain(reason)}`}`
}

/** One candidate as Markdown. */
export function presentCandidateSummary(report: CandidateReport): string {
  const { candidate, exercised_sites: sites } = report
  const lines = [
    `## ${plain(candidate.title)}`,
    '',
    plain(report.reason),
    '',
    `- verdict: **${verdictName(candidate.verdict)}**, risk ${candidate.risk}, ${sitesOf(candidate)}`,
    `- tests: ${candidate.evidence.tests.baseline['pass'] ?? 0} pass on the base, ${candidate.evidence.tests.candidate['pass'] ?? 0} here`,
    ...candidate.reasons.map(({ code, detail }) => `- ${plain(code.replaceAll('_', ' '))}: ${plain(detail)}`),
    ...candidate.evidence.metrics.map((metric) => `- ${plain(metric.name)}: ${plain(metricWords(metric).join('; '))}`),
    ...(sites.length > 0 ? ['', '### Sites', '', ...sites.slice(0, 30).map(siteLine)] : []),
    ...(sites.length > 30 ? [`- and ${sites.length - 30} more`] : []),
    '',
    '### What this does not prove',
    '',
    ...report.not_proven.map((text) => `- ${plain(text)}`),
  ]
  if (report.undo) lines.push('', `Undo: \`${report.undo}\``)
  return `${lines.join('\n')}\n`
}
