import { type ParseError, parse as parseJsonc } from 'jsonc-parser'
import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import type { TreeReader } from '../git/index.ts'
import { asObject } from '../kernel/index.ts'

export const SCRIPT = /\.(?:[cm]?[jt]sx?)$/

/** What a file imports: files of the tree, and why there may be more than those. */
export type Imports = { targets: Set<string>; doubts: string[] }

const IMPORT =
  /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire(?:\.resolve|Actual)?\s*\(\s*|\bimportActual\s*\(\s*|\bimportOriginal\s*\(\s*|\b(?:mock|doMock|requireMock)\s*\(\s*|\bnew\s+URL\s*\(\s*)(['"])([^'"\n]+)\1/g
const ENDINGS = ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.jsx', '.mts', '.cts', '.json', '.node']

/** Ways to a file that no import names. */
const DOUBTS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:import|require)\s*\(\s*(?!['"][^'"\n]*['"]\s*[,)])[^)\s]/, 'an import by a computed name'],
  [/\bcreateRequire\b|\bimport\.meta\.(?:glob|resolve)\b|\brequire\.context\b|\bproxyquire\b|\brewire\b/, 'an import by a computed name'],
  [
    /['"](?:node:)?(?:child_process|worker_threads|cluster|vm)['"]|['"](?:execa|cross-spawn|zx|tinyexec|nano-spawn|shelljs)['"]/,
    'it starts programs',
  ],
]
export const SCRIPT_READS = /\b(?:readFile|readFileSync|createReadStream|readdir|readdirSync|globSync|glob|globby)\b/

type Alias = { start: string; end: string; targets: string[] }
type Package = { folder: string; name: string; imports: unknown; exports: unknown; mains: string[]; declared: Set<string> }

/** Everything of a tree that turns a bare name into a file: packages, `imports`, `paths` and `baseUrl`. */
export type ScriptResolver = (path: string, text: string) => Imports

type Json = Readonly<Record<string, unknown>>

const texts = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === 'string')

/** Every string below a value: all conditions of an `exports` entry. */
function leaves(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : []
}

async function readJson(reader: TreeReader, path: string): Promise<Json | undefined> {
  const text = await reader.text(path)
  if (text === undefined) return undefined
  const errors: ParseError[] = []
  const value: unknown = parseJsonc(text, errors, { allowTrailingComma: true })
  return errors.length > 0 ? undefined : asObject(value)
}

/** Reads what the tree says about names once; the answer resolves the imports of one file at a time. */
export async function createScriptResolver(reader: TreeReader, paths: ReadonlySet<string>): Promise<ScriptResolver> {
  const packages: Package[] = []
  const aliases: Alias[] = []
  const bases = new Set<string>()
  const general: string[] = []
  for (const path of paths) {
    const name = posix.basename(path)
    const folder = posix.dirname(path)
    if (name === 'package.json') {
      const manifest = await readJson(reader, path)
      if (manifest) packages.push(packageOf(folder, manifest))
    } else if (/^[tj]sconfig[\w.-]*\.json$/.test(name)) {
      const config = await readJson(reader, path)
      if (!config) general.push(`${path} is not read`)
      else readConfig(path, config, { paths, aliases, bases, general })
    } else if (/^(?:vite|vitest|jest|webpack|rollup|babel|rspack|metro)\b.*\.(?:[cm]?[jt]s|json)$|^\.babelrc/.test(name)) {
      const text = (await reader.text(path)) ?? ''
      if (/\balias\b|moduleNameMapper|module-resolver|modulePaths|moduleDirectories|tsconfigPaths/.test(text))
        general.push(`${path} renames modules`)
    }
  }
  for (const { folder } of packages) {
    const text = (await reader.text(posix.join(folder, 'package.json'))) ?? ''
    if (/"(?:moduleNameMapper|modulePaths|moduleDirectories)"|NODE_PATH=/.test(text))
      general.push(`${posix.join(folder, 'package.json')} renames modules`)
  }
  const file = (target: string): string | undefined => findFile(target, paths)
  const owner = (path: string): Package | undefined =>
    packages
      .filter(({ folder }) => folder === '.' || path.startsWith(`${folder}/`))
      .toSorted((a, b) => b.folder.length - a.folder.length)[0]

  return (path, text) => {
    const found: Imports = { targets: new Set(), doubts: [] }
    const own = owner(path)
    const addAll = (targets: readonly string[], name: string): void => {
      const hits = targets.flatMap((target) => {
        const folder = packages.find((each) => each.folder === (target.replace(/\/$/, '') || '.'))
        return file(target) === undefined && folder ? entryPoints(folder, '').map(file) : [file(target)]
      })
      for (const hit of hits) if (hit !== undefined) found.targets.add(hit)
      if (targets.length === 0 || hits.includes(undefined)) found.doubts.push(`${name} leads to no file of the tree`)
    }
    for (const [, , name] of text.matchAll(IMPORT)) {
      if (/^(?:node|data|https?|file|virtual|bun|npm):/.test(name!)) continue
      const plain = name!.replace(/[?#].*$/, '') || name!
      if (plain.startsWith('.')) addAll([posix.normalize(posix.join(posix.dirname(path), plain))], plain)
      else if (name!.startsWith('#')) addAll(own ? mapped(own.imports, name!, own.folder) : [], name!)
      else if (name!.startsWith('/')) found.doubts.push(`${name} is an absolute path`)
      else resolveBare(plain, found, addAll)
    }
    for (const [pattern, why] of DOUBTS) if (pattern.test(text)) found.doubts.push(why)
    return found
  }

  function resolveBare(name: string, found: Imports, addAll: (targets: readonly string[], name: string) => void): void {
    const places = [
      ...aliases.flatMap(({ start, end, targets }) =>
        name.startsWith(start) && name.endsWith(end) && name.length >= start.length + end.length
          ? targets.map((target) => target.replace('*', name.slice(start.length, name.length - end.length)))
          : [],
      ),
      ...[...bases].map((base) => posix.join(base, name)),
    ]
    const hits = places.map(file).filter((hit) => hit !== undefined)
    for (const hit of hits) found.targets.add(hit)
    const head = name
      .split('/')
      .slice(0, name.startsWith('@') ? 2 : 1)
      .join('/')
    const local = packages.filter((each) => each.name === head)
    for (const each of local) addAll(entryPoints(each, name.slice(head.length + 1)), name)
    if (hits.length > 0 || local.length > 0) return
    if (builtinModules.includes(name) || builtinModules.includes(head)) return
    if (general.length > 0 && /^(?:[@~]\/|~)|^src\b/.test(name)) found.doubts.push(`${name}: ${general[0]}`)
    else if (!packages.some(({ declared }) => declared.has(head))) found.doubts.push(`${name} is no declared dependency`)
    else if (general.length > 0) found.doubts.push(general[0]!)
  }
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

type Config = { paths: ReadonlySet<string>; aliases: Alias[]; bases: Set<string>; general: string[] }

/** `paths` and `baseUrl` hold in the folder of the file that has them; a configuration that extends it sees the same. */
function readConfig(path: string, config: Json, { paths, aliases, bases, general }: Config): void {
  const folder = posix.dirname(path)
  for (const parent of texts(config['extends'])) {
    if (!parent.startsWith('.')) continue // a package's configuration cannot name files of this tree
    const target = posix.normalize(posix.join(folder, parent))
    // Every configuration of the tree is read by itself under its usual name: only an unusual one is missed.
    if (![target, `${target}.json`].some((choice) => paths.has(choice) && /^[tj]sconfig[\w.-]*\.json$/.test(posix.basename(choice))))
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
  const bare = clean.replace(/\.[cm]?jsx?$/, '')
  const choices = [
    clean,
    ...ENDINGS.map((ending) => clean + ending),
    ...(bare === clean ? [] : ENDINGS.map((ending) => bare + ending)),
    ...ENDINGS.map((ending) => posix.join(clean, `index${ending}`)),
  ]
  return choices.find((choice) => paths.has(choice))
}

/** Whether a test may read one of these files as data: it reads files and names their kind or a folder of theirs. */
export function mayRead(text: string, reads: RegExp, changed: readonly string[]): boolean {
  if (!reads.test(text)) return false
  const words = new Set(changed.flatMap((path) => [posix.extname(path), posix.basename(path), ...posix.dirname(path).split('/')]))
  words.delete('.')
  words.delete('')
  const names = [...words].map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return (
    names.length > 0 &&
    new RegExp(`['"\`](?:[^'"\`\\n]*[/*])?[^'"\`\\n/]*?(?:${names.join('|')})(?:/[^'"\`\\n]*)?['"\`]`).test(withoutImports(text))
  )
}

const withoutImports = (text: string): string => text.replace(IMPORT, '').replace(/^\s*(?:from|import)\s+[^\n]*$/gm, '')
