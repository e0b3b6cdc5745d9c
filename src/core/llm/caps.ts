import type { Account, Cap } from './account.ts'
import { nusdOf } from './price.ts'
import type { RouteState } from './route.ts'
import type { RoutingTable } from './routing.ts'
import type { Secrets } from './secrets/secrets.ts'

export type CapNeeds = {
  taskType: string
  /** The run the request belongs to; a request by itself is its own run. */
  run: { id: string; capNusd?: number }
  request: { id: string; maxCostUsd: number | null }
}

/** Every cap that binds a call; the run's own may only lower that of the table. */
export function capsFor(table: Pick<RoutingTable, 'budgets'>, needs: CapNeeds, model?: string): Cap[] {
  const { runUsd, dayUsd, monthUsd, tasks, models } = table.budgets
  const usdOf = (amounts: Readonly<Record<string, number>>, name: string): number =>
    Object.hasOwn(amounts, name) ? amounts[name]! : Infinity
  const caps: Cap[] = [
    { scope: 'run', key: needs.run.id, capNusd: Math.min(nusdOf(runUsd), needs.run.capNusd ?? Infinity) },
    { scope: 'day', key: '', capNusd: nusdOf(dayUsd) },
    { scope: 'month', key: '', capNusd: nusdOf(monthUsd) },
    { scope: 'task', key: needs.taskType, capNusd: nusdOf(usdOf(tasks, needs.taskType)) },
    { scope: 'request', key: needs.request.id, capNusd: needs.request.maxCostUsd === null ? Infinity : nusdOf(needs.request.maxCostUsd) },
    ...(model === undefined ? [] : [{ scope: 'model' as const, key: model, capNusd: nusdOf(usdOf(models, model)) }]),
  ]
  return caps.filter(({ capNusd }) => Number.isFinite(capNusd))
}

/** What routing asks of the account and the keys at this moment. */
export function routeStateOf(
  table: RoutingTable,
  account: Account,
  secrets: Pick<Secrets, 'has'>,
  needs: CapNeeds,
  now: number,
): RouteState {
  const least = (caps: readonly Cap[]): number => Math.min(Infinity, ...account.budget(caps).map(({ left_nusd: left }) => left))
  return {
    hasKey: (name) => secrets.has(name),
    blocked: (provider) => account.blocked(provider)?.reason ?? null,
    reopensAt: (provider, model) => account.reopensAt(provider, model),
    now,
    leftNusd: least(capsFor(table, needs)),
    leftOfModel: (model) => least(capsFor(table, needs, model).filter(({ scope }) => scope === 'model')),
  }
}
