import type { CandidateData } from '../../core/improvement/index.ts'

type Evidence = CandidateData['evidence']
type Metric = Evidence['metrics'][number]

const percent = (ratio: number | null): string => (ratio === null ? '?' : `${ratio >= 0 ? '+' : ''}${(ratio * 100).toFixed(1)} %`)

/** What a metric says, then what that rests on: the sign-flip test, the rounds, and the base against itself. */
export function metricWords(metric: Metric): string[] {
  const { verdict, estimate, lower, upper, sign_flip_p: p, rounds, control, detail, self_reported: own } = metric
  const marks = [...(own ? ['self-reported'] : []), ...(detail === null || verdict === 'not_measured' ? [] : [detail])]
  const claim = [
    ...(p === null ? [] : [`sign flip ${p < 0.001 ? 'p < 0.001' : `p = ${p.toFixed(3)}`}`]),
    ...(rounds > 1 ? [`measured ${rounds} times`] : []),
  ]
  return [
    verdict === 'not_measured'
      ? `not measured: ${detail ?? 'nothing ran'}`
      : `${percent(estimate)}, between ${percent(lower)} and ${percent(upper)}: ${verdict.replaceAll('_', ' ')}${marks.map((mark) => ` (${mark})`).join('')}`,
    ...(claim.length > 0 ? [claim.join(', ')] : []),
    ...(control
      ? [
          `base against itself between ${percent(control.lower)} and ${percent(control.upper)}, ${control.pairs} pairs${control.equivalent ? '' : ': not equal'}`,
        ]
      : []),
  ]
}

/** Guards without those that only repeat that a metric was not measured. */
export const ownGuards = ({ guards, metrics }: Evidence): Evidence['guards'] =>
  guards.filter(({ ok, name }) => ok !== null || !metrics.some((metric) => metric.name === name && metric.verdict === 'not_measured'))
