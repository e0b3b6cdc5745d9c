import { type ParseError, parse as parseJsonc } from 'jsonc-parser'
import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import { asObject } from '../../../kernel/index.ts'
import { COMPUTED } from '../ways.ts'
import { EXTERNAL, type Resolution, type Resolver, found } from '../module.ts'
import { type TreePaths, nearest } from '../tree.ts'

const ENDINGS = ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.jsx', '.mts', '.cts', '.vue', '.svelte', '.json', '.node', '.d.ts']

type Json = Readonly<Record<string, unknown>>
type Alias = { start: string; end: string; targets: string[] }
type Package = { folder: string; name: string; imports: unknown; exports: unknown; mains: string[]; declared: Set<string> }
type Names = { packages: Map<string, Package>; aliases: Alias[]; bases: Set<string>; general: string[] }

const texts = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === 'string')

/** Every string below a value: all conditions of an `exports` entry. */
function leaves(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : []
}

async function readJson(tree: TreePaths, path: string): Promise<Json | undefined> {
  const text = await tree.text(path)
  if (text === undefined) return undefined
  const errors: ParseError[] = []
  const value: unknown = parseJsonc(text, errors, { allowTrailingComma: true })
  return errors.length > 0 ? undefined : asObject(value)
}

/** Whether what a file says decides how names of modules are read. */
export const namesModules = (path: string): boolean => {
  const name = posix.basename(path)
  return name === 'package.json' || CONFIG.test(name) || RENAMERS.test(name)
}

const CONFIG = /^[tj]sconfig[\w.-]*\.json$/
const RENAMERS = /^(?:vite|vitest|jest|webpack|rollup|babel|rspack|metro)\b.*\.(?:[cm]?[jt]s|json)$|^\.babelrc/

/**
 * JavaScript and TypeScript: relative names, `imports` and `exports` of package.json, packages of the workspace, `paths` and `baseUrl`.
 * Reads what the tree says about names once.
 */
export async function createScriptResolver(tree: TreePaths): Promise<Resolver> {
  const names: Names = { packages: new Map(), aliases: [], bases: new Set(), general: [] }
  for (const path of tree.all) if (namesModules(path)) await readNames(tree, path, names)
  const { packages, aliases, bases, general } = names
  const file = (target: string): string | undefined => findFile(target, tree.all)

  const all = (targets: readonly string[], name: string): Resolution => {
    const hits = targets.flatMap((target) => {
      const folder = packages.get(target.replace(/\/$/, '') || '.')
      return file(target) === undefined && folder ? entryPoints(folder, '').map(file) : [file(target)]
    })
    const { targets: known, reason } = found([...new Set(hits.filter((hit) => hit !== undefined))], name)
    return { targets: known, reason: hits.includes(undefined) ? `${name} leads to no file of the tree` : reason }
  }

  const bare = (name: string): Resolution => {
    const places = [
      ...aliases.flatMap(({ start, end, targets }) =>
        name.startsWith(start) && name.endsWith(end) && name.length >= start.length + end.length
          ? targets.map((target) => target.replace('*', name.slice(start.length, name.length - end.length)))
          : [],
      ),
      ...[...bases].map((base) => posix.join(base, name)),
    ]
    const hits = places.map(file).filter((hit) => hit !== undefined)
    const head = name
      .split('/')
      .slice(0, name.startsWith('@') ? 2 : 1)
      .join('/')
    const local = [...packages.values()].filter((each) => each.name === head)
    if (hits.length > 0 || local.length > 0) {
      const entries = local.map((each) => all(entryPoints(each, name.slice(head.length + 1)), name))
      return {
        targets: [...new Set([...hits, ...entries.flatMap(({ targets }) => targets)])],
        reason: entries.find(({ reason }) => reason !== null)?.reason ?? null,
      }
    }
    if (builtinModules.includes(name) || builtinModules.includes(head)) return EXTERNAL
    if (general.length > 0 && /^(?:[@~]\/|~)|^src\b/.test(name)) return { targets: [], reason: `${name}: ${general[0]}` }
    if (![...packages.values()].some(({ declared }) => declared.has(head)))
      return { targets: [], reason: `${name} is no declared dependency` }
    return general.length > 0 ? { targets: [], reason: general[0]! } : EXTERNAL
  }
  const known = new Map<string, Resolution>()

  return (path, _module, { specifier }) => {
    if (specifier === null) return { targets: [], reason: COMPUTED }
    if (/^(?:node|data|https?|file|virtual|bun|npm):/.test(specifier)) return EXTERNAL
    const plain = specifier.replace(/[?#].*$/, '') || specifier
    if (plain.startsWith('.')) return all([posix.normalize(posix.join(posix.dirname(path), plain))], plain)
    if (specifier.startsWith('#')) {
      const own = nearest(path, packages)
      return all(own ? mapped(own.imports, specifier, own.folder) : [], specifier)
    }
    if (specifier.startsWith('/')) return { targets: [], reason: `${specifier} is an absolute path` }
    let answer = known.get(plain)
    if (answer === undefined) known.set(plain, (answer = bare(plain)))
    return answer
  }
}

async function readNames(tree: TreePaths, path: string, names: Names): Promise<void> {
  const name = posix.basename(path)
  if (name === 'package.json') {
    const manifest = await readJson(tree, path)
    if (manifest) names.packages.set(posix.dirname(path), packageOf(posix.dirname(path), manifest))
    if (/"(?:moduleNameMapper|modulePaths|moduleDirectories)"|NODE_PATH=/.test((await tree.text(path)) ?? ''))
      names.general.push(`${path} renames modules`)
  } else if (CONFIG.test(name)) {
    const config = await readJson(tree, path)
    if (!config) names.general.push(`${path} is not read`)
    else readConfig(path, config, tree, names)
  } else if (/\balias\b|moduleNameMapper|module-resolver|modulePaths|moduleDirectories|tsconfigPaths/.test((await tree.text(path)) ?? ''))
    names.general.push(`${path} renames modules`)
}

function packageOf(folder: string, manifest: Json): Package {
  const tables = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies']
  const declared = new Set(tables.flatMap((table) => Object.keys(asObject(manifest[table]))))
  for (const name of declared) if (name.startsWith('@types/')) declared.add(name.slice('@types/'.length))
  return {
    folder,
    name: texts(manifest['name'])[0] ?? '',
    imports: manifest['imports'],
    exports: manifest['exports'],
    mains: ['main', 'module', 'browser', 'source'].flatMap((key) => texts(manifest[key])),
    declared,
  }
}

/** The files an `imports` or `exports` table may mean by a name, under any condition; types are no code. */
function mapped(table: unknown, name: string, folder: string): string[] {
  const targets: string[] = []
  for (const [key, value] of Object.entries(asObject(table))) {
    const star = key.indexOf('*')
    const [start, end] = star < 0 ? [key, ''] : [key.slice(0, star), key.slice(star + 1)]
    if (star < 0 ? name !== key : !name.startsWith(start) || !name.endsWith(end) || name.length < start.length + end.length) continue
    const middle = star < 0 ? '' : name.slice(start.length, name.length - end.length)
    for (const leaf of leaves(value))
      if (leaf.startsWith('.') && !/\.d\.[cm]?ts$/.test(leaf)) targets.push(posix.join(folder, leaf.replaceAll('*', middle)))
  }
  return targets
}

function entryPoints(each: Package, rest: string): string[] {
  if (rest === 'package.json') return [posix.join(each.folder, rest)]
  const { exports: table } = each
  if (table !== undefined && table !== null) {
    const keyed = typeof table === 'object' && Object.keys(table).some((key) => key.startsWith('.'))
    return mapped(keyed ? table : { '.': table }, rest === '' ? '.' : `./${rest}`, each.folder)
  }
  if (rest !== '') return [posix.join(each.folder, rest)]
  return (each.mains.length > 0 ? each.mains : ['index']).map((main) => posix.join(each.folder, main))
}

/** `paths` and `baseUrl` hold in the folder of the file that has them; a configuration that extends it sees the same. */
function readConfig(path: string, config: Json, { all }: TreePaths, { aliases, bases, general }: Names): void {
  const folder = posix.dirname(path)
  for (const parent of texts(config['extends'])) {
    if (!parent.startsWith('.')) continue // a package's configuration cannot name files of this tree
    const target = posix.normalize(posix.join(folder, parent))
    // Every configuration of the tree is read by itself under its usual name: only an unusual one is missed.
    if (![target, `${target}.json`].some((choice) => all.has(choice) && CONFIG.test(posix.basename(choice))))
      general.push(`${path} extends ${parent}`)
  }
  const options = asObject(config['compilerOptions'])
  const base = texts(options['baseUrl'])[0]
  const from = base === undefined ? folder : posix.join(folder, base)
  if (base !== undefined) bases.add(from)
  if (texts(options['rootDirs']).length > 1) general.push(`${path} joins folders (rootDirs)`)
  for (const [key, value] of Object.entries(asObject(options['paths']))) {
    const star = key.indexOf('*')
    aliases.push({
      start: star < 0 ? key : key.slice(0, star),
      end: star < 0 ? '' : key.slice(star + 1),
      targets: texts(value).map((target) => posix.join(from, target)),
    })
  }
}

function findFile(target: string, paths: ReadonlySet<string>): string | undefined {
  const clean = target.replace(/\/$/, '')
  if (paths.has(clean)) return clean
  const withEnding = (start: string): string | undefined => {
    const ending = ENDINGS.find((each) => paths.has(start + each))
    return ending && start + ending
  }
  const bare = clean.replace(/\.[cm]?jsx?$/, '')
  return withEnding(clean) ?? (bare === clean ? undefined : withEnding(bare)) ?? withEnding(clean === '.' ? 'index' : `${clean}/index`)
}
