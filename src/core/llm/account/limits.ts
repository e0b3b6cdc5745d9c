import type { Clock } from '../../kernel/index.ts'
import type { Database } from '../../storage/index.ts'
import type { Account } from '../account.ts'
import { SQL } from './sql.ts'

const MINUTE = 60_000
/** Levels are fractions: a billionth of a request is none. */
const ROUNDING = 1e-6
/** Longer than any provider asks for in earnest: beyond it a header is a mistake, or a clock is. */
const LONGEST_CLOSE_MS = 24 * 3_600_000

/** Token buckets of requests and tokens per minute, full at the start, shared by all processes of the user. */
export function createLimits(db: Database, clock: Clock): Pick<Account, 'take' | 'closeUntil'> {
  const closedFor = (provider: string): number => {
    const row = db.get<{ since: number; until: number }>(SQL.closed, provider)
    // a clock that was set back must not keep it shut until it has caught up
    return row && row.since <= clock.now() ? Math.max(0, row.until - clock.now()) : 0
  }
  const levelOf = (provider: string, kind: string, limit: number): number => {
    const row = db.get<{ level: number; at: number }>(SQL.bucket, provider, kind)
    return row ? Math.min(limit, row.level + (Math.max(0, clock.now() - row.at) * limit) / MINUTE) : limit
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
        for (const { kind, amount, level } of wanted) db.run(SQL.putBucket, provider, kind, level - (wait > 0 ? 0 : amount), clock.now())
        return wait
      })
    },

    closeUntil(provider, until) {
      db.transaction(() => {
        const now = clock.now()
        const end = Math.min(Math.max(until, now + closedFor(provider)), now + LONGEST_CLOSE_MS)
        db.run(SQL.close, provider, now, end)
      })
    },
  }
}
