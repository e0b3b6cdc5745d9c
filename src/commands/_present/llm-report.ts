import { formatDuration, oneLine, plural } from '../../core/kernel/index.ts'
import type { ModelReport, ModelReportRow, ModelStatistics } from '../../core/llm/index.ts'
import { type Paint, paint } from '../_cli/paint.ts'
import { dollars } from './llm.ts'
import { table } from './text.ts'

const percent = (share: number | null): string => (share === null ? '' : `${Math.round(share * 100)} %`)
const time = (ms: number | null): string => (ms === null ? '' : formatDuration(ms))
const money = (nusd: number | null): string => (nusd === null ? '' : dollars(nusd))

const HEAD = ['model', 'task', 'asked', 'as asked', 're-asks', 'p50', 'p95', 'cost', 'per answer', 'per landed', 'burnt']

function cells(row: ModelReportRow): string[] {
  const { model, task_type: task, n, pass_rate: rate, reasks, p50_ms: p50, p95_ms: p95, cost_nusd: cost, burnt_nusd: burnt } = row
  const each = [money(row.cost_per_accepted_nusd), money(row.cost_per_landed_nusd), burnt === 0 ? '' : dollars(burnt)]
  return [model, oneLine(task), String(n), percent(rate), reasks === 0 ? '' : String(reasks), time(p50), time(p95), dollars(cost), ...each]
}

function colour({ pass_rate: rate }: ModelReportRow, column: number): Paint | null {
  if (column === 3 && rate !== null) return rate >= 0.95 ? 'green' : rate >= 0.8 ? 'yellow' : 'red'
  return column === 10 ? 'red' : null
}

export function presentReport({ models, edits, days, advice }: ModelReport): string {
  if (models.length === 0) return 'No model was called yet.  singularity llm check'
  const rows = models.map(cells)
  // a column nobody has anything in takes the room of the names
  const kept = HEAD.map((_head, column) => column).filter((column) => rows.some((row) => row[column] !== ''))
  const shown = table(
    [HEAD, ...rows].map((row) => kept.map((column) => row[column]!)),
    {
      grow: 0,
      paint: (row, column, text) => {
        const paintAs = row === 0 ? 'dim' : colour(models[row - 1]!, kept[column]!)
        return paintAs === null ? text : paint(paintAs, text)
      },
    },
  )
  const applied = edits.map(({ model, tool, calls, edit_apply_rate: rate }) => [
    model,
    tool,
    `${percent(rate)} of ${plural(calls, 'edit')} fitted`,
  ])
  const recent = days
    .slice(-7)
    .map(({ day, requests, cost_nusd: cost, p50_ms: p50 }) => [day, plural(requests, 'request'), dollars(cost), time(p50)])
  return [
    shown,
    ...(applied.length > 0 ? ['', table(applied, { grow: 0 })] : []),
    ...(recent.length > 1 ? ['', table(recent, { grow: 0 })] : []),
    ...(advice.length > 0 ? ['', ...advice.map(oneLine)] : []),
  ].join('\n')
}

export function presentModelStatistics(data: ModelStatistics): string {
  const { split, llm_latency_ms: latency } = data
  const rows = [
    ['requests to models', String(data.llm_requests)],
    ['cost', dollars(Math.round(data.llm_cost_usd * 1e9))],
    ['answered from the cache', percent(data.cache_hit_rate) || 'nothing was asked yet'],
    ['agents wait on average', time(data.avg_agent_latency_ms) || 'no request was answered yet'],
    ...(latency === null ? [] : [['a call takes', `${time(latency.p50)} (p95 ${time(latency.p95)})`]]),
    ...(split.answers === 0
      ? []
      : [['answers', `${split.answers}: rules ${percent(split.rule)}, cache ${percent(split.cache)}, models ${percent(split.llm)}`]]),
  ]
  const agents = data.agents.map(({ agent_id: agent, requests, cost_usd: cost, avg_latency_ms: wait }) => [
    oneLine(agent),
    plural(requests, 'request'),
    dollars(Math.round(cost * 1e9)),
    time(wait),
  ])
  return [table(rows, { grow: 1 }), ...(agents.length > 1 ? ['', table(agents, { grow: 0 })] : [])].join('\n')
}
