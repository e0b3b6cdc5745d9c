import { createHash } from 'node:crypto'
import { DEFAULT_LIMITS, type EngineSupport, type FactEngine, type FactLimits } from './fact-engine.ts'
import { createNativeEngine } from './fact-engines/native.ts'
import { createNodeEngine } from './fact-engines/node.ts'
import { createScannerEngine, scanFile } from './fact-engines/scanner.ts'
import { createTextEngine } from './fact-engines/text.ts'
import { createWasmEngine, type WasmEngine } from './fact-engines/wasm.ts'
import { AT, HEADER, readFacts, RECORD_VERSION, SECTIONS, WIDTHS, type FactsOrigin } from './facts-record.ts'
import type { FactEngineName, FileFacts, PartialReason } from './facts.ts'
import { createGrammarFiles } from './grammar-files.ts'
import type { SyntaxJson } from './syntax-json.ts'
import type { LanguageTable } from './language-table.ts'
import { loadTables, type LanguageTables } from './tables.ts'

/** A file to read. Its language is told by its path where it is not given. */
export type FactFile = { path?: string; language?: string; bytes: Uint8Array }

/** A record can be kept (by blob, language and `factsKey`) and decoded again by `readFacts`. */
export type FactRecord = { record: Int32Array; origin: FactsOrigin }

export type LanguageState = {
  id: string
  name: string
  tier: 1 | 2 | 3
  engine: FactEngineName
  /** Of the grammar; null where there is none. */
  version: string | null
  abi: number | null
  /** Why it is not read by the best engine there is; null where it is. */
  reason: string | null
}

export type FactReader = {
  tables: LanguageTables
  read(files: readonly FactFile[]): Promise<FileFacts[]>
  readRecords(files: readonly FactFile[]): Promise<FactRecord[]>
  /** How files of a language are read here; loads its grammar. */
  language(id: string): Promise<LanguageState>
  /** The syntax tree as nested objects; null where the language has no grammar here, or the file is too long. */
  tree(file: { language: string; bytes: Uint8Array }): Promise<SyntaxJson | null>
  /** Changes whenever the same bytes might give other facts: record version, table, grammar, tier. */
  factsKey(id: string): Promise<string>
}

export type FactReaderDeps = {
  /** Folders of language tables, the program's own first. */
  tableFolders: readonly string[]
  /** native/grammars.json, and where kept grammar files may lie. */
  manifestFile: string
  grammarFolders: readonly string[]
  /** native/build/code.node. */
  addonFile: string
  threads: number
  limits?: Partial<FactLimits>
  /** Engines of tier 1 in the order of choice; what is not named is not used. */
  engines?: readonly ('native' | 'node' | 'wasm')[]
  /** Trees of files with a path are kept where few are read at once, so that their next edit is read from there. */
  keepTrees?: boolean
}

type Choice = { engine: FactEngine; state: LanguageState }

const TEXT_ID = 'text'
/** Of what is told of a record besides its layout: a change makes kept facts worthless. */
const MEANING = 2
/** More at once are no edits of a person: their trees are not kept. */
const MOST_EDITED = 50

/** Reads facts with the best engine that each language has here. Nothing is loaded before it is needed. */
export function createFactReader(deps: FactReaderDeps): FactReader {
  const limits = { ...DEFAULT_LIMITS, ...deps.limits }
  const tables = loadTables(deps.tableFolders)
  const grammars = createGrammarFiles(deps.manifestFile, deps.grammarFolders)
  const scanner = createScannerEngine({ tables })
  const text = createTextEngine()
  const makers = {
    native: () => createNativeEngine({ tables, grammars, addonFile: deps.addonFile, threads: deps.threads }),
    node: () => createNodeEngine({ tables, grammars }),
    wasm: () => createWasmEngine({ tables, grammars }),
  }
  const made = new Map<string, FactEngine | { reason: string }>()
  const choices = new Map<string, Promise<Choice>>()
  const numbers = new Map<string, number>()

  function numberOf(path: string | undefined): number {
    if (path === undefined) return 0
    if (!numbers.has(path)) numbers.set(path, numbers.size + 1)
    return numbers.get(path)!
  }

  function engineOf(name: keyof typeof makers): FactEngine | { reason: string } {
    let engine = made.get(name)
    if (engine === undefined) made.set(name, (engine = makers[name]()))
    return engine
  }

  async function choose(id: string): Promise<Choice> {
    const table = tables.get(id)
    const name = table?.name ?? 'Text'
    const reasons: string[] = []
    const choice = (engine: FactEngine, support?: EngineSupport): Choice => ({
      engine,
      state: {
        id,
        name,
        tier: engine.tier,
        engine: engine.name,
        version: support?.ok === true && engine.tier === 1 ? support.version : null,
        abi: support?.ok === true ? support.abi : null,
        reason: reasons[0] ?? null,
      },
    })
    if (table === undefined) return choice(text)
    if (table.grammar !== undefined)
      for (const engineName of deps.engines ?? (['native', 'node', 'wasm'] as const)) {
        const engine = engineOf(engineName)
        const support: EngineSupport = 'reason' in engine ? { ok: false, reason: engine.reason } : await engine.support(id)
        if (support.ok && !('reason' in engine)) return choice(engine, support)
        if (!support.ok) reasons.push(`${engineName}: ${support.reason}`)
      }
    return table.scanner === undefined ? choice(text) : choice(scanner)
  }

  function chosen(id: string): Promise<Choice> {
    let choice = choices.get(id)
    if (choice === undefined) choices.set(id, (choice = choose(id)))
    return choice
  }

  async function readRecords(files: readonly FactFile[]): Promise<FactRecord[]> {
    const languages = files.map(({ path, language, bytes }) => language ?? tables.detect(path ?? '', firstLineOf(bytes)) ?? TEXT_ID)
    const groups = new Map<FactEngine, number[]>()
    for (const [i, id] of languages.entries()) {
      const { engine } = await chosen(id)
      groups.set(engine, [...(groups.get(engine) ?? []), i])
    }
    const records: FactRecord[] = []
    const keeps = deps.keepTrees === true && files.length <= MOST_EDITED
    for (const [engine, members] of groups) {
      const answers = await engine.read(
        members.map((i) => ({ language: languages[i]!, bytes: files[i]!.bytes, ...(keeps && { keep: numberOf(files[i]!.path) }) })),
        limits,
      )
      answers.forEach((answer, k) => {
        const i = members[k]!
        const language = languages[i]!
        records[i] =
          typeof answer === 'string'
            ? readLower(files[i]!.bytes, language, answer)
            : {
                record: engine.tier === 1 ? forgetUnknown(answer, tables.get(language)!) : answer,
                origin: { language, tier: engine.tier, engine: engine.name },
              }
      })
    }
    return records
  }

  /** By tokens or text, for a file that an engine gave up. */
  function readLower(bytes: Uint8Array, language: string, reason: PartialReason): FactRecord {
    return lowerRecord(tables, bytes, language, reason)
  }

  return {
    tables,
    readRecords,
    read: async (files) => (await readRecords(files)).map(({ record, origin }) => readFacts(record, origin)),
    language: async (id) => (await chosen(id)).state,
    async tree(file) {
      const engine = engineOf('wasm') as WasmEngine
      return (await engine.support(file.language)).ok ? engine.tree(file, limits) : null
    },
    async factsKey(id) {
      const { tier, version } = (await chosen(id)).state
      const table = JSON.stringify(tables.get(id) ?? null)
      return createHash('sha256')
        .update(`${RECORD_VERSION}.${MEANING} ${tier} ${version} ${limits.maxBytes} ${table}`)
        .digest('hex')
        .slice(0, 16)
    },
  }
}

/** Facts of tier 2, or 3 where the language has no words, with the reason why they are no better. */
export function lowerRecord(tables: LanguageTables, bytes: Uint8Array, language: string, reason: PartialReason): FactRecord {
  const table = tables.get(language)
  // Tokens of a huge file take longer than its tree; its rows are counted.
  const scanned = table?.scanner !== undefined && reason !== 'size'
  const origin: FactsOrigin = scanned ? { language, tier: 2, engine: 'scanner' } : { language, tier: 3, engine: 'text' }
  return { record: scanFile(bytes, scanned ? table : undefined, reason), origin }
}

/**
 * An engine counts nothing where a table names nothing to count. Data and markup (JSON, Markdown, CSS) have no decisions and no
 * control structures: their figures are not known, which is not 1 and not 0.
 */
function forgetUnknown(record: Int32Array, { roles = {} }: LanguageTable): Int32Array {
  const decides = Object.keys(roles).some((role) => role === 'branch' || role.startsWith('branch.'))
  const nests = roles.nest !== undefined || roles.chain !== undefined || roles.flat !== undefined
  if (decides && nests) return record
  const place = HEADER + SECTIONS.indexOf('functions') * 2
  const functions = Array.from({ length: record[place + 1]! }, (_, row) => record[place]! + row * WIDTHS.functions)
  if (!decides) for (const at of [AT.decisions, ...functions.map((each) => each + 13)]) record.fill(-1, at, at + 4)
  if (nests) return record
  record[AT.nesting] = -1
  for (const at of [AT.cognitive, ...functions.map((each) => each + 17)]) record.fill(-1, at, at + 2)
  for (const at of functions) record[at + 12] = -1
  return record
}

function firstLineOf(bytes: Uint8Array): string {
  if (bytes[0] !== 0x23 || bytes[1] !== 0x21) return ''
  const end = bytes.indexOf(10)
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(end < 0 ? bytes.length : end, 200)).toString('latin1')
}
