import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { digest } from '../kernel/index.ts'
import {
  DEFAULT_LIMITS,
  type FactEngine,
  type FileFacts,
  type LanguageTables,
  createGrammarFiles,
  createWasmEngine,
  loadTables,
  readFacts,
} from '../parsing/index.ts'
import type { FactReader } from '../search/index.ts'

/** Facts by the engines of the room `parsing`; an engine is loaded for the first file that needs it. */
export function createFactReader(packageRoot: string): FactReader {
  const folders = { tables: join(packageRoot, 'templates_data', 'languages'), grammars: join(packageRoot, 'native', 'grammars') }
  const manifest = join(packageRoot, 'native', 'grammars.json')
  let loaded: LanguageTables | undefined
  const tablesOf = (): LanguageTables => (loaded ??= loadTables([folders.tables]))
  const grammars = createGrammarFiles(manifest, [folders.grammars])
  const keys = new Map<string, string>()
  let engine: FactEngine | undefined

  function keyOf(language: string): string {
    const table = tablesOf().get(language)
    if (table === undefined) return 'text'
    const grammar = table.grammar === undefined ? undefined : grammars.entry(table.grammar)
    return `wasm ${grammar?.version ?? '-'} ${digest(table).slice(0, 12)}`
  }

  let version: string | undefined
  function readVersion(): string {
    const tables = readdirSync(folders.tables).map((name) => readFileSync(join(folders.tables, name), 'utf8'))
    const here = existsSync(folders.grammars) ? readdirSync(folders.grammars) : []
    return digest([tables, readFileSync(manifest, 'utf8'), here.sort()]).slice(0, 16)
  }

  return {
    version: () => (version ??= readVersion()),
    detect: (path, firstLine) => tablesOf().detect(path, firstLine) ?? 'text',
    key: async (language) => {
      let key = keys.get(language)
      if (key === undefined) keys.set(language, (key = keyOf(language)))
      return key
    },
    async read(files) {
      const answers: (FileFacts | null)[] = files.map(() => null)
      const tables = tablesOf()
      const known = [...files.entries()].filter(([, { language }]) => tables.get(language) !== undefined)
      if (known.length === 0) return answers
      engine ??= createWasmEngine({ tables, grammars })
      for (const [at, file] of known) {
        if (!(await engine.support(file.language)).ok) continue
        const [answer] = await engine.read([file], DEFAULT_LIMITS)
        if (answer instanceof Int32Array) answers[at] = readFacts(answer, { language: file.language, tier: 1, engine: engine.name })
      }
      return answers
    },
  }
}
