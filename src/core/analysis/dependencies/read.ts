import type { Dependency } from './dependency.ts'
import { dependencyFormat } from './readers.ts'

/** A file that could not be read as what its name says. */
export type DependencyProblem = { path: string; reason: string }

export type Dependencies = {
  manifests: { path: string; ecosystem: string; lock: boolean }[]
  /** Sorted by path, then line, then purl. */
  dependencies: Dependency[]
  problems: DependencyProblem[]
}

/** Larger lock files than this are not read: 32 MB. */
const LARGEST = 32 * 1024 * 1024

/** Parsers of YAML and TOML call themselves per level: a file made to be deep would end the process, not only the parser. */
const DEEPEST = 500

/** Whether brackets, sequences on one line or indentation nest deeper than any manifest does. Strings are not told apart. */
function isDeep(text: string): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x7b || code === 0x5b) depth++
    else if ((code === 0x7d || code === 0x5d) && depth > 0) depth--
    if (depth > DEEPEST) return true
  }
  return new RegExp(`^(?: {${2 * DEEPEST}}|(?:[-?] ){${DEEPEST}})`, 'm').test(text)
}

/**
 * What the manifests and lock files of a tree depend on. `read` gives the bytes of a path, `undefined` where there are none. Nothing of
 * the ecosystems' tools is run and no registry is asked.
 */
export async function readDependencies(
  paths: readonly string[],
  read: (path: string) => Promise<Uint8Array | undefined>,
): Promise<Dependencies> {
  const found: Dependencies = { manifests: [], dependencies: [], problems: [] }
  for (const path of paths.toSorted()) {
    const format = dependencyFormat(path)
    if (format === undefined) continue
    const bytes = await read(path)
    if (bytes === undefined) continue
    found.manifests.push({ path, ecosystem: format.ecosystem, lock: format.lock })
    if (bytes.length > LARGEST) {
      found.problems.push({ path, reason: `larger than ${LARGEST / 1024 / 1024} MB` })
      continue
    }
    try {
      const text = new TextDecoder().decode(bytes).replaceAll('\r\n', '\n')
      if (isDeep(text)) throw new Error(`nested deeper than ${DEEPEST} levels`)
      found.dependencies.push(...format.read(text, path).map((each) => ({ ...each, path })))
    } catch (error) {
      found.problems.push({ path, reason: (error instanceof Error ? error.message : String(error)).split('\n')[0]! })
    }
  }
  found.dependencies.sort((a, b) => order(a.path, b.path) || (a.line ?? 0) - (b.line ?? 0) || order(a.purl, b.purl))
  return found
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
