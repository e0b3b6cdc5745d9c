import { SUITE_LIMIT } from '../config/index.ts'
import type { TreeReader } from '../git/index.ts'
import { digest } from '../kernel/index.ts'
import type { CommandStep, DetectContext, Detection, PackageNode, Plan, PlanEntry, RunnerId, ScriptCommand } from './runner.ts'
import { shellCommand } from './runners/command.ts'
import { RUNNERS, runnerOf } from './runners/index.ts'
import { DEPENDENCIES, type PackageManifest, readManifest } from './runners/javascript.ts'
import { flattenScript, isCheck, isFanOut } from './scripts.ts'
import { detectSteps } from './steps.ts'
import { createToolFinder } from './tools.ts'
import { toxSuites } from './tox.ts'
import { dependenciesFirst, packageOf, readPackages, reachOf, withDependencies } from './workspace.ts'

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

/**
 * The plan of a base commit: which suites judge a change, and which commands serve as ratchets beside them. Read from
 * the committed tree only, so that a candidate cannot choose its judge.
 */
export async function detectPlan(options: PlanOptions): Promise<Plan> {
  const { reader, root } = options
  const tools = createToolFinder(root)
  const known = await readPackages(reader)
  const declared = known.filter(({ alone }) => !alone)
  const notes: string[] = []
  const wanted = (scope: string): boolean => options.scopes.length === 0 || options.scopes.includes(scope)
  const timeoutMs = options.timeoutMs ?? SUITE_LIMIT.longestMs
  const entries: PlanEntry[] = []
  const steps: CommandStep[] = []
  let packages = declared
  if (options.test !== null) {
    const context = { tree: reader, scope: options.prefix, tools }
    entries.push(toEntry(await explicitSuite(options.test, context, notes), options.env, timeoutMs))
  } else {
    const found: Detection[] = []
    for (const { scope } of declared.filter((each) => wanted(each.scope)))
      found.push(...(await detectSuites({ tree: reader, scope, tools }, declared, notes)))
    const own = await detectAlone(
      known.filter((each) => each.alone && wanted(each.scope)),
      found,
      { tree: reader, tools },
      notes,
    )
    found.push(...own)
    packages = known.filter((each) => !each.alone || own.some(({ scope }) => scope === each.scope))
    entries.push(...withoutCovered(found, notes).map((detection) => toEntry(detection, options.env, timeoutMs)))
  }
  for (const { scope } of dependenciesFirst(packages).filter((each) => wanted(each.scope)))
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
  const unique = numbered(entries)
  return { entries: unique, steps, packages, notes, hash: digest({ entries: unique, steps, packages }) }
}

/** One package may call a runner twice, with other arguments: the second gets a number, a plain repetition is dropped. */
function numbered(entries: readonly PlanEntry[]): PlanEntry[] {
  const seen = new Map<string, Set<string>>()
  return entries.flatMap((entry) => {
    const calls = seen.get(entry.id) ?? new Set<string>()
    seen.set(entry.id, calls)
    const call = digest([entry.command, entry.targets ?? [], entry.env])
    if (calls.has(call)) return []
    calls.add(call)
    return [calls.size === 1 ? entry : { ...entry, id: `${entry.id}#${calls.size}` }]
  })
}

function toEntry(detection: Detection, env: Readonly<Record<string, string>>, timeoutMs: number): PlanEntry {
  return {
    ...detection,
    id: detection.scope === '' ? detection.runner : `${detection.runner}:${detection.scope}`,
    timeoutMs,
    env: { ...detection.env, ...env },
  }
}

/** Suites of one package: what its test script calls, else what its configuration says; then those of other languages. */
async function detectSuites(context: DetectContext, packages: readonly PackageNode[], notes: string[]): Promise<Detection[]> {
  const below = packages.some(({ scope }) => scope !== context.scope && (context.scope === '' || scope.startsWith(`${context.scope}/`)))
  // Without a configuration of its own a top folder is not taken for a suite because of tests in packages below it.
  const found = await detectJavaScript(context, notes, below ? ['node-test'] : [])
  const known = (ids: readonly RunnerId[]): boolean => found.some(({ runner }) => ids.includes(runner))
  for (const group of [['pytest', 'unittest'], ['go'], ['cargo'], ['ctest']] as RunnerId[][]) {
    if (known(group) || known(['command'])) continue
    const tox = group.includes('pytest') ? await toxSuites(context) : []
    const detection = tox.length > 0 ? undefined : await firstOf(group, context)
    found.push(...tox, ...(detection ? [detection] : []))
  }
  return found
}

const JAVASCRIPT: readonly RunnerId[] = ['vitest', 'jest', 'mocha', 'ava', 'tap', 'node-test']

async function detectJavaScript(context: DetectContext, notes: string[], except: readonly RunnerId[] = []): Promise<Detection[]> {
  const manifest = await readManifest(context)
  const script = manifest?.scripts?.['test']
  if (!manifest || (script !== undefined && /no test specified/.test(script))) return []
  if (script !== undefined) return suitesOfScript(script, context, manifest, notes)
  const found = await firstOf(
    JAVASCRIPT.filter((id) => !except.includes(id)),
    context,
  )
  return found ? [found] : []
}

async function firstOf(ids: readonly RunnerId[], context: DetectContext): Promise<Detection | undefined> {
  for (const id of ids) {
    const detection = await runnerOf(id).detect(context)
    if (detection) return detection
  }
  return undefined
}

/**
 * Suites of packages that no workspace declares. One whose dependencies are not installed cannot be judged by: it is left
 * out, unless there is nothing else. What a suite above runs anyway is not run twice.
 */
async function detectAlone(
  packages: readonly PackageNode[],
  above: readonly Detection[],
  context: Pick<DetectContext, 'tree' | 'tools'>,
  notes: string[],
): Promise<Detection[]> {
  const found: Detection[] = []
  const missing: Detection[] = []
  for (const { scope } of packages) {
    const own = (await detectJavaScript({ ...context, scope }, notes)).filter(
      (suite) => suite.runner !== 'node-test' || !above.some((other) => isSameCall(other, suite)),
    )
    const needs = dependenciesOf(await readManifest({ ...context, scope }))
    const installed = await Promise.all(needs.map((name) => context.tools.installed(scope, name)))
    if (needs.length === 0 || installed.includes(true)) found.push(...own)
    else missing.push(...own)
  }
  if (above.length + found.length === 0) return missing
  for (const { scope } of missing) notes.push(`The tests of ${scope} are left out: its dependencies are not installed.`)
  return found
}

/** node --test looks for tests in every folder below. */
function isSameCall(above: Detection, suite: Detection): boolean {
  const contains = above.scope === '' || suite.scope.startsWith(`${above.scope}/`)
  const whole = (above.targets ?? []).length + (suite.targets ?? []).length === 0
  return contains && whole && digest([above.runner, above.command, above.env]) === digest([suite.runner, suite.command, suite.env])
}

function dependenciesOf(manifest: PackageManifest | undefined): string[] {
  return [...Object.keys(manifest?.dependencies ?? {}), ...Object.keys(manifest?.devDependencies ?? {})]
}

/** What a test script runs in the end; one that no adapter knows is run as a whole. */
async function suitesOfScript(script: string, context: DetectContext, manifest: PackageManifest, notes: string[]): Promise<Detection[]> {
  const commands = flattenScript(script, manifest.scripts ?? {})
  const found: Detection[] = []
  for (const command of commands ?? []) {
    const detection = await recogniseCommand(command, context)
    if (detection) found.push({ ...detection, origin: `package.json scripts.test (${command.text.slice(0, 80)})` })
  }
  if (found.length > 0) return found
  // A script that only sends the work to the packages, or only checks types and style, is no suite of its own.
  if (commands?.length && commands.every((command) => isFanOut(command) || isCheck(command))) return []
  for (const id of ['vitest', 'jest', 'mocha', 'ava', 'tap'] as const) {
    const detection = await runnerOf(id).detect(context)
    if (detection) return [detection]
  }
  const whole = await wholeCommand(script, context)
  notes.push(`package.json scripts.test (${script.slice(0, 60)}) is run as one command: it can only pass or fail as a whole.`)
  return [{ ...whole, origin: 'package.json scripts.test' }]
}

async function recogniseCommand(command: ScriptCommand, context: DetectContext): Promise<Detection | undefined> {
  for (const runner of RUNNERS) {
    if (runner.id === 'command') continue
    const detection = await runner.recognise(command, context)
    if (detection) return detection
  }
  return undefined
}

async function wholeCommand(text: string, context: DetectContext): Promise<Detection> {
  return (await runnerOf('command').recognise({ env: {}, program: 'sh', args: [], text }, context))!
}

/** `--test CMD`: one known runner keeps its precise report, everything else is run as a whole. */
async function explicitSuite(text: string, context: DetectContext, notes: string[]): Promise<Detection> {
  const manifest = await readManifest(context)
  const commands = flattenScript(text, manifest?.scripts ?? {})
  const known = commands?.length === 1 ? await recogniseCommand(commands[0]!, context) : undefined
  if (known) return { ...known, origin: '--test' }
  notes.push(`--test (${text.slice(0, 60)}) is run as one command: it can only pass or fail as a whole.`)
  return { ...(await wholeCommand(text, context)), origin: '--test' }
}

/**
 * Vitest and jest at the top run the packages below as well: their own entries would run the same tests twice. Where the top
 * only lists the runner among its dependencies and the packages call it themselves, theirs are the suites.
 */
function withoutCovered(all: readonly Detection[], notes: string[]): Detection[] {
  const whole = (suite: Detection): boolean => (suite.runner === 'vitest' || suite.runner === 'jest') && (suite.targets ?? []).length === 0
  const isBelow = (suite: Detection, other: Detection): boolean =>
    other.scope !== suite.scope && (other.scope === '' || suite.scope.startsWith(`${other.scope}/`))
  const found = all.filter((other) => other.origin !== DEPENDENCIES || !all.some((suite) => isBelow(suite, other)))
  return found.filter((suite) => {
    const above = found.find(
      (other) => whole(other) && whole(suite) && other.runner === suite.runner && isBelow(suite, other) && !hasConfig(suite),
    )
    if (above) notes.push(`The tests of ${suite.scope} run with those of ${above.scope || 'the top package'} (${above.runner}).`)
    return !above
  })
}

/** A configuration of its own: what runs from above is another run. */
function hasConfig({ command }: Detection): boolean {
  return command.some((word) => /^(?:-c|--config)(?:=|$)/.test(word))
}

/**
 * The suites that can notice a change of these paths: their packages', those of every dependent package, and those that
 * stand above them. All, where a path belongs to no package below the top: shared configuration concerns everything.
 */
export function entriesFor(plan: Plan, changed: readonly string[]): PlanEntry[] {
  const scopes = reachOf(changed, plan.packages)
  const apart = (scope: string): boolean => plan.packages.some((each) => each.scope === scope && each.alone && !each.dependsOn.includes(''))
  const touched = (scope: string): boolean => changed.some((path) => packageOf(path, plan.packages) === scope)
  const found = plan.entries.filter(({ scope }) =>
    scopes ? scope === '' || [...scopes].some((each) => each === scope || each.startsWith(`${scope}/`)) : !apart(scope) || touched(scope),
  )
  return found.length > 0 ? found : [...plan.entries]
}

/**
 * The builds, type checks and lints that a change of these paths needs: those of the packages it reaches and of the top,
 * and the builds of what these packages and the suites that will run are built from; every build where a suite of the top
 * runs. A suite without its build would fail, and the change, or a planted fault, would be blamed for it.
 * @param whole false builds only what was changed and what these suites need: for a question to some of them
 */
export function stepsFor(plan: Plan, changed: readonly string[], entries: readonly PlanEntry[], whole = true): CommandStep[] {
  const reached = reachOf(changed, plan.packages)
  if (!reached) return [...plan.steps]
  const scopes = entries.map(({ scope }) => scope)
  const touched = whole ? reached : changed.map((path) => packageOf(path, plan.packages))
  const built = scopes.includes('') ? null : withDependencies(new Set([...touched, ...scopes]), plan.packages)
  return plan.steps.filter(({ kind, scope }) => scope === '' || (kind === 'build' ? (built?.has(scope) ?? true) : reached.has(scope)))
}
