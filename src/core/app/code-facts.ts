import type { Chunk, Confidence, SymbolPlace } from '../analysis/index.ts'
import type { Git } from '../git/index.ts'
import { SingularityError } from '../kernel/index.ts'
import type { FileFacts, FunctionFact } from '../parsing/index.ts'
import type { FactReader } from '../search/index.ts'
import { type CodeQuery, openTree } from './code-files.ts'

export type FactParts = { git: () => Promise<Git>; reader: () => Promise<FactReader> }

export type FoundSymbol = Omit<SymbolPlace, 'lineEnd' | 'nameLine'> & { path: string; symbol: string; confidence: Confidence }
export type FoundFunction = Pick<FunctionFact, 'kind' | 'parameters' | 'nesting' | 'cognitive'> & {
  path: string
  name: string | null
  lineStart: number
  lineEnd: number
  cyclomatic: number | null
}

/** Longer files are not read. */
const MOST_BYTES = 1_048_576
const AT_ONCE = 50

type Read = { path: string; language: string; bytes: Uint8Array; facts: FileFacts | null }

/** What single files say, read now: no index is asked, so it is always fresh. */
export function composeFacts({ git, reader }: FactParts) {
  async function* read(paths: readonly string[], bytesOf: (path: string) => Promise<Uint8Array | undefined>): AsyncGenerator<Read> {
    const facts = await reader()
    for (let at = 0; at < paths.length; at += AT_ONCE) {
      const files: Omit<Read, 'facts'>[] = []
      for (const path of paths.slice(at, at + AT_ONCE)) {
        const bytes = await bytesOf(path)
        if (bytes === undefined || bytes.length > MOST_BYTES || bytes.subarray(0, 8192).includes(0)) continue
        const language = await facts.detect(path, Buffer.from(bytes.subarray(0, 200)).toString('latin1').split('\n', 1)[0]!)
        files.push({ path, language, bytes })
      }
      const found = await facts.read(files)
      for (const [index, file] of files.entries()) yield { ...file, facts: found[index] ?? null }
    }
  }

  async function* files(query: CodeQuery): AsyncGenerator<Read> {
    const tree = await openTree(await git(), query)
    yield* read(tree.paths.toSorted(), tree.read)
  }

  /** Files that hold a word as a word, by git; then their facts. */
  async function* holding(name: string): AsyncGenerator<Read> {
    const opened = await git()
    const { text } = await opened.run(['grep', '-z', '-l', '-w', '-I', '-F', '--untracked', '--no-color', '-e', name], { accept: [0, 1] })
    const tree = await openTree(opened, { paths: [] })
    const here = new Set(tree.paths)
    const paths = text.split('\0').filter((path) => here.has(path))
    yield* read(paths.toSorted(), tree.read)
  }

  /** `Class.method` keeps to containers that end so. */
  function splitName(typed: string): { name: string; container: string | null } {
    const parts = typed
      .trim()
      .split(/\.|::|#/)
      .filter((part) => part !== '')
    if (parts.length === 0 || /\s/.test(typed.trim()))
      throw new SingularityError('USAGE', 'A name is one word.', { hints: ['singularity code defs NAME'] })
    return { name: parts.at(-1)!, container: parts.length > 1 ? parts.slice(0, -1).join('.') : null }
  }

  async function definitions(typed: string): Promise<FoundSymbol[]> {
    const { name, container } = splitName(typed)
    const { definitionsOf } = await import('../analysis/index.ts')
    const found: FoundSymbol[] = []
    for await (const { path, bytes, facts } of holding(name))
      for (const { lineEnd: _lineEnd, nameLine: _nameLine, ...each } of facts === null ? [] : definitionsOf(bytes, facts))
        if (each.name === name && (container === null || within(each.container, container)))
          found.push({ ...each, path, symbol: full(each), confidence: 'exact' })
    return found
  }

  async function references(typed: string): Promise<FoundSymbol[]> {
    const { name } = splitName(typed)
    const { usesOf } = await import('../analysis/index.ts')
    const found: FoundSymbol[] = []
    for await (const { path, bytes, facts } of holding(name))
      for (const each of facts === null ? [] : usesOf(bytes, facts, name)) found.push({ ...each, path, symbol: name })
    return found
  }

  async function functions(query: CodeQuery): Promise<FoundFunction[]> {
    const found: FoundFunction[] = []
    for await (const { path, facts } of files(query))
      for (const { name, kind, parameters, nesting, cognitive, cyclomatic, row, rowEnd } of facts?.functions ?? [])
        found.push({
          path,
          name,
          kind,
          lineStart: row + 1,
          lineEnd: rowEnd + 1,
          parameters,
          nesting,
          cognitive,
          cyclomatic: cyclomatic?.default ?? null,
        })
    return found
  }

  async function chunks(query: CodeQuery): Promise<(Chunk & { path: string })[]> {
    const { chunkFile } = await import('../analysis/index.ts')
    const found: (Chunk & { path: string })[] = []
    for await (const { path, language, bytes, facts } of files(query))
      for (const chunk of chunkFile(bytes, facts, { language })) found.push({ path, ...chunk })
    return found
  }

  return { definitions, references, functions, chunks }
}

const full = ({ container, name }: { container: string | null; name: string }): string =>
  container === null ? name : `${container}.${name}`

const within = (own: string | null, wanted: string): boolean => own !== null && (own === wanted || own.endsWith(`.${wanted}`))
