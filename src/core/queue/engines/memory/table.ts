import { type Clock, SingularityError } from '../../../kernel/index.ts'
import type { JobEvent } from '../../engine.ts'
import { type Attempt, type ClaimedJob, type EnqueueResult, type Job, type NewJob, STATUS_OF, type Settlement } from '../../job.ts'
import { demandJson, withDefaults } from '../defaults.ts'

export type Entry = Job & {
  seq: number
  payload: string
  result: string | null
  leaseMs: number
  cancelReason: string | null
  attempts: (Attempt & { token: number })[]
  publishedAt: number
}

export type OwnClaim = { workerId: string; leaseMs: number }

export type Table = ReturnType<typeof createTable>

/** The jobs of the memory engine and the ways a job moves; `onEnd` hears of each that has ended, with its result. */
export function createTable(clock: Clock, onEnd: (entry: Entry) => void) {
  const jobs = new Map<string, Entry>()
  const events: JobEvent[] = []
  let last = 0

  function tell(entry: Entry, type: string, detail: string | null): void {
    events.push({ seq: events.length + 1, at: clock.now(), type, id: entry.id, detail })
  }

  function take(entry: Entry, claim: OwnClaim): ClaimedJob {
    const now = clock.now()
    Object.assign(entry, {
      state: 'running',
      attempt: entry.attempt + 1,
      token: entry.token + 1,
      leaseUntil: now + claim.leaseMs,
      leaseMs: claim.leaseMs,
      worker: claim.workerId,
      startedAt: now,
      updatedAt: now,
      cancelReason: null,
    } satisfies Partial<Entry>)
    tell(entry, 'claimed', claim.workerId)
    return { ...toJob(entry), payload: entry.payload }
  }

  function leave(entry: Entry, to: Exclude<Job['state'], 'running'>, reason: string | null, errorMessage: string | null): void {
    const now = clock.now()
    const over = to !== 'available'
    Object.assign(entry, {
      state: to,
      reason,
      errorMessage,
      leaseUntil: null,
      cancelReason: null,
      finishedAt: over ? now : null,
      updatedAt: now,
    } satisfies Partial<Entry>)
    tell(entry, over ? to : 'released', reason)
    if (over) onEnd(entry)
  }

  return {
    jobs,
    events,
    tell,
    take,
    leave,
    /** The entry while this token owns it. */
    owned(id: string, token: number): Entry | undefined {
      const entry = jobs.get(id)
      return entry?.state === 'running' && entry.token === token ? entry : undefined
    },
    living(queue: string, key: string | null): Entry | undefined {
      if (key === null) return undefined
      return [...jobs.values()].find(
        (entry) => entry.queue === queue && entry.uniqueKey === key && (entry.state === 'available' || entry.state === 'running'),
      )
    },
    insert(job: NewJob, claim?: OwnClaim): EnqueueResult {
      const same = jobs.get(job.id)
      if (same) {
        if (same.queue !== job.queue || same.kind !== job.kind || same.payload !== job.payload)
          throw new SingularityError('ID_CONFLICT', `Another request has the id ${job.id}.`, { data: { id: job.id } })
        return { id: job.id, status: STATUS_OF[same.state], deduped: true }
      }
      const living = this.living(job.queue, job.uniqueKey ?? null)
      if (living) return { id: living.id, status: STATUS_OF[living.state], deduped: true }
      demandJson(job.payload, `The payload of ${job.id}`)
      const now = clock.now()
      const entry: Entry = {
        ...withDefaults(job),
        seq: ++last,
        id: job.id,
        queue: job.queue,
        kind: job.kind,
        payload: job.payload,
        result: null,
        state: 'available',
        runAt: atOnce(job.runAt ?? now, now),
        attempt: 0,
        crashes: 0,
        token: 0,
        leaseUntil: null,
        leaseMs: 0,
        worker: null,
        cancelReason: null,
        reason: null,
        errorMessage: null,
        attempts: [],
        publishedAt: now,
        createdAt: now,
        startedAt: null,
        finishedAt: null,
        updatedAt: now,
      }
      jobs.set(job.id, entry)
      if (claim) take(entry, claim)
      else tell(entry, 'enqueued', null)
      return { id: job.id, status: STATUS_OF[entry.state], deduped: false }
    },
    settle(entry: Entry, settlement: Settlement): void {
      const now = clock.now()
      if ('result' in settlement && settlement.result !== undefined) entry.result = settlement.result
      if (settlement.to === 'completed') return leave(entry, 'completed', null, null)
      if (settlement.to === 'dead') return leave(entry, 'dead', settlement.reason, settlement.errorMessage)
      if (settlement.to === 'cancelled') return leave(entry, 'cancelled', entry.cancelReason ?? settlement.reason, null)
      const spent = settlement.counts && entry.attempt >= entry.maxAttempts
      const to = entry.cancelReason !== null ? 'cancelled' : spent ? 'dead' : 'available'
      if (!settlement.counts) entry.attempt--
      entry.runAt = atOnce(settlement.runAt, now)
      if (entry.lifetime !== 'with_owner') entry.worker = null
      leave(entry, to, entry.cancelReason ?? settlement.reason, settlement.errorMessage ?? null)
    },
    steal(entry: Entry): void {
      for (const attempt of entry.attempts) if (attempt.token === entry.token && attempt.phase === 'calling') attempt.phase = 'unknown'
      entry.crashes++
      entry.token++
      entry.worker = null
      entry.runAt = 0
      if (entry.cancelReason !== null) leave(entry, 'cancelled', entry.cancelReason, entry.errorMessage)
      else if (entry.lifetime === 'with_owner') leave(entry, 'cancelled', 'owner_gone', entry.errorMessage)
      else if (entry.attempt >= entry.maxAttempts) leave(entry, 'dead', 'crashed', entry.errorMessage)
      else leave(entry, 'available', 'owner_lost', entry.errorMessage)
    },
  }
}

export function toJob(entry: Entry): Job {
  const { seq: _s, payload: _p, result: _r, leaseMs: _l, cancelReason: _c, attempts: _a, publishedAt: _t, ...job } = entry
  return { ...job, runAt: entry.runAt === 0 ? entry.createdAt : entry.runAt }
}

/** At once is 0, so that a process whose clock is behind takes it too. */
function atOnce(runAt: number, now: number): number {
  return runAt <= now ? 0 : runAt
}
