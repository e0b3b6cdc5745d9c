import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { type Peer, runProcess, startPeer } from '../process/index.ts'
import type { ChildAnswer, ChildRequest } from './fact-child.ts'
import { DEFAULT_LIMITS } from './fact-engine.ts'
import { createFactReader, lowerRecord, type FactFile, type FactReader, type FactReaderDeps, type FactRecord } from './fact-reader.ts'
import { createGrammarFiles } from './grammar-files.ts'
import { readFacts } from './facts-record.ts'

export type IsolatedReaderDeps = FactReaderDeps & {
  /** The bundled fact-child. */
  childFile: string
  /** Where files that killed an engine are remembered, by blob and facts key. */
  quarantineFolder: string
  /** Milliseconds a child gets to start and answer, beyond the deadlines of its files. */
  graceMs?: number
  signal?: AbortSignal
}

export type QuarantinedFile = { path: string | null; language: string; key: string }

export type IsolatedReader = Pick<FactReader, 'tables' | 'read' | 'readRecords'> & {
  /** Files that died in this process's life. */
  quarantined(): readonly QuarantinedFile[]
  /** From now on one child stays for all batches and keeps the trees of files that are edited; until what is answered is called. */
  stay(): () => void
  /** How many files are remembered. */
  remembered(): number
}

const GRACE_MS = 20_000
const MOST_FILES = 400
const MOST_BYTES = 32 * 1024 * 1024

/**
 * Reads files whose author is not trusted: batches run in a child process. When one dies or hangs, the batch is halved until the
 * file is found; that file is remembered, served by tier 2 or 3 as `quarantined`, and never parsed again with this grammar and table.
 */
export function createIsolatedReader(deps: IsolatedReaderDeps): IsolatedReader {
  const { childFile, quarantineFolder, graceMs = GRACE_MS, signal, ...readerDeps } = deps
  // For tables, keys and languages only: nothing is parsed in this process.
  const local = createFactReader(readerDeps)
  const grammars = createGrammarFiles(deps.manifestFile, [])
  const deadline = deps.limits?.deadlineMs ?? DEFAULT_LIMITS.deadlineMs
  const died: QuarantinedFile[] = []

  let peer: Peer | undefined
  let isStaying = false

  async function ask(files: readonly FactFile[]): Promise<FactRecord[] | undefined> {
    const request: ChildRequest = { deps: { ...readerDeps, keepTrees: true }, files: [...files] }
    peer ??= startPeer({ command: process.execPath, args: [childFile, '--stay'], cwd: dirname(childFile), env: {} })
    try {
      return deserialize(await peer.ask(serialize(request), graceMs + deadline * files.length)) as ChildAnswer
    } catch {
      leave()
      return undefined
    }
  }

  function leave(): void {
    peer?.close()
    peer = undefined
  }

  function stay(): () => void {
    isStaying = true
    return () => {
      isStaying = false
      leave()
    }
  }

  async function run(files: readonly FactFile[]): Promise<FactRecord[] | undefined> {
    const answer = isStaying ? await ask(files) : undefined
    // a child that stayed may have died of anything: only one that saw nothing else says something about these files
    if (answer !== undefined) return answer
    const request: ChildRequest = { deps: readerDeps, files: [...files] }
    const result = await runProcess({
      command: process.execPath,
      args: [childFile],
      cwd: dirname(childFile),
      env: {},
      input: serialize(request),
      timeoutMs: graceMs + deadline * files.length,
      maxOutputBytes: 1024 * 1024 * 1024,
      ...(signal === undefined ? {} : { signal }),
    })
    signal?.throwIfAborted()
    if (result.startError !== null) throw new Error(`the reader of sources cannot be started: ${result.startError}`)
    if (result.exitCode !== 0) return undefined
    try {
      return deserialize(result.stdout) as ChildAnswer
    } catch {
      return undefined
    }
  }

  async function readSafely(files: readonly FactFile[]): Promise<FactRecord[]> {
    if (files.length === 0) return []
    const records = await run(files)
    if (records?.length === files.length) return records
    if (files.length > 1) {
      const middle = files.length >> 1
      return [...(await readSafely(files.slice(0, middle))), ...(await readSafely(files.slice(middle)))]
    }
    const [file] = files as [FactFile]
    const { language, key } = identify(file)
    remember(key)
    died.push({ path: file.path ?? null, language, key })
    return [lowerRecord(local.tables, file.bytes, language, 'quarantined')]
  }

  function identify({ path, language, bytes }: FactFile): { language: string; key: string } {
    const id = language ?? local.tables.detect(path ?? '') ?? 'text'
    const grammar = local.tables.get(id)?.grammar ?? ''
    const version = grammars.entry(grammar)?.version ?? ''
    const key = createHash('sha256').update(`${id} ${grammar} ${version}\n`).update(bytes).digest('hex')
    return { language: id, key }
  }

  function remember(key: string): void {
    mkdirSync(quarantineFolder, { recursive: true, mode: 0o700 })
    const temporary = join(quarantineFolder, `.${key}.${process.pid}`)
    writeFileSync(temporary, '')
    renameSync(temporary, join(quarantineFolder, key))
  }

  async function readRecords(files: readonly FactFile[]): Promise<FactRecord[]> {
    const records: FactRecord[] = []
    const pending: number[] = []
    for (const [i, file] of files.entries()) {
      const { language, key } = identify(file)
      if (existsSync(join(quarantineFolder, key))) records[i] = lowerRecord(local.tables, file.bytes, language, 'quarantined')
      else pending.push(i)
    }
    for (const batch of batchesOf(pending, (i) => files[i]!.bytes.length)) {
      const answers = await readSafely(batch.map((i) => files[i]!))
      answers.forEach((answer, k) => {
        records[batch[k]!] = answer
      })
    }
    return records
  }

  return {
    tables: local.tables,
    readRecords,
    stay,
    read: async (files) => (await readRecords(files)).map(({ record, origin }) => readFacts(record, origin)),
    quarantined: () => died,
    remembered: () => (existsSync(quarantineFolder) ? readdirSync(quarantineFolder).filter((name) => !name.startsWith('.')).length : 0),
  }
}

function batchesOf(items: readonly number[], sizeOf: (item: number) => number): number[][] {
  const batches: number[][] = []
  let bytes = 0
  for (const item of items) {
    const last = batches.at(-1)
    if (last === undefined || last.length >= MOST_FILES || bytes + sizeOf(item) > MOST_BYTES) {
      batches.push([item])
      bytes = sizeOf(item)
    } else {
      last.push(item)
      bytes += sizeOf(item)
    }
  }
  return batches
}
