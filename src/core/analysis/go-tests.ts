import { posix } from 'node:path'
import type { TreeReader } from '../git/index.ts'
import type { AffectedTests } from './affected-tests.ts'

const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [/^\s*(?:\w+\s+)?"(?:os\/exec|plugin)"/m, 'it starts programs'],
  [/^\s*(?:\w+\s+)?"(?:go\/(?:parser|build|importer)|golang\.org\/x\/tools\/go\/\w+)"/m, 'it reads Go sources'],
  [/\.(?:ReadFile|Open|ReadDir|WalkDir|Walk|Glob)\([^)\n]*(?:\.go["`]|"\.\.?"|"\.\.\/)/, 'it reads files of the tree'],
]

/** The import paths of a Go file: those of its import declarations, which stand before everything else. */
function importsOf(text: string): string[] {
  const head = text.split(/^(?:func|type|var|const)\b/m, 1)[0]!
  return [...head.matchAll(/^[ \t]*(?:import[ \t]+)?(?:[\w.]+[ \t]+)?["`]([^"`\s]+)["`]/gm)].map(([, path]) => path!)
}

/**
 * The packages of Go whose tests reach the changed files: their own and those of every package that imports them, also
 * through others, of all modules in the tree. A package's tests are compiled as one: its folder is their name.
 */
export async function goTests(reader: TreeReader, changed: readonly string[], testFiles: readonly string[]): Promise<AffectedTests> {
  const paths = (await reader.entries()).map(({ path }) => path)
  const modules: { folder: string; path: string }[] = []
  for (const path of paths.filter((each) => posix.basename(each) === 'go.mod')) {
    const name = /^\s*module\s+"?([^\s"]+)"?/m.exec((await reader.text(path)) ?? '')?.[1]
    if (name) modules.push({ folder: posix.dirname(path), path: name })
  }
  const folderOf = (imported: string): string | undefined => {
    const owner = modules
      .filter(({ path }) => imported === path || imported.startsWith(`${path}/`))
      .toSorted((a, b) => b.path.length - a.path.length)[0]
    return owner && posix.normalize(posix.join(owner.folder, imported.slice(owner.path.length + 1) || '.'))
  }
  const unknown: AffectedTests['unknown'] = changed
    .filter((path) => !path.endsWith('.go'))
    .map((path) => ({ path, reason: 'who reads it is not known' }))
  if (modules.length === 0) unknown.push({ path: 'go.mod', reason: 'there is none' })
  const importers = { source: new Map<string, Set<string>>(), test: new Map<string, Set<string>>() }
  const foreign = new Map<string, string>()
  for (const path of paths.filter((each) => each.endsWith('.go'))) {
    const text = (await reader.text(path)) ?? ''
    const folder = posix.dirname(path)
    const test = path.endsWith('_test.go')
    for (const imported of importsOf(text)) {
      const target = folderOf(imported)
      if (target === undefined) continue
      const map = test ? importers.test : importers.source
      map.set(target, (map.get(target) ?? new Set()).add(folder))
    }
    for (const [pattern, why] of FOREIGN) if (test && pattern.test(text)) foreign.set(path, why)
  }
  for (const [path, reason] of foreign) unknown.push({ path, reason })
  // What changed in a test file reaches that package's tests only: nobody can import it.
  const distance = new Map<string, number>()
  const tested = new Map<string, number>()
  const front: string[] = []
  for (const path of changed) {
    const folder = posix.dirname(path)
    tested.set(folder, 0)
    if (!path.endsWith('_test.go') && !distance.has(folder)) {
      distance.set(folder, 0)
      front.push(folder)
    }
  }
  for (let folder = front.shift(); folder !== undefined; folder = front.shift()) {
    const next = distance.get(folder)! + 1
    if (!tested.has(folder)) tested.set(folder, next - 1)
    for (const importer of importers.test.get(folder) ?? []) if (!tested.has(importer)) tested.set(importer, next)
    for (const importer of importers.source.get(folder) ?? []) {
      if (distance.has(importer)) continue
      distance.set(importer, next)
      front.push(importer)
    }
  }
  const far = (file: string): number | undefined => tested.get(file.endsWith('.go') ? posix.dirname(file) : file === '' ? '.' : file)
  const files = testFiles.filter((file) => far(file) !== undefined).toSorted((a, b) => far(a)! - far(b)! || (a < b ? -1 : 1))
  return { files, complete: unknown.length === 0, unknown }
}
