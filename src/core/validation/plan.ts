import { posix } from 'node:path'
import picomatch from 'picomatch'
import { parse as parseYaml } from 'yaml'
import type { TreeReader } from '../git/index.ts'
import { digest, parseJson } from '../kernel/index.ts'
import type { CommandStep, DetectContext, Detection, PackageNode, Plan, PlanEntry, ScriptCommand } from './runner.ts'
import { shellCommand } from './runners/command.ts'
import { RUNNERS } from './runners/index.ts'
import { type PackageManifest, dependsOn, readManifest } from './runners/javascript.ts'
import { splitScript, unwrap } from './shell-words.ts'
import { createToolFinder } from './tools.ts'

export type PlanOptions = {
  reader: TreeReader
  /** The user's checkout: installed dependencies are looked for there. */
  root: string
  /** The folder the user stands in; its package comes first and the others only matter as its dependents (I20). */
  prefix: string
  /** `--test CMD` or the setting plan.test. */
  test: string | null
  build: string | null
  env: Readonly<Record<string, string>>
  timeoutMs: number | null
  scopes: readonly string[]
}

const DEFAULT_TIMEOUT_MS = 20 * 60_000
const MANIFESTS = /(?:^|\/)(?:package\.json|pyproject\.toml|setup\.py|setup\.cfg|go\.mod|Cargo\.toml|CMakeLists\.txt)$/
const FOREIGN = /(?:^|\/)(?:node_modules|vendor|third_party|fixtures?|__fixtures__|testdata|examples?|templates?|\.venv|venv)\//
const MAX_SCRIPT_DEPTH = 4

/**
 * The plan of a base commit: which suites judge a change, and which commands serve as ratchets beside them. Read from
 * the committed tree only, so that a candidate cannot choose its judge.
 */
export async function detectPlan(options: PlanOptions): Promise<Plan> {
  const { reader, root } = options
  const tools = createToolFinder(root)
  const paths = (await reader.entries()).map(({ path }) => path)
  const packages = await findPackages(reader, paths)
  const notes: string[] = []
  const wanted = (scope: string): boolean => options.scopes.length === 0 || options.scopes.includes(scope)
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const entries: PlanEntry[] = []
  const steps: CommandStep[] = []
  if (options.test !== null) {
    const context = { tree: reader, scope: options.prefix, tools }
    const found = await recogniseScript(options.test, context, undefined, '--test', notes)
    entries.push(toEntry({ ...found[0]!, origin: '--test' }, options.env, timeoutMs))
  } else {
    for (const { scope } of packages.filter((each) => wanted(each.scope))) {
      const found = await detectSuites({ tree: reader, scope, tools }, notes)
      entries.push(...found.map((detection) => toEntry(detection, options.env, timeoutMs)))
    }
  }
  for (const { scope } of packages.filter((each) => wanted(each.scope)))
    steps.push(...(await detectSteps({ tree: reader, scope, tools }, timeoutMs)))
  if (options.build !== null) {
    const other = steps.filter(({ kind }) => kind !== 'build')
    const build: CommandStep = {
      id: 'build',
      kind: 'build',
      scope: options.prefix,
      command: shellCommand(options.build, options.prefix),
      env: options.env,
      timeoutMs,
      origin: 'plan.build',
    }
    steps.splice(0, steps.length, build, ...other)
  }
  const unique = entries.filter((entry, index) => entries.findIndex(({ id }) => id === entry.id) === index)
  return { entries: unique, steps, packages, notes, hash: digest({ entries: unique, steps, packages }) }
}

function toEntry(detection: Detection, env: Readonly<Record<string, string>>, timeoutMs: number): PlanEntry {
  return {
    ...detection,
    id: detection.scope === '' ? detection.runner : `${detection.runner}:${detection.scope}`,
    timeoutMs,
    env: { ...detection.env, ...env },
  }
}

/** Suites of one package: what its test script calls, else what its files show. */
async function detectSuites(context: DetectContext, notes: string[]): Promise<Detection[]> {
  const manifest = await readManifest(context)
  const script = manifest?.scripts?.['test']
  if (script !== undefined && !/no test specified/.test(script)) {
    const found = await recogniseScript(script, context, manifest, 'package.json scripts.test', notes)
    const precise = found.filter(({ runner }) => runner !== 'command')
    if (found.length > 0) return precise.length > 0 ? precise : found
  }
  for (const runner of RUNNERS) {
    const detection = await runner.detect(context)
    if (detection) return [detection]
  }
  return []
}

/** Follows a script through `npm run x` to the runners it calls; a script no adapter knows is run as a whole. */
async function recogniseScript(
  script: string,
  context: DetectContext,
  manifest: PackageManifest | undefined,
  origin: string,
  notes: string[],
  depth = 0,
): Promise<Detection[]> {
  const whole: ScriptCommand = { env: {}, program: 'sh', args: [], text: script }
  const parts = splitScript(script)
  const found: Detection[] = []
  for (const part of parts ?? []) {
    const command = unwrap(part)
    if (!command || part.operator === '||' || part.operator === '|') continue
    const called = calledScript(command)
    const next = called === undefined ? undefined : manifest?.scripts?.[called]
    if (next !== undefined && depth < MAX_SCRIPT_DEPTH) {
      found.push(...(await recogniseScript(next, context, manifest, origin, notes, depth + 1)))
      continue
    }
    for (const runner of RUNNERS) {
      if (runner.id === 'command') continue
      const detection = await runner.recognise(command, context)
      if (detection) {
        found.push(detection)
        break
      }
    }
  }
  if (found.length > 0 || depth > 0) return found
  const fallback = await RUNNERS.at(-1)!.recognise(whole, context)
  if (fallback) notes.push(`${origin} (${script.slice(0, 60)}) is run as one command: it can only pass or fail as a whole.`)
  return fallback ? [fallback] : []
}

function calledScript({ program, args }: ScriptCommand): string | undefined {
  if (!['npm', 'yarn', 'pnpm', 'bun'].includes(program)) return undefined
  const words = args.filter((arg) => !arg.startsWith('-'))
  return words[0] === 'run' || words[0] === 'run-script' ? words[1] : words[0] === 'test' || words[0] === 't' ? 'test' : words[0]
}

/** Build, type check and lint of a package, as far as its manifest names them. */
async function detectSteps(context: DetectContext, timeoutMs: number): Promise<CommandStep[]> {
  const { tree, scope, tools } = context
  const at = (name: string): string => posix.join(scope, name)
  const suffix = scope === '' ? '' : `:${scope}`
  const steps: CommandStep[] = []
  const step = (kind: CommandStep['kind'], name: string, command: readonly string[], origin: string): void => {
    steps.push({ id: `${name}${suffix}`, kind, scope, command, timeoutMs, origin })
  }
  const manifest = await readManifest(context)
  if (manifest && dependsOn(manifest, 'typescript') && (await tree.entry(at('tsconfig.json')))) {
    const script = await tools.script(scope, 'typescript', 'tsc')
    const config = parseJson(((await tree.text(at('tsconfig.json'))) ?? '').replace(/\/\/.*$/gm, '')) as
      | { references?: unknown[]; files?: unknown[] }
      | undefined
    if (script !== undefined && !config?.references)
      step('types', 'tsc', ['node', script, '--noEmit', '--incremental', 'false'], 'tsconfig.json')
  }
  if (await tree.entry(at('go.mod'))) step('lint', 'go-vet', ['go', 'vet', './...'], 'go.mod')
  return steps
}

/** The packages of a repository, the top first, with what they depend on inside it. */
async function findPackages(reader: TreeReader, paths: readonly string[]): Promise<PackageNode[]> {
  const folders = new Set([''])
  const members = await workspaceMembers(reader)
  for (const path of paths) {
    if (!MANIFESTS.test(path) || FOREIGN.test(path)) continue
    const folder = posix.dirname(path) === '.' ? '' : posix.dirname(path)
    const name = posix.basename(path)
    if (name === 'package.json' && folder !== '' && !members(folder)) continue
    if (name === 'CMakeLists.txt' && folder !== '') continue
    if ((name === 'setup.cfg' || name === 'setup.py' || name === 'Cargo.toml') && folder !== '' && !/^[^/]+(?:\/[^/]+)?$/.test(folder))
      continue
    folders.add(folder)
  }
  const nodes = await Promise.all(
    [...folders].toSorted().map(async (scope) => {
      const manifest = await readManifest({ tree: reader, scope })
      return { scope, name: manifest?.name ?? scope, manifest }
    }),
  )
  return nodes.map(({ scope, name, manifest }) => ({
    scope,
    name,
    dependsOn: nodes.filter((other) => other.scope !== scope && dependsOn(manifest, other.name)).map((other) => other.scope),
  }))
}

/** Which folders the workspaces of the top (npm, yarn, pnpm) name. */
async function workspaceMembers(reader: TreeReader): Promise<(folder: string) => boolean> {
  const manifest = await readManifest({ tree: reader, scope: '' })
  const declared = Array.isArray(manifest?.workspaces) ? manifest.workspaces : (manifest?.workspaces?.packages ?? [])
  const pnpm = await reader.text('pnpm-workspace.yaml')
  const listed = pnpm === undefined ? undefined : (parseYaml(pnpm) as { packages?: string[] } | null)?.packages
  const globs = [...declared, ...(listed ?? [])].filter((glob) => typeof glob === 'string')
  const matches = picomatch(globs.filter((glob) => !glob.startsWith('!')).map((glob) => glob.replace(/^\.\//, '').replace(/\/$/, '')))
  const refuses = globs.filter((glob) => glob.startsWith('!')).map((glob) => picomatch(glob.slice(1)))
  return (folder) => globs.length > 0 && matches(folder) && !refuses.some((refuse) => refuse(folder))
}

/** The suites that can notice a change of these paths: their packages', and those of every dependent package. */
export function entriesFor(plan: Plan, changed: readonly string[]): PlanEntry[] {
  const owner = (path: string): string =>
    plan.packages
      .map(({ scope }) => scope)
      .filter((scope) => scope === '' || path.startsWith(`${scope}/`))
      .toSorted((a, b) => b.length - a.length)[0] ?? ''
  const touched = new Set(changed.map(owner))
  for (let grown = true; grown;) {
    grown = false
    for (const { scope, dependsOn: needs } of plan.packages) {
      if (touched.has(scope) || !needs.some((need) => touched.has(need))) continue
      touched.add(scope)
      grown = true
    }
  }
  const found = plan.entries.filter(({ scope }) => scope === '' || touched.has(scope))
  return found.length > 0 ? found : [...plan.entries]
}

const ALWAYS_PROTECTED = picomatch(
  [
    '.github/**',
    '.gitlab/**',
    '.gitlab-ci.yml',
    '.circleci/**',
    '.husky/**',
    '.ci/**',
    'Jenkinsfile',
    'azure-pipelines.yml',
    '.travis.yml',
    '.singularity/**',
    '**/.gitattributes',
    '**/.gitmodules',
    '**/.gitignore',
    '**/{package-lock.json,npm-shrinkwrap.json,yarn.lock,pnpm-lock.yaml,bun.lockb,Cargo.lock,poetry.lock,uv.lock,Pipfile.lock,go.sum,Gemfile.lock,composer.lock}',
    '**/*.snap',
    '**/__snapshots__/**',
  ],
  { dot: true },
)

const matchers = new WeakMap<Plan, (path: string) => boolean>()

/** True for the plan's tests, snapshots and runner configuration: what a change must not weaken. */
export function isTestPath(path: string, plan: Plan): boolean {
  let matches = matchers.get(plan)
  if (!matches) {
    const globs = [...new Set(plan.entries.flatMap(({ protectedPaths }) => protectedPaths))]
    matches = globs.length === 0 ? () => false : picomatch(globs, { dot: true })
    matchers.set(plan, matches)
  }
  return matches(path)
}

/** True for what rules and fixers may never touch: tests, runner configuration, lock files, CI, hooks. */
export function isProtectedPath(path: string, plan: Plan): boolean {
  return ALWAYS_PROTECTED(path) || isTestPath(path, plan)
}
