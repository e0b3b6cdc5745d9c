import { messageOf } from '../kernel/index.ts'
import type { Account } from './account.ts'
import { keptFrom } from './route.ts'
import type { RoutingTable } from './routing.ts'
import type { Secrets } from './secrets/secrets.ts'
import type { ModelService } from './service.ts'

export type ListingDeps = {
  table: RoutingTable
  account: () => Account
  secrets: Pick<Secrets, 'has'>
  service: Pick<ModelService, 'listModels'>
  offline: boolean
}

export type ProviderListing = {
  provider: string
  state: 'listed' | 'failed' | 'skipped'
  reason: string | null
  /** Models it lists, in the table or not. */
  models: number
  /** Models of the table it does not know: retired, or misspelt. */
  unknown: string[]
}

const LIST_MS = 20_000

/**
 * Asks the providers that are set up which models they have: costs nothing. What a provider does not list gets a standing notice,
 * what it lists loses the one it had.
 * @throws LEDGER_UNUSABLE
 */
export async function compareListings(deps: ListingDeps): Promise<{ providers: ProviderListing[] }> {
  const { table, secrets, service } = deps
  const setUp = [...table.providers.values()].filter((provider) => keptFrom(table, provider, (name) => secrets.has(name)) === null)
  const providers = setUp.map(async (provider): Promise<ProviderListing> => {
    const own = [...table.models.values()].filter((model) => model.provider === provider.name)
    const told = (state: ProviderListing['state'], reason: string | null): ProviderListing => ({
      provider: provider.name,
      state,
      reason,
      models: 0,
      unknown: [],
    })
    if (own.length === 0) return told('skipped', 'the table has no model of it')
    if (deps.offline && !provider.loopback) return told('skipped', 'offline')
    try {
      const listed = await service.listModels(own[0]!, AbortSignal.timeout(LIST_MS))
      const ids = new Set(listed.map(({ id }) => id))
      const known = own.filter(({ id }) => id === 'auto' || ids.has(id))
      const unknown = own.filter((model) => !known.includes(model))
      for (const { name } of known) deps.account().clearNotice(provider.name, name)
      for (const { name } of unknown) deps.account().notice(provider.name, name, `${provider.name} does not list it`)
      return { ...told('listed', null), models: listed.length, unknown: unknown.map(({ name }) => name) }
    } catch (error) {
      return told('failed', messageOf(error))
    }
  })
  return { providers: await Promise.all(providers) }
}
