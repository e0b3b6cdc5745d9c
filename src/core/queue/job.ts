/** The states of a job. A job waits while it is `available`, also for its `run_at`; the other three ends are final but for `retry`. */
export type JobState = 'available' | 'running' | 'completed' | 'dead' | 'cancelled'

/** The four states other programs see: cancelled and dead jobs are `failed`, with a reason. */
export type JobStatus = 'pending' | 'processing' | 'completed' | 'failed'

export const STATUS_OF: Readonly<Record<JobState, JobStatus>> = {
  available: 'pending',
  running: 'processing',
  completed: 'completed',
  dead: 'failed',
  cancelled: 'failed',
}

export type Complexity = 'simple' | 'medium' | 'complex'

/** Jobs of models; everything else a worker does (`validation`, `indexing`, `learning`) lies in queues of its own. */
export const LLM_QUEUE = 'llm_requests'

export type NewJob = {
  /** UUID. The same id with the same content is the same job. */
  id: string
  queue: string
  /** Which handler runs it. */
  kind: string
  /** JSON text, stored as it is; equal text means the same content. */
  payload: string
  agentId?: string
  taskType?: string
  complexity?: Complexity
  /** 0 comes first; 5 where nothing is said. */
  priority?: number
  /** Wall-clock ms; not before this. */
  runAt?: number
  maxAttempts?: number
  /** At most one living job of a queue has it. */
  uniqueKey?: string
  /** Jobs of one group keep to its concurrency limit. */
  group?: string
  parentId?: string
  /** Wall-clock ms; a job that still waits then has failed with reason `deadline`. */
  deadlineAt?: number
  /** Its claim has to survive a power loss: whoever runs it pays. */
  paid?: boolean
  /** `with_owner`: when the process that runs it dies, it is cancelled and never run by another one. */
  lifetime?: 'durable' | 'with_owner'
}

export type EnqueueResult = { id: string; status: JobStatus; deduped: boolean }

/** What a worker holds: only who knows the token may end the job. It grows with every claim and every steal. */
export type Lease = { id: string; token: number }

export type Job = {
  id: string
  queue: string
  kind: string
  state: JobState
  priority: number
  runAt: number
  attempt: number
  maxAttempts: number
  crashes: number
  token: number
  leaseUntil: number | null
  worker: string | null
  uniqueKey: string | null
  group: string | null
  parentId: string | null
  agentId: string
  taskType: string
  complexity: Complexity
  paid: boolean
  lifetime: 'durable' | 'with_owner'
  deadlineAt: number | null
  /** Why it failed, was cancelled or waits again; a word such as `deadline`, `cancelled`, `provider_unavailable.rate_limited`. */
  reason: string | null
  errorMessage: string | null
  createdAt: number
  startedAt: number | null
  finishedAt: number | null
  updatedAt: number
}

export type ClaimedJob = Job & Lease & { payload: string }

/** A job with what it was asked and what came of it (JSON texts). */
export type JobDetail = Job & { payload: string; result: string | null; publishedAt: number | null }

/** How a holder ends its claim. `messages` and `jobs` are written in the same transaction as the new state. */
export type Settlement = Lease &
  (
    | { to: 'completed'; result: string }
    /** Back to waiting. `counts`: this attempt is one of `maxAttempts`. */
    | { to: 'available'; runAt: number; counts: boolean; reason: string; errorMessage?: string }
    | { to: 'dead'; reason: string; errorMessage: string; result?: string }
    | { to: 'cancelled'; reason: string }
  ) & { messages?: readonly NewMessage[]; jobs?: readonly NewJob[] }

/** `fenced`: the claim was somebody else's by then; the result was kept apart and not applied. */
export type SettleResult = 'applied' | 'fenced'

export type NewMessage = {
  queue: string
  /** JSON text. */
  body: string
  /** The same key in the same queue is the same message, also after it was acknowledged. */
  key?: string
}

export type Message = { id: number; readCount: number; enqueuedAt: number; body: string }

/** The queues of the seeds: other programs read and write them by `queue send`, `read` and `ack`. */
export const NAMED_QUEUES = [
  'ai_requests',
  'ai_results',
  'llm_results',
  'job_results',
  'approval_responses',
  'question_responses',
  'genesis_rule_updates',
] as const

/** One paid or failed try of a request: written before anything is sent. */
export type Attempt = {
  n: number
  /** `call`, or `reask` where an answer did not fit the schema. */
  step: 'call' | 'reask'
  provider: string
  model: string
  /** `reserved` before the connection, `calling` from the first byte on, `settled` when the outcome is known, `unknown` when it never will be. */
  phase: 'reserved' | 'calling' | 'settled' | 'unknown'
  /** null: it worked. */
  kind: string | null
  reason: string | null
  httpStatus: number | null
  usage: { promptTokens: number; completionTokens: number; totalTokens: number } | null
  costNusd: number
  costSource: 'reported' | 'computed' | 'estimated' | 'unknown'
  ms: number
  /** Models that were passed over, and why. */
  skipped: readonly { model: string; reason: string }[]
  /** Fields of the request this provider does not take. */
  droppedParams: readonly string[]
  startedAt: number
  /** Made before the last `retry`: it was paid for, and what it taught is forgotten. */
  beforeRetry?: true
}
