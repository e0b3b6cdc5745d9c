import { posix } from 'node:path'
import type { TreeReader } from '../../git/index.ts'

/** Files of one state of a repository: a commit's, or those that lie in a worktree. */
export type ModuleTree = {
  /** Tells trees apart whose content is fixed for ever; null where it may change. */
  id: string | null
  list(): Promise<readonly { path: string; oid: string | null }[]>
  read(path: string): Promise<Uint8Array | undefined>
}

const OBJECT_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

/** Regular files of a commit or tree. */
export function moduleTreeOf(reader: TreeReader): ModuleTree {
  return {
    id: OBJECT_ID.test(reader.tree) ? reader.tree : null,
    list: async () => (await reader.entries()).filter(({ mode }) => mode.startsWith('100')),
    read: (path) => reader.read(path),
  }
}

/** The paths of a tree, and which of them end in given words. */
export type TreePaths = {
  all: ReadonlySet<string>
  /** Paths that are these words or end in `/` and them, in order. */
  endingIn(tail: string): readonly string[]
  text(path: string): Promise<string | undefined>
}

export function createTreePaths(tree: ModuleTree, paths: readonly string[]): TreePaths {
  const all = new Set(paths)
  const byName = new Map<string, string[]>()
  for (const path of paths) {
    const name = posix.basename(path)
    const known = byName.get(name)
    if (known === undefined) byName.set(name, [path])
    else known.push(path)
  }
  return {
    all,
    endingIn: (tail) => (byName.get(posix.basename(tail)) ?? []).filter((path) => path === tail || path.endsWith(`/${tail}`)),
    async text(path) {
      const bytes = await tree.read(path)
      return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
    },
  }
}

/** The nearest folder above a path of which something is known. */
export function nearest<T>(path: string, byFolder: ReadonlyMap<string, T>): T | undefined {
  for (let folder = posix.dirname(path); ; folder = posix.dirname(folder)) {
    const known = byFolder.get(folder)
    if (known !== undefined || folder === '.') return known
  }
}
