import picomatch from 'picomatch'
import { posix } from 'node:path'
import { parse as parseToml } from 'smol-toml'
import { parse as parseYaml } from 'yaml'
import type { TreeReader } from '../git/index.ts'
import type { PackageNode } from './runner.ts'
import { cargoPackage } from './runners/cargo.ts'
import { goModule } from './runners/go.ts'
import { readManifest } from './runners/javascript.ts'
import { asArray, asRecord, asText } from './runners/report.ts'

/** A package that the base commit declares: where it is, its names in each ecosystem, what it needs by name. */
type Found = { scope: string; names: Set<string>; needs: Set<string>; alone: boolean }

const IGNORED = /(?:^|\/)(?:node_modules|vendor|third_party|fixtures?|__fixtures__|testdata|examples?|templates?|\.venv|venv|dist|build)\//

/** Manifests there belong to tests, not to packages with tests. */
const OF_TESTS = /(?:^|\/)(?:tests?|__tests__|__mocks__|specs?|e2e|benchmarks?|bench|bower_components)\//

/** Folder of a path relative to the top. */
function folder(path: string): string {
  const name = posix.dirname(path)
  return name === '.' ? '' : name
}

/**
 * The packages of npm, yarn, pnpm, Go and Cargo workspaces, of nested Python projects, and npm packages that stand alone
 * below the top, with who depends on whom.
 */
export async function readPackages(tree: TreeReader): Promise<PackageNode[]> {
  const paths = (await tree.entries()).map((entry) => entry.path)
  const found = new Map<string, Found>()
  const at = (scope: string): Found => {
    let item = found.get(scope)
    if (!item) found.set(scope, (item = { scope, names: new Set(), needs: new Set(), alone: false }))
    return item
  }
  at('')
  const manifests = (name: string): string[] =>
    paths.filter((path) => (path === name || path.endsWith(`/${name}`)) && !IGNORED.test(`${path}/`.replace(`${name}/`, '')))

  const globs = await workspaceGlobs(tree)
  const { member, excluded } = memberMatcher(globs)
  for (const path of manifests('package.json')) {
    const scope = folder(path)
    const alone = scope !== '' && !member(scope)
    if (alone && (excluded(scope) || OF_TESTS.test(path))) continue
    const manifest = await readManifest({ tree, scope })
    if (!manifest) continue
    const item = at(scope)
    item.alone = alone
    if (typeof manifest.name === 'string') item.names.add(`npm:${manifest.name}`)
    for (const table of [manifest.dependencies, manifest.devDependencies, manifest.peerDependencies, manifest.optionalDependencies]) {
      for (const name of Object.keys(asRecord(table))) item.needs.add(`npm:${name}`)
    }
  }
  for (const path of manifests('go.mod')) {
    const text = (await tree.text(path)) ?? ''
    const item = at(folder(path))
    item.alone = false
    item.names.add(`go:${goModule(text)}`)
    for (const [, name] of text.matchAll(/^\s*(?:require\s+)?([\w.-]+\.[\w.-]+\/\S+)\s+v\S+/gm)) item.needs.add(`go:${name}`)
  }
  for (const path of manifests('Cargo.toml')) {
    const cargo = cargoPackage((await tree.text(path)) ?? '')
    if (!cargo || (cargo.name === '' && folder(path) !== '')) continue
    const item = at(folder(path))
    item.alone = false
    item.names.add(`cargo:${cargo.name}`)
    for (const name of cargo.dependencies) item.needs.add(`cargo:${name}`)
  }
  for (const path of manifests('pyproject.toml')) {
    const name = asRecord(asRecord(readToml(await tree.text(path)))['project'])['name']
    const item = at(folder(path))
    item.alone = false
    if (typeof name === 'string') item.names.add(`py:${normalName(name)}`)
    const needs = asRecord(asRecord(readToml(await tree.text(path)))['project'])['dependencies']
    for (const need of asArray(needs)) item.needs.add(`py:${normalName(asText(need).split(/[\s<>=!~;[@(]/, 1)[0]!)}`)
  }
  for (const path of manifests('setup.py')) if (folder(path).split('/').length <= 2) at(folder(path)).alone = false
  const owner = new Map([...found.values()].flatMap((item) => [...item.names].map((name) => [name, item.scope] as const)))
  return [...found.values()]
    .map(({ scope, names, needs, alone }) => ({
      scope,
      name: [...names][0]?.replace(/^\w+:/, '') ?? scope,
      dependsOn: [
        ...new Set([...needs].map((name) => owner.get(name)).filter((other): other is string => other !== undefined && other !== scope)),
      ].sort(),
      ...(alone && { alone }),
    }))
    .sort((a, b) => (a.scope < b.scope ? -1 : 1))
}

function readToml(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : parseToml(text)
  } catch {
    return undefined
  }
}

/** A Python project name as installers compare it (PEP 503). */
function normalName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-')
}

type Members = { member: (scope: string) => boolean; excluded: (scope: string) => boolean }

/** Membership in the workspace, with negated globs as npm and pnpm read them. */
function memberMatcher(globs: readonly string[]): Members {
  const matcher = (patterns: readonly string[]): ((scope: string) => boolean) =>
    patterns.length === 0 ? () => false : picomatch(patterns.map((glob) => glob.replace(/^\.\//, '').replace(/\/+$/, '')))
  const wanted = matcher(globs.filter((glob) => !glob.startsWith('!')))
  const excluded = matcher(globs.filter((glob) => glob.startsWith('!')).map((glob) => glob.slice(1)))
  return { member: (scope) => wanted(scope) && !excluded(scope), excluded }
}

async function workspaceGlobs(tree: TreeReader): Promise<string[]> {
  const manifest = await readManifest({ tree, scope: '' })
  const workspaces = manifest?.workspaces
  const globs = Array.isArray(workspaces) ? workspaces.map(asText) : asArray(asRecord(workspaces)['packages']).map(asText)
  const pnpm = await tree.text('pnpm-workspace.yaml')
  if (pnpm !== undefined) {
    try {
      globs.push(...asArray(asRecord(parseYaml(pnpm) as unknown)['packages']).map(asText))
    } catch {
      // A broken workspace file means no packages; the project's own tools say so better than we could.
    }
  }
  return globs.filter((glob) => glob !== '')
}

/** The package a path belongs to: the longest scope that holds it. */
export function packageOf(path: string, packages: readonly Pick<PackageNode, 'scope'>[]): string {
  let best = ''
  for (const { scope } of packages) if (scope.length > best.length && (path === scope || path.startsWith(`${scope}/`))) best = scope
  return best
}

/**
 * The scopes that a change of these paths can affect: the packages they belong to and everything that depends on those.
 * Undefined (all) where a path lies in no package below the top.
 */
export function reachOf(changed: readonly string[], packages: readonly PackageNode[]): Set<string> | undefined {
  const affected = new Set(changed.map((path) => packageOf(path, packages)))
  if (affected.has('')) return undefined
  for (let grown = true; grown;) {
    grown = false
    for (const node of packages) {
      if (affected.has(node.scope) || !node.dependsOn.some((other) => affected.has(other))) continue
      affected.add(node.scope)
      grown = true
    }
  }
  return affected
}

/** What a package is built from comes before it; otherwise, and in circles, the given order. */
export function dependenciesFirst(packages: readonly PackageNode[]): PackageNode[] {
  const ordered = new Set<PackageNode>()
  const entered = new Set<PackageNode>()
  const add = (node: PackageNode): void => {
    if (entered.has(node)) return
    entered.add(node)
    for (const scope of node.dependsOn) for (const each of packages) if (each.scope === scope) add(each)
    ordered.add(node)
  }
  for (const node of packages) add(node)
  return [...ordered]
}

/** These packages and everything they are built from. */
export function withDependencies(scopes: ReadonlySet<string>, packages: readonly PackageNode[]): Set<string> {
  const all = new Set(scopes)
  // a set that grows while it is walked is walked to its end
  for (const scope of all) for (const node of packages) if (node.scope === scope) for (const other of node.dependsOn) all.add(other)
  return all
}
