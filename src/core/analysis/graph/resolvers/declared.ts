import { posix } from 'node:path'
import { type ModuleFacts, type Resolution, type Resolver, EXTERNAL, found } from '../module.ts'
import type { TreePaths } from '../tree.ts'

/** Languages whose files say what they are called: imports name types, packages or namespaces, not files. */
export function createDeclaredResolver(modules: ReadonlyMap<string, ModuleFacts>, tree: TreePaths): Resolver {
  const byName = new Map<string, string[]>()
  const byPackage = new Map<string, string[]>()
  const add = (map: Map<string, string[]>, name: string, path: string): void => {
    const known = map.get(name)
    if (known === undefined) map.set(name, [path])
    else known.push(path)
  }
  for (const [path, { declares, package: own, language }] of modules) {
    for (const name of declares) add(byName, `${kin(language)} ${name}`, path)
    if (own !== null) add(byPackage, `${kin(language)} ${own}`, path)
  }
  const named = (language: string, name: string): string[] => byName.get(`${kin(language)} ${name}`) ?? []
  const inPackage = (language: string, name: string): string[] => byPackage.get(`${kin(language)} ${name}`) ?? []
  /** Of a whole package, the files that declare what is used. */
  const used = (module: ModuleFacts, name: string): string[] => {
    const mark = module.language === 'php' ? '\\' : '.'
    const hits = [...module.uses.keys()].flatMap((each) => named(module.language, `${name}${mark}${each}`))
    return hits.length > 0 ? hits : inPackage(module.language, name)
  }

  return (path, module, { specifier, form, names, text }): Resolution => {
    const once = (targets: readonly string[]): string[] => [...new Set(targets)]
    const { language } = module
    if (specifier === null) return { targets: [], reason: 'a computed name' }
    if (form === 'reference') return { targets: once(referenced(module, specifier)), reason: null }
    if (language === 'elixir') return { targets: once(elixirNames(specifier).flatMap((name) => named(language, name))), reason: null }
    if (language === 'php') {
      if (form !== 'use') return phpFile(path, specifier, text, tree)
      const full = names.length > 1 || /\{/.test(text) ? names.map((name) => `${specifier}\\${name}`) : [specifier.replace(/^\\/, '')]
      return { targets: once(full.flatMap((name) => named(language, name))), reason: null }
    }
    const wanted = language === 'scala' ? scalaNames(text) : [specifier + (names[0] === '*' ? '.*' : '')]
    const hits = wanted.flatMap((name) => {
      if (name.endsWith('.*')) {
        const whole = name.slice(0, -2)
        return inPackage(language, whole).length > 0 ? used(module, whole) : named(language, whole)
      }
      for (let at = name; at.includes('.'); at = at.slice(0, at.lastIndexOf('.')))
        if (named(language, at).length > 0) return named(language, at)
      return []
    })
    return once(hits).length > 0 ? { targets: once(hits), reason: null } : EXTERNAL
  }

  function referenced({ language, package: own }: ModuleFacts, name: string): string[] {
    if (language === 'elixir') return named(language, name)
    return named(language, own === '' || own === null ? name : `${own}${language === 'php' ? '\\' : '.'}${name}`)
  }
}

/** Java, Kotlin, Scala and Groovy see each other's classes. */
const kin = (language: string): string => (/^(?:java|kotlin|scala|groovy)$/.test(language) ? 'jvm' : language)

/** `A.{B, C}` stands for A.B and A.C. */
function elixirNames(specifier: string): string[] {
  const [, head, inner] = /^([\w.]*?)\.?\{([^}]*)\}$/.exec(specifier) ?? []
  return head === undefined ? [specifier] : inner!.split(',').map((name) => `${head}.${name.trim()}`)
}

/** `import a.b.{C, D => E}, f.g._` */
function scalaNames(text: string): string[] {
  const body = text.replace(/^\s*import\s+/, '')
  const names: string[] = []
  for (const [, head, inner, plain] of body.matchAll(/([\w.]+)\.\{([^}]*)\}|([\w.]+)/g)) {
    if (plain !== undefined) names.push(plain.replace(/\._$/, '.*'))
    else for (const each of inner!.split(',')) names.push(`${head}.${each.trim().split(/\s/)[0]!.replace(/^_$/, '*')}`)
  }
  return names
}

function phpFile(path: string, specifier: string, text: string, { all, endingIn }: TreePaths): Resolution {
  const beside = posix.normalize(posix.join(posix.dirname(path), specifier))
  if (all.has(beside)) return { targets: [beside], reason: null }
  if (/__DIR__|__FILE__/.test(text)) return { targets: [], reason: `${specifier} leads to no file of the tree` }
  return found(endingIn(specifier.replace(/^\.?\//, '')), specifier)
}
