import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { digest } from '../kernel/index.ts'
import type { IsolatedReader } from '../parsing/index.ts'
import type { FactReader as SearchReader } from '../search/index.ts'
import type { Reading } from './reading.ts'

/** Facts for the index. Files are read in a process of their own: they may be anybody's. */
export async function createSearchReader(
  reading: Pick<Reading, 'local' | 'places'> & {
    isolated(): Promise<Pick<IsolatedReader, 'read'> & Partial<Pick<IsolatedReader, 'stay'>>>
  },
): Promise<SearchReader> {
  const [local, isolated] = [await reading.local(), await reading.isolated()]
  const keys = new Map<string, Promise<string>>()
  let version: string | undefined

  return {
    ...(isolated.stay && { stay: isolated.stay }),
    version: () => (version ??= digest(reading.places().map(contentOf))),
    detect: (path, firstLine) => local.tables.detect(path, firstLine) ?? 'text',
    key(language) {
      let key = keys.get(language)
      if (key === undefined) keys.set(language, (key = local.factsKey(language)))
      return key
    },
    async read(files) {
      const read = files.length === 0 ? [] : await isolated.read(files)
      return read.map((facts) => (facts.tier === 3 ? null : facts))
    },
  }
}

/** What stands in a file of tables, or which files of grammars are there: those are checked by hash when they are loaded. */
function contentOf({ path, kind }: ReturnType<Reading['places']>[number]): unknown {
  try {
    if (kind === 'file') return readFileSync(path, 'utf8')
    const names = readdirSync(path).toSorted()
    return kind === 'names' ? names : names.map((name) => readFileSync(join(path, name), 'utf8'))
  } catch {
    return null
  }
}
