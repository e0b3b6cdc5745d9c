import { posix } from 'node:path'
import type { Imports } from './script-imports.ts'

const IMPORT = /^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]+)|import[ \t]+([^\n#;]+))/gm
/** Modules that are named in texts: `mock.patch('a.b.c')`, `import_module('a.b')`, `pytest_plugins = ['a.b']`. */
const NAMED =
  /\b(?:patch|import_module|__import__|importorskip|setattr)\s*\(\s*f?(['"])([\w.]+)\1|\bpytest_plugins\s*=\s*([^\n]+(?:\n[ \t]+[^\n]*)*)/g
const DOUBTS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:import_module|__import__|importorskip)\s*\(\s*(?!['"][\w.]+['"]\s*[,)])[^)\s]/, 'an import by a computed name'],
  [
    /\brunpy\b|\bpkgutil\b|\bimportlib\.(?:util|machinery|reload)\b|\bspec_from_file_location\b|\bload_source\b|\bentry_points\b|\bexec(?:file)?\s*\(/,
    'an import by a computed name',
  ],
  [/^\s*(?:import|from)\s+(?:subprocess|multiprocessing|pexpect|sh)\b|\bos\.(?:system|popen|exec\w+|spawn\w+)\s*\(/m, 'it starts programs'],
]
export const PYTHON_READS =
  /\bopen\s*\(|\bread_(?:text|bytes)\b|\bglob\b|\biterdir\b|\bos\.(?:walk|listdir|scandir)\b|\bgetsource\b|\bdoctest\b/

export type PythonResolver = (path: string, text: string) => Imports

/**
 * Python modules are found by the end of their path: which folders a runner puts on the import path is not in the tree, so
 * every file that a name may mean counts.
 */
export function createPythonResolver(paths: ReadonlySet<string>): PythonResolver {
  const byName = new Map<string, string[]>()
  for (const path of paths) {
    if (!path.endsWith('.py')) continue
    const module = path.replace(/(?:\/__init__)?\.py$/, '')
    const last = posix.basename(module)
    byName.set(last, [...(byName.get(last) ?? []), path])
  }
  const absolute = (module: string): string[] => {
    const end = module.replaceAll('.', '/')
    const candidates = byName.get(posix.basename(end)) ?? []
    return candidates.filter((path) => [`${end}.py`, `${end}/__init__.py`].some((tail) => path === tail || path.endsWith(`/${tail}`)))
  }
  const relative = (path: string, dots: number, module: string): string[] => {
    const base = posix.join(posix.dirname(path), ...Array.from({ length: dots - 1 }, () => '..'))
    const at = module === '' ? base : posix.join(base, module.replaceAll('.', '/'))
    return [`${at}.py`, posix.join(at, '__init__.py')].filter((choice) => paths.has(choice))
  }

  return (path, text) => {
    const found: Imports = { targets: new Set(), doubts: [] }
    // loading a module runs the packages around it first
    for (let folder = posix.dirname(path); ; folder = posix.dirname(folder)) {
      const init = posix.join(folder, '__init__.py')
      if (paths.has(init) && init !== path) found.targets.add(init)
      if (folder === '.') break
    }
    const add = (hits: readonly string[]): boolean => {
      for (const hit of hits) if (hit !== path) found.targets.add(hit)
      return hits.length > 0
    }
    const names = (list: string): string[] =>
      list
        .replace(/#[^\n]*/g, '')
        .replace(/[()\\]/g, ' ')
        .split(',')
        .map((name) => name.trim().split(/\s+/)[0]!)
        .filter(Boolean)
    for (const [, from, imported, plain] of text.matchAll(IMPORT)) {
      if (plain !== undefined) for (const name of names(plain)) add(absolute(name))
      if (from === undefined) continue
      const dots = /^\.*/.exec(from)![0].length
      const module = from.slice(dots)
      const resolve = (name: string): string[] => (dots > 0 ? relative(path, dots, name) : absolute(name))
      const any = (module !== '' || dots > 0) && add(resolve(module))
      for (const name of names(imported!)) {
        const inner = add(resolve(module === '' ? name : `${module}.${name}`))
        if (dots > 0 && !any && !inner) found.doubts.push(`${from} leads to no file of the tree`)
      }
    }
    for (const [, , dotted, plugins] of text.matchAll(NAMED))
      for (const name of dotted === undefined ? [...(plugins ?? '').matchAll(/['"]([\w.]+)['"]/g)].map(([, each]) => each!) : [dotted]) {
        // `a.b.function`: the longest part that is a module
        for (let module = name; module !== ''; module = module.includes('.') ? module.slice(0, module.lastIndexOf('.')) : '')
          if (add(absolute(module))) break
      }
    for (const [pattern, why] of DOUBTS) if (pattern.test(text)) found.doubts.push(why)
    return found
  }
}
