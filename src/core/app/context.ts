import type { SettingName, SettingValue } from '../config/index.ts'
import type { Clock } from '../kernel/index.ts'

/** Everything the core needs of the process it runs in, as values. */
export type AppContext = {
  cwd: string
  /** Settings the command line gives: they win over every other source. */
  flags?: Partial<Record<SettingName, SettingValue>>
  env: Readonly<Record<string, string | undefined>>
  home: string
  /** XDG_STATE_HOME or what stands for it; sandboxes live in `singularity/` below it. */
  stateHome: string
  /** Our folder below XDG_CONFIG_HOME: the user's settings. */
  configHome: string
  clock: Clock
  version: string
  ci: boolean
  /** Where package.json, native/ and templates_data/ are. */
  packageRoot: string
  /** What a person should know beside the result. */
  warn?: (text: string) => void
  /** How many files are read at once; 1 where it is not said. */
  threads?: number
}

/** Remembers the first answer of an asynchronous factory. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}
