import { posix } from 'node:path'
import type { TreeReader } from '../git/index.ts'

export type AffectedTests = {
  /** Test files that reach a changed file through imports, nearest first. */
  files: string[]
  /** False when some import could not be followed: the files order and reject, they never accept. */
  complete: boolean
  /** Files whose imports could not all be followed, and why. */
  unknown: { path: string; reason: string }[]
}

const SCRIPT = /\.(?:[cm]?[jt]sx?)$/
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*|\bexport\s+\*\s+from\s*)(['"])([^'"\n]+)\1/g
const DYNAMIC = /\b(?:import|require)\s*\(\s*[^'")\s]/
const PYTHON_IMPORT = /^\s*(?:from\s+(\.*[\w.]*)\s+import\s+(\([^)]*\)|[\w*, ]+)|import\s+([\w., ]+))/gm

/**
 * Which test files reach the changed files, by following imports backwards: relative imports of JavaScript and
 * TypeScript, modules of Python, packages of Go by folder. Other languages give an incomplete, empty answer.
 */
export async function affectedTests(reader: TreeReader, changed: readonly string[], testFiles: readonly string[]): Promise<AffectedTests> {
  const paths = new Set((await reader.entries()).map(({ path }) => path))
  const distance = new Map(changed.map((path) => [path, 0]))
  if (changed.every((path) => path.endsWith('.go'))) return goTests(changed, testFiles)
  const relevant = [...paths].filter((path) => SCRIPT.test(path) || path.endsWith('.py'))
  if (!changed.some((path) => SCRIPT.test(path) || path.endsWith('.py')) || relevant.length > 5000)
    return { files: [], complete: false, unknown: changed.map((path) => ({ path, reason: 'imports of this language are not followed' })) }
  const unknown = changed
    .filter((path) => !SCRIPT.test(path) && !path.endsWith('.py'))
    .map((path) => ({ path, reason: 'imports of this language are not followed' }))
  // A conftest.py serves every test below it without being imported.
  const fixtures = changed.filter((path) => posix.basename(path) === 'conftest.py').map((path) => posix.dirname(path))
  for (const file of testFiles)
    if (fixtures.some((folder) => folder === '.' || file.startsWith(`${folder}/`))) distance.set(file, Math.min(1, distance.get(file) ?? 1))
  const own = await ownNames(reader, paths)
  const importers = new Map<string, string[]>()
  for (const path of relevant) {
    const text = (await reader.text(path)) ?? ''
    if (SCRIPT.test(path) && DYNAMIC.test(text)) unknown.push({ path, reason: 'an import by a computed name' })
    if (SCRIPT.test(path))
      for (const [, , name] of text.matchAll(IMPORT))
        if (own.some((start) => name === start || name!.startsWith(start.endsWith('/') ? start : `${start}/`)))
          unknown.push({ path, reason: `${name} is an alias or a package of this repository` })
    for (const target of path.endsWith('.py') ? pythonImports(path, text, paths) : scriptImports(path, text, paths)) {
      const known = importers.get(target)
      if (known) known.push(path)
      else importers.set(target, [path])
    }
  }
  for (let front = [...changed], depth = 1; front.length > 0; depth++) {
    const next: string[] = []
    for (const path of front)
      for (const importer of importers.get(path) ?? []) {
        if (distance.has(importer)) continue
        distance.set(importer, depth)
        next.push(importer)
      }
    front = next
  }
  const files = testFiles.filter((file) => distance.has(file)).toSorted((a, b) => distance.get(a)! - distance.get(b)! || (a < b ? -1 : 1))
  return { files, complete: unknown.length === 0, unknown }
}

/** Names that lead back into this repository without a relative path: its packages, `imports` and the aliases of tsconfig. */
async function ownNames(reader: TreeReader, paths: ReadonlySet<string>): Promise<string[]> {
  const names = ['#/']
  for (const path of paths) {
    const text = /(?:^|\/)(?:package|[tj]sconfig[\w.-]*)\.json$/.test(path) ? ((await reader.text(path)) ?? '') : ''
    if (path.endsWith('package.json')) names.push(...[...text.matchAll(/^\s{0,4}"name"\s*:\s*"([^"]+)"/gm)].map(([, name]) => name!))
    else for (const [, alias] of text.matchAll(/"([^"\n]+?)\*?"\s*:\s*\[/g)) if (/[@~#/]/.test(alias!)) names.push(alias!)
  }
  return names
}

function goTests(changed: readonly string[], testFiles: readonly string[]): AffectedTests {
  const folders = new Set(changed.map((path) => posix.dirname(path)))
  return {
    files: testFiles.filter((file) => folders.has(posix.dirname(file)) || folders.has(file)),
    complete: false,
    unknown: changed.map((path) => ({ path, reason: 'dependents in other packages are not followed' })),
  }
}

function scriptImports(path: string, text: string, paths: ReadonlySet<string>): string[] {
  const found: string[] = []
  for (const [, , name] of text.matchAll(IMPORT)) {
    if (!name!.startsWith('.')) continue
    const target = posix.normalize(posix.join(posix.dirname(path), name!))
    const bare = target.replace(/\.[cm]?jsx?$/, '')
    const endings = ['', '.ts', '.tsx', '.js', '.mjs', '.cjs', '.jsx', '.mts', '.cts', '.json']
    const choices = [
      target,
      ...endings.map((ending) => target + ending),
      ...endings.map((ending) => bare + ending),
      ...endings.slice(1).map((ending) => posix.join(target, `index${ending}`)),
    ]
    const hit = choices.find((choice) => paths.has(choice))
    if (hit !== undefined) found.push(hit)
  }
  return found
}

function pythonImports(path: string, text: string, paths: ReadonlySet<string>): string[] {
  const found: string[] = []
  const add = (module: string, base: string): void => {
    const at = posix.join(base, module.replaceAll('.', '/'))
    for (const choice of [`${at}.py`, posix.join(at, '__init__.py')]) if (paths.has(choice)) found.push(choice)
  }
  for (const [, from, names, plain] of text.matchAll(PYTHON_IMPORT)) {
    if (plain !== undefined)
      for (const name of plain.split(',')) for (const base of ['', 'src', 'lib']) add(name.trim().split(' ')[0]!, base)
    if (from === undefined) continue
    const dots = from.match(/^\.*/)![0].length
    const bases = dots > 0 ? [posix.join(posix.dirname(path), ...Array.from({ length: dots - 1 }, () => '..'))] : ['', 'src', 'lib']
    for (const base of bases) {
      add(from.slice(dots), base)
      for (const name of (names ?? '').replace(/[()]/g, '').split(','))
        add(`${from.slice(dots)}.${name.trim().split(' ')[0]}`.replace(/^\./, ''), base)
    }
  }
  return found
}
