import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Config } from '@oclif/core/config'

const root = (): string => fileURLToPath(new URL('..', import.meta.url))

/** oclif's settings with the manifest of all commands: for help and completion. */
export async function loadConfig(): Promise<Config> {
  const { Config } = await import('@oclif/core/config')
  const config = new Config({ root: root() })
  await config.load()
  return config
}

/** The part of oclif's settings that a running command asks for. Loading the whole costs a third of an empty Node process. */
export function commandConfig(): Config {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  const part: Partial<Config> = {
    root: root(),
    bin: 'singularity',
    version,
    userAgent: `singularity/${version}`,
    scopedEnvVarKeys: () => [],
    runHook: async () => ({ successes: [], failures: [] }),
  }
  return part as Config
}
