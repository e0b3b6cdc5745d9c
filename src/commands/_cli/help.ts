import { Config } from '@oclif/core/config'
import { loadHelpClass } from '@oclif/core/help'
import { packageRoot } from './command-config.ts'

/** oclif's settings with the manifest of all commands: for help and completion. Imported where it is used. */
export async function loadConfig(): Promise<Config> {
  const config = new Config({ root: packageRoot() })
  await config.load()
  return config
}

export async function showHelp(words: readonly string[]): Promise<void> {
  const config = await loadConfig()
  const Help = await loadHelpClass(config)
  await new Help(config, config.pjson.oclif.helpOptions ?? config.pjson.helpOptions).showHelp([...words])
}
