import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { FactReader, FactReaderDeps, IsolatedReader } from '../parsing/index.ts'
import type { AppContext } from './context.ts'
import { once } from './context.ts'

/** Readers of facts; the room that makes them is loaded when one is asked for. */
export type Reading = {
  /** Reads in a child process: sources may be anybody's. */
  isolated(signal?: AbortSignal): Promise<IsolatedReader>
  /** Says how languages are read here; parses nothing of the repository. */
  local(): Promise<FactReader>
  /** The same again, after a grammar has come. */
  fresh(): Promise<FactReader>
  /** What the facts of a file may depend on besides its bytes, for whoever keeps them. */
  places(): { path: string; kind: 'file' | 'names' | 'texts' }[]
  /** Where grammars go that are fetched later on. */
  grammarFolder: string
  /** Of these languages, those whose grammar could be fetched and is not here. */
  absent(languages: Iterable<string>): Promise<{ id: string; name: string; grammar: string }[]>
}

/**
 * Tables and grammars come from the program and from the user's own folders, never from a repository: they choose what is loaded.
 * A file that killed an engine is remembered for all repositories of the user.
 */
export function createReading({
  packageRoot,
  configHome,
  stateHome,
  threads = 1,
}: Pick<AppContext, 'packageRoot' | 'configHome' | 'stateHome' | 'threads'>): Reading {
  const native = join(packageRoot, 'native')
  const grammarFolder = join(stateHome, 'singularity', 'grammars')
  const deps = (): FactReaderDeps => ({
    tableFolders: [join(packageRoot, 'templates_data', 'languages'), join(configHome, 'languages')].filter((folder) => existsSync(folder)),
    manifestFile: join(native, 'grammars.json'),
    grammarFolders: [join(native, 'grammars'), grammarFolder],
    addonFile: join(native, 'build', 'code.node'),
    threads,
  })
  const fresh = async (): Promise<FactReader> => (await import('../parsing/index.ts')).createFactReader(deps())
  const local = once(fresh)
  return {
    grammarFolder,
    places: () => {
      const { tableFolders, manifestFile, grammarFolders } = deps()
      return [
        ...tableFolders.map((path) => ({ path, kind: 'texts' as const })),
        { path: manifestFile, kind: 'file' },
        ...grammarFolders.map((path) => ({ path, kind: 'names' as const })),
      ]
    },
    local,
    fresh,
    async absent(languages) {
      const { absentGrammars } = await import('../parsing/index.ts')
      return absentGrammars({ ...deps(), tables: (await local()).tables }, languages)
    },
    async isolated(signal) {
      const { createIsolatedReader } = await import('../parsing/index.ts')
      return createIsolatedReader({
        ...deps(),
        childFile: join(packageRoot, 'dist', 'fact-child.js'),
        quarantineFolder: join(stateHome, 'singularity', 'quarantine'),
        ...(signal && { signal }),
      })
    },
  }
}
