import type { BudgetState, LlmOverview } from '../../core/llm/index.ts'
import { formatDuration, oneLine, plural, printable } from '../../core/kernel/index.ts'
import { paint } from '../_cli/paint.ts'
import { table } from './text.ts'

type Routes = ReturnType<LlmOverview['routes']>
type Models = ReturnType<LlmOverview['models']>

/** Dollars as people read them: enough digits that a cheap call is not shown as nothing. */
export function dollars(nusd: number): string {
  if (!Number.isFinite(nusd)) return 'no cap'
  return nusd !== 0 && nusd < 10_000_000 ? `$${(nusd / 1e9).toFixed(6)}` : `$${(nusd / 1e9).toFixed(2)}`
}

const stale = ({ as_of, age_days, stale: isStale }: Pick<Routes, 'as_of' | 'age_days' | 'stale'>): string =>
  isStale
    ? paint('yellow', `Prices and models are of ${as_of}, ${plural(age_days, 'day')} old: check them with your provider.`)
    : paint('dim', `Prices and models are of ${as_of}.`)

/** Route by route, the models in the order in which they are tried. */
export function presentRoutes(data: Routes): string {
  const routes = data.routes.flatMap(({ complexity, models, max_cost_usd: most, timeout_ms: timeout, origins }) => {
    const cost = most === null ? 'no limit of its own' : `at most $${most}`
    const tasks = Object.keys(data.tasks).filter((task) => data.tasks[task] === complexity)
    return [
      `${paint('bold', complexity)}  ${cost}, ${formatDuration(timeout)}${paint('dim', origin(origins['models']))}`,
      `  ${paint('dim', oneLine(`tasks: ${tasks.join(', ') || 'none'}`))}`,
      table(
        models.map(({ model, usable, reason }) => [usable ? 'ok' : '-', model, reason ?? '']),
        { grow: 2, paint: (row, column, text) => (column === 0 ? paint(models[row]!.usable ? 'green' : 'dim', text) : text) },
      ),
      '',
    ]
  })
  const { run_usd, day_usd, month_usd, origins } = data.budgets
  const cap = (name: string, usd: number | null, from: string | undefined): string =>
    `${name} ${usd === null ? 'no cap' : `$${usd}`}${from === undefined || from === 'default' ? '' : ` (${from})`}`
  const caps = [
    cap('run', run_usd, origins['run_usd']),
    cap('day', day_usd, origins['day_usd']),
    cap('month', month_usd, origins['month_usd']),
  ]
  const none = data.routes.every(({ models }) => models.every(({ usable }) => !usable))
  return [
    ...routes,
    `Caps: ${caps.join(', ')}. Data may go to: ${data.privacy.join(', ')}.`,
    stale(data),
    ...(none ? ['', 'No model can be used yet:', `  ${paint('cyan', 'singularity secrets set OPENAI_API_KEY')}`] : []),
  ].join('\n')
}

const origin = (from: string | undefined): string => (from === undefined || from === 'default' ? '' : `  models: ${from}`)

export function presentModels(data: Models): string {
  const rows = data.models.map(({ model, usd_per_mtok: price, context_tokens: context, data: where, usable, reason, notice }) => [
    usable ? 'ok' : '-',
    model,
    price === null ? 'no price' : `$${price.input} / $${price.output}`,
    `${Math.round(context / 1000)}k`,
    where,
    notice ?? reason ?? '',
  ])
  return [
    table([['', 'model', 'in / out per million', 'window', 'data', ''], ...rows], { grow: 5, paint: paintModel(data) }),
    '',
    stale(data),
  ].join('\n')
}

const paintModel =
  ({ models }: Models) =>
  (row: number, column: number, text: string): string => {
    if (row === 0) return paint('dim', text)
    const { usable, notice } = models[row - 1]!
    return column === 0 ? paint(usable ? 'green' : 'dim', text) : column === 5 && notice !== null ? paint('red', text) : text
  }

/** One line per cap: spent, kept back for calls that run now, left. */
export function presentBudget({ caps, doubt }: BudgetState): string {
  const rows = caps.map(({ scope, key, cap_nusd: cap, spent_nusd: spent, reserved_nusd: reserved, left_nusd: left, resets_at: resets }) => [
    scope,
    key,
    dollars(cap),
    dollars(spent),
    dollars(reserved),
    Number.isFinite(cap) ? dollars(left) : '',
    resets === null ? '' : resets.replace(/T.*/, ''),
  ])
  const isNew = caps.some(({ held }) => !held)
  return [
    table([['cap', '', 'limit', 'spent', 'reserved', 'left', 'resets'], ...rows], {
      grow: 1,
      paint: (row, _column, text) => (row === 0 ? paint('dim', text) : text),
    }),
    ...(isNew ? ['', 'This home has no history of the whole period: what was spent elsewhere or before is not counted.'] : []),
    ...(doubt === null
      ? []
      : ['', printable(`Nothing is paid for: ${doubt}.`), 'To go on with these sums: singularity llm budget confirm']),
  ].join('\n')
}
