import type { Git } from '../git/index.ts'
import { SingularityError } from '../kernel/index.ts'
import type { FileFacts } from '../parsing/index.ts'
import type { FactReader, FileClass } from '../search/index.ts'
import { type CodeQuery, openTree } from './code-files.ts'

export type SourceFile = {
  path: string
  class: 'source' | 'test'
  language: string
  bytes: Uint8Array
  /** null where only the bytes are known. */
  facts: FileFacts | null
}

export type SourceParts = { git: () => Promise<Git>; reader: () => Promise<FactReader> }

export type SourceOptions = {
  /** Files that are wanted at all; the others are not read. */
  wanted?: (path: string) => boolean
  /** Without facts: the bytes are enough. */
  bare?: boolean
  signal?: AbortSignal | undefined
  onLeftOut?: (path: string, why: Exclude<FileClass, 'source' | 'test'>) => void
}

/** What is read and sent to the child at once. */
const BATCH = { files: 400, bytes: 16 * 1024 * 1024 }

/**
 * The files of the worktree that people write, in the order of their paths: generated, vendored, huge and binary ones, secrets, links and
 * submodules are left out, by the rules of the search.
 */
export function composeSources({ git, reader }: SourceParts) {
  return async function* sources(query: CodeQuery, options: SourceOptions = {}): AsyncGenerator<SourceFile> {
    const { wanted = () => true, bare = false, signal, onLeftOut = () => undefined } = options
    const [opened, facts, { classifyBytes, isSearched, listWorktree }] = await Promise.all([git(), reader(), import('../search/index.ts')])
    // 0: nobody asks whether the listing still holds later
    const [tree, listed] = await Promise.all([
      openTree(opened, query),
      listWorktree(opened, [], 0, { signal }).then((listing) => listing.read()),
    ])
    let batch: Omit<SourceFile, 'facts'>[] = []
    let size = 0
    async function* flush(): AsyncGenerator<SourceFile> {
      if (signal?.aborted) throw new SingularityError('INTERRUPTED', 'Stopped by a signal.')
      const found = bare ? [] : await facts.read(batch)
      for (const [index, file] of batch.entries()) yield { ...file, facts: found[index] ?? null }
      batch = []
      size = 0
    }
    for (const path of tree.paths.toSorted()) {
      const own = listed.get(path)
      if (own === undefined || !wanted(path)) continue
      const bytes = isSearched(own.class) ? await tree.read(path) : undefined
      const { class: name } = bytes === undefined ? own : (classifyBytes(bytes) ?? own)
      if (bytes === undefined || (name !== 'source' && name !== 'test')) {
        if (name !== 'source' && name !== 'test') onLeftOut(path, name)
        continue
      }
      const firstLine = Buffer.from(bytes.subarray(0, 200)).toString('latin1').split('\n', 1)[0]!
      batch.push({ path, class: name, language: await facts.detect(path, firstLine), bytes })
      size += bytes.length
      if (batch.length >= BATCH.files || size >= BATCH.bytes) yield* flush()
    }
    if (batch.length > 0) yield* flush()
  }
}
