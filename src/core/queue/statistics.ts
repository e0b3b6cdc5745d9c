/** Percentiles in ms over `n` jobs; null where there are none. */
export type Percentiles = { p50: number; p95: number; p99: number; n: number } | null

export type Backlog = {
  pending: number
  processing: number
  /** Age of the oldest that waits, ms; null where none does. */
  oldest_ms: number | null
}

export type SuccessRate = { completed: number; failed: number; /** Of those that ended, 0 to 1. */ rate: number }

/** What `queue stats` tells: the seeds' eight queries, backlogs, latencies and throughput as they are now. */
export type QueueStatistics = {
  /** Requests to models, and everything else a worker does. */
  backlog: { llm: Backlog; other: Backlog; messages: { queue: string; waiting: number; oldest_ms: number | null; paused: boolean }[] }
  pending_by_agent: { agent_id: string; pending: number }[]
  completed_last_hour: number
  failed_with_validation_errors: { id: string; agent_id: string; error_message: string | null }[]
  /** Requests that no provider answered, by reason. */
  outages: { reason: string; failed: number; last_at: string }[]
  success: { by_agent: ({ agent_id: string } & SuccessRate)[]; by_task_type: ({ task_type: string } & SuccessRate)[] }
  tool_calls: {
    /** Answered requests that called a tool. */
    requests: number
    by_type: { tool_name: string; calls: number }[]
    /** Requests with tools whose answer had not the asked form. */
    failed: { id: string; agent_id: string; error_message: string | null }[]
  }
  /** Of requests that ended in the last 24 hours: until they were taken, and until they ended. */
  latency_ms: { pick_up: Percentiles; total: Percentiles }
  /** Ended jobs per second of the last hour, over the time from the first to the last of them. */
  throughput_per_s: { llm: number | null; other: number | null }
}

/** One call to a model and what became of its request, as far as it is known. Times are wall-clock ms. */
export type CallRecord = {
  id: string
  agentId: string
  taskType: string
  status: 'pending' | 'processing' | 'completed' | 'failed'
  n: number
  step: string
  provider: string
  model: string
  phase: string
  kind: string | null
  costNusd: number
  ms: number
  startedAt: number
  createdAt: number
  finishedAt: number | null
}

/** The figures the seeds name, beside which the measured ones are shown. */
export const SEED_TARGETS = {
  llm_requests_per_s: 500,
  messages_per_s: 100,
  pick_up_ms: 100,
  insert_ms: [5, 10],
  indexed_query_ms: [1, 2],
  status_update_ms: [5, 10],
  total_ms: [20, 30],
} as const

/** Most rows a list inside the statistics has: the newest ones. */
export const LONGEST_LIST = 20

/** The nearest-rank percentiles of these values (any order). */
export function percentilesOf(values: readonly number[]): Percentiles {
  if (values.length === 0) return null
  const sorted = Float64Array.from(values).sort()
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), n: sorted.length }
}
