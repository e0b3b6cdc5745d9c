import semver from 'semver'
import { parse as parseToml } from 'smol-toml'
import type { TreeReader } from '../git/index.ts'
import { parseJson } from '../kernel/index.ts'
import { readBrowserslist } from './browserslist.ts'
import { builtInData } from './data-folder.ts'
import { ecmaOfNode, oldest, runtimeData, type Platform, type RuntimeData, type Target } from './platform.ts'
import type { Runtime } from './rule.ts'

type Found = { version: string; origin: string }

/** Reads the first of these files upward from a folder; a nearer file without an answer hands on to the next folder up. */
type Lookup = (names: readonly string[], read: (text: string, path: string) => string | undefined) => Promise<Found | undefined>

/**
 * The platform the package in `scope` ('' is the top) promises, from the manifests of the given tree. Each runtime is looked up from the
 * package upward; what nobody declares is assumed (templates_data/platforms/runtimes.json), conservatively, and marked so.
 */
export async function declaredPlatform(reader: TreeReader, scope: string, dataFolder: string = builtInData()): Promise<Platform> {
  const data = runtimeData(dataFolder)
  const lookup = createLookup(reader, scope)
  const targets: Target[] = [...(await javascriptTargets(lookup, data))]
  const readers: [Runtime, Promise<Found | undefined>][] = [
    ['python', pythonVersion(lookup)],
    ['go', lookup(['go.mod'], (text) => /^go\s+(\d+\.\d+(?:\.\d+)?)/m.exec(text)?.[1])],
    ['rust', lookup(['Cargo.toml'], (text) => rustVersion(text, data))],
    ['java', javaVersion(lookup)],
    ['ruby', rubyVersion(lookup, reader, scope)],
  ]
  for (const [runtime, promise] of readers) targets.push(targetOf(runtime, await promise, data))
  targets.push(targetOf('c', undefined, data))
  return { scope, targets }
}

function targetOf(runtime: Runtime, found: Found | undefined, data: RuntimeData): Target {
  if (found !== undefined) return { runtime, ...found, declared: true }
  const assumed = data.defaults[runtime]
  return { runtime, version: assumed.version, origin: `assumed: ${assumed.why}`, declared: false }
}

function createLookup(reader: TreeReader, scope: string): Lookup {
  return async (names, read) => {
    for (let folder = scope; ; folder = folder.includes('/') ? folder.slice(0, folder.lastIndexOf('/')) : '') {
      for (const name of names) {
        const path = folder === '' ? name : `${folder}/${name}`
        const text = await reader.text(path)
        const version = text === undefined ? undefined : read(text, path)
        if (version !== undefined) return { version, origin: path }
      }
      if (folder === '') return undefined
    }
  }
}

/** https://nodejs.org/docs/latest-v12.x/api/esm.html: modules without a flag since 12.17 */
const FIRST_WITH_MODULES = '12.17.0'

async function javascriptTargets(lookup: Lookup, data: RuntimeData): Promise<Target[]> {
  const targets: Target[] = []
  const node = await lookup(['package.json'], (text) => {
    const engines = (parseJson(text) as { engines?: { node?: unknown } } | null | undefined)?.engines
    return typeof engines?.node === 'string' ? lowestNode(engines.node) : undefined
  })
  const module = await lookup(['package.json'], (text) =>
    (parseJson(text) as { type?: unknown } | null | undefined)?.type === 'module' ? FIRST_WITH_MODULES : undefined,
  )
  let queries: string[] = []
  const browsers = await lookup(['.browserslistrc', 'browserslist', 'package.json'], (text, path) => {
    queries = path.endsWith('package.json')
      ? queriesOf(parseJson(text))
      : text
          .split('\n')
          .map((line) => line.replace(/#.*/, ''))
          .filter((line) => !line.trim().startsWith('['))
    return queries.some((line) => line.trim() !== '') ? 'found' : undefined
  })
  const listed = browsers === undefined ? { ecma: undefined, node: undefined } : readBrowserslist(queries, data)
  if (node !== undefined) targets.push({ runtime: 'node', version: node.version, origin: `${node.origin} engines.node`, declared: true })
  else if (listed.node !== undefined)
    targets.push({ runtime: 'node', version: listed.node, origin: `${browsers?.origin ?? ''} browserslist`, declared: true })
  if (listed.ecma !== undefined)
    targets.push({ runtime: 'ecma', version: listed.ecma, origin: `${browsers?.origin ?? ''} browserslist`, declared: true })
  // A package of ECMAScript modules cannot be loaded by anything older.
  if (targets.length === 0 && module !== undefined)
    targets.push({ runtime: 'node', version: module.version, origin: `${module.origin} type: module`, declared: true })
  if (targets.length === 0) targets.push(targetOf('node', undefined, data))
  const library = await lookup(['tsconfig.json'], typescriptYear)
  if (library !== undefined && (targets[0]?.runtime !== 'node' || library.version < ecmaOfNode(targets[0].version, data))) {
    targets.push({ runtime: 'ecma', version: library.version, origin: `${library.origin} lib or target`, declared: true })
  }
  return targets
}

/** The oldest version an engines range lets in; an unreadable or open range lets in everything. */
function lowestNode(range: string): string {
  try {
    return semver.minVersion(range)?.version ?? '0.0.0'
  } catch {
    return '0.0.0'
  }
}

function queriesOf(manifest: unknown): string[] {
  const value = (manifest as { browserslist?: unknown } | null | undefined)?.browserslist
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string')
  if (typeof value !== 'object' || value === null) return []
  // By environment: what ships is production; without it every environment counts.
  const environments = value as Record<string, unknown>
  const chosen = 'production' in environments ? [environments['production']] : Object.values(environments)
  return chosen.flatMap((item) =>
    typeof item === 'string' ? [item] : Array.isArray(item) ? item.filter((entry) => typeof entry === 'string') : [],
  )
}

/** The year of the library a TypeScript project checks against; newer methods would not type-check. */
function typescriptYear(text: string): string | undefined {
  const options = /"lib"\s*:\s*\[([^\]]*)\]/.exec(text)?.[1] ?? /"target"\s*:\s*"([^"]+)"/.exec(text)?.[1]
  if (options === undefined) return undefined
  const names = options.toLowerCase()
  if (names.includes('esnext')) return '2024'
  const years = [...names.matchAll(/es(20\d\d)/g)].map((match) => match[1]!)
  if (years.length > 0) return years.sort().at(-1)
  return names.includes('es6') ? '2015' : names.includes('es5') || names.includes('es3') ? '2009' : undefined
}

async function pythonVersion(lookup: Lookup): Promise<Found | undefined> {
  return lookup(['pyproject.toml', 'setup.cfg', 'setup.py'], (text, path) => {
    const declared = path.endsWith('.toml') ? tomlPython(text) : /python_requires\s*=\s*["']?([^"'\n]+)/.exec(text)?.[1]
    const lowest = declared === undefined ? undefined : /(?:>=|~=|==|\^|>)\s*(\d+(?:\.\d+)?)/.exec(declared)?.[1]
    if (lowest !== undefined) return lowest
    const classifiers = [...text.matchAll(/Programming Language :: Python :: (\d\.\d+)/g)].map((match) => match[1]!)
    return oldest(classifiers) ?? (/Programming Language :: Python :: 2\b/.test(text) ? '2.7' : undefined)
  })
}

function tomlPython(text: string): string | undefined {
  try {
    const data = parseToml(text) as {
      project?: { 'requires-python'?: unknown }
      tool?: { poetry?: { dependencies?: { python?: unknown } } }
    }
    const value = data.project?.['requires-python'] ?? data.tool?.poetry?.dependencies?.python
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

function rustVersion(text: string, data: RuntimeData): string | undefined {
  const direct = /^rust-version\s*=\s*"(\d+(?:\.\d+)*)"/m.exec(text)?.[1]
  const edition = /^edition\s*=\s*"(\d{4})"/m.exec(text)?.[1]
  return direct ?? (edition === undefined ? undefined : data.rustEditions[edition])
}

async function javaVersion(lookup: Lookup): Promise<Found | undefined> {
  return lookup(['pom.xml', 'build.gradle', 'build.gradle.kts'], (text, path) => {
    const found = path.endsWith('.xml')
      ? [
          ...text.matchAll(
            /<(?:maven\.compiler\.(?:release|source|target)|(?:java|javaVersion|jdk)\.?[vV]?ersion|release|source)>\s*(?:1\.)?(\d+)\s*</g,
          ),
        ]
      : [...text.matchAll(/(?:sourceCompatibility|release(?:\.set)?|languageVersion)\D{0,40}?(?:1[._])?(\d{1,2})\b/g)]
    return oldest(found.map((match) => match[1]!))
  })
}

async function rubyVersion(lookup: Lookup, reader: TreeReader, scope: string): Promise<Found | undefined> {
  const folders = scope === '' ? [''] : [scope, '']
  const specs = (await reader.entries())
    .map((entry) => entry.path)
    .filter((path) => path.endsWith('.gemspec') && folders.includes(path.slice(0, Math.max(0, path.lastIndexOf('/')))))
  for (const path of specs) {
    const version = /required_ruby_version\s*=?\s*\(?\[?\s*["'][^"'\d]*(\d+(?:\.\d+)*)/.exec((await reader.text(path)) ?? '')?.[1]
    if (version !== undefined) return { version, origin: path }
  }
  return lookup(['.ruby-version'], (text) => /(\d+\.\d+(?:\.\d+)?)/.exec(text)?.[1])
}
