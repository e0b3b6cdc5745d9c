import { digest } from '../kernel/index.ts'
import type { InstrumentEvidence, PlanEntry } from '../validation/index.ts'
import { baselineKey } from './base.ts'
import type { Session } from './session.ts'

const DAY_MS = 86_400_000

/**
 * The check of the instrument for the CPU time of these suites: base against base, once per base, plan and surroundings
 * (the key of the baseline) and margin. What it looks for is lasting: sandboxes that are not alike, a clock that does
 * not count, suites that are never twice the same. So a check that was passed is kept for a day: it costs the first run
 * on a base one more measurement and the next ones nothing; noise of the moment shows in the intervals themselves. One
 * that was not passed is made again by the next run, but not twice in one.
 */
export async function checkInstrument(
  session: Session,
  entries: readonly PlanEntry[],
  margin: number,
  measure: () => Promise<InstrumentEvidence | null>,
): Promise<InstrumentEvidence | null> {
  const { store, clock } = session.deps
  const key = digest({ kind: 'instrument', base: await baselineKey(session, session.plan!, entries), margin })
  const known = session.instruments.get(key)
  if (known) return known
  const stored = session.request.retry ? undefined : store.cached<InstrumentEvidence>(key)
  const found = stored && clock.now() - Date.parse(stored.measured_at) < DAY_MS ? stored : await measure()
  if (found) session.instruments.set(key, found)
  if (found?.equivalent && found !== stored) store.cache(key, 'instrument', found)
  return found
}
