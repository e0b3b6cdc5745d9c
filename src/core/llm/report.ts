import { groupBy } from '../kernel/index.ts'
import { type CallRecord, percentilesOf } from '../queue/index.ts'

/** What the work with models came to, beyond its answers. */
export type ModelOutcomes = {
  /** Request -> the run it was a turn of. */
  turns: readonly { request: string; run: string }[]
  candidates: readonly { run: string; landed: boolean; undone: boolean; rolledBack: boolean }[]
  edits: readonly { model: string | null; tool: string; calls: number; applied: number }[]
}

export type ModelReportRow = {
  model: string
  provider: string
  task_type: string
  /** Requests it was called for, and calls. */
  n: number
  calls: number
  /** Answered, and valid against their schema. */
  accepted: number
  /** Of the requests that have ended, 0 to 1. */
  pass_rate: number | null
  reasks: number
  p50_ms: number | null
  p95_ms: number | null
  cost_nusd: number
  cost_per_accepted_nusd: number | null
  /** Changes that landed and were not undone. */
  landed: number
  cost_per_landed_nusd: number | null
  /** Spent on runs whose changes were rolled back or undone, with nothing else landed. */
  burnt_nusd: number
}

export type EditRow = { model: string; tool: string; calls: number; applied: number; edit_apply_rate: number }
export type DayRow = { day: string; requests: number; cost_nusd: number; p50_ms: number | null }
export type ModelReport = { since: string | null; models: ModelReportRow[]; edits: EditRow[]; days: DayRow[]; advice: string[] }

/** What was measured, per model and kind of task. `since`: wall-clock ms, 0 for everything that is kept. Pure. */
export function reportOf(calls: readonly CallRecord[], outcomes: ModelOutcomes, since: number): ModelReport {
  const last = new Map<string, number>()
  for (const { id, n } of calls) last.set(id, Math.max(n, last.get(id) ?? 0))
  const runs = new Map(outcomes.turns.map(({ request, run }) => [request, run]))
  const made = groupBy(outcomes.candidates, ({ run }) => run)
  const models = [...groupBy(calls, ({ model, taskType }) => JSON.stringify([model, taskType])).values()]
    .map((rows) => rowOf(rows, { last, runs, made }))
    .toSorted((a, b) => (a.task_type < b.task_type ? -1 : a.task_type > b.task_type ? 1 : b.n - a.n))
  return {
    since: since > 0 ? new Date(since).toISOString() : null,
    models,
    edits: outcomes.edits.map(({ model, tool, calls: all, applied }) => {
      return { model: model ?? 'unknown', tool, calls: all, applied, edit_apply_rate: applied / all }
    }),
    days: [...groupBy(calls, ({ startedAt }) => new Date(startedAt).toISOString().slice(0, 10))].map(([day, rows]) => ({
      day,
      requests: new Set(rows.map(({ id }) => id)).size,
      cost_nusd: sumOf(rows),
      p50_ms: percentilesOf(answeredTimes(rows))?.p50 ?? null,
    })),
    advice: adviceOf(models),
  }
}

const sumOf = (rows: readonly CallRecord[]): number => rows.reduce((sum, { costNusd }) => sum + costNusd, 0)
/** A call without a kind of failure was answered; what was never sent took no time. */
const answeredTimes = (rows: readonly CallRecord[]): number[] => rows.flatMap(({ kind, ms }) => (kind === null && ms > 0 ? [ms] : []))

type Known = {
  last: ReadonlyMap<string, number>
  runs: ReadonlyMap<string, string>
  made: ReadonlyMap<string, ModelOutcomes['candidates']>
}

function rowOf(rows: readonly CallRecord[], { last, runs, made }: Known): ModelReportRow {
  const requests = groupBy(rows, ({ id }) => id)
  const ended = [...requests.values()].filter((own) => own[0]!.status === 'completed' || own[0]!.status === 'failed')
  // the last call of a completed request gave its answer
  const accepted = rows.filter(({ id, n, status, kind }) => status === 'completed' && kind === null && last.get(id) === n).length
  const cost = sumOf(rows)
  const times = percentilesOf(answeredTimes(rows))
  const byRun = groupBy(
    rows.filter(({ id }) => runs.has(id)),
    ({ id }) => runs.get(id)!,
  )
  const stays = (run: string): number => (made.get(run) ?? []).filter(({ landed, undone }) => landed && !undone).length
  const isBurnt = (run: string): boolean => stays(run) === 0 && (made.get(run) ?? []).some(({ undone, rolledBack }) => undone || rolledBack)
  const landed = [...byRun.keys()].reduce((sum, run) => sum + stays(run), 0)
  const onChanges = [...byRun.values()].reduce((sum, own) => sum + sumOf(own), 0)
  const { model, provider, taskType } = rows[0]!
  return {
    model,
    provider,
    task_type: taskType,
    n: requests.size,
    calls: rows.length,
    accepted,
    pass_rate: ended.length === 0 ? null : accepted / ended.length,
    reasks: rows.filter(({ step }) => step === 'reask').length,
    p50_ms: times?.p50 ?? null,
    p95_ms: times?.p95 ?? null,
    cost_nusd: cost,
    cost_per_accepted_nusd: accepted === 0 ? null : Math.round(cost / accepted),
    landed,
    cost_per_landed_nusd: landed === 0 ? null : Math.round(onChanges / landed),
    burnt_nusd: [...byRun].reduce((sum, [run, own]) => sum + (isBurnt(run) ? sumOf(own) : 0), 0),
  }
}

/** Requests of a model and kind of task below which nothing is said about it. */
export const TELLING = 20
const POOR = 0.8
const CHEAPER = 0.75

/** What a person may want to change in the routes. Few requests say nothing, and that is said. */
function adviceOf(rows: readonly ModelReportRow[]): string[] {
  if (rows.length === 0) return []
  const telling = rows.filter(({ n, pass_rate: rate }) => n >= TELLING && rate !== null)
  if (telling.length === 0) return [`No model has answered ${TELLING} requests of one kind of task yet: too few to recommend anything.`]
  const poor = telling
    .filter(({ pass_rate: rate }) => rate! < POOR)
    .map((row) => `${row.model} answers ${percent(row.pass_rate!)} of ${row.task_type} as asked: put another model first for it.`)
  const cheaper = [...groupBy(telling, ({ task_type: task }) => task)].flatMap(([task, own]) => {
    const most = own.toSorted((a, b) => b.n - a.n)[0]!
    const price = ({ cost_per_accepted_nusd: cost }: ModelReportRow): number => cost ?? Infinity
    const better = own
      .filter((each) => each !== most && each.pass_rate! >= most.pass_rate! && price(each) < price(most) * CHEAPER)
      .toSorted((a, b) => price(a) - price(b))[0]
    return better
      ? [
          `${task}: ${better.model} answers ${percent(better.pass_rate!)} at ${usd(price(better))} each, ${most.model} ${percent(most.pass_rate!)} at ${usd(price(most))}.`,
        ]
      : []
  })
  const burnt = telling
    .filter((row) => row.burnt_nusd > row.cost_nusd / 2 && row.burnt_nusd > 0)
    .map((row) => `${row.model}: ${usd(row.burnt_nusd)} of ${usd(row.cost_nusd)} went into changes that were rolled back or undone.`)
  return [...poor, ...cheaper, ...burnt]
}

const percent = (share: number): string => `${Math.round(share * 100)} %`
const usd = (nusd: number): string => (Number.isFinite(nusd) ? `$${Number((nusd / 1e9).toPrecision(3))}` : 'no answer')

export type ModelStatistics = {
  since: string | null
  llm_requests: number
  llm_cost_usd: number
  /** Answers from a cache among all answers; null: nothing was asked. */
  cache_hit_rate: number | null
  /** From being asked for to the answer, of requests that were answered; null: none was. */
  avg_agent_latency_ms: number | null
  /** Of single calls. */
  llm_latency_ms: { p50: number; p95: number } | null
  agents: { agent_id: string; requests: number; cost_usd: number; avg_latency_ms: number | null }[]
  /** Who answered. The seeds hoped for 0.4, 0.5 and 0.1. */
  split: { rule: number; cache: number; llm: number; answers: number }
}

type Tier = { tier: 'rule' | 'exact' | 'semantic' | 'llm'; answers: number }

/** The seeds' get_metrics, and the split by tier as it was observed. `tiers`: of all answers of this repository. Pure. */
export function statisticsOf(calls: readonly CallRecord[], tiers: readonly Tier[], since: number): ModelStatistics {
  const answers = tiers.reduce((sum, each) => sum + each.answers, 0)
  const share = (...names: Tier['tier'][]): number =>
    answers === 0 ? 0 : tiers.reduce((sum, each) => sum + (names.includes(each.tier) ? each.answers : 0), 0) / answers
  const times = percentilesOf(answeredTimes(calls))
  return {
    since: since > 0 ? new Date(since).toISOString() : null,
    llm_requests: new Set(calls.map(({ id }) => id)).size,
    llm_cost_usd: sumOf(calls) / 1e9,
    cache_hit_rate: answers === 0 ? null : share('exact', 'semantic'),
    avg_agent_latency_ms: latencyOf(calls),
    llm_latency_ms: times && { p50: times.p50, p95: times.p95 },
    agents: [...groupBy(calls, ({ agentId }) => agentId)].map(([agent_id, rows]) => ({
      agent_id,
      requests: new Set(rows.map(({ id }) => id)).size,
      cost_usd: sumOf(rows) / 1e9,
      avg_latency_ms: latencyOf(rows),
    })),
    split: { rule: share('rule'), cache: share('exact', 'semantic'), llm: share('llm'), answers },
  }
}

/** Mean ms from being asked to being answered. */
function latencyOf(calls: readonly CallRecord[]): number | null {
  const done = new Map(
    calls.flatMap(({ id, status, createdAt, finishedAt }) =>
      status === 'completed' && finishedAt !== null ? [[id, finishedAt - createdAt] as const] : [],
    ),
  )
  return done.size === 0 ? null : Math.round([...done.values()].reduce((sum, ms) => sum + ms, 0) / done.size)
}
