import { posix } from 'node:path'
import { familyOf } from './families.ts'
import type { EdgeKind, ModuleFacts, Resolver } from './module.ts'
import { createDeclaredResolver } from './resolvers/declared.ts'
import { createGoResolver } from './resolvers/go.ts'
import { createPathResolver } from './resolvers/paths.ts'
import { createPythonResolver } from './resolvers/python.ts'
import { createRustResolver } from './resolvers/rust.ts'
import { createScriptResolver } from './resolvers/script.ts'
import { setUpFiles } from './set-up.ts'
import { type TreePaths, nearest } from './tree.ts'

/** `package`: a folder of Go files that are compiled as one; `data`: a file that is named, but has no imports itself. */
export type GraphNode = { path: string; kind: 'file' | 'package' | 'data'; language: string | null }

/** `to` is a node where `resolved`, else the name as it is written; `line` is 1-based. */
export type GraphEdge = { from: string; to: string; kind: EdgeKind; line: number | null; resolved: boolean }

export type UnresolvedWay = { path: string; line: number | null; specifier: string | null; reason: string }

export type ModuleGraph = {
  nodes: ReadonlyMap<string, GraphNode>
  /** In the order of from, line, to. */
  edges: readonly GraphEdge[]
  unresolved: readonly UnresolvedWay[]
  modules: ReadonlyMap<string, ModuleFacts>
  /** Without files that are only named as data. */
  imports: ReadonlyMap<string, ReadonlySet<string>>
  importers: ReadonlyMap<string, ReadonlySet<string>>
  /** Why a node may lead further than its edges. */
  doubts: ReadonlyMap<string, string>
  /** Files every test loads first: set-up files that a runner's configuration names. */
  roots: readonly string[]
  /** The node that a file of the tree belongs to. */
  nodeOf(path: string): string
  tree: TreePaths
}

/** The node of a path: of Go's sources the folder, else the file. */
export function nodeOf(path: string): string {
  return path.endsWith('.go') && !path.endsWith('_test.go') ? posix.dirname(path) : path
}

/** Turns what single files say into who leads to whom in one tree. */
export async function buildGraph(tree: TreePaths, modules: ReadonlyMap<string, ModuleFacts>): Promise<ModuleGraph> {
  const builder = createBuilder(tree, modules)
  const resolvers = await createResolvers(tree, modules)
  const folders = new Map([...tree.all].filter((path) => isManifest(path)).map((path) => [posix.dirname(path), posix.dirname(path)]))
  for (const [path, module] of modules) {
    const from = nodeOf(path)
    const family = familyOf(module.language)?.name ?? 'unknown'
    builder.addNode(path, module)
    const resolve = resolvers[family]
    for (const written of module.imports) {
      const { specifier, kind, line, text } = written
      const name = specifier ?? text.slice(0, 80)
      const { targets, reason } = resolve?.(path, module, written) ?? { targets: [], reason: 'names of this language are not followed' }
      for (const target of targets) builder.addEdge({ from, to: target, kind, line, resolved: true })
      if (targets.length === 0 || reason !== null) builder.addEdge({ from, to: name, kind, line, resolved: false })
      // types are gone when the program runs: one that is not found leads no test anywhere
      if (reason !== null) builder.addHole({ path, line, specifier, reason }, kind === 'type' ? null : from)
    }
    for (const reason of module.doubts)
      builder.addHole({ path, line: null, specifier: null, reason }, isForTests(path, module) ? from : null)
    if (module.isBroken) builder.addHole({ path, line: null, specifier: null, reason: 'it does not parse' }, null)
    for (const [name, line] of module.uses)
      for (const target of resolve?.(path, module, reference(name)).targets ?? [])
        builder.addEdge({ from, to: target, kind: 'reference', line, resolved: true })
    addSurroundings(builder, tree, path, from)
    for (const { text, line } of module.literals)
      for (const target of dataFile(tree, folders, path, text))
        builder.addEdge({ from, to: nodeOf(target), kind: 'data', line, resolved: true })
  }
  return builder.finish(await setUpFiles(tree))
}

const reference = (name: string) =>
  ({ specifier: name, kind: 'reference', form: 'reference', names: [], line: null, text: name, around: [] }) as const

/** What a program of Go starts is its own matter, as long as no test is made of it. */
const isForTests = (path: string, { language, imports }: ModuleFacts): boolean =>
  language !== 'go' || path.endsWith('_test.go') || imports.some(({ specifier }) => specifier === 'testing')

/** What is loaded around a file without being imported. */
function addSurroundings(builder: Builder, { all, endingIn }: TreePaths, path: string, from: string): void {
  const add = (to: string, kind: EdgeKind): void => builder.addEdge({ from, to, kind, line: null, resolved: true })
  const folder = posix.dirname(path)
  if (path.endsWith('.py'))
    for (let at = folder; ; at = posix.dirname(at)) {
      const init = posix.join(at, '__init__.py')
      if (all.has(init) && init !== path) add(init, 'package')
      if (at === '.') break
    }
  else if (path.endsWith('_test.go')) add(folder, 'package')
  else if (/\.(?:h|hh|hpp|hxx)$/.test(path)) {
    const stem = posix.basename(path).replace(/\.\w+$/, '')
    const sources = ['c', 'cc', 'cpp', 'cxx', 'm', 'mm'].flatMap((ending) => endingIn(`${stem}.${ending}`))
    const near = sources.filter((each) => posix.dirname(each) === folder)
    for (const source of near.length > 0 ? near : sources) add(source, 'module')
  }
}

const isManifest = (path: string): boolean =>
  /^(?:package\.json|pyproject\.toml|setup\.(?:py|cfg)|go\.mod|Cargo\.toml|composer\.json|Gemfile|mix\.exs|pom\.xml|build\.gradle(?:\.kts)?)$/.test(
    posix.basename(path),
  )

/** The file of the tree that a string names: seen from its file, its package or the top. */
function dataFile({ all }: TreePaths, folders: ReadonlyMap<string, string>, path: string, text: string): string[] {
  if (!/^[\w@.~+ -]*[\w@.~+ /-]*\.\w{1,12}$/.test(text) || text.startsWith('/')) return []
  const from = [posix.dirname(path), nearest(path, folders) ?? '.', '.']
  for (const folder of from) {
    const choice = posix.normalize(posix.join(folder, text))
    if (choice !== path && all.has(choice)) return [choice]
  }
  return []
}

async function createResolvers(tree: TreePaths, modules: ReadonlyMap<string, ModuleFacts>): Promise<Readonly<Record<string, Resolver>>> {
  const present = new Set([...modules.values()].map(({ language }) => familyOf(language)?.name))
  const paths = createPathResolver(tree)
  return {
    ...(present.has('script') && { script: await createScriptResolver(tree) }),
    ...(present.has('python') && { python: createPythonResolver(tree) }),
    ...(present.has('go') && { go: await createGoResolver(tree) }),
    ...(present.has('rust') && { rust: await createRustResolver(tree) }),
    ...(present.has('declared') && { declared: createDeclaredResolver(modules, tree) }),
    include: paths,
    path: paths,
  }
}

type Builder = ReturnType<typeof createBuilder>

function createBuilder(tree: TreePaths, modules: ReadonlyMap<string, ModuleFacts>) {
  const nodes = new Map<string, GraphNode>()
  const edges: GraphEdge[] = []
  const seen = new Set<string>()
  const unresolved: UnresolvedWay[] = []
  const imports = new Map<string, Set<string>>()
  const importers = new Map<string, Set<string>>()
  const doubts = new Map<string, string>()
  const link = (map: Map<string, Set<string>>, from: string, to: string): void => {
    const known = map.get(from)
    if (known === undefined) map.set(from, new Set([to]))
    else known.add(to)
  }
  return {
    addNode(path: string, { language }: ModuleFacts): void {
      const node = nodeOf(path)
      if (!nodes.has(node)) nodes.set(node, { path: node, kind: node === path ? 'file' : 'package', language })
    },
    /** The first line that says the same stands for all. */
    addEdge(edge: GraphEdge): void {
      const { from, to, kind, resolved } = edge
      const key = `${from}\0${to}\0${kind}\0${resolved}`
      if (seen.has(key) || (resolved && from === to)) return
      seen.add(key)
      edges.push(edge)
      if (!resolved) return
      if (!nodes.has(to) && !modules.has(to) && tree.all.has(to)) nodes.set(to, { path: to, kind: 'data', language: null })
      // what is read as data is not run: its own imports do not matter to who reads it
      if (kind !== 'data') link(imports, from, to)
      link(importers, to, from)
    },
    /** @param doubted the node whose ways are no longer all known; null where it does not matter to a running program */
    addHole(hole: UnresolvedWay, doubted: string | null): void {
      unresolved.push(hole)
      if (doubted !== null && !doubts.has(doubted)) doubts.set(doubted, hole.reason)
    },
    finish(roots: readonly string[]): ModuleGraph {
      const byText = (a: string | null, b: string | null): number => ((a ?? '') < (b ?? '') ? -1 : a === b ? 0 : 1)
      return {
        nodes: new Map([...nodes].toSorted(([a], [b]) => byText(a, b))),
        edges: edges.toSorted(
          (a, b) => byText(a.from, b.from) || (a.line ?? 0) - (b.line ?? 0) || byText(a.to, b.to) || byText(a.kind, b.kind),
        ),
        unresolved: unresolved.toSorted((a, b) => byText(a.path, b.path) || (a.line ?? 0) - (b.line ?? 0) || byText(a.reason, b.reason)),
        modules,
        imports,
        importers,
        doubts,
        roots: [...new Set(roots)],
        nodeOf,
        tree,
      }
    },
  }
}
