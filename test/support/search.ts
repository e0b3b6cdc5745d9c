import { join } from 'node:path'
import { createSearchReader } from '../../src/core/app/search-reader.ts'
import { createReading } from '../../src/core/app/reading.ts'
import {
  type FactReader,
  type SearchAnswer,
  type SearchDeps,
  type SearchService,
  type VectorSpace,
  createSearch,
} from '../../src/core/search/index.ts'
import type { TestRepository } from './repository.ts'

const root = join(import.meta.dirname, '..', '..')
const reading = createReading({ packageRoot: root, configHome: join(root, 'none'), stateHome: join(root, 'none') })
// in this process: the child is tested where it lives
const shared = createSearchReader({ ...reading, isolated: reading.local })

/** One reader for all tests of a file: grammars are loaded once. */
export const factReader = (): FactReader => shared

/** The search over a test repository; waits as long as it takes. `name`: a folder of its own for the index. */
export async function openSearch(
  repository: TestRepository,
  name = 'singularity',
  { patienceMs = 1_000_000, space, reopen }: { patienceMs?: number; space?: VectorSpace | undefined; reopen?: SearchDeps['reopen'] } = {},
): Promise<SearchService> {
  const git = await repository.open()
  return createSearch({
    git,
    folder: join(git.repository.commonDir, name),
    reader: factReader(),
    now: () => Date.now(),
    monotonic: () => performance.now(),
    exclude: [],
    patienceMs,
    floor: 0.1,
    space: space && (async () => space),
    reopen,
  })
}

/** What may not depend on anything but the bytes: all but the time it took. */
export const bare = ({ tookMs: _took, ...answer }: SearchAnswer): Omit<SearchAnswer, 'tookMs'> => answer

const WIDTH = 24

/** A vector space without any learning: words fall into buckets. Two texts with the same words have the same place. */
export const BUCKETS: VectorSpace = {
  id: 'buckets',
  embedDocuments: async (chunks) => chunks.map(({ name, text }) => bucketsOf(`${name} ${text}`)),
  embedQuery: (text) => ({ vector: bucketsOf(text) ?? new Int8Array(WIDTH), abstains: bucketsOf(text) === undefined }),
  similarity: (distance) => Math.max(0, 1 - distance / 2 / 100 ** 2),
}

function bucketsOf(text: string): Int8Array | undefined {
  const counts = new Float64Array(WIDTH)
  for (const word of text.toLowerCase().match(/\p{L}+/gu) ?? [])
    counts[[...word].reduce((sum, char) => sum * 31 + char.codePointAt(0)!, 7) % WIDTH]! += 1
  const length = Math.hypot(...counts)
  return length === 0 ? undefined : Int8Array.from(counts, (count) => Math.round((100 * count) / length))
}
