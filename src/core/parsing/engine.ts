import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createGrammarFiles, type GrammarFiles } from './grammar-files.ts'
import { LANGUAGES, LANGUAGE_IDS, type LanguageId } from './languages.ts'

type Engine = typeof import('@ast-grep/napi')

type Loaded = {
  engine: Engine
  available: ReadonlySet<LanguageId>
  /** Languages that cannot be had here, with the reason. */
  missing: ReadonlyMap<LanguageId, string>
}

/** A pattern may hold `$` only where the language's own names may: elsewhere the engine needs a stand-in letter. */
const STAND_IN: Partial<Record<LanguageId, string>> = { python: 'µ', go: 'µ', rust: 'µ', ruby: 'µ', c: '𐀀' }

const require = createRequire(import.meta.url)
let fetched: readonly string[] = []
let loaded: Loaded | undefined

/** Where else grammar files may lie than beside the program: those that were fetched later on. To be said before the first parse. */
export function useFetchedGrammars(folders: readonly string[]): void {
  fetched = folders
}

/**
 * Loads ast-grep and registers the grammars of all other languages in one call: a second call would replace the first, and one
 * bad file would abort them all or the process, so that every file is held against its hash before.
 */
export function loadEngine(): Loaded {
  if (loaded !== undefined) return loaded
  const engine = require('@ast-grep/napi') as Engine
  const { files, missing } = findGrammars()
  const registrations: Parameters<Engine['registerDynamicLanguage']>[0] = {}
  for (const [id, { path, symbol }] of files) {
    const { engineName, extensions } = LANGUAGES[id]
    const expandoChar = STAND_IN[id]
    registrations[engineName] = {
      libraryPath: path,
      extensions: [...extensions],
      languageSymbol: symbol,
      ...(expandoChar === undefined ? {} : { expandoChar }),
    }
  }
  if (files.size > 0) engine.registerDynamicLanguage(registrations)
  loaded = { engine, available: new Set(LANGUAGE_IDS.filter((id) => !missing.has(id))), missing }
  return loaded
}

/** Whether the engine's package is installed, without loading it. */
export function hasEngine(): boolean {
  try {
    require.resolve('@ast-grep/napi')
    return true
  } catch {
    return false
  }
}

/** The files of languages that ast-grep does not carry itself, and the reasons where there is none. */
function findGrammars() {
  const files = new Map<LanguageId, { path: string; symbol: string }>()
  const missing = new Map<LanguageId, string>()
  const grammars = programGrammars()
  for (const id of LANGUAGE_IDS) {
    const { grammar } = LANGUAGES[id]
    if (grammar === null) continue
    const file = grammars?.find(grammar, 'binary') ?? { ok: false, reason: 'native/grammars.json is missing from this installation' }
    if (file.ok) files.set(id, { path: file.path, symbol: file.entry.symbol })
    else missing.set(id, file.reason)
  }
  return { files, missing }
}

/** Grammars that came with this program, beside the sources or the bundle, and those that were fetched. */
function programGrammars(): GrammarFiles | undefined {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'native', 'grammars.json'))) {
    const parent = dirname(folder)
    if (parent === folder) return undefined
    folder = parent
  }
  return createGrammarFiles(join(folder, 'native', 'grammars.json'), [join(folder, 'native', 'grammars'), ...fetched])
}
