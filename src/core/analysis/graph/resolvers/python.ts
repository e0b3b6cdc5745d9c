import { posix } from 'node:path'
import { type Resolution, type Resolver, EXTERNAL } from '../module.ts'
import type { TreePaths } from '../tree.ts'
import { COMPUTED } from '../ways.ts'

/**
 * Python modules are found by the end of their path: which folders a runner puts on the import path is not in the tree, so
 * every file that a name may mean counts. What no file of the tree may be is installed.
 */
export function createPythonResolver(tree: TreePaths): Resolver {
  const absolute = (module: string): string[] => {
    const end = module.replaceAll('.', '/')
    return ['.py', '/__init__.py', '.pyi'].flatMap((ending) => tree.endingIn(`${end}${ending}`))
  }
  const relative = (path: string, dots: number, module: string): string[] => {
    const base = posix.join(posix.dirname(path), ...Array.from({ length: dots - 1 }, () => '..'))
    const at = module === '' ? base : posix.join(base, module.replaceAll('.', '/'))
    return [`${at}.py`, posix.join(at, '__init__.py'), `${at}.pyi`].filter((choice) => tree.all.has(choice))
  }
  /** `a.b.function`: the longest part that is a module. */
  const longest = (name: string): string[] => {
    for (let module = name; module !== ''; module = module.includes('.') ? module.slice(0, module.lastIndexOf('.')) : '') {
      const hits = absolute(module)
      if (hits.length > 0) return hits
    }
    return []
  }

  return (path, _module, { specifier, form, names }): Resolution => {
    if (specifier === null) return { targets: [], reason: COMPUTED }
    const once = (targets: readonly string[]): string[] => [...new Set(targets)]
    if (form === 'named') return { targets: once(longest(specifier)), reason: null }
    const dots = /^\.*/.exec(specifier)![0].length
    const module = specifier.slice(dots)
    const resolve = (name: string): string[] => (dots > 0 ? relative(path, dots, name) : absolute(name))
    const own = module !== '' || dots > 0 ? resolve(module) : []
    const inner = form === 'from' ? names.map((name) => resolve(module === '' ? name : `${module}.${name}`)) : []
    const targets = once([...own, ...inner.flat()])
    const isOpen = own.length === 0 && inner.some((hits) => hits.length === 0)
    if (dots > 0 && (isOpen || (own.length === 0 && targets.length === 0)))
      return { targets, reason: `${specifier} leads to no file of the tree` }
    if (dots === 0 && targets.length === 0 && own.length === 0) {
      // a name below a package of the tree: made by a build, or compiled
      const top = module.split('.')[0]!
      const isOurs = module.includes('.') && tree.endingIn(`${top}/__init__.py`).some((init) => !init.includes('/tests/'))
      return isOurs ? { targets, reason: `${module} leads to no file of the tree` } : EXTERNAL
    }
    return { targets, reason: null }
  }
}
