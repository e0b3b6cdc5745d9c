import { formatDuration, oneLine, plural } from '../../core/kernel/index.ts'
import type { Backlog, EventRow, Percentiles, QueueStatistics, SuccessRate, WorkerSummary } from '../../core/queue/index.ts'
import { type Paint, paint } from '../_cli/paint.ts'
import { table } from './text.ts'

type Shown = QueueStatistics & {
  target: { llm_requests_per_s: number; messages_per_s: number; pick_up_ms: number; total_ms: readonly number[] }
}

export function presentWorkers(workers: readonly WorkerSummary[]): string {
  if (workers.length === 0) return `No worker is running.  ${paint('cyan', 'singularity queue work')}\n`
  return table(
    workers.map(({ id, pid, role, running, stopping, started_at: at, version }) => [
      id,
      `pid ${pid}`,
      role,
      plural(running, 'job'),
      stopping ? 'stopping' : '',
      `since ${at}`,
      version,
    ]),
    { grow: 5, indent: 0 },
  )
}

const heading = (text: string): string => paint('bold', text)
const percent = ({ rate }: SuccessRate): string => `${(100 * rate).toFixed(1)} %`

/** The backlog first, then how well it went, beside the figures of the seeds. */
export function presentStatistics(stats: Shown): string {
  const { backlog, latency_ms: latency, throughput_per_s: throughput, success, tool_calls: tools, target } = stats
  const waiting = backlog.messages.filter(({ waiting: n, paused }) => n > 0 || paused)
  const lines = [
    heading('backlog'),
    `  requests  ${backlogText(backlog.llm)}`,
    `  others    ${backlogText(backlog.other)}`,
    ...waiting.map(
      ({ queue, waiting: n, oldest_ms: oldest, paused }) =>
        `  ${oneLine(queue)}  ${plural(n, 'message')}${oldestText(oldest)}${paused ? paint('yellow', ', paused') : ''}`,
    ),
    ...stats.pending_by_agent.map(({ agent_id: agent, pending }) => `  ${oneLine(agent)}  ${pending} pending`),
    heading('latency, ms'),
    `  picked up  ${percentilesText(latency.pick_up)}   seeds: ${target.pick_up_ms}`,
    `  in all     ${percentilesText(latency.total)}   seeds: ${target.total_ms.join('-')} without the model`,
    heading('ended per second'),
    `  requests  ${rateText(throughput.llm)}   seeds: ${target.llm_requests_per_s}`,
    `  others    ${rateText(throughput.other)}   seeds: ${target.messages_per_s}`,
    `${heading('completed')} in the last hour: ${stats.completed_last_hour}`,
    ...success.by_agent.map((row) => `  ${oneLine(row.agent_id)}  ${percent(row)} of ${row.completed + row.failed}`),
    ...success.by_task_type.map((row) => `  ${oneLine(row.task_type)}  ${percent(row)} of ${row.completed + row.failed}`),
  ]
  if (stats.outages.length > 0)
    lines.push(
      heading('outages'),
      ...stats.outages.map(({ reason, failed, last_at: at }) => `  ${paint('red', reason)}  ${failed}, last ${at}`),
    )
  const wrong = stats.failed_with_validation_errors
  if (wrong.length > 0)
    lines.push(heading('failed with validation errors'), ...wrong.map(({ id, error_message: error }) => `  ${id}  ${oneLine(error ?? '')}`))
  if (tools.requests + tools.failed.length > 0)
    lines.push(
      heading('tool calls'),
      `  ${plural(tools.requests, 'request')} with tool calls, ${tools.failed.length} failed`,
      ...tools.by_type.map(({ tool_name: tool, calls }) => `  ${oneLine(tool)}  ${calls}`),
    )
  return lines.join('\n')
}

function backlogText({ pending, processing, oldest_ms: oldest }: Backlog): string {
  return `${pending} pending, ${processing} processing${oldestText(oldest)}`
}

const oldestText = (ms: number | null): string => (ms === null ? '' : `, oldest ${formatDuration(ms)}`)
const rateText = (value: number | null): string => (value === null ? '-' : value.toFixed(1))
const percentilesText = (value: Percentiles): string =>
  value === null ? '-' : `p50 ${Math.round(value.p50)}, p95 ${Math.round(value.p95)}, p99 ${Math.round(value.p99)} of ${value.n}`

export type WorkData = {
  worker: string
  ended: string
  completed: number
  failed: number
  cancelled: number
  released: number
  messages: number
}

/** What a worker has done, in one line. */
export function presentWork({ completed, failed, cancelled, released, messages }: WorkData): string {
  const parts = [
    plural(completed, 'job') + ' completed',
    ...(failed > 0 ? [paint('red', `${failed} failed`)] : []),
    ...(cancelled > 0 ? [paint('yellow', `${cancelled} cancelled`)] : []),
    ...(released > 0 ? [`${released} put back`] : []),
    ...(messages > 0 ? [`${plural(messages, 'message')} taken`] : []),
  ]
  return parts.join(', ')
}

const EVENT_COLOR: Readonly<Record<string, Paint>> = { completed: 'green', dead: 'red', cancelled: 'yellow', claimed: 'cyan' }

/** One line per event. */
export function eventLine({ at, type, id, detail }: EventRow): string {
  return `${paint('dim', at)}  ${paint(EVENT_COLOR[type] ?? 'dim', type.padEnd(9))}  ${id}  ${oneLine(detail ?? '')}`.trimEnd()
}
