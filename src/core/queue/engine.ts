import type { ProcessIdentity } from '../process/index.ts'
import type {
  Attempt,
  ClaimedJob,
  EnqueueResult,
  Job,
  JobDetail,
  JobState,
  Lease,
  Message,
  NewJob,
  NewMessage,
  SettleResult,
  Settlement,
} from './job.ts'
import type { CallRecord, QueueStatistics } from './statistics.ts'

export type WorkerRow = ProcessIdentity & {
  id: string
  /** Which queues it serves. */
  queues: readonly string[]
  version: string
  startedAt: number
  seenAt: number
  running: number
  stopping: boolean
  /** `worker` serves everybody; `caller` runs one request of its own and takes no other. */
  role: 'worker' | 'caller'
}

export type ClaimRequest = {
  queues: readonly string[]
  kinds: readonly string[]
  /** Free slots: never more are claimed than start now. */
  limit: number
  workerId: string
  leaseMs: number
}

export type JobFilter = {
  queue?: string
  states?: readonly JobState[]
  agentId?: string
  taskType?: string
  parentId?: string
  /** Wall-clock ms. */
  since?: number
  limit: number
  cursor?: string
}

export type ReapReport = {
  /** Went back to waiting. */
  released: readonly string[]
  /** Ran out of attempts by crashing. */
  dead: readonly string[]
  /** Died with their owner, or passed their deadline. */
  ended: readonly string[]
  /** Claims taken from owners that are gone: their attempts in phase `calling` are unknown outcomes. */
  orphans: readonly Lease[]
}

/** What happened to a job: `enqueued`, `claimed`, `released`, `retried`, `completed`, `dead` or `cancelled`; `detail` is the worker or the reason. */
export type JobEvent = { seq: number; at: number; type: string; id: string; detail: string | null }

export type LeaseReport = { lost: string[]; cancelled: string[] }

/** Renews leases every third of their length, whatever the main thread does. */
export type LeaseKeeper = {
  hold(lease: Lease): void
  drop(lease: Lease): void
  /** Renews and reports now: something was written that may concern a job that is held. */
  check(): void
  stop(): Promise<void>
}

export type QueueControl = { paused: boolean; concurrency: number | null }

export type Violation = { rule: string; id: string; detail: string }

/**
 * The port: a durable queue. At least once, with a fence: of several processes that believe they own a job exactly one may end it.
 * Asynchronous at the edge; an engine never awaits inside a transaction. Times are wall-clock ms of the engine's clock, waiting is
 * measured on the monotonic one. test/conformance/queue-engine.test.ts says what every engine has to do.
 */
export type QueueEngine = {
  readonly capabilities: { crossHost: boolean; serverClock: boolean; durable: boolean }

  /** All or nothing. @throws ID_CONFLICT, REQUEST_INVALID where a payload is not JSON, STATE_CONFLICT where the queue is closed, DISK_FULL below the free-space floor */
  enqueue(jobs: readonly NewJob[]): Promise<EnqueueResult[]>
  /** One job, already claimed by the caller who will run it itself. null: the id existed, see `result`. */
  enqueueClaimed(job: NewJob, claim: { workerId: string; leaseMs: number }): Promise<{ result: EnqueueResult; claimed: ClaimedJob | null }>
  /** Claims one job by id (a caller that goes on with its own). */
  claimById(id: string, claim: { workerId: string; leaseMs: number }): Promise<ClaimedJob | null>
  claim(request: ClaimRequest): Promise<ClaimedJob[]>
  settle(settlements: readonly Settlement[]): Promise<SettleResult[]>
  /** Renews; answers the leases that are lost or whose cancelling was asked for. */
  heartbeat(workerId: string, held: readonly Lease[], leaseMs: number): Promise<LeaseReport>
  /** The same by itself for as long as something is held; `onReport` hears of what is lost or to be cancelled, each once. */
  keepLeases(options: { workerId: string; leaseMs: number; onReport: (report: LeaseReport) => void }): LeaseKeeper
  reap(): Promise<ReapReport>

  /** Runs exactly once after a power cut too; the row is there when this resolves. Answers its number. */
  openAttempt(lease: Lease, attempt: Omit<Attempt, 'n' | 'startedAt'>): Promise<number>
  updateAttempt(id: string, n: number, change: Partial<Omit<Attempt, 'n'>>): Promise<void>
  attempts(id: string): Promise<Attempt[]>

  get(id: string): Promise<JobDetail | null>
  list(filter: JobFilter): Promise<{ jobs: Job[]; next: string | null }>
  /** @throws STATE_CONFLICT unless it is dead or cancelled, NOT_FOUND */
  retry(id: string): Promise<void>
  /** A waiting job ends at once, a running one is asked to stop. @throws STATE_CONFLICT, NOT_FOUND */
  cancel(id: string, reason: string): Promise<'cancelled' | 'asked'>
  /**
   * Jobs that wait for a moment are due now, others stay as they are. The bell rings in any case: what somebody waits for may have
   * happened in another database.
   */
  wake(ids: readonly string[]): Promise<void>
  /** Every queue that has jobs, messages or a control of its own, in order. */
  queues(): Promise<string[]>
  control(queue: string): Promise<QueueControl>
  setControl(queue: string, change: Partial<QueueControl>): Promise<void>
  setGroupLimit(group: string, concurrency: number | null): Promise<void>

  ensureQueues(names: readonly string[]): Promise<void>
  send(message: NewMessage): Promise<number>
  /** Hides what it answers for `visibilityMs`; what is not acknowledged by then comes again. @throws NOT_FOUND for an unknown queue */
  read(queue: string, limit: number, visibilityMs: number): Promise<Message[]>
  ack(queue: string, ids: readonly number[]): Promise<number>
  /** Which of these queues have a message that can be read now; a look only. */
  waiting(queues: readonly string[]): Promise<string[]>
  /** Acknowledges one message and writes what became of it, in one transaction; false: somebody else had it. @throws ID_CONFLICT, NOT_FOUND */
  intake(queue: string, messageId: number, became: { jobs?: readonly NewJob[]; messages?: readonly NewMessage[] }): Promise<boolean>

  registerWorker(worker: Omit<WorkerRow, 'running' | 'stopping' | 'seenAt'>): Promise<void>
  removeWorker(id: string): Promise<void>
  /** Only those whose process lives. */
  workers(): Promise<WorkerRow[]>
  /** null: all of them. */
  askToStop(id: string | null): Promise<number>

  /** The next moment something becomes runnable or a lease ends; null: nothing is scheduled. */
  nextDueAt(queues: readonly string[]): Promise<number | null>
  /** A hint only: called soon after anybody wrote something. Level-triggered, may come twice or for nothing. */
  subscribe(queues: readonly string[], onWake: () => void): Promise<() => void>
  /** At most once a day unless `now`; within `budgetMs`. Payloads go before metadata. */
  maintain(options: { now?: boolean; budgetMs?: number; retentionDays: number }): Promise<{ pruned: number; done: boolean }>
  /** In order; those after `afterSeq`. */
  events(afterSeq: number, limit: number): Promise<JobEvent[]>
  /** The number of the newest event; 0 where there is none. */
  lastEvent(): Promise<number>
  /** `newer`: another version has migrated the file; `gone`: there is none any more. A worker stops then. */
  health(): 'ok' | 'newer' | 'gone'
  statistics(): Promise<QueueStatistics>
  /** Every call to a model that began since then (wall-clock ms), oldest first. */
  calls(since: number): Promise<CallRecord[]>
  /** What may never be; empty when all is well. */
  verify(): Promise<Violation[]>
  close(): void
}
