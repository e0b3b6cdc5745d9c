import { posix } from 'node:path'
import type { ModuleGraph } from './build.ts'
import { familyOf } from './families.ts'
import type { ModuleGraphs } from './graphs.ts'
import { IN_PART, createTestNodes, findDoubts, followImporters } from './reach.ts'
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
    const isOther = candidate !== undefined && !(await graphs.isAlike(candidate, base))
    known = [await graphs.graphOf(base), ...(isOther ? [await graphs.graphOf(candidate)] : [])]
  } catch (error) {
    // the answer only orders: who asks goes on without it
    return all(changes, `imports cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  return openReach(known, tests)(changed)
}

/** The same over graphs that are there, those of the base and perhaps of the candidate: answers for one change after the other. */
export function openReach(known: readonly ModuleGraph[], tests: readonly string[]): (changed: readonly string[]) => AffectedTests {
  const scopes = scopesOf(known[0]!)
  const nodes = createTestNodes(known, tests)
  return (changed) => {
    const reach = followImporters(known, changed)
    const found = nodes.flatMap(({ test, own, around }): AffectedTest[] => {
      const via = reach.wayOf(test, own, around)
      return via ? [{ path: test, scope: scopes(test), distance: via.length - 1, via }] : []
    })
    const selected = new Set(found.map(({ path }) => path))
    found.sort((a, b) => a.distance! - b.distance! || (a.path < b.path ? -1 : 1))
    const languages = changed.map((path) => languageOf(known, path))
    const reaches = languages.map((language) => (language === undefined ? undefined : familyOf(language)!.reach))
    if (reaches.includes('part') || (changed.length > 0 && found.length === 0 && reaches.every((reached) => reached === undefined))) {
      for (const test of tests) if (!selected.has(test)) found.push({ path: test, scope: scopes(test), distance: null, via: [] })
    }
    const unknown = changed.flatMap((path, index) => {
      if (reaches[index] === undefined) return [{ path, reason: 'who reads it is not known' }]
      return reaches[index] === 'whole' ? [] : [{ path, reason: IN_PART }]
    })
    const others = nodes.filter(({ test }) => !selected.has(test))
    for (const doubt of findDoubts(known, others, changed)) if (!unknown.some(({ path }) => path === doubt.path)) unknown.push(doubt)
    return { tests: found, complete: unknown.length === 0, unknown }
  }
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
