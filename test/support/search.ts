import { join } from 'node:path'
import { createFactReader } from '../../src/core/app/fact-reader.ts'
import { type FactReader, type SearchAnswer, type SearchService, createSearch } from '../../src/core/search/index.ts'
import type { TestRepository } from './repository.ts'

let shared: FactReader | undefined

/** One reader for all tests of a file: grammars are loaded once. */
export function factReader(): FactReader {
  return (shared ??= createFactReader(join(import.meta.dirname, '..', '..')))
}

/** The search over a test repository; waits as long as it takes. `name`: a folder of its own for the index. */
export async function openSearch(repository: TestRepository, name = 'singularity', patienceMs = 1_000_000): Promise<SearchService> {
  const git = await repository.open()
  return createSearch({
    git,
    folder: join(git.repository.commonDir, name),
    reader: factReader(),
    now: () => Date.now(),
    monotonic: () => performance.now(),
    exclude: [],
    patienceMs,
  })
}

/** What may not depend on anything but the bytes: all but the time it took. */
export const bare = ({ tookMs: _took, ...answer }: SearchAnswer): Omit<SearchAnswer, 'tookMs'> => answer
