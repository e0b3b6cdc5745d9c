import { posix } from 'node:path'
import { type ModuleGraph, nodeOf } from './build.ts'
import { familyOf } from './families.ts'
import type { ModuleGraphs } from './graphs.ts'
import type { ModuleTree } from './tree.ts'

export type AffectedTest = {
  path: string
  /** The folder of the package it belongs to, by its nearest manifest; '.' at the top. */
  scope: string
  /** Steps to the nearest changed file; null where no way is known, and the language of the change is not followed. */
  distance: number | null
  /** The way from the test to that file, both included. */
  via: string[]
}

export type AffectedTests = {
  /** Tests that reach a changed file, nearest first. */
  tests: AffectedTest[]
  /** False when some way to a changed file could not be followed: the tests order and reject, they never accept. */
  complete: boolean
  /** Where ways end, and why. */
  unknown: { path: string; reason: string }[]
}

export type Changes = {
  paths: readonly string[]
  /** The tree with the changes: an import that is added counts as one that is removed. */
  candidate?: ModuleTree
  /** The tests to choose from, as a runner names them: files, or folders of Go packages ('' or '.' at the top). */
  tests: readonly string[]
}

const MOST_MODULES = 5000
const MANIFEST =
  /(?:^|\/)(?:package\.json|pyproject\.toml|setup\.(?:py|cfg)|go\.mod|Cargo\.toml|composer\.json|Gemfile|mix\.exs|pom\.xml|build\.gradle(?:\.kts)?)$/

/**
 * Which tests reach the changed files, by the imports of the base and of the candidate. Where a way may exist that no import names
 * (computed names, started programs, renamed modules, files read as data), or a language is followed in part only, the answer is
 * not complete.
 */
export async function affectedTests(graphs: ModuleGraphs, base: ModuleTree, changes: Changes): Promise<AffectedTests> {
  const { paths: changed, candidate, tests } = changes
  if ((await graphs.count(base)) > MOST_MODULES) return all(changes, 'too many files are followed')
  let known: ModuleGraph[]
  try {
    known = [await graphs.graphOf(base), ...(candidate && candidate.id !== base.id ? [await graphs.graphOf(candidate)] : [])]
  } catch (error) {
    // the answer only orders: who asks goes on without it
    return all(changes, `imports cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  return reachedTests(known, changed, tests)
}

/** The same over graphs that are there: those of the base and, where there is one, of the candidate. */
export function reachedTests(known: readonly ModuleGraph[], changed: readonly string[], tests: readonly string[]): AffectedTests {
  const scopes = scopesOf(known[0]!)
  const reach = createReach(known, changed)
  const found = tests.flatMap((test): AffectedTest[] => {
    const via = reach.wayOf(test)
    return via ? [{ path: test, scope: scopes(test), distance: via.length - 1, via }] : []
  })
  found.sort((a, b) => a.distance! - b.distance! || (a.path < b.path ? -1 : 1))
  const languages = changed.map((path) => languageOf(known, path))
  const isPart = languages.some((language) => language !== undefined && familyOf(language)!.reach === 'part')
  if (isPart || (changed.length > 0 && found.length === 0 && !languages.some((language) => language !== undefined))) {
    const near = new Set(found.map(({ path }) => path))
    for (const test of tests) if (!near.has(test)) found.push({ path: test, scope: scopes(test), distance: null, via: [] })
  }
  const unknown = changed.flatMap((path, index) => {
    const language = languages[index]
    if (language === undefined) return [{ path, reason: 'who reads it is not known' }]
    return familyOf(language)!.reach === 'part' ? [{ path, reason: 'imports of this language are followed in part' }] : []
  })
  for (const doubt of doubtsOf(known, tests, changed)) if (!unknown.some(({ path }) => path === doubt.path)) unknown.push(doubt)
  return { tests: found, complete: unknown.length === 0, unknown }
}

function all({ paths, tests }: Changes, reason: string): AffectedTests {
  return {
    tests: tests.map((path) => ({ path, scope: '.', distance: null, via: [] })),
    complete: false,
    unknown: paths.map((path) => ({ path, reason })),
  }
}

const languageOf = (graphs: readonly ModuleGraph[], path: string): string | undefined =>
  graphs.map(({ modules }) => modules.get(path)?.language).find((language) => language !== undefined)

function scopesOf({ tree }: ModuleGraph): (path: string) => string {
  const folders = new Set([...tree.all].filter((path) => MANIFEST.test(path)).map((path) => posix.dirname(path)))
  return (path) => {
    for (let folder = path === '' ? '.' : path; ; folder = posix.dirname(folder)) if (folders.has(folder) || folder === '.') return folder
  }
}

const isBelow = (file: string, folder: string): boolean => folder === '.' || file.startsWith(`${folder}/`)
const isConftest = (path: string): boolean => posix.basename(path) === 'conftest.py'

/** The nodes a test stands for: a file, or of Go all test files of its folder. */
function nodesOf(graphs: readonly ModuleGraph[], test: string): string[] {
  const isFile = graphs.some(({ tree }) => tree.all.has(test))
  if (isFile && !test.endsWith('_test.go')) return [test]
  const folder = isFile ? posix.dirname(test) : test === '' ? '.' : posix.normalize(test)
  const files = graphs.flatMap(({ modules }) =>
    [...modules.keys()].filter((path) => path.endsWith('_test.go') && posix.dirname(path) === folder),
  )
  return [folder, ...new Set(files)]
}

/** What loads a test without being imported by it: set-up files, and a conftest.py above it. */
function aroundOf(graphs: readonly ModuleGraph[], test: string): string[] {
  return graphs.flatMap(({ roots, modules }) => [
    ...roots,
    ...[...modules.keys()].filter((path) => isConftest(path) && isBelow(test, posix.dirname(path))),
  ])
}

/** Follows importers from the changed files, the nearest first; ways of equal length are chosen by their names. */
function createReach(graphs: readonly ModuleGraph[], changed: readonly string[]) {
  const next = new Map<string, string | null>()
  const depth = new Map<string, number>()
  let front = [...new Set(changed.map(nodeOf))].toSorted()
  for (const node of front) {
    next.set(node, null)
    depth.set(node, 0)
  }
  for (let steps = 1; front.length > 0; steps++) {
    const found: string[] = []
    for (const node of front)
      for (const importer of new Set(graphs.flatMap(({ importers }) => [...(importers.get(node) ?? [])]))) {
        if (next.has(importer)) continue
        next.set(importer, node)
        depth.set(importer, steps)
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
    wayOf(test: string): string[] | undefined {
      const near = nodesOf(graphs, test)
        .filter((node) => depth.has(node))
        .map((node) => ({ way: node === test || posix.dirname(node) === (test || '.') ? wayFrom(node) : [test, ...wayFrom(node)], node }))
      const loaded = aroundOf(graphs, test)
        .filter((node) => depth.has(node) && node !== test)
        .map((node) => ({ way: [test, ...wayFrom(node)], node }))
      const ways = [...near, ...loaded].map(({ way }) => way)
      return ways.toSorted((a, b) => a.length - b.length)[0]
    },
  }
}

/** Everything on the way of the tests that may lead further, and tests that may read a changed file as data. */
function doubtsOf(graphs: readonly ModuleGraph[], tests: readonly string[], changed: readonly string[]): AffectedTests['unknown'] {
  const found = new Map<string, string>()
  for (const graph of graphs) {
    const start = tests.flatMap((test) => [...nodesOf([graph], test), ...aroundOf([graph], test)])
    const seen = new Set(start)
    const open = [...seen]
    for (let node = open.pop(); node !== undefined; node = open.pop())
      for (const target of graph.imports.get(node) ?? []) {
        if (seen.has(target)) continue
        seen.add(target)
        open.push(target)
      }
    for (const node of seen) {
      const doubt = graph.doubts.get(node)
      if (doubt !== undefined && !found.has(node)) found.set(node, doubt)
      const language = graph.nodes.get(node)?.language
      if (language && familyOf(language)?.reach === 'part') found.set(node, 'imports of this language are followed in part')
    }
  }
  for (const test of tests) {
    const nodes = nodesOf(graphs, test)
    if (!nodes.some((node) => graphs.some((graph) => graph.nodes.has(node))))
      found.set(test, 'a test that is no file of a followed language')
    for (const node of nodes) {
      const modules = graphs.flatMap((graph) => graph.modules.get(node) ?? [])
      const mayRead = modules.some((module) => module.reads && module.literals.some(({ text }) => mayName(text, changed)))
      if (mayRead && !found.has(node)) found.set(node, 'it may read a changed file as data')
    }
  }
  return [...found].map(([path, reason]) => ({ path, reason })).toSorted((a, b) => (a.path < b.path ? -1 : 1))
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
