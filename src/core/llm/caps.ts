import type { Cap } from './account.ts'
import { nusdOf } from './price.ts'
import type { StoredRequest } from './request.ts'
import type { RoutingTable } from './routing.ts'

type Budgets = Pick<RoutingTable, 'budgets'>

const finite = (caps: readonly Cap[]): Cap[] => caps.filter(({ capNusd }) => Number.isFinite(capNusd))
const own = (caps: Readonly<Record<string, number>>, key: string): number => nusdOf(Object.hasOwn(caps, key) ? caps[key]! : Infinity)

/** The caps of the account that hold for everybody. */
export function accountCaps({ budgets }: Budgets): Cap[] {
  return finite([
    { scope: 'day', key: '', capNusd: nusdOf(budgets.dayUsd) },
    { scope: 'month', key: '', capNusd: nusdOf(budgets.monthUsd) },
  ])
}

export function modelCaps({ budgets }: Budgets, model: string): Cap[] {
  return finite([{ scope: 'model', key: model, capNusd: own(budgets.models, model) }])
}

/** Every cap a call of this request has to keep to, but for that of its model. */
export function requestCaps(table: Budgets, request: Pick<StoredRequest, 'task_type' | 'max_cost_usd' | 'run'>, id: string): Cap[] {
  const { tasks, runUsd } = table.budgets
  return [
    ...accountCaps(table),
    ...finite([
      // a request outside a run is a run of its own
      { scope: 'run', key: request.run?.id ?? id, capNusd: Math.min(request.run?.cap_nusd ?? Infinity, nusdOf(runUsd)) },
      { scope: 'request', key: id, capNusd: nusdOf(request.max_cost_usd ?? Infinity) },
      { scope: 'task', key: request.task_type, capNusd: own(tasks, request.task_type) },
    ]),
  ]
}
