import { readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { LANGUAGES, LANGUAGE_IDS, type LanguageId } from './languages.ts'

type Engine = typeof import('@ast-grep/napi')

/** A pattern may hold `$` only where the language's own names may: elsewhere the engine needs a stand-in letter. */
const STAND_IN: Partial<Record<LanguageId, string>> = { python: 'µ', go: 'µ', rust: 'µ', ruby: 'µ', c: '𐀀' }

/** Smaller files cannot be grammars; a truncated one would kill the process inside dlopen. */
const SMALLEST_GRAMMAR = 10_000

const require = createRequire(import.meta.url)
let loaded: { engine: Engine; available: ReadonlySet<LanguageId> } | undefined

/**
 * Loads ast-grep and registers the grammars of all other languages in one call: a second call would replace the first,
 * and one bad path would abort them all, so every path is looked at before.
 */
export function loadEngine(): { engine: Engine; available: ReadonlySet<LanguageId> } {
  if (loaded !== undefined) return loaded
  const engine = require('@ast-grep/napi') as Engine
  const available = new Set<LanguageId>()
  const registrations: Parameters<Engine['registerDynamicLanguage']>[0] = {}
  for (const id of LANGUAGE_IDS) {
    const { grammar, engineName, extensions } = LANGUAGES[id]
    if (grammar === null) {
      available.add(id)
      continue
    }
    const libraryPath = grammarFile(grammar)
    if (libraryPath === undefined) continue
    const expandoChar = STAND_IN[id]
    registrations[engineName] = {
      libraryPath,
      extensions: [...extensions],
      languageSymbol: `tree_sitter_${id}`,
      ...(expandoChar === undefined ? {} : { expandoChar }),
    }
    available.add(id)
  }
  if (Object.keys(registrations).length > 0) engine.registerDynamicLanguage(registrations)
  loaded = { engine, available }
  return loaded
}

/** What is installed, without loading it: whether the engine's package is there and which grammars are missing. */
export function findEngine(): { installed: boolean; missing: LanguageId[] } {
  const missing = LANGUAGE_IDS.filter((id) => {
    const { grammar } = LANGUAGES[id]
    return grammar !== null && grammarFile(grammar) === undefined
  })
  try {
    require.resolve('@ast-grep/napi')
    return { installed: true, missing }
  } catch {
    return { installed: false, missing }
  }
}

/** The prebuilt or self-compiled library of a grammar package for this platform. */
function grammarFile(packageName: string): string | undefined {
  let root: string
  try {
    root = dirname(require.resolve(`${packageName}/package.json`))
  } catch {
    return undefined
  }
  for (const folder of [join(root, 'prebuilds', `${process.platform}-${process.arch}`), join(root, 'build', 'Release')]) {
    const file = listFolder(folder).find((name) => name.endsWith('.node'))
    if (file === undefined) continue
    const path = join(folder, file)
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat !== undefined && stat.isFile() && stat.size > SMALLEST_GRAMMAR) return path
  }
  return undefined
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}
