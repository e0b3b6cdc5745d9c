import type { Cap } from './account.ts'
import { nusdOf } from './price.ts'
import type { StoredRequest } from './request.ts'
import type { RoutingTable } from './routing.ts'

/** UTC day and month of a moment: '2026-11-22', '2026-11'. */
export function periodsOf(now: number): { day: string; month: string } {
  const day = new Date(now).toISOString().slice(0, 10)
  return { day, month: day.slice(0, 7) }
}

/** The caps of the account that hold for everybody, at this moment. */
export function accountCaps({ budgets }: Pick<RoutingTable, 'budgets'>, now: number): Cap[] {
  const { day, month } = periodsOf(now)
  const caps: Cap[] = [
    { scope: 'day', key: day, capNusd: nusdOf(budgets.dayUsd) },
    { scope: 'month', key: month, capNusd: nusdOf(budgets.monthUsd) },
  ]
  return caps.filter(({ capNusd }) => Number.isFinite(capNusd))
}

/** Every cap one call has to keep to: account, run, request, task, and, where it is known, model. */
export function capsFor(
  table: Pick<RoutingTable, 'budgets'>,
  request: Pick<StoredRequest, 'task_type' | 'max_cost_usd' | 'run'>,
  place: { id: string; now: number; model?: string },
): Cap[] {
  const { tasks, models, runUsd } = table.budgets
  const month = periodsOf(place.now).month
  const task = Object.hasOwn(tasks, request.task_type) ? tasks[request.task_type] : undefined
  const model = place.model !== undefined && Object.hasOwn(models, place.model) ? models[place.model] : undefined
  const own: Cap[] = [
    // a request outside a run is a run of its own
    { scope: 'run', key: request.run?.id ?? place.id, capNusd: Math.min(request.run?.cap_nusd ?? Infinity, nusdOf(runUsd)) },
    { scope: 'request', key: place.id, capNusd: nusdOf(request.max_cost_usd ?? Infinity) },
    { scope: 'task', key: `${request.task_type} ${month}`, capNusd: nusdOf(task ?? Infinity) },
    { scope: 'model', key: `${place.model} ${month}`, capNusd: nusdOf(model ?? Infinity) },
  ]
  return [...accountCaps(table, place.now), ...own.filter(({ capNusd }) => Number.isFinite(capNusd))]
}
