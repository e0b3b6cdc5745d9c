import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../kernel/index.ts'
import type { ProcessInfo } from '../process/index.ts'
import type { Account } from './account.ts'
import { createAccount } from './account/create.ts'
import { createRoutingSource } from './routing-table.ts'
import { type Llm, createLlm } from './service.ts'
import { createTransport } from './transport.ts'

export type LlmPlaces = {
  env: Readonly<Record<string, string | undefined>>
  /** `singularity/` below the user's state folder. */
  stateHome: string
  /** Our folder of the user's settings. */
  configHome: string
  packageRoot: string
  /** The repository: what names it in the ledger, and its working tree. */
  commonDir: string
  root: string
  clock: Clock
  processes: ProcessInfo
}

/** The models as the user's files and environment say. Neither ledger nor network is opened before a request runs. */
export function openLlm({ env, clock, processes, ...places }: LlmPlaces): Llm {
  const either = (name: string): string | undefined => env[name.toUpperCase()] ?? env[name]
  const extraCa = env['NODE_EXTRA_CA_CERTS']
  let account: Account | undefined
  const llm = createLlm({
    account() {
      const path = env['SINGULARITY_LEDGER'] || join(places.stateHome, 'account.db')
      account ??= createAccount({ path, clock, processes })
      return account
    },
    routing: createRoutingSource({
      packagedFile: join(places.packageRoot, 'templates_data', 'llm', 'routing.json'),
      userFile: join(places.configHome, 'llm.json'),
      repositoryFile: join(places.root, '.singularity', 'config.json'),
      env,
    }),
    keyOf: async (name) => env[name] || null,
    transport: createTransport({
      proxies: { https: either('https_proxy'), http: either('http_proxy'), no: either('no_proxy') },
      extraCa: extraCa === undefined || !existsSync(extraCa) ? undefined : readFileSync(extraCa, 'utf8'),
    }),
    clock,
    random: Math.random,
    self: processes.self,
    isAlive: (owner) => processes.isAlive(owner),
    repository: places.commonDir,
    offline: false,
  })
  return {
    ...llm,
    async close() {
      await llm.close()
      account?.close()
    },
  }
}
