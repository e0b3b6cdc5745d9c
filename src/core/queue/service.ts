import { type Clock, EXIT, type ExitCode, SingularityError, parseJson, strongestExit, suggest } from '../kernel/index.ts'
import { awaitAnswers, hasEnded } from './await.ts'
import type { JobEvent, Violation, WorkerRow } from './engine.ts'
import { followEvents } from './follow.ts'
import { type EnqueueResult, type Job, type JobDetail, type JobStatus, LLM_QUEUE, NAMED_QUEUES, type NewJob, STATUS_OF } from './job.ts'
import { type MessageDeps, createMessages } from './messages.ts'
import {
  type AwaitedResponse,
  type RequestShown,
  type RequestSummary,
  attemptRow,
  awaitedResponse,
  requestError,
  requestRow,
  requestSummary,
  stepRows,
} from './request-view.ts'
import { sameJob } from './same.ts'
import { type QueueStatistics, SEED_TARGETS } from './statistics.ts'

export type QueueServiceDeps = MessageDeps & {
  clock: Clock
  /** One request or JSON lines of them, checked. @throws REQUEST_INVALID with `errors[] {index, path, message}` */
  parseRequests: (text: string) => Promise<readonly NewJob[]>
  retentionDays: number
  /** Kinds of jobs that a worker of this program runs, and the queues they lie in. */
  kinds: () => Promise<readonly { kind: string; queue: string }[]>
  /** The error a request that failed is for whoever waits for it. */
  answerError: (job: Job) => Promise<SingularityError>
}

export type RequestFilter = {
  /** Requests to models where left out. */
  queue?: string
  status?: JobStatus
  agent?: string
  task?: string
  /** Wall-clock ms. */
  since?: number
  limit: number
  cursor?: string
}

export type WorkerSummary = {
  id: string
  pid: number
  role: WorkerRow['role']
  queues: readonly string[]
  version: string
  started_at: string
  seen_at: string
  running: number
  stopping: boolean
}

/** One event as `queue watch` tells it. */
export type EventRow = Omit<JobEvent, 'at'> & { at: string }

export type QueueService = ReturnType<typeof createQueueService>

/** The queue behind the front doors: requests to models, and the queues other programs use. */
export function createQueueService(deps: QueueServiceDeps) {
  const { engine, clock } = deps

  const unknown = (id: string): SingularityError =>
    new SingularityError('NOT_FOUND', `No request has the id ${id}.`, { hints: ['singularity queue list'] })

  /** Workers that will take a request to a model. */
  async function liveWorkers(): Promise<number> {
    const serving = (await engine.workers()).filter(
      ({ role, stopping, queues }) => role === 'worker' && !stopping && queues.includes(LLM_QUEUE),
    )
    return serving.length
  }

  /** @throws NOT_FOUND with the nearest name */
  async function knownQueue(name: string): Promise<string> {
    const served = new Map((await deps.kinds()).map(({ kind, queue }) => [kind, queue]))
    const queues = [...new Set([LLM_QUEUE, ...NAMED_QUEUES, ...served.values(), ...(await engine.queues())])]
    if (queues.includes(name)) return name
    const queue = served.get(name)
    if (queue !== undefined) return queue
    const near = suggest(name, [...queues, ...served.keys()])
    throw new SingularityError(
      'NOT_FOUND',
      `There is no queue or kind of job '${name}'${near === undefined ? '' : `; the nearest is '${near}'`}.`,
      {
        hints: ['singularity queue stats'],
        data: { nearest: near ?? null, queues: queues.toSorted() },
      },
    )
  }

  /** What whoever waits for an ended job is told by an exit code; a job of another room may carry one in its result. */
  async function exitOf(job: JobDetail): Promise<ExitCode> {
    const told = (parseJson(job.result ?? '') ?? {}) as { exit_code?: unknown }
    const known = job.queue === LLM_QUEUE ? undefined : Object.values(EXIT).find((code) => code === told.exit_code)
    if (known !== undefined) return known
    return STATUS_OF[job.state] === 'failed' ? (await deps.answerError(job)).exitCode : EXIT.done
  }

  /** What would become of a request. @throws ID_CONFLICT */
  async function preview(job: NewJob): Promise<EnqueueResult> {
    const known = await sameJob(engine, job)
    return { id: job.id, status: known ? STATUS_OF[known.state] : 'pending', deduped: known !== null }
  }

  return {
    liveWorkers,

    /** All or nothing; `dryRun` only checks. @throws REQUEST_INVALID, ID_CONFLICT */
    async enqueue(text: string, { dryRun }: { dryRun: boolean }): Promise<{ requests: EnqueueResult[]; workers: number }> {
      const jobs = await deps.parseRequests(text)
      const requests = dryRun ? await Promise.all(jobs.map(preview)) : await engine.enqueue(jobs)
      return { requests, workers: await liveWorkers() }
    },

    /**
     * Waits for the answers; nothing is cancelled when the time (ms) is up. The exit code is the strongest of what became of them.
     * @throws NOT_FOUND; AWAIT_TIMEOUT where none of them has ended
     */
    async await(
      wanted: readonly string[],
      options: { timeoutMs: number; signal: AbortSignal },
    ): Promise<{ responses: AwaitedResponse[]; exitCode: ExitCode; waiting: string[] }> {
      const ids = wanted.map(plainId)
      for (const id of ids) if (!(await engine.get(id))) throw unknown(id)
      const jobs = await awaitAnswers(engine, clock, ids, options)
      const waiting = jobs.filter((job) => !hasEnded(job)).map(({ id }) => id)
      if (options.signal.aborted)
        throw new SingularityError('INTERRUPTED', 'Stopped waiting; the request goes on.', {
          hints: [`singularity queue await ${ids.join(' ')}`],
        })
      if (waiting.length === jobs.length && waiting.length > 0)
        throw new SingularityError('AWAIT_TIMEOUT', 'The answer did not come in time; the request goes on.', {
          hints: [`singularity queue await ${waiting.join(' ')}`],
          data: { waiting },
        })
      const responses = await Promise.all(jobs.map(async (job) => awaitedResponse(job, await engine.attempts(job.id))))
      const codes = await Promise.all(jobs.filter(hasEnded).map(exitOf))
      return { responses, waiting, exitCode: strongestExit([...codes, ...(waiting.length > 0 ? [EXIT.limit] : [])]) }
    },

    /** @throws NOT_FOUND */
    async show(id: string): Promise<RequestShown> {
      const job = await engine.get(plainId(id))
      if (!job) throw unknown(id)
      const attempts = await engine.attempts(job.id)
      return { request: requestRow(job), attempts: attempts.map(attemptRow), steps: stepRows(job), error: requestError(job, attempts) }
    },

    /** @throws USAGE for a cursor that no page has given */
    async list({
      queue = LLM_QUEUE,
      status,
      agent,
      task,
      ...page
    }: RequestFilter): Promise<{ requests: RequestSummary[]; next: string | null }> {
      if (page.cursor !== undefined && !/^\d{1,15}$/.test(page.cursor))
        throw new SingularityError('USAGE', `"${page.cursor}" is not the cursor of a page.`, { hints: ['singularity queue list'] })
      const states = (Object.keys(STATUS_OF) as (keyof typeof STATUS_OF)[]).filter((state) => STATUS_OF[state] === status)
      const { jobs, next } = await engine.list({
        ...page,
        queue: queue === LLM_QUEUE ? queue : await knownQueue(queue),
        ...(status && { states }),
        ...(agent !== undefined && { agentId: agent }),
        ...(task !== undefined && { taskType: task }),
      })
      return { requests: jobs.map(requestSummary), next }
    },

    ...createMessages(deps),

    /** @throws NOT_FOUND, STATE_CONFLICT unless it failed */
    async retry(wanted: string): Promise<{ id: string; status: JobStatus }> {
      const id = plainId(wanted)
      await engine.retry(id)
      return { id, status: 'pending' }
    },

    /** A waiting request ends at once; who runs one is asked to stop. @throws NOT_FOUND, STATE_CONFLICT where it has ended */
    async cancel(wanted: string): Promise<{ id: string; status: JobStatus }> {
      const id = plainId(wanted)
      return { id, status: (await engine.cancel(id, 'cancelled')) === 'cancelled' ? 'failed' : 'processing' }
    },

    /** Whether one of these requests has not ended; ids nobody knows are none. */
    async someOpen(ids: readonly string[]): Promise<boolean> {
      const jobs = await Promise.all(ids.map((id) => engine.get(id)))
      return jobs.some((job) => job !== null && !hasEnded(job))
    },

    /**
     * Nothing of a queue is claimed while it is paused; what runs goes on. The kind of a job stands for its queue.
     * @throws NOT_FOUND for a name nobody knows, STATE_CONFLICT where it is so already
     */
    async setPaused(name: string, paused: boolean): Promise<{ queue: string; paused: boolean }> {
      const queue = await knownQueue(name)
      if ((await engine.control(queue)).paused === paused)
        throw new SingularityError('STATE_CONFLICT', `The queue ${queue} is ${paused ? 'paused already' : 'not paused'}.`, {
          hints: ['singularity queue stats'],
        })
      await engine.setControl(queue, { paused })
      return { queue, paused }
    },

    async workers(): Promise<{ workers: WorkerSummary[] }> {
      return { workers: (await engine.workers()).map(workerSummary) }
    },

    /** Asks a worker, or all of them, to end after what they run. @throws NOT_FOUND */
    async stop(id: string | null): Promise<{ asked: number }> {
      const known = (await engine.workers()).filter(({ role }) => role === 'worker')
      if (id !== null && !known.some((worker) => worker.id === id))
        throw new SingularityError('NOT_FOUND', `No live worker has the id ${id}.`, { hints: ['singularity queue workers'] })
      return { asked: await engine.askToStop(id) }
    },

    statistics: async (): Promise<QueueStatistics & { target: typeof SEED_TARGETS }> => ({
      ...(await engine.statistics()),
      target: SEED_TARGETS,
    }),

    /** Removes what ended long ago, payloads first, all of it: others get their turn in between. */
    async prune(): Promise<{ pruned: number; done: boolean }> {
      let pruned = 0
      for (;;) {
        const part = await engine.maintain({ now: true, retentionDays: deps.retentionDays })
        pruned += part.pruned
        if (part.done) return { pruned, done: true }
      }
    },

    /** What is due once a day, within 50 ms; called after every command. What cannot be done now is done another time. */
    async tidy(): Promise<void> {
      await engine.maintain({ retentionDays: deps.retentionDays }).catch(() => undefined)
    },

    async verify(): Promise<{ violations: Violation[] }> {
      return { violations: await engine.verify() }
    },

    /** What happened after the event of that number, oldest first. */
    events: async (after: number, limit: number): Promise<EventRow[]> => (await engine.events(after, limit)).map(eventRow),

    /** The same for as long as the signal lets it; null: only what happens from now on. */
    async follow(after: number | null, tell: (events: readonly EventRow[]) => void, signal: AbortSignal): Promise<void> {
      await followEvents(engine, after ?? (await engine.lastEvent()), (events) => tell(events.map(eventRow)), signal)
    },

    /** Why a job failed or waits again, in words. */
    async reasonOf(id: string): Promise<string | null> {
      const job = await engine.get(id)
      return job && (job.errorMessage ?? job.reason)
    },

    /** Requests that wait or are worked on, newest first. */
    async living(limit: number): Promise<RequestSummary[]> {
      return (await engine.list({ queue: LLM_QUEUE, states: ['available', 'running'], limit })).jobs.map(requestSummary)
    },

    now: (): number => clock.now(),
  }
}

/** A UUID however it is written. */
const plainId = (id: string): string => id.toLowerCase()

const eventRow = ({ seq, at, type, id, detail }: JobEvent): EventRow => ({ seq, at: new Date(at).toISOString(), type, id, detail })

function workerSummary(worker: WorkerRow): WorkerSummary {
  const { id, pid, role, queues, version, startedAt, seenAt, running, stopping } = worker
  const [started_at, seen_at] = [startedAt, seenAt].map((ms) => new Date(ms).toISOString()) as [string, string]
  return { id, pid, role, queues, version, started_at, seen_at, running, stopping }
}
