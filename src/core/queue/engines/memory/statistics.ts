import { groupBy, parseJson } from '../../../kernel/index.ts'
import { LLM_QUEUE, STATUS_OF } from '../../job.ts'
import { type Backlog, type CallRecord, LONGEST_LIST, type QueueStatistics, type SuccessRate, percentilesOf } from '../../statistics.ts'
import type { Entry } from './table.ts'

const HOUR = 3_600_000

type Waiting = QueueStatistics['backlog']['messages']
type Result = { validation_errors?: unknown; tool_calls?: { tool_name?: string }[] } | null
type Asked = { tools?: unknown[]; response_schema?: { properties?: { tool_calls?: unknown } } } | null

/** The same as `calls` of engines/sqlite/statistics-sql.ts. */
export function readCalls(entries: Iterable<Entry>, since: number): CallRecord[] {
  return [...entries]
    .filter(({ queue }) => queue === LLM_QUEUE)
    .flatMap(({ id, agentId, taskType, state, createdAt, finishedAt, attempts }) =>
      attempts.map(({ n, step, provider, model, phase, kind, costNusd, ms, startedAt }): CallRecord => {
        const job = { id, agentId, taskType, status: STATUS_OF[state], createdAt, finishedAt }
        return { ...job, n, step, provider, model, phase, kind, costNusd, ms, startedAt }
      }),
    )
    .filter(({ startedAt }) => startedAt >= since)
    .toSorted((a, b) => a.startedAt - b.startedAt)
}

/** The same questions as engines/sqlite/statistics-sql.ts, over rows in memory. */
export function readStatistics(entries: Iterable<Entry>, messages: Waiting, now: number): QueueStatistics {
  const all = [...entries]
  const llm = all.filter(({ queue }) => queue === LLM_QUEUE)
  const other = all.filter(({ queue }) => queue !== LLM_QUEUE)
  const having = (status: string): Entry[] => llm.filter(({ state }) => STATUS_OF[state] === status)
  const [pending, completed, failed] = [having('pending'), having('completed'), having('failed')]
  const told = (rows: readonly Entry[]) =>
    rows
      .toSorted((a, b) => b.updatedAt - a.updatedAt)
      .slice(0, LONGEST_LIST)
      .map(({ id, agentId, errorMessage }) => ({ id, agent_id: agentId, error_message: errorMessage }))
  const backlog = (rows: readonly Entry[]): Backlog => {
    const waits = rows.filter(({ state }) => state === 'available')
    const oldest = waits.length === 0 ? null : Math.max(0, now - Math.min(...waits.map(({ createdAt }) => createdAt)))
    return { pending: waits.length, processing: rows.filter(({ state }) => state === 'running').length, oldest_ms: oldest }
  }
  const rates = (nameOf: (entry: Entry) => string): ({ name: string } & SuccessRate)[] =>
    [...groupBy([...completed, ...failed], nameOf)]
      .map(([name, rows]) => {
        const good = rows.filter(({ state }) => state === 'completed').length
        return { name, completed: good, failed: rows.length - good, rate: good / rows.length }
      })
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const perSecond = (rows: readonly Entry[]): number | null => {
    const ends = rows.flatMap(({ finishedAt }) => (finishedAt !== null && finishedAt >= now - HOUR ? [finishedAt] : []))
    return ends.length === 0 ? null : ends.length / Math.max(1, (Math.max(...ends) - Math.min(...ends)) / 1000)
  }
  const tools = completed.map(({ result }) => (parseJson(result ?? 'null') as Result)?.tool_calls ?? []).filter((calls) => calls.length > 0)
  const outages = failed.filter(({ reason }) => reason?.startsWith('provider_unavailable'))
  const day = llm.filter(({ startedAt, finishedAt }) => startedAt !== null && finishedAt !== null && finishedAt >= now - 24 * HOUR)
  return {
    backlog: { llm: backlog(llm), other: backlog(other), messages },
    pending_by_agent: [...groupBy(pending, ({ agentId }) => agentId)]
      .map(([agent_id, rows]) => ({ agent_id, pending: rows.length }))
      .toSorted((a, b) => b.pending - a.pending || (a.agent_id < b.agent_id ? -1 : 1)),
    completed_last_hour: completed.filter(({ updatedAt }) => updatedAt >= now - HOUR).length,
    failed_with_validation_errors: told(
      failed.filter(({ result }) => Array.isArray((parseJson(result ?? 'null') as Result)?.validation_errors)),
    ),
    outages: [...groupBy(outages, ({ reason }) => reason!)]
      .map(([reason, rows]) => ({
        reason,
        failed: rows.length,
        last_at: new Date(Math.max(...rows.map(({ updatedAt }) => updatedAt))).toISOString(),
      }))
      .toSorted((a, b) => b.failed - a.failed || (a.reason < b.reason ? -1 : 1)),
    success: {
      by_agent: rates(({ agentId }) => agentId).map(({ name, ...rate }) => ({ agent_id: name, ...rate })),
      by_task_type: rates(({ taskType }) => taskType).map(({ name, ...rate }) => ({ task_type: name, ...rate })),
    },
    tool_calls: {
      requests: tools.length,
      by_type: [...groupBy(tools.flat(), ({ tool_name: name = '' }) => name)]
        .map(([tool_name, calls]) => ({ tool_name, calls: calls.length }))
        .toSorted((a, b) => b.calls - a.calls || (a.tool_name < b.tool_name ? -1 : 1)),
      failed: told(failed.filter((entry) => entry.reason?.startsWith('malformed_response') === true && offersTools(entry.payload))),
    },
    latency_ms: {
      pick_up: percentilesOf(day.map((entry) => Math.max(0, entry.startedAt! - Math.max(entry.createdAt, entry.runAt)))),
      total: percentilesOf(day.map(({ createdAt, finishedAt }) => finishedAt! - createdAt)),
    },
    throughput_per_s: { llm: perSecond(llm), other: perSecond(other) },
  }
}

function offersTools(payload: string): boolean {
  const asked = parseJson(payload) as Asked
  return (asked?.tools?.length ?? 0) > 0 || asked?.response_schema?.properties?.tool_calls !== undefined
}
