import { readFileSync } from 'node:fs'
import type { AppContext } from './context.ts'

type Env = AppContext['env']

/** How providers are reached from here: through whose proxies, trusting whose certificates. */
export const transportOptions = (env: Env) => ({ proxies: proxiesOf(env), extraCa: extraCa(env) })

export function proxiesOf(env: Env): { https: string | undefined; http: string | undefined; no: string | undefined } {
  const either = (name: string): string | undefined => env[name] || env[name.toLowerCase()]
  return { https: either('HTTPS_PROXY'), http: either('HTTP_PROXY'), no: either('NO_PROXY') }
}

/** Node reads this file by itself for its own fetch only. One that cannot be read is as if it were not named, as there. */
function extraCa(env: Env): string | undefined {
  try {
    return env['NODE_EXTRA_CA_CERTS'] ? readFileSync(env['NODE_EXTRA_CA_CERTS'], 'utf8') : undefined
  } catch {
    return undefined
  }
}
