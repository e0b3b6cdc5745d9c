import type { CandidateData } from '../../core/improvement/index.ts'

type Evidence = CandidateData['evidence']
type Metric = Evidence['metrics'][number]

export const percent = (ratio: number | null): string => (ratio === null ? '?' : `${ratio >= 0 ? '+' : ''}${(ratio * 100).toFixed(1)} %`)

const chance = (p: number): string => (p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`)

/** What a metric says and what that rests on: interval, sign-flip test, rounds, and the base against itself. */
export function metricWords({
  verdict,
  estimate,
  lower,
  upper,
  sign_flip_p: p,
  rounds,
  control,
  detail,
  self_reported: own,
}: Metric): string {
  const itself = control && `base against itself ${percent(control.lower)} to ${percent(control.upper)} in ${control.pairs} pairs`
  if (verdict === 'not_measured') return `not measured: ${detail ?? ''}${itself ? ` (${itself})` : ''}`
  const rests = [
    ...(p === null ? [] : [`sign flip ${chance(p)}`]),
    ...(rounds > 1 ? [`measured ${rounds} times`] : []),
    ...(itself ? [itself] : []),
  ]
  const marks = [...(own ? ['self-reported'] : []), ...(detail === null ? [] : [detail])].map((mark) => ` (${mark})`).join('')
  return `${percent(estimate)}, between ${percent(lower)} and ${percent(upper)}: ${verdict.replaceAll('_', ' ')}${marks}${rests.length > 0 ? `; ${rests.join(', ')}` : ''}`
}

/** Guards without those that only repeat that a metric was not measured. */
export const ownGuards = ({ guards, metrics }: Evidence): Evidence['guards'] =>
  guards.filter(({ ok, name }) => ok !== null || !metrics.some((metric) => metric.name === name && metric.verdict === 'not_measured'))
