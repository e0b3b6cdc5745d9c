import type { Clock } from '../../kernel/index.ts'
import type { ProcessInfo } from '../../process/index.ts'
import type { Database } from '../../storage/index.ts'
import type { Account } from '../account.ts'
import { SQL } from './sql.ts'

type Health = Pick<Account, 'blocked' | 'block' | 'unblock' | 'admit' | 'reopensAt' | 'report' | 'breakers' | 'mayRetry'>
type State = 'closed' | 'open' | 'half_open'
type Breaker = {
  provider: string
  model: string
  state: State
  failures: number
  recent: string
  opened_at: number
  backoff_ms: number
  burnt_nusd: number
  burnt_since: number
  pid: number | null
  pid_start: string | null
  boot_id: string | null
  probe_at: number | null
}

export const BREAKER = {
  /** Failures in a row, or this share of the last calls, open it. */
  failures: 5,
  window: 20,
  share: 0.5,
  firstBackoffMs: 30_000,
  longestBackoffMs: 600_000,
  /** Second trigger: so much spent on failed calls within this time. */
  burntNusd: 500_000_000,
  burntWithinMs: 600_000,
  /** A probe that says nothing for so long is given to somebody else: longer than the longest call. */
  probeMs: 1_800_000,
  /** How long the others wait before they ask again. */
  askAgainMs: 1000,
} as const

const RETRIES = { calls: 100, share: 0.2, extra: 3 } as const

/** Breakers, blocks and retry budgets: one-off programs share them, so they live in the file and not in memory. */
export function createHealth(db: Database, clock: Clock, processes: ProcessInfo): Health {
  const find = (provider: string, model: string): Breaker => db.get<Breaker>(SQL.breaker, provider, model) ?? closedBreaker(provider, model)
  const put = (next: Breaker): void => {
    const { provider, model, state, failures, recent, opened_at, backoff_ms, burnt_nusd, burnt_since, pid, pid_start, boot_id, probe_at } =
      next
    const probe = [pid, pid_start, boot_id, probe_at]
    db.run(SQL.putBreaker, provider, model, state, failures, recent, opened_at, backoff_ms, burnt_nusd, burnt_since, ...probe)
  }

  /** A clock that was set back must not keep a provider shut until it has caught up. */
  const openUntil = ({ opened_at: opened, backoff_ms: backoff }: Breaker): number => (opened > clock.now() ? 0 : opened + backoff)

  const isProbing = ({ pid, pid_start: pidStart, boot_id: bootId, probe_at: at }: Breaker): boolean =>
    pid !== null &&
    at !== null &&
    Math.abs(clock.now() - at) < BREAKER.probeMs &&
    processes.isAlive({ pid, pidStart: pidStart ?? '', bootId: bootId ?? '' })

  const waitsUntil = (breaker: Breaker): number | null => {
    if (breaker.state === 'closed') return null
    if (breaker.state === 'half_open') return isProbing(breaker) ? clock.now() + BREAKER.askAgainMs : null
    const until = openUntil(breaker)
    return until > clock.now() ? until : null
  }

  return {
    blocked(provider) {
      const row = db.get<{ reason: string; credential: string | null; since: number }>(SQL.blocked, provider)
      return row ? { ...row, since: new Date(row.since).toISOString() } : null
    },
    block: (provider, reason, credential = null) => void db.run(SQL.block, provider, reason, credential, clock.now()),
    unblock: (provider) => db.run(SQL.unblock, provider) > 0,

    admit(provider, model) {
      // the usual case costs no write lock
      if (find(provider, model).state === 'closed') return { allowed: true, probe: false }
      return db.transaction(() => {
        const breaker = find(provider, model)
        if (breaker.state === 'closed') return { allowed: true, probe: false }
        const until = waitsUntil(breaker)
        if (until !== null) return { allowed: false, reopensAt: until }
        const { pid, pidStart, bootId } = processes.self
        put({ ...breaker, state: 'half_open', pid, pid_start: pidStart, boot_id: bootId, probe_at: clock.now() })
        return { allowed: true, probe: true }
      })
    },

    reopensAt: (provider, model) => waitsUntil(find(provider, model)),

    report(provider, model, { ok, countable, costNusd }) {
      db.transaction(() => {
        db.run(SQL.putRetries, provider, remember(db, provider, 'c'))
        put(after(find(provider, model), { ok, countable, costNusd: ok ? 0 : costNusd }, clock.now()))
      })
    },

    breakers: () =>
      db.all<Breaker>(SQL.breakers).map((breaker) => ({
        provider: breaker.provider,
        model: breaker.model,
        state: breaker.state,
        failures: breaker.failures,
        reopensAt: waitsUntil(breaker),
      })),

    mayRetry(provider) {
      return db.transaction(() => {
        const recent = db.get<{ recent: string }>(SQL.retries, provider)?.recent ?? ''
        const retries = recent.replaceAll('c', '').length
        if (retries >= Math.floor((recent.length - retries) * RETRIES.share) + RETRIES.extra) return false
        db.run(SQL.putRetries, provider, remember(db, provider, 'r'))
        return true
      })
    },
  }
}

/** The last hundred calls and the retries among them. */
function remember(db: Database, provider: string, what: 'c' | 'r'): string {
  const all = (db.get<{ recent: string }>(SQL.retries, provider)?.recent ?? '') + what
  let calls = 0
  for (let index = all.length - 1; index >= 0; index--) if (all[index] === 'c' && ++calls === RETRIES.calls) return all.slice(index)
  return all
}

function closedBreaker(provider: string, model: string): Breaker {
  const nobody = { pid: null, pid_start: null, boot_id: null, probe_at: null }
  return {
    provider,
    model,
    state: 'closed',
    failures: 0,
    recent: '',
    opened_at: 0,
    backoff_ms: 0,
    burnt_nusd: 0,
    burnt_since: 0,
    ...nobody,
  }
}

/** The breaker after a call. A refusal that says nothing about health gives a probe back, and nothing else. */
function after(breaker: Breaker, call: { ok: boolean; countable: boolean; costNusd: number }, now: number): Breaker {
  const isOld = Math.abs(now - breaker.burnt_since) > BREAKER.burntWithinMs
  const burnt = { burnt_nusd: (isOld ? 0 : breaker.burnt_nusd) + call.costNusd, burnt_since: isOld ? now : breaker.burnt_since }
  const free = { ...breaker, ...burnt, pid: null, pid_start: null, boot_id: null, probe_at: null }
  const open = (backoff: number): Breaker => ({
    ...free,
    state: 'open',
    failures: breaker.failures + 1,
    opened_at: now,
    backoff_ms: Math.min(backoff, BREAKER.longestBackoffMs),
    burnt_nusd: 0,
  })
  const isExpensive = burnt.burnt_nusd > BREAKER.burntNusd
  if (breaker.state === 'half_open') {
    if (call.ok) return { ...closedBreaker(breaker.provider, breaker.model), ...burnt }
    return call.countable || isExpensive ? open(breaker.backoff_ms * 2) : { ...free, state: 'open', opened_at: now - breaker.backoff_ms }
  }
  // what began before it opened says nothing new
  if (breaker.state === 'open') return { ...breaker, ...burnt }
  if (!call.ok && !call.countable) return isExpensive ? open(BREAKER.firstBackoffMs) : { ...breaker, ...burnt }
  const recent = (breaker.recent + (call.ok ? '0' : '1')).slice(-BREAKER.window)
  const failures = call.ok ? 0 : breaker.failures + 1
  const failed = recent.replaceAll('0', '').length
  const isBad = failures >= BREAKER.failures || (recent.length === BREAKER.window && failed >= BREAKER.window * BREAKER.share)
  return !call.ok && (isBad || isExpensive) ? open(BREAKER.firstBackoffMs) : { ...breaker, ...burnt, recent, failures }
}
