import type { MetricEvidence } from '../evidence.ts'
import { LOOKS, type Pair, comparePaired, pairsNeeded } from './paired.ts'

/** One measured run; `null` voids it (left-over processes, a timer that failed, another set of tests). */
export type Sample = { value: number | null; selfReported?: boolean }

export type MeasureOptions = {
  name: string
  unit: string
  direction: 'lower' | 'higher'
  margin: number
  base: () => Promise<Sample>
  candidate: () => Promise<Sample>
  mayContinue: () => boolean
  onPair?: (done: number, of: number) => void
}

const MAX_VOID_SHARE = 0.2

/**
 * Measures pairs in the order AB BA AB ... (one discarded warm-up pair first), looks after 10, 20 and 30 and stops at
 * the first clear answer, or at once when the pilot says that more than 30 pairs would be needed.
 */
export async function measurePaired(options: MeasureOptions): Promise<MetricEvidence> {
  const { name, unit, direction, margin } = options
  const pairs: Pair[] = []
  let selfReported = false
  let voids = 0
  const one = async (sampler: () => Promise<Sample>): Promise<number | null> => {
    const sample = await sampler()
    if (sample.selfReported) selfReported = true
    return sample.value
  }
  const result = (verdict?: 'not_measured'): MetricEvidence => {
    const compared = pairs.length >= LOOKS[0] && verdict === undefined ? comparePaired(pairs, { margin, direction }) : null
    return {
      name,
      unit,
      direction,
      estimate: compared?.estimate ?? null,
      lower: compared?.lower ?? null,
      upper: compared?.upper ?? null,
      verdict: compared?.verdict ?? 'not_measured',
      self_reported: selfReported,
      samples: pairs,
    }
  }
  if ((await one(options.base)) === null || (await one(options.candidate)) === null) voids++
  for (const look of LOOKS) {
    while (pairs.length < look) {
      if (!options.mayContinue() || voids > Math.max(2, MAX_VOID_SHARE * look)) return result('not_measured')
      const turned = pairs.length % 2 === 1
      const first = await one(turned ? options.candidate : options.base)
      const second = await one(turned ? options.base : options.candidate)
      if (first === null || second === null || first <= 0 || second <= 0) voids++
      else pairs.push(turned ? [second, first] : [first, second])
      options.onPair?.(pairs.length, look)
    }
    const { verdict } = comparePaired(pairs, { margin, direction })
    if (verdict !== 'unclear') return result()
    if (look === LOOKS[0] && pairsNeeded(pairs, margin) > LOOKS[2]) return result()
  }
  return result()
}

/** `NAME[unit,lower|higher]=CMD`; the bracket may be left out (`unit` '', lower is better). `undefined` where it is not of that form. */
export function parseMetric(text: string): { name: string; unit: string; direction: 'lower' | 'higher'; command: string } | undefined {
  const match = text.match(/^([\w .-]+?)(?:\[([^,\]]*)(?:,\s*(lower|higher))?\])?=(.+)$/s)
  if (!match) return undefined
  const [, name, unit = '', direction = 'lower', command] = match
  return { name: name!.trim(), unit: unit.trim(), direction: direction as 'lower' | 'higher', command: command!.trim() }
}

/** The number on the last printed line, or `undefined` when it is none. */
export function printedNumber(output: string): number | undefined {
  const last = output.trimEnd().split('\n').at(-1)?.trim() ?? ''
  return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(last) ? Number(last) : undefined
}
