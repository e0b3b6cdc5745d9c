import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../kernel/index.ts'
import type { ProcessInfo } from '../process/index.ts'
import { secretValues } from '../telemetry/index.ts'
import type { Account } from './account.ts'
import { createAccount } from './account/create.ts'
import { type RequestContext } from './check-request.ts'
import { type LlmOverview, createOverview } from './overview.ts'
import { NUSD } from './price.ts'
import { type Prices, createPrices } from './prices-file.ts'
import { type RoutingSource, createRoutingSource } from './routing-table.ts'
import { type Secrets, createSecrets } from './secrets/secrets.ts'

export type LlmDeps = {
  env: Readonly<Record<string, string | undefined>>
  stateHome: string
  configHome: string
  packageRoot: string
  /** .singularity/config.json of the working tree; null outside a repository. */
  repositoryFile: string | null
  clock: Clock
  processes: ProcessInfo
  platform: NodeJS.Platform
  /** Asks a person for the passphrase of stored keys; null where nobody can be asked. */
  askPassphrase: (() => Promise<string | null>) | null
}

/** What every caller of models shares: one account, one table, one set of keys. */
export type Llm = {
  readonly ledgerPath: string
  /** Opened on first use; what dead processes left in it is recovered then. @throws LEDGER_UNUSABLE */
  account(): Account
  routing: RoutingSource
  secrets: Secrets
  overview: LlmOverview
  prices: Prices
  /** For `parseRequests` and `createRequestJob`. */
  requestContext(): RequestContext
  close(): void
}

export function openLlm(deps: LlmDeps): Llm {
  const { env, clock, processes } = deps
  const ledgerPath = env['SINGULARITY_LEDGER'] || join(deps.stateHome, 'singularity', 'account.db')
  let opened: Account | undefined
  const account = (): Account => {
    if (opened) return opened
    opened = createAccount({ path: ledgerPath, clock, processes })
    // what a killed process left is settled by whoever comes next
    opened.recover((owner) => processes.isAlive(owner))
    return opened
  }
  const existingAccount = (): Account | null => (opened !== undefined || existsSync(ledgerPath) ? account() : null)
  const userFile = join(deps.configHome, 'llm.json')
  const routing = createRoutingSource({
    packagedFile: join(deps.packageRoot, 'templates_data', 'llm', 'routing.json'),
    userFile,
    repositoryFile: deps.repositoryFile,
    env,
    userCaps: () => {
      const { day, month } = existingAccount()?.userCaps() ?? {}
      return { ...(day !== undefined && { dayUsd: day / NUSD }), ...(month !== undefined && { monthUsd: month / NUSD }) }
    },
  })
  const secrets = createSecrets({ env, folder: deps.configHome, platform: deps.platform, clock, askPassphrase: deps.askPassphrase })
  return {
    ledgerPath,
    account,
    routing,
    secrets,
    overview: createOverview({ routing, secrets, clock, account, existingAccount }),
    prices: createPrices({ routing, clock, userFile }),
    requestContext() {
      const { tasks, maxRetries } = routing.plan()
      return { clock, tasks, maxAttempts: maxRetries + 1, known: [...secretValues(env), ...secrets.known()] }
    },
    close: () => opened?.close(),
  }
}
