import type { Database } from '../../../storage/index.ts'
import { type Backlog, LONGEST_LIST, type QueueStatistics, type SuccessRate, percentilesOf } from '../../statistics.ts'
import { STATISTICS } from './statistics-sql.ts'

const HOUR = 3_600_000

/** Reads the statistics, question by question: nobody who works has to wait for them. `now`: wall-clock ms. */
export function readStatistics(db: Database, now: number): QueueStatistics {
  const age = (since: number | null): number | null => (since === null ? null : Math.max(0, now - since))
  const backlog = (llm: 0 | 1): Backlog => {
    const row = db.get<{ pending: number; processing: number; oldest: number | null }>(STATISTICS.backlog, llm)!
    return { pending: row.pending, processing: row.processing, oldest_ms: age(row.oldest) }
  }
  const rates = (column: 'agent_id' | 'task_type') =>
    db
      .all<{ name: string; completed: number; failed: number }>(STATISTICS.successBy(column))
      .map(
        ({ name, ...row }) =>
          ({ name, ...row, rate: row.completed / (row.completed + row.failed) }) satisfies SuccessRate & { name: string },
      )
  const perSecond = (ended: string): number | null => {
    const { n, first, last } = db.get<{ n: number; first: number; last: number }>(ended, now - HOUR)!
    return n === 0 ? null : n / Math.max(1, (last - first) / 1000)
  }
  const times = db.all<{ pickUp: number; total: number }>(STATISTICS.times, now - 24 * HOUR)
  type Failed = { id: string; agent_id: string; error_message: string | null }
  return {
    backlog: {
      llm: backlog(1),
      other: backlog(0),
      messages: db
        .all<{ queue: string; waiting: number; oldest: number | null; paused: number }>(STATISTICS.messages)
        .map(({ queue, waiting, oldest, paused }) => ({ queue, waiting, oldest_ms: age(oldest), paused: paused === 1 })),
    },
    pending_by_agent: db.all(STATISTICS.pendingByAgent),
    completed_last_hour: db.get<{ n: number }>(STATISTICS.completedSince, now - HOUR)!.n,
    failed_with_validation_errors: db.all<Failed>(STATISTICS.withValidationErrors, LONGEST_LIST),
    outages: db
      .all<{ reason: string; failed: number; last: number }>(STATISTICS.outages)
      .map(({ last, ...row }) => ({ ...row, last_at: new Date(last).toISOString() })),
    success: {
      by_agent: rates('agent_id').map(({ name, ...rate }) => ({ agent_id: name, ...rate })),
      by_task_type: rates('task_type').map(({ name, ...rate }) => ({ task_type: name, ...rate })),
    },
    tool_calls: {
      requests: db.get<{ n: number }>(STATISTICS.withToolCalls)!.n,
      by_type: db.all(STATISTICS.toolTypes),
      failed: db.all<Failed>(STATISTICS.failedToolCalls, LONGEST_LIST),
    },
    latency_ms: {
      pick_up: percentilesOf(times.map(({ pickUp }) => Math.max(0, pickUp))),
      total: percentilesOf(times.map(({ total }) => total)),
    },
    throughput_per_s: { llm: perSecond(STATISTICS.endedRequests), other: perSecond(STATISTICS.endedOthers) },
  }
}
