import type { CapScope } from '../account.ts'

/** A cap of a day or a month is for the whole account: its key is the period itself. */
export type Period = { key: string; period: string; startsAt: number; resetsAt: number | null }

const DAY = 86_400_000

/** UTC days and months. Caps of tasks and models count a month; those of a run or a request never reset. */
export function periodOf(scope: CapScope, key: string, now: number): Period {
  const date = new Date(now)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  if (scope === 'run' || scope === 'request') return { key, period: '', startsAt: -Infinity, resetsAt: null }
  if (scope === 'day') {
    const startsAt = Math.floor(now / DAY) * DAY
    const day = date.toISOString().slice(0, 10)
    return { key: day, period: day, startsAt, resetsAt: startsAt + DAY }
  }
  const period = date.toISOString().slice(0, 7)
  return { key: scope === 'month' ? period : key, period, startsAt: Date.UTC(year, month), resetsAt: Date.UTC(year, month + 1) }
}
