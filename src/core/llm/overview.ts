import { type Clock, SingularityError } from '../kernel/index.ts'
import type { Account, Cap, CapState } from './account.ts'
import { nusdOf } from './price.ts'
import { keptFrom } from './route.ts'
import type { ModelEntry, ProviderEntry, RoutingTable } from './routing.ts'
import type { RoutingSource } from './routing-table.ts'
import type { Secrets } from './secrets/secrets.ts'

export type OverviewDeps = {
  routing: RoutingSource
  secrets: Secrets
  clock: Clock
  account(): Account
  /** null where there is no ledger yet: who only looks makes none. */
  existingAccount(): Account | null
}

type Usable = { usable: boolean; reason: string | null }

/** `doubt`: why nothing is paid for until a person has looked; null where the sums are right. */
export type BudgetState = { caps: CapState[]; doubt: string | null }

/** What `llm routes`, `llm models` and `llm budget` show. No network, no model. */
export type LlmOverview = ReturnType<typeof createOverview>

const DAY = 86_400_000
const TIERS = ['simple', 'medium', 'complex'] as const

export function createOverview({ routing, secrets, clock, account, existingAccount }: OverviewDeps) {
  const age = ({ asOf, staleAfterDays }: RoutingTable) => {
    const days = Math.max(0, Math.floor((clock.now() - Date.parse(asOf)) / DAY))
    return { as_of: asOf, age_days: days, stale: days > staleAfterDays }
  }

  const usable = (table: RoutingTable, provider: ProviderEntry, ledger: Account | null): Usable => {
    const blocked = ledger?.blocked(provider.name)
    const kept = keptFrom(table, provider, (name) => secrets.has(name))
    const reason = kept?.reason ?? (blocked ? `blocked: ${blocked.reason}` : null)
    return { usable: reason === null, reason }
  }

  const originsBelow = (table: RoutingTable, prefix: string): Record<string, string> =>
    Object.fromEntries(
      [...table.origins].flatMap(([path, origin]) => (path.startsWith(prefix) ? [[path.slice(prefix.length), origin]] : [])),
    )

  function budget(): BudgetState {
    const { budgets } = routing.table()
    const caps: Cap[] = [
      { scope: 'run', key: 'each run', capNusd: nusdOf(budgets.runUsd) },
      { scope: 'day', key: '', capNusd: nusdOf(budgets.dayUsd) },
      { scope: 'month', key: '', capNusd: nusdOf(budgets.monthUsd) },
      ...Object.entries(budgets.tasks).map(([key, usd]): Cap => ({ scope: 'task', key, capNusd: nusdOf(usd) })),
      ...Object.entries(budgets.models).map(([key, usd]): Cap => ({ scope: 'model', key, capNusd: nusdOf(usd) })),
    ]
    const ledger = account()
    return { caps: ledger.budget(caps), doubt: ledger.doubt() }
  }

  return {
    /** The table as it counts here, with the origin of each value. @throws CONFIG_INVALID, CONFIG_UNTRUSTED */
    routes() {
      const table = routing.table()
      const ledger = existingAccount()
      const { budgets } = table
      return {
        ...age(table),
        routes: TIERS.map((complexity) => {
          const { models, maxCostUsd, timeoutMs, reasoning } = table.routes[complexity]
          return {
            complexity,
            models: models.map((name) => {
              const { provider } = table.models.get(name)!
              return { model: name, provider, ...usable(table, table.providers.get(provider)!, ledger) }
            }),
            max_cost_usd: maxCostUsd,
            timeout_ms: timeoutMs,
            reasoning,
            origins: originsBelow(table, `routes.${complexity}.`),
          }
        }),
        providers: [...table.providers.values()].map((provider) => ({
          provider: provider.name,
          api: provider.api,
          base_url: provider.baseUrl,
          key: provider.keyName,
          data: provider.data,
          ...usable(table, provider, ledger),
          origins: originsBelow(table, `providers.${provider.name}.`),
        })),
        tasks: { ...table.tasks },
        aliases: { ...table.aliases },
        privacy: [...table.privacy],
        allow_unpriced: table.allowUnpriced,
        max_retries: table.maxRetries,
        budgets: {
          run_usd: finite(budgets.runUsd),
          day_usd: finite(budgets.dayUsd),
          month_usd: finite(budgets.monthUsd),
          tasks: { ...budgets.tasks },
          models: { ...budgets.models },
          origins: originsBelow(table, 'budgets.'),
        },
      }
    },

    /** Every model of the table with its price and where it may be used. @throws CONFIG_INVALID, CONFIG_UNTRUSTED */
    models() {
      const table = routing.table()
      const ledger = existingAccount()
      return {
        ...age(table),
        models: [...table.models.values()].map((model) =>
          describe(table, model, usable(table, table.providers.get(model.provider)!, ledger), noticeOf(ledger, model)),
        ),
      }
    },

    /** Lets a provider be called again. @throws NOT_FOUND for one that is not in the table, LEDGER_UNUSABLE */
    unblock(provider: string): { provider: string; was_blocked: boolean; reason: string | null; since: string | null } {
      const { providers } = routing.table()
      if (!providers.has(provider))
        throw new SingularityError(
          'NOT_FOUND',
          `There is no provider ${provider} in the routing table: ${[...providers.keys()].join(', ')}.`,
          {
            hints: ['singularity llm routes'],
          },
        )
      const block = existingAccount()?.blocked(provider) ?? null
      if (block) account().unblock(provider)
      return { provider, was_blocked: block !== null, reason: block?.reason ?? null, since: block?.since ?? null }
    },

    /** @throws LEDGER_UNUSABLE */
    budget,

    /**
     * Sets the user's cap of every day or month, in dollars.
     * @throws USAGE for what is no amount, LEDGER_UNUSABLE
     */
    setBudget(scope: 'day' | 'month', usd: number): BudgetState {
      if (!Number.isFinite(usd) || usd < 0 || usd > 1_000_000)
        throw new SingularityError('USAGE', 'A cap is an amount in dollars, from 0 to 1000000.', {
          hints: [`singularity llm budget set ${scope} 5`],
        })
      account().setCap(scope, nusdOf(usd))
      return budget()
    },

    /** A person takes the sums of a mended ledger as they are: it may be paid again. @throws LEDGER_UNUSABLE */
    confirmBudget(): BudgetState {
      account().confirm()
      return budget()
    },
  }
}

const finite = (usd: number): number | null => (Number.isFinite(usd) ? usd : null)

const noticeOf = (ledger: Account | null, { provider, name }: ModelEntry): string | null =>
  ledger?.notices().find((each) => each.provider === provider && each.model === name)?.reason ?? null

function describe(table: RoutingTable, model: ModelEntry, use: Usable, notice: string | null) {
  const { price } = model
  return {
    model: model.name,
    id: model.id,
    provider: model.provider,
    data: table.providers.get(model.provider)!.data,
    routes: TIERS.filter((tier) => table.routes[tier].models.includes(model.name)),
    context_tokens: model.contextTokens,
    max_output_tokens: model.maxOutputTokens,
    usd_per_mtok: price && {
      input: price.input / 1000,
      output: price.output / 1000,
      cache_read: price.cacheRead / 1000,
      cache_write: price.cacheWrite / 1000,
    },
    price_source: price?.source ?? null,
    price_checked: price?.checked ?? null,
    edit_format: model.editFormat,
    /** What stands against it: its provider does not know it any more. */
    notice,
    ...use,
  }
}
