import { type Clock, SingularityError } from '../../../kernel/index.ts'
import type { ProcessInfo } from '../../../process/index.ts'
import type { QueueControl, QueueEngine, WorkerRow } from '../../engine.ts'
import { executionResult } from '../../execution-result.ts'
import { LLM_QUEUE, type NewMessage, type SettleResult } from '../../job.ts'
import { choose } from './claim.ts'
import { createLeases } from './leases.ts'
import { createMessages } from './messages.ts'
import { readCalls, readStatistics } from './statistics.ts'
import { type Entry, createTable, toJob } from './table.ts'

/** The port without a file: for tests, and as the reference the other engines are compared with. */
export function createMemoryQueue({ clock, processes }: { clock: Clock; processes: ProcessInfo }): QueueEngine {
  const table = createTable(clock, report)
  const { jobs, events } = table
  const controls = new Map<string, QueueControl>()
  const groups = new Map<string, number>()
  const messages = createMessages(clock)
  const workers = new Map<string, Omit<WorkerRow, 'running'>>()
  const leases = createLeases({ clock, processes, table, workers })
  const listeners = new Set<() => void>()
  const ring = (): void => {
    for (const wake of listeners) setImmediate(wake)
  }

  /** One transaction: what throws leaves everything as it was. */
  async function change<T>(body: () => T): Promise<T> {
    const before = structuredClone({ jobs, events, messages: messages.all })
    try {
      const result = body()
      ring()
      return result
    } catch (error) {
      jobs.clear()
      for (const [id, entry] of before.jobs) jobs.set(id, entry)
      events.splice(0, events.length, ...before.events)
      messages.all.splice(0, messages.all.length, ...before.messages)
      throw error
    }
  }

  function demand(id: string): Entry {
    const entry = jobs.get(id)
    if (!entry) throw new SingularityError('NOT_FOUND', `There is no request ${id}.`)
    return entry
  }

  /** As the SQLite engine does with its view; jobs of models publish their answers by themselves. */
  function report(entry: Entry): void {
    if (entry.queue === LLM_QUEUE) return
    const body = executionResult({ ...toJob(entry), ...entry, finishedAt: entry.finishedAt! }, entry.attempts)
    messages.insert({ queue: 'job_results', body: JSON.stringify(body) })
  }

  function stop(entry: Entry, reason: string): 'cancelled' | 'asked' {
    if (entry.state === 'available') {
      table.leave(entry, 'cancelled', reason, entry.errorMessage)
      return 'cancelled'
    }
    entry.cancelReason = reason
    entry.updatedAt = clock.now()
    return 'asked'
  }

  const below = (id: string): Entry[] =>
    [...jobs.values()].filter(({ parentId }) => parentId === id).flatMap((child) => [child, ...below(child.id)])

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
          settlement.messages?.forEach((message: NewMessage) => messages.insert(message))
          settlement.jobs?.forEach((job) => table.insert(job))
          return 'applied'
        }),
      ),
    heartbeat: async (workerId, held, leaseMs) => leases.heartbeat(workerId, held, leaseMs),
    keepLeases: leases.keep,
    reap: () => change(leases.reap),

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
    wake: (ids) =>
      change(() => {
        for (const entry of ids.map((id) => jobs.get(id)))
          if (entry?.state === 'available' && entry.runAt > clock.now()) Object.assign(entry, { runAt: 0, updatedAt: clock.now() })
      }),
    queues: async () => [...new Set([...messages.names(), ...controls.keys(), ...[...jobs.values()].map(({ queue }) => queue)])].toSorted(),
    control: async (queue) => ({ paused: false, concurrency: null, ...controls.get(queue) }),
    setControl: (queue, wanted) =>
      change(() => void controls.set(queue, { paused: false, concurrency: null, ...controls.get(queue), ...wanted })),
    setGroupLimit: (group, limit) => change(() => void (limit === null ? groups.delete(group) : groups.set(group, limit))),

    ensureQueues: async (names) => messages.ensure(names),
    send: (message) => change(() => messages.insert(message)),
    read: async (queue, limit, visibilityMs) => messages.read(queue, limit, visibilityMs),
    ack: async (queue, ids) => messages.ack(queue, ids),
    waiting: async (queues) => messages.waiting(queues),
    intake: (queue, id, became) =>
      change(() => {
        const message = messages.all.find((one) => one.queue === queue && one.id === id && !one.acked)
        if (!message) return false
        message.acked = true
        became.jobs?.forEach((job) => table.insert(job))
        became.messages?.forEach((one) => messages.insert(one))
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
      const waiting = messages.backlogs((queue) => controls.get(queue)?.paused === true)
      return readStatistics(jobs.values(), waiting, clock.now())
    },
    health: () => 'ok',
    verify: async () => [],
    close: () => listeners.clear(),
  }
}
