import { type Clock, SingularityError } from '../../../kernel/index.ts'
import type { ProcessInfo } from '../../../process/index.ts'
import type { LeaseKeeper, LeaseReport, QueueControl, QueueEngine, ReapReport, WorkerRow } from '../../engine.ts'
import { type Lease, type Message, NAMED_QUEUES, type NewMessage, type SettleResult } from '../../job.ts'
import { demandJson } from '../defaults.ts'
import { choose } from './claim.ts'
import { readCalls, readStatistics } from './statistics.ts'
import { type Entry, createTable, toJob } from './table.ts'

type Stored = Message & { queue: string; key: string | null; visibleAt: number; acked: boolean }
type Sighting = { token: number; leaseUntil: number | null; at: number }

/** The port without a file: for tests, and as the reference the other engines are compared with. */
export function createMemoryQueue({ clock, processes }: { clock: Clock; processes: ProcessInfo }): QueueEngine {
  const table = createTable(clock)
  const { jobs, events } = table
  const controls = new Map<string, QueueControl>()
  const groups = new Map<string, number>()
  const named = new Set<string>(NAMED_QUEUES)
  const messages: Stored[] = []
  const workers = new Map<string, Omit<WorkerRow, 'running'>>()
  const sightings = new Map<string, Sighting>()
  const listeners = new Set<() => void>()
  const ring = (): void => {
    for (const wake of listeners) setImmediate(wake)
  }

  /** One transaction: what throws leaves everything as it was. */
  async function change<T>(body: () => T): Promise<T> {
    const before = structuredClone({ jobs, events, messages })
    try {
      const result = body()
      ring()
      return result
    } catch (error) {
      jobs.clear()
      for (const [id, entry] of before.jobs) jobs.set(id, entry)
      events.splice(0, events.length, ...before.events)
      messages.splice(0, messages.length, ...before.messages)
      throw error
    }
  }

  function demand(id: string): Entry {
    const entry = jobs.get(id)
    if (!entry) throw new SingularityError('NOT_FOUND', `There is no request ${id}.`)
    return entry
  }

  function demandNamed(queue: string): void {
    if (!named.has(queue)) throw new SingularityError('NOT_FOUND', `There is no queue '${queue}'.`)
  }

  function insertMessage({ queue, body, key = null }: { queue: string; body: string; key?: string | null }): number {
    demandJson(body, 'The message')
    demandNamed(queue)
    const same = key === null ? undefined : messages.find((one) => one.queue === queue && one.key === key)
    if (same) return same.id
    const id = messages.length + 1
    messages.push({ id, queue, body, key, readCount: 0, enqueuedAt: clock.now(), visibleAt: 0, acked: false })
    return id
  }

  function stop(entry: Entry, reason: string): 'cancelled' | 'asked' {
    if (entry.state === 'available') {
      table.leave(entry, 'cancelled', reason, entry.errorMessage)
      return 'cancelled'
    }
    entry.cancelReason = reason
    return 'asked'
  }

  const below = (id: string): Entry[] =>
    [...jobs.values()].filter(({ parentId }) => parentId === id).flatMap((child) => [child, ...below(child.id)])

  function overdue(entry: Entry): boolean {
    const seen = sightings.get(entry.id)
    if (seen?.token === entry.token && seen.leaseUntil === entry.leaseUntil) return clock.monotonic() - seen.at >= entry.leaseMs
    const now = clock.now()
    if (entry.leaseUntil! <= now || entry.leaseUntil! > now + entry.leaseMs)
      sightings.set(entry.id, { token: entry.token, leaseUntil: entry.leaseUntil, at: clock.monotonic() })
    else sightings.delete(entry.id)
    return false
  }

  function heartbeat(workerId: string, held: readonly Lease[], leaseMs: number): LeaseReport {
    const report: LeaseReport = { lost: [], cancelled: [] }
    for (const { id, token } of held) {
      const entry = table.owned(id, token)
      if (!entry || entry.worker !== workerId) report.lost.push(id)
      else {
        entry.leaseUntil = clock.now() + leaseMs
        if (entry.cancelReason !== null) report.cancelled.push(id)
      }
    }
    return report
  }

  function reap(): ReapReport {
    const report = { released: [] as string[], dead: [] as string[], ended: [] as string[], orphans: [] as Lease[] }
    const gone = new Set([...workers.values()].filter((worker) => !processes.isAlive(worker)).map(({ id }) => id))
    for (const entry of jobs.values()) table.redate(entry)
    for (const entry of jobs.values()) {
      if (entry.state === 'running' && (gone.has(entry.worker!) || overdue(entry))) {
        report.orphans.push({ id: entry.id, token: entry.token })
        table.steal(entry)
        report[
          (entry.state as Entry['state']) === 'available' ? 'released' : (entry.state as Entry['state']) === 'dead' ? 'dead' : 'ended'
        ].push(entry.id)
      } else if (entry.state === 'available' && entry.lifetime === 'with_owner' && entry.worker !== null) {
        if (workers.has(entry.worker) && !gone.has(entry.worker)) continue
        table.leave(entry, 'cancelled', 'owner_gone', entry.errorMessage)
        report.ended.push(entry.id)
      } else if (entry.state === 'available' && entry.deadlineAt !== null && entry.deadlineAt <= clock.now()) {
        table.leave(entry, 'dead', 'deadline', entry.errorMessage)
        report.ended.push(entry.id)
      }
    }
    for (const id of gone) workers.delete(id)
    return report
  }

  function keepLeases(options: { workerId: string; leaseMs: number; onReport: (report: LeaseReport) => void }): LeaseKeeper {
    const held = new Map<string, Lease>()
    const told = new Set<string>()
    const beat = (): void => {
      const { lost, cancelled } = heartbeat(options.workerId, [...held.values()], options.leaseMs)
      for (const id of lost) held.delete(id)
      const fresh = cancelled.filter((id) => !told.has(id))
      for (const id of fresh) told.add(id)
      if (lost.length > 0 || fresh.length > 0) options.onReport({ lost, cancelled: fresh })
    }
    const timer = setInterval(beat, options.leaseMs / 3).unref()
    return {
      hold(lease) {
        held.set(lease.id, lease)
        told.delete(lease.id)
      },
      drop: ({ id, token }) => void (held.get(id)?.token === token && held.delete(id)),
      check: beat,
      stop: async () => clearInterval(timer),
    }
  }

  return {
    capabilities: { crossHost: false, serverClock: false, durable: false },
    enqueue: (wanted) => change(() => wanted.map((job) => table.insert(job))),
    enqueueClaimed: (job, claim) =>
      change(() => {
        const result = table.insert(job, claim)
        const entry = jobs.get(result.id)!
        return { result, claimed: result.deduped ? null : { ...toJob(entry), payload: entry.payload } }
      }),
    async claimById(id, claim) {
      const entry = jobs.get(id)
      const now = clock.now()
      const free = entry?.state === 'available' && entry.runAt <= now && (entry.deadlineAt === null || entry.deadlineAt > now)
      return free ? table.take(entry, claim) : null
    },
    claim: async (request) => choose(jobs.values(), request, clock.now(), controls, groups).map((entry) => table.take(entry, request)),
    settle: (settlements) =>
      change(() =>
        settlements.map((settlement): SettleResult => {
          const entry = table.owned(settlement.id, settlement.token)
          if (!entry) return 'fenced'
          table.settle(entry, settlement)
          settlement.messages?.forEach((message: NewMessage) => insertMessage(message))
          settlement.jobs?.forEach((job) => table.insert(job))
          return 'applied'
        }),
      ),
    heartbeat: async (workerId, held, leaseMs) => heartbeat(workerId, held, leaseMs),
    keepLeases,
    reap: () => change(reap),

    async openAttempt(lease, attempt) {
      const entry = table.owned(lease.id, lease.token)
      if (!entry) throw new SingularityError('STATE_CONFLICT', `The claim of ${lease.id} was lost.`)
      entry.attempts.push({ ...attempt, n: entry.attempts.length + 1, token: lease.token, startedAt: clock.now() })
      return entry.attempts.length
    },
    async updateAttempt(id, n, update) {
      const attempt = jobs.get(id)?.attempts[n - 1]
      if (!attempt) throw new SingularityError('NOT_FOUND', `${id} has no attempt ${n}.`)
      Object.assign(attempt, update)
    },
    attempts: async (id) => (jobs.get(id)?.attempts ?? []).map(({ token: _token, ...attempt }) => structuredClone(attempt)),

    async get(id) {
      const entry = jobs.get(id)
      return entry ? { ...toJob(entry), payload: entry.payload, result: entry.result, publishedAt: entry.publishedAt } : null
    },
    async list({ queue, states, agentId, taskType, parentId, since, limit, cursor }) {
      const found = [...jobs.values()]
        .filter((entry) => (queue ?? entry.queue) === entry.queue && (states?.includes(entry.state) ?? true))
        .filter((entry) => (agentId ?? entry.agentId) === entry.agentId && (taskType ?? entry.taskType) === entry.taskType)
        .filter((entry) => (parentId === undefined || parentId === entry.parentId) && entry.createdAt >= (since ?? 0))
        .filter(({ seq }) => cursor === undefined || seq < Number(cursor))
        .sort((a, b) => b.seq - a.seq)
      const page = found.slice(0, limit)
      return { jobs: page.map(toJob), next: found.length > limit ? String(page.at(-1)!.seq) : null }
    },
    retry: (id) =>
      change(() => {
        const entry = demand(id)
        if (entry.state !== 'dead' && entry.state !== 'cancelled')
          throw new SingularityError('STATE_CONFLICT', `${id} is ${entry.state}: only what has failed can be tried again.`)
        const living = table.living(entry.queue, entry.uniqueKey)
        if (living) throw new SingularityError('STATE_CONFLICT', `${living.id} does the same work now.`)
        const now = clock.now()
        const fresh = { attempt: 0, crashes: 0, deadlineAt: null, worker: null, startedAt: null, finishedAt: null, result: null }
        Object.assign(entry, { ...fresh, state: 'available', runAt: 0, reason: null, errorMessage: null, updatedAt: now })
        table.tell(entry, 'retried', null)
      }),
    cancel: (id, reason) =>
      change(() => {
        const entry = demand(id)
        if (entry.state !== 'available' && entry.state !== 'running')
          throw new SingularityError('STATE_CONFLICT', `${id} is ${entry.state} already.`)
        const answer = stop(entry, reason)
        for (const child of below(id)) if (child.state === 'available' || child.state === 'running') stop(child, 'parent_cancelled')
        return answer
      }),
    control: async (queue) => ({ paused: false, concurrency: null, ...controls.get(queue) }),
    setControl: (queue, wanted) =>
      change(() => void controls.set(queue, { paused: false, concurrency: null, ...controls.get(queue), ...wanted })),
    setGroupLimit: (group, limit) => change(() => void (limit === null ? groups.delete(group) : groups.set(group, limit))),

    ensureQueues: async (names) => names.forEach((name) => named.add(name)),
    send: (message) => change(() => insertMessage(message)),
    async read(queue, limit, visibilityMs) {
      demandNamed(queue)
      const now = clock.now()
      const found = messages.filter((one) => one.queue === queue && !one.acked && one.visibleAt <= now).slice(0, limit)
      return found.map((one) => {
        one.readCount++
        one.visibleAt = now + visibilityMs
        return { id: one.id, readCount: one.readCount, enqueuedAt: one.enqueuedAt, body: one.body }
      })
    },
    async ack(queue, ids) {
      demandNamed(queue)
      const found = messages.filter((one) => one.queue === queue && ids.includes(one.id) && !one.acked)
      for (const one of found) one.acked = true
      return found.length
    },

    waiting: async (queues) =>
      queues.filter((queue) => messages.some((one) => one.queue === queue && !one.acked && one.visibleAt <= clock.now())),
    intake: (queue, id, became) =>
      change(() => {
        const message = messages.find((one) => one.queue === queue && one.id === id && !one.acked)
        if (!message) return false
        message.acked = true
        became.jobs?.forEach((job) => table.insert(job))
        became.messages?.forEach((one) => insertMessage(one))
        return true
      }),

    async registerWorker(worker) {
      workers.set(worker.id, { ...worker, seenAt: clock.now(), stopping: false })
    },
    async removeWorker(id) {
      workers.delete(id)
    },
    workers: async () =>
      [...workers.values()]
        .filter((worker) => processes.isAlive(worker))
        .map((worker) => ({
          ...worker,
          running: [...jobs.values()].filter((entry) => entry.state === 'running' && entry.worker === worker.id).length,
        })),
    askToStop: (id) =>
      change(() => {
        const asked = [...workers.values()].filter((worker) => (id === null || worker.id === id) && !worker.stopping)
        for (const worker of asked) worker.stopping = true
        return asked.length
      }),

    async nextDueAt(queues) {
      const just = clock.now() - 100
      const moments = [...jobs.values()].flatMap((entry) => {
        if (entry.state === 'running') return [entry.leaseUntil!]
        if (entry.state !== 'available') return []
        return [...(queues.includes(entry.queue) ? [entry.runAt] : []), ...(entry.deadlineAt === null ? [] : [entry.deadlineAt])]
      })
      const due = moments.filter((at) => at > just)
      return due.length === 0 ? null : Math.min(...due)
    },
    async subscribe(_queues, onWake) {
      listeners.add(onWake)
      return () => void listeners.delete(onWake)
    },
    async maintain({ retentionDays }) {
      const before = clock.now() - retentionDays * 86_400_000
      const old = [...jobs.values()].filter(({ finishedAt }) => finishedAt !== null && finishedAt < before)
      for (const { id } of old) jobs.delete(id)
      return { pruned: old.length, done: true }
    },
    events: async (afterSeq, limit) => events.filter(({ seq }) => seq > afterSeq).slice(0, limit),
    lastEvent: async () => events.length,
    async calls(since) {
      return readCalls(jobs.values(), since)
    },
    async statistics() {
      const now = clock.now()
      const waiting = [...named].toSorted().map((queue) => {
        const open = messages.filter((one) => one.queue === queue && !one.acked)
        const oldest_ms = open.length === 0 ? null : Math.max(0, now - Math.min(...open.map(({ enqueuedAt }) => enqueuedAt)))
        return { queue, waiting: open.length, oldest_ms, paused: controls.get(queue)?.paused === true }
      })
      return readStatistics(jobs.values(), waiting, now)
    },
    health: () => 'ok',
    verify: async () => [],
    close: () => listeners.clear(),
  }
}
