import type { Language, Parser } from 'web-tree-sitter'
import { compileTable, type CompiledTable } from '../compile-table.ts'
import type { EngineAnswer, EngineSupport, FactEngine, FactLimits, FactSource } from '../fact-engine.ts'
import { walkTree } from '../fact-walk.ts'
import { flatten, type FlatTree } from '../flat-tree.ts'
import type { GrammarFiles } from '../grammar-files.ts'
import { decodeForEngine } from '../source-text.ts'
import { createLineTable } from '../line-table.ts'
import { syntaxJson, type SyntaxJson } from '../syntax-json.ts'
import type { LanguageTables } from '../tables.ts'

type Loaded = { language: Language; table: CompiledTable }

export type WasmEngine = FactEngine & {
  /** The syntax tree itself; null where the file is too long or takes too long. The language was supported. */
  tree(file: FactSource, limits: FactLimits): Promise<SyntaxJson | null>
}

/** web-tree-sitter with the .wasm files of the grammar packages: loads wherever Node runs. */
export function createWasmEngine(deps: { tables: LanguageTables; grammars: GrammarFiles }): WasmEngine {
  const { tables, grammars } = deps
  const loaded = new Map<string, Promise<{ support: EngineSupport; loaded?: Loaded }>>()
  let library: Promise<typeof import('web-tree-sitter') & { parser: Parser }> | undefined

  function open() {
    library ??= (async () => {
      const module = await import('web-tree-sitter')
      await module.Parser.init()
      return { ...module, parser: new module.Parser() }
    })()
    return library
  }

  async function load(id: string): Promise<{ support: EngineSupport; loaded?: Loaded }> {
    const table = tables.get(id)
    if (table?.grammar === undefined) return { support: { ok: false, reason: `${id} has no grammar` } }
    const file = grammars.find(table.grammar, 'wasm')
    if (!file.ok) return { support: file }
    try {
      const language = await (await open()).Language.load(file.path)
      const names = language.types
      const compiled = compileTable(table, {
        names,
        named: names.map((_, symbol) => language.nodeTypeIsNamed(symbol)),
        fields: language.fields,
      })
      const support = { ok: true, grammar: file.entry.package, version: file.entry.version, abi: language.abiVersion } as const
      return { support, loaded: { language, table: compiled } }
    } catch (error) {
      return { support: { ok: false, reason: error instanceof Error ? error.message : String(error) } }
    }
  }

  function languageOf(id: string) {
    let entry = loaded.get(id)
    if (entry === undefined) {
      entry = load(id)
      loaded.set(id, entry)
    }
    return entry
  }

  /** What `use` makes of the tree, which lives only as long. */
  async function parse<T>(
    file: FactSource,
    limits: FactLimits,
    use: (flat: FlatTree, loaded: Loaded, valid: boolean) => T,
  ): Promise<T | 'size' | 'deadline'> {
    if (file.bytes.length > limits.maxBytes) return 'size'
    const entry = (await languageOf(file.language)).loaded
    if (entry === undefined) throw new Error(`${file.language} was not asked for`)
    const { parser } = await open()
    const source = decodeForEngine(file.bytes)
    const end = performance.now() + limits.deadlineMs
    parser.setLanguage(entry.language)
    parser.reset()
    const tree = parser.parse(source.text, null, { progressCallback: () => performance.now() > end })
    if (tree === null) return 'deadline'
    const cursor = tree.walk()
    try {
      return use(
        flatten(cursor, source.byteOf, (id) => id),
        entry,
        source.valid,
      )
    } finally {
      cursor.delete()
      tree.delete()
    }
  }

  return {
    name: 'wasm',
    tier: 1,
    support: async (language) => (await languageOf(language)).support,
    async read(files, limits) {
      const answers: EngineAnswer[] = []
      for (const file of files)
        answers.push(await parse(file, limits, (flat, { table }, valid) => walkTree(flat, table, file.bytes, valid ? null : 'encoding')))
      return answers
    },
    async tree(file, limits) {
      const answer = await parse(file, limits, (flat, { language }) =>
        syntaxJson(flat, { kinds: language.types, fields: language.fields }, createLineTable(file.bytes)),
      )
      return typeof answer === 'string' ? null : answer
    },
  }
}
