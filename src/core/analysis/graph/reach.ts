import { posix } from 'node:path'
import { type ModuleGraph, nodeOf } from './build.ts'
import { familyOf } from './families.ts'

const isBelow = (file: string, folder: string): boolean => folder === '.' || file.startsWith(`${folder}/`)
const isConftest = (path: string): boolean => posix.basename(path) === 'conftest.py'

export const IN_PART = 'imports of this language are followed in part'

/** A test as a runner names it, and its nodes. */
export type TestNodes = {
  test: string
  /** The nodes it stands for: a file, or of Go the package and all test files of its folder. */
  own: readonly string[]
  /** What loads it without being imported by it: set-up files, and a conftest.py above it. */
  around: readonly string[]
}

/** What the tests that a runner names are made of in graphs. */
export function createTestNodes(graphs: readonly ModuleGraph[], tests: readonly string[]): TestNodes[] {
  const paths = [...new Set(graphs.flatMap(({ modules }) => [...modules.keys()]))]
  const conftests = paths.filter(isConftest)
  const goTests = paths.filter((path) => path.endsWith('_test.go'))
  const roots = [...new Set(graphs.flatMap((graph) => graph.roots))]
  const ownOf = (test: string): string[] => {
    const isFile = graphs.some(({ tree }) => tree.all.has(test))
    if (isFile && !test.endsWith('_test.go')) return [test]
    const folder = isFile ? posix.dirname(test) : test === '' ? '.' : posix.normalize(test)
    return [folder, ...goTests.filter((path) => posix.dirname(path) === folder)]
  }
  const aroundOf = (test: string): string[] => [...roots, ...conftests.filter((path) => isBelow(test, posix.dirname(path)))]
  return tests.map((test) => ({ test, own: ownOf(test), around: aroundOf(test) }))
}

/** Follows importers from the changed files, the nearest first; of ways of equal length the first by name is taken. */
export function followImporters(graphs: readonly ModuleGraph[], changed: readonly string[]) {
  const next = new Map<string, string | null>()
  let front = [...new Set(changed.map(nodeOf))].toSorted()
  for (const node of front) next.set(node, null)
  while (front.length > 0) {
    const found: string[] = []
    for (const node of front)
      for (const { importers } of graphs)
        for (const importer of importers.get(node) ?? []) {
          if (next.has(importer)) continue
          next.set(importer, node)
          found.push(importer)
        }
    front = found.toSorted()
  }
  const wayFrom = (node: string): string[] => {
    const way = [node]
    for (let at = next.get(node); at !== null && at !== undefined; at = next.get(at)) way.push(at)
    return way
  }
  return {
    /** The shortest way from a test, by the nodes it stands for and those around it; `undefined` where there is none. */
    wayOf(test: string, own: readonly string[], around: readonly string[]): string[] | undefined {
      const isOwn = (node: string): boolean => node === test || posix.dirname(node) === (test || '.')
      const ways = [
        ...own.filter((node) => next.has(node)).map((node) => (isOwn(node) ? wayFrom(node) : [test, ...wayFrom(node)])),
        ...around.filter((node) => next.has(node) && node !== test).map((node) => [test, ...wayFrom(node)]),
      ]
      return ways.toSorted((a, b) => a.length - b.length)[0]
    },
  }
}

/**
 * Everything on the way of tests that may lead further, and those of them that may read a change as data. Asked for the tests that are
 * known not to reach it: of one that is selected anyway no further way matters.
 */
export function findDoubts(
  graphs: readonly ModuleGraph[],
  tests: readonly TestNodes[],
  changed: readonly string[],
): { path: string; reason: string }[] {
  const found = new Map<string, string>()
  for (const graph of graphs)
    for (const node of loadedBy(graph, tests)) {
      const doubt = graph.doubts.get(node)
      if (doubt !== undefined && !found.has(node)) found.set(node, doubt)
      const language = graph.nodes.get(node)?.language
      if (language && familyOf(language)?.reach === 'part') found.set(node, IN_PART)
    }
  for (const { test, own } of tests) {
    if (!own.some((node) => graphs.some((graph) => graph.nodes.has(node)))) found.set(test, 'a test that is no file of a followed language')
    for (const node of own) {
      if (found.has(node)) continue
      const modules = graphs.flatMap((graph) => graph.modules.get(node) ?? [])
      if (modules.some((module) => module.reads && module.literals.some(({ text }) => mayName(text, changed))))
        found.set(node, 'it may read a changed file as data')
    }
  }
  return [...found].map(([path, reason]) => ({ path, reason })).toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

function loadedBy(graph: ModuleGraph, tests: readonly TestNodes[]): Set<string> {
  const seen = new Set(tests.flatMap(({ own, around }) => [...own, ...around]))
  const open = [...seen]
  for (let node = open.pop(); node !== undefined; node = open.pop())
    for (const target of graph.imports.get(node) ?? []) {
      if (seen.has(target)) continue
      seen.add(target)
      open.push(target)
    }
  return seen
}

/** Whether a string may mean a changed file: some part of it ends in its name, its kind or one of its folders. */
function mayName(text: string, changed: readonly string[]): boolean {
  const parts = text.split(/[/*]/)
  // a Go test runs in its folder: what it reads above it may be any package
  const isAbove = parts[0] === '..' || parts.every((part) => part === '.')
  if (isAbove && changed.some((path) => path.endsWith('.go'))) return true
  return changed.some((path) =>
    [posix.extname(path), posix.basename(path), ...posix.dirname(path).split('/')].some(
      (word) => word !== '' && word !== '.' && parts.some((part) => part.endsWith(word)),
    ),
  )
}
