import { posix } from 'node:path'
import { type Resolver, EXTERNAL } from '../module.ts'
import type { TreePaths } from '../tree.ts'

/** Go: an import path means a folder of the module it begins with; a package is compiled as one, so its folder is the target. */
export async function createGoResolver(tree: TreePaths): Promise<Resolver> {
  const modules: { folder: string; path: string }[] = []
  for (const path of tree.endingIn('go.mod')) {
    const name = /^\s*module\s+"?([^\s"]+)"?/m.exec((await tree.text(path)) ?? '')?.[1]
    if (name) modules.push({ folder: posix.dirname(path), path: name })
  }
  modules.sort((a, b) => b.path.length - a.path.length)
  const packages = new Set(
    [...tree.all].filter((path) => path.endsWith('.go') && !path.endsWith('_test.go')).map((path) => posix.dirname(path)),
  )
  return (_path, _module, { specifier }) => {
    const owner = modules.find(({ path }) => specifier === path || specifier!.startsWith(`${path}/`))
    if (owner === undefined) return EXTERNAL
    const folder = posix.normalize(posix.join(owner.folder, specifier!.slice(owner.path.length + 1) || '.'))
    return packages.has(folder) ? { targets: [folder], reason: null } : { targets: [], reason: `${specifier} is no package of the tree` }
  }
}
