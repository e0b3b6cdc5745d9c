import type { Language, Parser } from 'web-tree-sitter'
import { compileTable, type CompiledTable } from '../compile-table.ts'
import type { EngineAnswer, EngineSupport, FactEngine, FactLimits, FactSource } from '../fact-engine.ts'
import { walkTree } from '../fact-walk.ts'
import { flatten } from '../flat-tree.ts'
import type { GrammarFiles } from '../grammar-files.ts'
import { decodeForEngine } from '../source-text.ts'
import type { LanguageTables } from '../tables.ts'

type Loaded = { language: Language; table: CompiledTable }

/** web-tree-sitter with the .wasm files of the grammar packages: loads wherever Node runs. */
export function createWasmEngine(deps: { tables: LanguageTables; grammars: GrammarFiles }): FactEngine {
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

  async function readOne(file: FactSource, limits: FactLimits): Promise<EngineAnswer> {
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
      const flat = flatten(cursor, source.byteOf, (id) => id)
      return walkTree(flat, entry.table, file.bytes, source.valid ? null : 'encoding')
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
      for (const file of files) answers.push(await readOne(file, limits))
      return answers
    },
  }
}
