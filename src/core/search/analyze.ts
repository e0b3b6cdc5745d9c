import { type Chunk, type SymbolPlace, chunkFile, definitionsOf } from '../analysis/index.ts'
import type { FileFacts } from '../parsing/index.ts'
import { redactSecrets } from '../telemetry/index.ts'
import { splitIdentifiers } from '../embedding/index.ts'

export type SymbolRow = Omit<SymbolPlace, 'nameLine'> & {
  /** Place of its chunk in the file. */
  chunk: number
}

export type ChunkRow = Pick<Chunk, 'symbol' | 'name' | 'kind' | 'hash' | 'start' | 'end'> & { place: number; line: number; lineEnd: number }

/** What the index keeps of bytes. */
export type Analysis = {
  language: string
  tier: number
  engine: string
  partial: string | null
  facts: string
  chunks: ChunkRow[]
  symbols: SymbolRow[]
}

/** @param facts `null` where nothing is known but the bytes */
export function analyzeFile(bytes: Uint8Array, language: string, facts: FileFacts | null): Analysis {
  const chunks = chunkFile(bytes, facts, { language }).map(({ lineStart, lineEnd, ...chunk }, place): ChunkRow => ({
    ...chunk,
    place,
    line: lineStart,
    lineEnd,
  }))
  return {
    language,
    tier: facts?.tier ?? 3,
    engine: facts?.engine ?? 'text',
    partial: facts?.partial ?? null,
    facts: facts === null ? '{}' : compact(facts),
    chunks,
    symbols: facts === null ? [] : symbolsOf(bytes, facts, chunks),
  }
}

/** Figures by file and function; places and names are in tables of their own. */
function compact(facts: FileFacts): string {
  return JSON.stringify({
    lines: facts.lines,
    cognitive: facts.file.cognitive,
    functions: facts.functions.map(({ name, kind, row, rowEnd, parameters, nesting, cyclomatic, cognitive }) => ({
      name,
      kind,
      line_start: row + 1,
      line_end: rowEnd + 1,
      parameters: parameters.length,
      nesting,
      cyclomatic: cyclomatic?.default ?? null,
      cognitive,
    })),
    imports: facts.imports.map(({ specifier }) => specifier),
  })
}

/** Definitions with the chunk they begin in. */
function symbolsOf(bytes: Uint8Array, facts: FileFacts, chunks: readonly Pick<ChunkRow, 'place' | 'lineEnd'>[]): SymbolRow[] {
  let place = 0
  return definitionsOf(bytes, facts)
    .toSorted((a, b) => a.line - b.line || a.column - b.column || (a.name < b.name ? -1 : 1))
    .map(({ nameLine: _nameLine, ...each }) => {
      while (place + 1 < chunks.length && chunks[place]!.lineEnd < each.line) place++
      return { ...each, chunk: chunks[place]?.place ?? 0 }
    })
}

/** The text of a chunk, without what looks like a credential. */
export function textOf(bytes: Uint8Array, { start, end }: { start: number; end: number }): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8')
  return MAY_HIDE.test(text) ? redactSecrets(text, []) : text
}

/** Cheaper than looking for every shape of a credential. */
const MAY_HIDE = /key|token|secret|passw|bearer|basic|PRIVATE|[srp]k-|gh[pousr]_|glpat|xox|github_pat|AKIA|AIza|eyJ|:\/\//i

export type Words = { path: string; name: string; body: string }

/** The three columns of a chunk in the index of words. */
export function wordsOf(path: string, bytes: Uint8Array, chunk: ChunkRow, symbols: readonly SymbolRow[]): Words {
  const names = symbols.filter((each) => each.chunk === chunk.place).map(({ name }) => name)
  const own = chunk.symbol === null ? [] : splitIdentifiers(chunk.symbol)
  return {
    path: splitIdentifiers(path).join(' '),
    name: [...own, ...names.flatMap((name) => splitIdentifiers(name))].join(' '),
    body: splitIdentifiers(textOf(bytes, chunk)).join(' '),
  }
}
