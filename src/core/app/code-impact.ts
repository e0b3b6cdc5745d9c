import type { AffectedTest, AffectedTests, ChangedSymbol, ModuleGraph, ModuleGraphs, ModuleTree } from '../analysis/index.ts'
import type { Git } from '../git/index.ts'
import type { Store } from '../improvement/index.ts'
import type { FileFacts, IsolatedReader } from '../parsing/index.ts'
import { type CodeQuery, changedPaths, openTree } from './code-files.ts'

export type ImpactParts = {
  git: () => Promise<Git>
  /** `undefined` where nothing was ever recorded. */
  store: () => Promise<Store | undefined>
  graphs: ModuleGraphs
  reader: () => Promise<IsolatedReader>
  /** The files as they lie here. */
  treeHere: () => Promise<ModuleTree>
}

export type Caller = { path: string; line: number; symbol: string | null; confidence: 'exact' | 'import' | 'name' }

export type ImpactedSymbol = Omit<ChangedSymbol, 'before' | 'name'> & {
  path: string
  /** Whether some test runs it; null where nobody knows. */
  exercised: boolean | null
  /** What shows it: lines that ran, a planted fault that stayed unnoticed, or only that a test leads to its file. */
  by: 'coverage' | 'fault' | 'graph' | null
  callers: Caller[]
  tests: Pick<AffectedTest, 'path' | 'distance'>[]
}

export type Impact = { base: string; symbols: ImpactedSymbol[] } & AffectedTests

/** Whom a change reaches. */
export function composeImpact({ git, store, graphs, reader, treeHere }: ImpactParts) {
  /**
   * What changed since HEAD left a revision, the working tree included: symbols, who calls them, which tests reach them.
   * @throws USAGE where the revision is no commit, or a path leads to nothing
   */
  async function impact(query: CodeQuery): Promise<Impact> {
    const [opened, { changedSymbols, openReach, moduleTreeOf }] = [await git(), await import('../analysis/index.ts')]
    const { base, paths: differing } = await changedPaths(opened, query.base ?? 'HEAD')
    const [before, after] = [moduleTreeOf(opened.reader(base)), await treeHere()]
    const kept = query.paths.length === 0 ? null : new Set((await openTree(opened, { paths: query.paths })).paths)
    const changed = [...differing].filter((path) => kept === null || kept.has(path)).toSorted()
    const known = [await graphs.graphOf(before), await graphs.graphOf(after)]
    const reach = openReach(known, await testsOf(known))
    const exercise = await openKnowledge(opened, base)
    const symbols: ImpactedSymbol[] = []
    for (const path of changed) {
      if (!known.some(({ modules }) => modules.has(path))) continue
      const [old, now] = [await versionOf(path, await before.read(path)), await versionOf(path, await after.read(path))]
      const own = reach([path])
      const reached = own.tests.filter(({ distance }) => distance !== null)
      const byGraph = reached.length > 0 ? true : own.complete ? false : null
      const callersOf = openCallers(known, path, after)
      for (const { before: place, name, ...symbol } of changedSymbols(old, now)) {
        const learnt = place && (await exercise(path, place.line, place.lineEnd))
        symbols.push({
          path,
          ...symbol,
          exercised: learnt ? learnt.exercised : byGraph,
          by: learnt ? learnt.by : byGraph === null ? null : 'graph',
          callers: name === null ? [] : await callersOf(name, symbol),
          tests: reached.map(({ path: test, distance }) => ({ path: test, distance })),
        })
      }
    }
    const { looksLikeTestFile } = await import('../validation/index.ts')
    // tests and what they use come last: nobody tests them
    const weight = (each: ImpactedSymbol): number => (looksLikeTestFile(each.path) ? WEIGHTS : 0) + weightOf(each)
    const order = (a: ImpactedSymbol, b: ImpactedSymbol): number =>
      weight(a) - weight(b) || (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1)
    return { base, symbols: symbols.toSorted(order), ...reach(changed) }
  }

  async function versionOf(path: string, bytes: Uint8Array | undefined): Promise<{ bytes: Uint8Array; facts: FileFacts } | null> {
    if (bytes === undefined) return null
    const [facts] = await (await reader()).read([{ path, bytes }])
    return { bytes, facts: facts! }
  }

  /** Files that hold tests: by their names, or by their syntax where they lie among tests. */
  async function testsOf(known: readonly ModuleGraph[]): Promise<string[]> {
    const { hasTestName, looksLikeTestFile } = await import('../validation/index.ts')
    const isTest = (path: string, holdsTests: boolean): boolean =>
      hasTestName(path) || (holdsTests && (path.endsWith('.rs') || looksLikeTestFile(path)))
    const found = known.flatMap(({ modules }) => [...modules].filter(([path, { tests }]) => isTest(path, tests)).map(([path]) => path))
    return [...new Set(found)].toSorted()
  }

  /** Who uses a name of a file, among the files that lead to it. Each of those is read once, when it holds a name asked for. */
  function openCallers(known: readonly ModuleGraph[], changed: string, tree: ModuleTree) {
    const { nodeOf } = known[0]!
    const node = nodeOf(changed)
    const contents = new Map<string, Uint8Array | null>()
    const facts = new Map<string, FileFacts>()
    return async (name: string, own: { line: number; lineEnd: number }): Promise<Caller[]> => {
      const { findImporters, usesOf } = await import('../analysis/index.ts')
      const steps = findImporters(known, [node])
      const near = new Set(known.flatMap(({ modules }) => [...modules.keys()]).filter((path) => steps.has(nodeOf(path))))
      const holding: string[] = []
      for (const path of [...near].toSorted()) {
        if (!contents.has(path)) contents.set(path, (await tree.read(path)) ?? null)
        const bytes = contents.get(path)
        if (bytes && Buffer.from(bytes).includes(name)) holding.push(path)
      }
      const unread = holding.filter((path) => !facts.has(path))
      const found = await (await reader()).read(unread.map((path) => ({ path, bytes: contents.get(path)! })))
      for (const [index, path] of unread.entries()) facts.set(path, found[index]!)
      return holding.flatMap((path) => {
        const isDirect = known.some(({ imports }) => imports.get(nodeOf(path))?.has(node) === true)
        const confidence = nodeOf(path) === node ? 'exact' : isDirect ? 'import' : 'name'
        return usesOf(contents.get(path)!, facts.get(path)!, name)
          .filter(({ kind, line }) => kind !== 'import' && !(path === changed && line >= own.line && line <= own.lineEnd))
          .map(({ line, container }): Caller => ({ path, line, symbol: container, confidence }))
      })
    }
  }

  /** What the main job has recorded; nothing where it never ran here. */
  async function openKnowledge(opened: Git, base: string) {
    const recorded = await store()
    if (!recorded) return async () => null
    const { openExercise } = await import('../improvement/index.ts')
    return openExercise({ store: recorded, git: opened }, base)
  }

  return { impact }
}

const WEIGHTS = 4

/** What no test runs comes first, then what nobody knows. */
function weightOf({ exercised, by }: ImpactedSymbol): number {
  if (exercised === null) return 1
  if (!exercised) return 0
  return by === 'graph' ? 2 : 3
}
