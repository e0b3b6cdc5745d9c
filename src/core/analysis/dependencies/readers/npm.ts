import { parse as parseYaml } from 'yaml'
import { type DependencyReader, type DependencyScope, type Found, exactVersion, purlOf } from '../dependency.ts'
import { createLines, field, readJson, textOf } from '../places.ts'

const SECTIONS: readonly (readonly [name: string, scope: DependencyScope])[] = [
  ['dependencies', 'runtime'],
  ['devDependencies', 'development'],
  ['optionalDependencies', 'optional'],
  ['peerDependencies', 'peer'],
]

/** 'npm:other@1.2.3' is another package under a name of its own. */
function aliased(name: string, requirement: string | null): { name: string; requirement: string | null } {
  const alias = /^npm:(@?[^@]+)(?:@(.+))?$/.exec(requirement ?? '')
  return alias ? { name: alias[1]!, requirement: alias[2] ?? null } : { name, requirement }
}

function npm(named: string, said: string | null, scope: DependencyScope, direct: boolean | null, line: number | null): Found {
  const { name, requirement } = aliased(named, said)
  return { purl: purlOf('npm', name, exactVersion(requirement)), scope, direct, requirement: said, line }
}

/** Local packages come from no registry. */
const isLocal = (requirement: string | null): boolean => /^(?:file|link|workspace|portal):/.test(requirement ?? '')

export const packageJson: DependencyReader = (text) => {
  const json = readJson(text)
  return SECTIONS.flatMap(([section, scope]) =>
    json
      .entries(section)
      .filter(({ value }) => !isLocal(textOf(value)))
      .map(({ key, value, line }) => npm(key, textOf(value), scope, true, line)),
  )
}

function lockScope(entry: unknown): DependencyScope {
  if (field(entry, 'dev') === true) return 'development'
  if (field(entry, 'optional') === true || field(entry, 'devOptional') === true) return 'optional'
  return field(entry, 'peer') === true ? 'peer' : 'runtime'
}

/** package-lock.json and npm-shrinkwrap.json, versions 1 to 3. Linked workspaces are not dependencies. */
export const packageLock: DependencyReader = (text) => {
  const json = readJson(text)
  const packages = json.entries('packages')
  if (packages.length === 0) return lockOne(text)
  const roots = packages.filter(({ key }) => !key.includes('node_modules/')).map(({ value }) => value)
  const named = new Set(
    roots.flatMap((root) =>
      SECTIONS.flatMap(([section]) => [...((field(root, section) as Map<string, unknown> | undefined)?.keys() ?? [])]),
    ),
  )
  return packages
    .filter(({ key, value }) => key.includes('node_modules/') && field(value, 'link') !== true)
    .map(({ key, value, line }) => {
      const place = key.slice(key.lastIndexOf('node_modules/') + 'node_modules/'.length)
      const name = textOf(field(value, 'name')) ?? place
      const version = textOf(field(value, 'version'))
      const direct = !key.slice(0, key.lastIndexOf('node_modules/')).includes('node_modules/') && named.has(place)
      return { purl: purlOf('npm', name, version), scope: lockScope(value), direct, requirement: null, line }
    })
}

/** Version 1 nests what cannot be shared; it does not tell what is direct. */
function lockOne(text: string): Found[] {
  const json = readJson(text)
  const found: Found[] = []
  const visit = (name: string, entry: unknown, line: number | null): void => {
    const version = textOf(field(entry, 'version'))
    const { name: real, requirement } = aliased(name, version)
    if (!isLocal(version))
      found.push({ purl: purlOf('npm', real, exactVersion(requirement)), scope: lockScope(entry), direct: null, requirement: null, line })
    const inner = field(entry, 'dependencies')
    if (inner instanceof Map) for (const [each, value] of inner) visit(String(each), value, line)
  }
  for (const { key, value, line } of json.entries('dependencies')) visit(key, value, line)
  return found
}

/** pnpm-lock.yaml 5 to 9: packages by '/name@1.0.0', '/name/1.0.0' or 'name@1.0.0'; what a peer adds in brackets is not the version. */
export const pnpmLock: DependencyReader = (text) => {
  const data = parseYaml(text) as { packages?: Record<string, { dev?: boolean; optional?: boolean }>; importers?: Importers } & Importer
  const direct = directOf(data.importers ?? { '.': data })
  const lineAt = createLines(text)
  return Object.entries(data.packages ?? {}).flatMap(([key, entry]) => {
    const id = /^\/?((?:@[^/]+\/)?[^/@]+)[@/](\d[^(_]*)/.exec(key)
    if (!id) return []
    const [, name, version] = id
    const scope = entry?.dev === true ? 'development' : entry?.optional === true ? 'optional' : (direct.get(name!) ?? 'runtime')
    const at = placeOf(text, key)
    return [
      {
        purl: purlOf('npm', name!, version),
        scope,
        direct: direct.has(name!),
        requirement: null,
        line: at === undefined ? null : lineAt(at),
      } satisfies Found,
    ]
  })
}

/** Where a key of the lock file stands; compared as text, since a pattern made of it could be as large as the file. */
function placeOf(text: string, key: string): number | undefined {
  for (const written of [`\n  ${key}:`, `\n  '${key}':`, `\n  "${key}":`]) {
    const at = text.indexOf(written)
    if (at !== -1) return at + 1
  }
  return undefined
}

type Importer = Partial<Record<string, Record<string, unknown>>>
type Importers = Record<string, Importer>

function directOf(importers: Importers): Map<string, DependencyScope> {
  const found = new Map<string, DependencyScope>()
  for (const importer of Object.values(importers))
    for (const [section, scope] of SECTIONS)
      for (const name of Object.keys(importer?.[section] ?? {})) if (found.get(name) !== 'runtime') found.set(name, scope)
  return found
}

/** yarn.lock: version 1 has its own format, berry's is YAML; both begin an entry with its requests and give 'version'. */
export const yarnLock: DependencyReader = (text) => {
  const found: Found[] = []
  let entry: { name: string; line: number } | null = null
  text.split('\n').forEach((line, index) => {
    const request = /^"?((?:@[^/@"\s]+\/)?[^@"\s]+)@(.*):$/.exec(line)
    if (request) {
      const local = /(?:workspace|link|portal):/.test(request[2]!)
      const alias = /@?npm:((?:@[^/@\s]+\/)?[^@\s"]+)@/.exec(request[2]!)?.[1]
      entry = local || line.startsWith('__metadata') ? null : { name: alias ?? request[1]!, line: index + 1 }
      return
    }
    const version = /^ {2}version:? "?([^"\s]+)"?$/.exec(line)?.[1]
    if (version === undefined || entry === null) return
    found.push({ purl: purlOf('npm', entry.name, version), scope: 'runtime', direct: null, requirement: null, line: entry.line })
    entry = null
  })
  return found
}

/** 'npm:chalk@5' and 'jsr:@std/path@1' of deno.json's import map; addresses are not packages. */
export const denoJson: DependencyReader = (text) =>
  readJson(text)
    .entries('imports')
    .flatMap(({ value, line }) => {
      const [, kind, name, requirement] = /^(npm|jsr):\/?((?:@[^/]+\/)?[^@/]+)(?:@([^/]+))?/.exec(textOf(value) ?? '') ?? []
      if (kind === undefined) return []
      return [
        { purl: purlOf(kind, name!, exactVersion(requirement)), scope: 'runtime', direct: true, requirement: requirement ?? null, line },
      ]
    })

/** bun.lock is JSON with comments: name -> ["name@version", ...]. */
export const bunLock: DependencyReader = (text) =>
  readJson(text)
    .entries('packages')
    .flatMap(({ value, line }) => {
      const id = /^((?:@[^/]+\/)?[^@]+)@(\d.*)$/.exec(textOf((value as readonly unknown[] | undefined)?.[0]) ?? '')
      return id ? [{ purl: purlOf('npm', id[1]!, id[2]), scope: 'runtime', direct: null, requirement: null, line }] : []
    })
