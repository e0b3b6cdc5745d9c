import type { InstrumentEvidence, MetricEvidence } from '../evidence.ts'
import { compared, notMeasured } from './measure.ts'

export type ClaimOptions = {
  margin: number
  /** One round of base against candidate, on sandboxes of its own. */
  measure: (round: number) => Promise<MetricEvidence>
  /** The check of the instrument; left out where none belongs to the metric, null where it could not be made. */
  control?: () => Promise<InstrumentEvidence | null>
}

/**
 * A metric with everything its verdict rests on.
 *
 * 1. A first round. What could not be measured ends here.
 * 2. The instrument: the base against itself, measured in the same way, has to be equivalent (Schuirmann 1987: the whole
 *    interval within the margin). If it is not, nothing that was measured here counts, in either direction: the metric
 *    is `not_measured`, or `unclear` where the first round said worse. The control stands beside every verdict, also
 *    beside `not_worse`.
 * 3. A claim, improved or worse, is measured once more: the first round was chosen because it looked good or bad, and
 *    what is chosen for its extreme is exaggerated. Both rounds together are judged; a claim whose second round could
 *    not be made keeps `rounds: 1`, with which no verdict follows from it.
 *
 * A claim needs the first round and both together, so its error rate is at most that of one round.
 */
export async function measureClaim({ margin, measure, control }: ClaimOptions): Promise<MetricEvidence> {
  const first = await measure(1)
  if (first.verdict === 'not_measured') return first
  const instrument = control ? await control() : null
  if (control && !instrument?.equivalent) {
    const detail = instrument
      ? 'on this machine, now, the unchanged code does not compare equal with itself'
      : 'the unchanged code could not be compared with itself'
    // A warning from a poor instrument proves nothing, but is no reason to go on without a person either.
    if (first.verdict === 'worse') return { ...first, verdict: 'unclear', detail, control: instrument }
    return { ...notMeasured(first, detail), self_reported: first.self_reported, control: instrument, samples: first.samples }
  }
  const checked = { ...first, control: instrument }
  if (first.verdict !== 'worse' && first.verdict !== 'improved') return checked
  const again = await measure(2)
  if (again.verdict === 'not_measured')
    return { ...checked, verdict: 'unclear', detail: `the second round was not measured: ${again.detail}` }
  return {
    ...checked,
    ...compared([...first.samples, ...again.samples], { margin, direction: first.direction }),
    rounds: 2,
    self_reported: first.self_reported || again.self_reported,
  }
}
