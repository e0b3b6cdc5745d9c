import type { Clock } from '../../kernel/index.ts'
import type { Database } from '../../storage/index.ts'
import type { Account } from '../account.ts'
import { SQL } from './sql.ts'

const MINUTE = 60_000
/** Levels are fractions: a billionth of a request is none. */
const ROUNDING = 1e-6
/** Longer than any provider asks for in earnest: beyond it a header is a mistake, or a clock is. */
const LONGEST_CLOSE_MS = 24 * 3_600_000

type Moment = { at: number; boot_id: string; uptime: number }

/** Token buckets of requests and tokens per minute, full at the start, shared by all processes of the user. */
export function createLimits(db: Database, clock: Clock, bootId: string): Pick<Account, 'take' | 'closeUntil'> {
  const moment = (): Moment => ({ at: clock.now(), boot_id: bootId, uptime: clock.uptime?.() ?? 0 })

  /**
   * Time since a moment that some process wrote down. Processes of one boot share the uptime, so that wall clocks an hour apart neither
   * fill a bucket at once nor keep it empty; undefined where only wall clocks can be compared and ours is behind.
   */
  const since = (then: Moment, now: Moment): number | undefined => {
    if (clock.uptime && then.boot_id === now.boot_id && then.uptime > 0 && now.uptime >= then.uptime) return now.uptime - then.uptime
    return now.at >= then.at ? now.at - then.at : undefined
  }
  const closedFor = (provider: string): number => {
    const row = db.get<Moment & { until: number }>(SQL.closed, provider)
    const passed = row && since(row, moment())
    // a clock that was set back must not keep it shut until it has caught up
    return row && passed !== undefined ? Math.max(0, row.until - row.at - passed) : 0
  }
  const levelOf = (provider: string, kind: string, limit: number): number => {
    const row = db.get<Moment & { level: number }>(SQL.bucket, provider, kind)
    return row ? Math.min(limit, row.level + ((since(row, moment()) ?? 0) * limit) / MINUTE) : limit
  }
  return {
    take(provider, { rpm, tpm }, tokens) {
      return db.transaction(() => {
        const wanted = [
          { kind: 'rpm', limit: rpm, amount: 1 },
          // more than a minute holds would wait for ever: it takes the whole minute
          { kind: 'tpm', limit: tpm, amount: Math.min(tokens, tpm ?? 0) },
        ].flatMap((each) => (each.limit === null ? [] : [{ ...each, limit: each.limit, level: levelOf(provider, each.kind, each.limit) }]))
        const waits = wanted.map(({ limit, amount, level }) => Math.ceil((Math.max(0, amount - level) * MINUTE) / limit - ROUNDING))
        const wait = Math.max(closedFor(provider), 0, ...waits)
        // written also where nothing is taken: a level from a clock that was ahead would not grow until ours has caught up
        const { at, boot_id, uptime } = moment()
        for (const { kind, amount, level } of wanted)
          db.run(SQL.putBucket, provider, kind, level - (wait > 0 ? 0 : amount), at, boot_id, uptime)
        return wait
      })
    },

    closeUntil(provider, until) {
      db.transaction(() => {
        const { at, boot_id, uptime } = moment()
        const end = Math.min(Math.max(until, at + closedFor(provider)), at + LONGEST_CLOSE_MS)
        db.run(SQL.close, provider, at, end, boot_id, uptime)
      })
    },
  }
}
