import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { digest } from '../kernel/index.ts'
import type { IsolatedReader } from '../parsing/index.ts'
import type { FactReader as SearchReader } from '../search/index.ts'
import type { Reading } from './reading.ts'

/** Facts for the index. Files are read in a process of their own: they may be anybody's. Tables are loaded when a file is to be read. */
export function createSearchReader(
  reading: Pick<Reading, 'local' | 'places'> & {
    isolated(): Promise<Pick<IsolatedReader, 'read'> & Partial<Pick<IsolatedReader, 'stay'>>>
  },
): SearchReader {
  const keys = new Map<string, Promise<string>>()
  let version: string | undefined

  return {
    stay() {
      let leave: (() => void) | undefined
      let left = false
      // one that does not start is told by who reads
      const stayed = reading.isolated().then(
        (isolated) => void (left || (leave = isolated.stay?.())),
        () => undefined,
      )
      return () => {
        left = true
        void stayed.then(() => leave?.())
      }
    },
    version: () => (version ??= digest(reading.places().map(stampsOf))),
    detect: async (path, firstLine) => (await reading.local()).tables.detect(path, firstLine) ?? 'text',
    key(language) {
      let key = keys.get(language)
      if (key === undefined) keys.set(language, (key = reading.local().then((local) => local.factsKey(language))))
      return key
    },
    async read(files) {
      const read = files.length === 0 ? [] : await (await reading.isolated()).read(files)
      return read.map((facts) => (facts.tier === 3 ? null : facts))
    },
  }
}

/**
 * Which files are there, and when each was written: reading them all would cost every search ten milliseconds. Where it differs for no
 * reason, keys are compared once. Of grammars the names are enough: they are checked by hash when they are loaded.
 */
function stampsOf({ path, kind }: ReturnType<Reading['places']>[number]): unknown {
  try {
    if (kind === 'file') return stampOf(path)
    const names = readdirSync(path).toSorted()
    return kind === 'names' ? names : names.map((name) => stampOf(join(path, name)))
  } catch {
    return null
  }
}

/** Packages are unpacked with one date for all files: the time of the change of the entry tells them apart. */
function stampOf(path: string): unknown {
  const { size, mtimeMs, ctimeMs, ino } = statSync(path)
  return [path, size, mtimeMs, ctimeMs, ino]
}
