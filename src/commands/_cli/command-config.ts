import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Config } from '@oclif/core/config'

export const packageRoot = (): string => fileURLToPath(new URL('..', import.meta.url))

/** The part of oclif's settings that a running command asks for. Loading the whole costs a third of an empty Node process. */
export function commandConfig(): Config {
  const root = packageRoot()
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string }
  const part: Partial<Config> = {
    root,
    bin: 'singularity',
    version,
    userAgent: `singularity/${version}`,
    scopedEnvVarKeys: () => [],
    runHook: async () => ({ successes: [], failures: [] }),
  }
  return part as Config
}

/** What `version` and `--version --json` answer. */
export function versionData({ version }: Pick<Config, 'version'>): { version: string; node: string; platform: string } {
  return { version, node: process.versions.node, platform: `${process.platform}-${process.arch}` }
}
