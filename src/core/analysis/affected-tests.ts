import { posix } from 'node:path'
import type { TreeReader } from '../git/index.ts'
import { goTests } from './go-tests.ts'
import { PYTHON_READS, createPythonResolver } from './python-imports.ts'
import { SCRIPT, SCRIPT_READS, createScriptResolver, mayRead } from './script-imports.ts'

export type AffectedTests = {
  /** Test files that reach a changed file through imports, nearest first. */
  files: string[]
  /** False when some way to a changed file could not be followed: the files order and reject, they never accept. */
  complete: boolean
  /** Files whose imports could not all be followed, and why. */
  unknown: { path: string; reason: string }[]
}

/** Who imports what in one tree; what does not depend on the change is worked out once. */
type Graph = {
  importers: Map<string, Set<string>>
  imports: Map<string, Set<string>>
  doubts: Map<string, string>
  texts: Map<string, string>
  /** Files every test loads first: set-up files that a runner's configuration names. */
  roots: string[]
}

const MOST_FILES = 5000
const CONFIGURATION =
  /(?:^|\/)(?:(?:vitest|vite|jest|ava|mocha|playwright|karma)[\w.-]*\.(?:[cm]?[jt]s|json)|\.mocharc[\w.]*|\.taprc|package\.json|pytest\.ini|pyproject\.toml|setup\.cfg|tox\.ini)$/
const graphs = new WeakMap<TreeReader, Promise<Graph>>()

const isFollowed = (path: string): boolean => SCRIPT.test(path) || path.endsWith('.py')

/**
 * Which test files reach the changed files, by following imports backwards: JavaScript and TypeScript with their aliases
 * and workspace packages, Python, Go by package. Where a way may exist that no import names (computed names, started
 * programs, renamed modules, files read as data) the answer is not complete; other languages give all tests.
 */
export async function affectedTests(reader: TreeReader, changed: readonly string[], testFiles: readonly string[]): Promise<AffectedTests> {
  const reason = 'imports of this language are not followed'
  if (changed.length > 0 && changed.every((path) => path.endsWith('.go'))) return goTests(reader, changed, testFiles)
  const followed = changed.filter(isFollowed)
  const unknown: AffectedTests['unknown'] = changed.filter((path) => !isFollowed(path)).map((path) => ({ path, reason }))
  const all = (await reader.entries()).filter(({ path }) => isFollowed(path)).length
  if (followed.length === 0 || all > MOST_FILES)
    return { files: [...testFiles], complete: false, unknown: changed.map((path) => ({ path, reason })) }
  const graph = await graphOf(reader)
  const distance = new Map(followed.map((path) => [path, 0]))
  for (let front = [...followed], depth = 1; front.length > 0; depth++) {
    const next: string[] = []
    for (const path of front)
      for (const importer of graph.importers.get(path) ?? []) {
        if (distance.has(importer)) continue
        distance.set(importer, depth)
        next.push(importer)
      }
    front = next
  }
  // What every test loads first, or a conftest.py above it, reaches the tests without being imported.
  const loaded = graph.roots.filter((path) => distance.has(path)).map((path) => distance.get(path)! + 1)
  const fixtures = [...distance].filter(([path]) => posix.basename(path) === 'conftest.py')
  const far = (file: string): number | undefined => {
    const near = [distance.get(file), ...loaded]
    for (const [path, depth] of fixtures) if (isBelow(file, posix.dirname(path))) near.push(depth + 1)
    const known = near.filter((value) => value !== undefined)
    return known.length === 0 ? undefined : Math.min(...known)
  }
  const files = testFiles.filter((file) => far(file) !== undefined).toSorted((a, b) => far(a)! - far(b)! || (a < b ? -1 : 1))
  for (const path of reachedFrom(graph, testFiles)) {
    const doubt = graph.doubts.get(path)
    if (doubt !== undefined) unknown.push({ path, reason: doubt })
  }
  for (const file of testFiles) {
    const text = graph.texts.get(file)
    if (text === undefined) unknown.push({ path: file, reason: 'a test that is no file of a followed language' })
    else if (mayRead(text, file.endsWith('.py') ? PYTHON_READS : SCRIPT_READS, followed))
      unknown.push({ path: file, reason: 'it may read a changed file as data' })
  }
  return { files, complete: unknown.length === 0, unknown }
}

const isBelow = (file: string, folder: string): boolean => folder === '.' || file.startsWith(`${folder}/`)

/** Everything the tests load, themselves included. */
function reachedFrom(graph: Graph, testFiles: readonly string[]): Set<string> {
  const conftests = [...graph.texts.keys()].filter((path) => posix.basename(path) === 'conftest.py')
  const front = [...testFiles, ...graph.roots, ...conftests.filter((path) => testFiles.some((file) => isBelow(file, posix.dirname(path))))]
  const seen = new Set(front)
  for (let path = front.pop(); path !== undefined; path = front.pop())
    for (const target of graph.imports.get(path) ?? []) {
      if (seen.has(target)) continue
      seen.add(target)
      front.push(target)
    }
  return seen
}

function graphOf(reader: TreeReader): Promise<Graph> {
  const known = graphs.get(reader)
  if (known) return known
  const graph = readGraph(reader)
  graphs.set(reader, graph)
  graph.catch(() => graphs.delete(reader))
  return graph
}

async function readGraph(reader: TreeReader): Promise<Graph> {
  const paths = new Set((await reader.entries()).map(({ path }) => path))
  const script = await createScriptResolver(reader, paths)
  const python = createPythonResolver(paths)
  const graph: Graph = { importers: new Map(), imports: new Map(), doubts: new Map(), texts: new Map(), roots: [] }
  for (const path of paths) {
    if (CONFIGURATION.test(path)) graph.roots.push(...(await namedFiles(reader, path, paths)))
    if (!isFollowed(path)) continue
    const text = (await reader.text(path)) ?? ''
    const { targets, doubts } = path.endsWith('.py') ? python(path, text) : script(path, text)
    graph.texts.set(path, text)
    graph.imports.set(path, targets)
    if (doubts.length > 0) graph.doubts.set(path, doubts[0]!)
    for (const target of targets) graph.importers.set(target, (graph.importers.get(target) ?? new Set()).add(path))
  }
  return graph
}

/** Source files a configuration names (`setupFiles`, `--import ./hooks.js`, `-p plugin`): whichever they are for. */
async function namedFiles(reader: TreeReader, path: string, paths: ReadonlySet<string>): Promise<string[]> {
  const text = (await reader.text(path)) ?? ''
  const setUp = posix.basename(path) === 'package.json' ? scriptsAndRunners(text) : text
  const folder = posix.dirname(path)
  const plugins = [...setUp.matchAll(/-p[ =]([\w.]+)/g)].flatMap(([, name]) =>
    [name!, `src/${name!}`].map((each) => `${each.replaceAll('.', '/')}.py`),
  )
  const words = [...setUp.matchAll(/[\w@./-]+\.(?:[cm]?[jt]sx?)\b/g)].map(([word]) => word.replace(/^\/+/, ''))
  return [...plugins, ...words]
    .map((word) => posix.normalize(posix.join(folder, word)))
    .filter((file) => file !== path && isFollowed(file) && paths.has(file))
}

/** The parts of a package.json that say how tests run: its scripts and the runners' own keys, not its entry points. */
function scriptsAndRunners(text: string): string {
  try {
    const manifest = JSON.parse(text) as Record<string, unknown>
    const { test } = (manifest['scripts'] ?? {}) as Record<string, unknown>
    return JSON.stringify([typeof test === 'string' ? test : '', ...['jest', 'mocha', 'ava', 'tap', 'vitest'].map((key) => manifest[key])])
  } catch {
    return text
  }
}
