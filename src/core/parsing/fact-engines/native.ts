import { createRequire } from 'node:module'
import { compileTable, type CompiledTable, type GrammarSymbols } from '../compile-table.ts'
import type { EngineAnswer, EngineSupport, FactEngine } from '../fact-engine.ts'
import type { GrammarFiles } from '../grammar-files.ts'
import type { LanguageTables } from '../tables.ts'

type ReadOptions = { threads: number; deadlineMs: number; maxBytes: number; parseOnly?: boolean; arena?: boolean }

/** native/src/addon.cc. */
type Addon = {
  openGrammar(path: string, symbol: string): GrammarSymbols & { grammar: number; abi: number }
  setTable(grammar: number, table: CompiledTable): void
  reusedTrees(): number
  read(files: readonly { grammar: number; bytes: Uint8Array; keep: number }[], options: ReadOptions): Promise<EngineAnswer[]>
}

export type NativeEngine = FactEngine & {
  /** How many files were read from the tree of the version before, in this process. */
  reusedTrees(): number
  /** Only parses, with the system's own memory: the floor that reading is measured against. */
  parse(files: Parameters<FactEngine['read']>[0], threads: number): Promise<void>
}

const require = createRequire(import.meta.url)

/**
 * The addon: parses and walks on several threads, the longest files first.
 * @param deps.addonFile native/build/code.node
 * @returns the reason where it cannot be loaded here
 */
export function createNativeEngine(deps: {
  tables: LanguageTables
  grammars: GrammarFiles
  addonFile: string
  threads: number
}): NativeEngine | { reason: string } {
  let addon: Addon
  try {
    addon = require(deps.addonFile) as Addon
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) }
  }
  const { tables, grammars, threads } = deps
  const loaded = new Map<string, { support: EngineSupport; grammar: number }>()

  function load(id: string): { support: EngineSupport; grammar: number } {
    const failed = (reason: string) => ({ support: { ok: false, reason } as const, grammar: -1 })
    const table = tables.get(id)
    if (table?.grammar === undefined) return failed(`${id} has no grammar`)
    const file = grammars.find(table.grammar, 'binary')
    if (!file.ok) return failed(file.reason)
    try {
      const { grammar, abi, ...symbols } = addon.openGrammar(file.path, file.entry.symbol)
      addon.setTable(grammar, compileTable(table, symbols))
      return { support: { ok: true, grammar: file.entry.package, version: file.entry.version, abi }, grammar }
    } catch (error) {
      return failed(error instanceof Error ? error.message : String(error))
    }
  }

  function languageOf(id: string) {
    let entry = loaded.get(id)
    if (entry === undefined) {
      entry = load(id)
      // A grammar that is not here yet may be fetched.
      if (entry.support.ok) loaded.set(id, entry)
    }
    return entry
  }

  const numbered = (files: Parameters<FactEngine['read']>[0]) =>
    files.map(({ language, bytes, keep = 0 }) => {
      const { grammar, support } = languageOf(language)
      if (!support.ok) throw new Error(`${language} cannot be read: ${support.reason}`)
      return { grammar, bytes, keep }
    })

  return {
    name: 'native',
    tier: 1,
    support: (language) => Promise.resolve(languageOf(language).support),
    read: async (files, limits) => addon.read(numbered(files), { threads, ...limits }),
    reusedTrees: () => addon.reusedTrees(),
    async parse(files, parseThreads) {
      const limits = { deadlineMs: 60_000, maxBytes: 2 ** 31, parseOnly: true, arena: false }
      await addon.read(numbered(files), { threads: parseThreads, ...limits })
    },
  }
}
