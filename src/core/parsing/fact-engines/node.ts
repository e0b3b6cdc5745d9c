import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { compileTable, kindsOfStep, type CompiledTable } from '../compile-table.ts'
import type { EngineAnswer, EngineSupport, FactEngine, FactLimits, FactSource } from '../fact-engine.ts'
import { walkTree } from '../fact-walk.ts'
import { flatten, type TreeCursor } from '../flat-tree.ts'
import type { GrammarFiles } from '../grammar-files.ts'
import { decodeForEngine } from '../source-text.ts'
import type { LanguageTable } from '../language-table.ts'
import type { LanguageTables } from '../tables.ts'

/** The part of node-tree-sitter that is used here; its own types do not say what a language object holds. */
type NodeCursor = TreeCursor & { readonly nodeType: string }
type TreeSitter = {
  new (): {
    setLanguage(language: unknown): void
    setTimeoutMicros(micros: number): void
    reset(): void
    parse(text: string, old: null, options: { bufferSize: number }): { walk(): NodeCursor } | null
  }
}
type Loaded = { support: EngineSupport; language?: unknown; table?: CompiledTable; numbers?: Map<string, number>; first?: number }
/** What the package keeps to itself, and its folder's binary offers: names by number. */
type Binding = { getNodeTypeNamesById(language: unknown): (string | null)[]; getNodeFieldNamesById(language: unknown): (string | null)[] }

/** Offsets of node-tree-sitter count UTF-16 units; a text of 32 KB or more fails unless its buffer is as long. */
const SMALLEST_BUFFER = 32_768

/** Tokens of a grammar that its table does not name. */
const MOST_TOKENS = 1500

const require = createRequire(import.meta.url)

/** The anonymous tokens that a table names: words in single quotes, also inside paths. */
function tokensOf(table: LanguageTable): string[] {
  const tokens = new Set<string>()
  const look = (value: unknown): void => {
    if (typeof value === 'string')
      for (const word of value.split(' > ').flatMap((step) => kindsOfStep(step.replace(/^(?:\*\*|[:~])/, ''))))
        if (/^'.+'$/.test(word)) tokens.add(word.slice(1, -1))
    if (typeof value === 'object' && value !== null) Object.values(value).forEach(look)
  }
  look(table.roles)
  return [...tokens]
}

/**
 * node-tree-sitter with the walk in JavaScript, where the addon cannot be loaded but that package's can.
 * @param deps.moduleFile the package, or a build of it elsewhere
 */
export function createNodeEngine(deps: {
  tables: LanguageTables
  grammars: GrammarFiles
  moduleFile?: string
}): FactEngine | { reason: string } {
  let Parser: TreeSitter
  let binding: Binding
  try {
    const file = require.resolve(deps.moduleFile ?? 'tree-sitter')
    Parser = require(file) as TreeSitter
    binding = (createRequire(file)('node-gyp-build') as (folder: string) => Binding)(dirname(file))
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) }
  }
  const parser = new Parser()
  const loaded = new Map<string, Loaded>()

  function load(id: string): Loaded {
    const table = deps.tables.get(id)
    if (table?.grammar === undefined) return { support: { ok: false, reason: `${id} has no grammar` } }
    const file = deps.grammars.find(table.grammar, 'binary')
    if (!file.ok) return { support: file }
    try {
      const exported = require(file.path) as Record<string, unknown>
      // A file with several languages exports each under its name.
      const word = file.entry.symbol.slice('tree_sitter_'.length)
      const language = 'language' in exported ? exported : exported[word]
      parser.setLanguage(language)
      const names = binding.getNodeTypeNamesById(language)
      // The package lists named kinds only: tokens are numbered behind them, those of the table first, others when they are met.
      const tokens = tokensOf(table)
      const spare = Array<undefined>(MOST_TOKENS).fill(undefined)
      const compiled = compileTable(table, {
        names: [...names.map((name) => name ?? undefined), ...tokens, ...spare],
        named: names.map(() => true),
        fields: binding.getNodeFieldNamesById(language),
      })
      const numbers = new Map(tokens.map((token, i) => [token, names.length + i]))
      const support = { ok: true, grammar: file.entry.package, version: file.entry.version, abi: null } as const
      return { support, language, table: compiled, numbers, first: names.length }
    } catch (error) {
      return { support: { ok: false, reason: error instanceof Error ? error.message : String(error) } }
    }
  }

  function languageOf(id: string) {
    let entry = loaded.get(id)
    if (entry === undefined) {
      entry = load(id)
      if (entry.support.ok) loaded.set(id, entry)
    }
    return entry
  }

  function readOne({ language, bytes }: FactSource, limits: FactLimits): EngineAnswer {
    if (bytes.length > limits.maxBytes) return 'size'
    const entry = languageOf(language)
    if (entry.table === undefined) throw new Error(`${language} was not asked for`)
    const source = decodeForEngine(bytes)
    parser.setLanguage(entry.language)
    parser.reset()
    parser.setTimeoutMicros(limits.deadlineMs * 1000)
    const tree = parser.parse(source.text, null, { bufferSize: Math.max(SMALLEST_BUFFER, source.text.length * 2 + 4) })
    if (tree === null) return 'deadline'
    const cursor = tree.walk()
    const { numbers, first } = entry as Required<Loaded>
    const flat = flatten(cursor, source.byteOf, (id, named) => {
      if (named) return id
      const token = cursor.nodeType
      let number = numbers.get(token)
      if (number === undefined) numbers.set(token, (number = first + numbers.size))
      return number
    })
    return walkTree(flat, entry.table, bytes, source.valid ? null : 'encoding')
  }

  return {
    name: 'node',
    tier: 1,
    support: (language) => Promise.resolve(languageOf(language).support),
    read: (files, limits) => Promise.resolve(files.map((file) => readOne(file, limits))),
  }
}
