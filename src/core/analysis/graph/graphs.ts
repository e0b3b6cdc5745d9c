import { createHash } from 'node:crypto'
import type { FactReader } from '../../parsing/index.ts'
import { buildGraph, type ModuleGraph } from './build.ts'
import { familyOf } from './families.ts'
import { scriptsOnly } from './masked-text.ts'
import type { ModuleFacts } from './module.ts'
import { readModule } from './read-module.ts'
import { namesModules } from './resolvers/script.ts'
import { isConfiguration } from './set-up.ts'
import { type ModuleTree, createTreePaths } from './tree.ts'

/** Who reads the facts of files; asked for when the first graph is. */
export type GraphDeps = { reader(): Promise<Pick<FactReader, 'read' | 'tables'>> }

export type ModuleGraphs = {
  /** Who leads to whom in a tree. What single files say is kept by their blobs, whole graphs of the last few trees too. */
  graphOf(tree: ModuleTree): Promise<ModuleGraph>
  /** Whether a tree has the same edges as another one, but for their lines: told without its graph. False where that is not known. */
  isAlike(tree: ModuleTree, other: ModuleTree): Promise<boolean>
  /** How many files of a tree have modules. */
  count(tree: ModuleTree): Promise<number>
}

/** Longer files are no sources a person wrote. */
const MOST_BYTES = 1_048_576
const KEPT_GRAPHS = 4
/** Read and sent to a reader at once. */
const BATCH = { files: 400, bytes: 16 * 1024 * 1024 }
const COMPONENTS = new Set(['vue', 'svelte'])

/** Graphs over trees: a pure function of their blobs, without an index and without a worktree. */
export function createModuleGraphs({ reader }: GraphDeps): ModuleGraphs {
  const byBlob = new Map<string, ModuleFacts>()
  const byTree = new Map<string, Promise<ModuleGraph>>()

  async function sourcesOf(tree: ModuleTree): Promise<{ path: string; oid: string | null; language: string }[]> {
    const { tables } = await reader()
    return (await tree.list()).flatMap(({ path, oid }) => {
      const language = tables.detect(path)
      return language === undefined || familyOf(language) === undefined ? [] : [{ path, oid, language }]
    })
  }

  async function modulesOf(tree: ModuleTree, wanted?: ReadonlySet<string>): Promise<Map<string, ModuleFacts>> {
    const found = new Map<string, ModuleFacts>()
    let batch: { path: string; key: string; language: string; bytes: Uint8Array }[] = []
    let bytes = 0
    const flush = async (): Promise<void> => {
      const facts = await (
        await reader()
      ).read(
        batch.map(({ path, language, bytes: content }) =>
          COMPONENTS.has(language) ? { path, language: 'typescript', bytes: scriptsOnly(content) } : { path, language, bytes: content },
        ),
      )
      batch.forEach(({ path, key, language, bytes: content }, index) => {
        const module = { ...readModule(content, facts[index]!), language }
        byBlob.set(key, module)
        found.set(path, module)
      })
      batch = []
      bytes = 0
    }
    for (const { path, oid, language } of await sourcesOf(tree)) {
      if (wanted && !wanted.has(path)) continue
      let known = oid === null ? undefined : byBlob.get(`${oid} ${language}`)
      if (known === undefined) {
        const content = await tree.read(path)
        if (content === undefined) continue
        const key = `${oid ?? blobOf(content)} ${language}`
        known = byBlob.get(key)
        if (known === undefined && content.length <= MOST_BYTES && !content.subarray(0, 8192).includes(0)) {
          batch.push({ path, key, language, bytes: content })
          bytes += content.length
          if (batch.length >= BATCH.files || bytes >= BATCH.bytes) await flush()
          continue
        }
      }
      found.set(path, known ?? { ...UNREAD, language })
    }
    if (batch.length > 0) await flush()
    return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }

  async function build(tree: ModuleTree): Promise<ModuleGraph> {
    const paths = (await tree.list()).map(({ path }) => path)
    return buildGraph(createTreePaths(tree, paths), await modulesOf(tree))
  }

  async function isAlike(tree: ModuleTree, other: ModuleTree): Promise<boolean> {
    const [own, theirs] = [await tree.list(), new Map((await other.list()).map(({ path, oid }) => [path, oid]))]
    if (own.length !== theirs.size || own.some(({ path }) => !theirs.has(path))) return false
    const changed = new Set(own.filter(({ path, oid }) => oid === null || oid !== theirs.get(path)).map(({ path }) => path))
    if ([...changed].some(saysNames)) return false
    const [now, before] = [await modulesOf(tree, changed), await modulesOf(other, changed)]
    return now.size === before.size && [...now].every(([path, module]) => before.has(path) && waysOf(module) === waysOf(before.get(path)!))
  }

  return {
    isAlike,
    count: async (tree) => (await sourcesOf(tree)).length,
    graphOf(tree) {
      if (tree.id === null) return build(tree)
      const known = byTree.get(tree.id)
      if (known) return known
      const graph = build(tree)
      byTree.set(tree.id, graph)
      graph.catch(() => byTree.delete(tree.id!))
      if (byTree.size > KEPT_GRAPHS) byTree.delete(byTree.keys().next().value!)
      return graph
    },
  }
}

/** The id that git gives these bytes where it uses SHA-1: files as they lie here and those of a commit are read once. */
const blobOf = (bytes: Uint8Array): string => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')

/** Whether other files' imports are read as this one says. */
const saysNames = (path: string): boolean => namesModules(path) || isConfiguration(path) || /(?:^|\/)(?:go\.mod|Cargo\.toml)$/.test(path)

/** Everything of a module that edges are made of. */
function waysOf({ imports, uses, literals, ...rest }: ModuleFacts): string {
  const ways = imports.map(({ line: _line, text, form, ...each }) => [each, form === 'use' || form === 'include' ? text : form])
  return JSON.stringify([ways, [...uses.keys()].toSorted(), literals.map(({ text }) => text), rest])
}

const UNREAD: ModuleFacts = {
  language: 'text',
  tier: 3,
  imports: [],
  declares: [],
  package: null,
  uses: new Map(),
  literals: [],
  reads: false,
  doubts: ['it is too long to be read, or binary'],
  isBroken: false,
  tests: false,
}
