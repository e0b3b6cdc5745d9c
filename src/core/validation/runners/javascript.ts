import { posix } from 'node:path'
import { parseJson } from '../../kernel/index.ts'
import type {
  CoverageMap,
  DetectContext,
  Detection,
  PlanEntry,
  ReadReport,
  RunnerCommand,
  RunnerId,
  RunSelection,
  ScriptCommand,
  TestReport,
} from '../runner.ts'
import { COLLECTOR, COLLECTOR_NAME, readCollected } from '../v8-coverage.ts'
import { separateTargets, withoutFlags } from '../shell-words.ts'
import { asArray, asNumber, asRecord, asText, createReport, relativeToScope, relativeToTop } from './report.ts'

export type PackageManifest = {
  name?: string
  type?: string
  main?: string
  scripts?: Record<string, string>
  workspaces?: string[] | { packages?: string[] }
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  exports?: unknown
  [key: string]: unknown
}

/** The package.json of a scope as the base commit has it. */
export async function readManifest(context: Pick<DetectContext, 'tree' | 'scope'>): Promise<PackageManifest | undefined> {
  const text = await context.tree.text(posix.join(context.scope, 'package.json'))
  const manifest = text === undefined ? undefined : parseJson(text)
  return typeof manifest === 'object' && manifest !== null ? (manifest as PackageManifest) : undefined
}

export function dependsOn(manifest: PackageManifest | undefined, name: string): boolean {
  return Boolean(manifest?.devDependencies?.[name] ?? manifest?.dependencies?.[name] ?? manifest?.peerDependencies?.[name])
}

const EXTENSIONS = '{js,cjs,mjs,jsx,ts,cts,mts,tsx}'

/** Globs, relative to the top, of what JavaScript suites are made of. */
export function protectedScripts(scope: string, names: readonly string[]): string[] {
  const at = (glob: string): string => posix.join(scope, glob)
  return [
    at(`**/*.{test,spec,tests,specs,test-d,bench}.${EXTENSIONS}`),
    at(`**/{__tests__,__mocks__,__snapshots__,__fixtures__}/**`),
    at('**/*.snap'),
    at('{test,tests,spec,specs,e2e}/**'),
    at('**/{fixtures,testdata,test-data,test-utils,test-helpers}/**'),
    at(`{src,lib,packages/*}/{test,tests}/**`),
    at('package.json'),
    at('{.nycrc,.c8rc,.taprc,.mocharc}*'),
    at(`{vite,vitest,jest,babel,ava,mocha,karma,playwright,cypress}*.config.${EXTENSIONS}`),
    at(`{vitest,jest}.{workspace,setup,projects}.${EXTENSIONS}`),
    at('tsconfig*.json'),
    ...names.map(at),
  ]
}

/** Flags that would change the verdict, the report or the run's end: the plan sets these itself. */
const DROPPED = [
  /^--?coverage/,
  /^--watch/,
  /^-w$/,
  /^--reporters?$/,
  /^--reporter-options?$/,
  /^-R$/,
  /^-O$/,
  /^--outputFile/,
  /^--json$/,
  /^--silent$/,
  /^--verbose$/,
  /^-v$/,
  /^--passWithNoTests$/,
  /^--pass-with-no-tests$/,
  /^--bail$/,
  /^-b$/,
  /^-u$/,
  /^--update/,
  /^-U$/,
  /^--ui$/,
  /^--open$/,
  /^--color/,
  /^--no-color/,
  /^--changed/,
  /^--onlyChanged$/,
  /^-o$/,
  /^--test-reporter/,
  /^--experimental-test-coverage$/,
  /^--tap$/,
  /^-t$/,
  /^--fail-fast$/,
  /^--findRelatedTests$/,
  /^--only$/,
  /^--lastCommit$/,
  /^--inspect/,
  /^--notify$/,
  /^--clearCache$/,
  /^--ci$/,
  /^--forbid-only$/,
  /^--dir-only$/,
]
const DROPPED_VALUED = new Set([
  '--reporter',
  '--reporters',
  '-R',
  '--reporter-option',
  '--reporter-options',
  '-O',
  '--outputFile',
  '--coverageReporters',
  '--coverageDirectory',
  '--coverage.provider',
  '--test-reporter',
  '--test-reporter-destination',
])
/** Flags of the runners that take their value as the next word. */
const VALUED = new Set([
  '-c',
  '--config',
  '--root',
  '-r',
  '--dir',
  '--project',
  '--projects',
  '--environment',
  '--pool',
  '--maxWorkers',
  '--testTimeout',
  '--require',
  '--import',
  '--loader',
  '--file',
  '--timeout',
  '-T',
  '--spec',
  '--extension',
  '--ext',
  '--ui',
  '--grep',
  '-g',
  '--ignore',
  '--exclude',
  '--rootDir',
  '--roots',
  '--testPathPattern',
  '--testPathPatterns',
  '--testNamePattern',
  '--selectProjects',
  '--env',
  '--setupFiles',
  '--concurrency',
  '--match',
  '-m',
  '-i',
  '--experimental-loader',
  '--test-concurrency',
  '--test-timeout',
  '--test-name-pattern',
  '--conditions',
  '-C',
  '--max-old-space-size',
  '--jobs',
  '-j',
  '--package',
  '--shard',
  '-s',
])

/** Splits what a script hands to a runner into flags that are kept and the files or globs it points at. */
export function scriptArguments(args: readonly string[]): { flags: string[]; targets: string[] } {
  return separateTargets(withoutFlags(args, DROPPED, DROPPED_VALUED), VALUED)
}

/** Where a suite is known from: nothing calls the runner or configures it, the manifest only lists it. */
export const DEPENDENCIES = 'package.json dependencies'

/** The call of a package's program with node, without npx or a package manager in between. */
export async function nodeProgram(
  context: DetectContext,
  packageName: string,
  usual: string,
  program = packageName,
): Promise<readonly string[]> {
  const found = await context.tools.script(context.scope, packageName, program)
  return ['node', found ?? `node_modules/${packageName}/${usual}`]
}

export function detection(options: {
  runner: RunnerId
  scope: string
  command: readonly string[]
  targets?: readonly string[]
  env?: Readonly<Record<string, string>>
  origin: string
  config?: readonly string[]
  details?: Readonly<Record<string, string>>
}): Detection {
  return {
    runner: options.runner,
    scope: options.scope,
    command: options.command,
    targets: options.targets ?? [],
    env: options.env ?? {},
    origin: options.origin,
    protectedPaths: protectedScripts(options.scope, options.config ?? []),
    ...(options.details ? { details: options.details } : {}),
  }
}

/** The origin of a recognised command as people know it. */
export function scriptOrigin(command: ScriptCommand): string {
  return command.text === '' ? 'package.json scripts.test' : `package.json scripts.test (${command.text.slice(0, 80)})`
}

/** The files of a selection as the runner in its package sees them. */
export function selectedFiles(entry: PlanEntry, selection: RunSelection): string[] | undefined {
  return selection.files?.map((file) => relativeToScope(file, entry.scope)).filter((file) => !file.startsWith('../'))
}

/** Environment and helper that make every node process of the run write what it executed. */
export function withCoverage(entry: PlanEntry, selection: RunSelection, built: RunnerCommand): RunnerCommand {
  if (!selection.coverage) return built
  const depth = entry.scope === '' ? 0 : entry.scope.split('/').length
  const options = [entry.env['NODE_OPTIONS'], built.env['NODE_OPTIONS'], `--import=/out/${COLLECTOR_NAME}`].filter(Boolean).join(' ')
  return {
    ...built,
    env: { ...built.env, NODE_OPTIONS: options, SINGULARITY_COVERAGE: '/out/coverage', SINGULARITY_COVERAGE_DEPTH: String(depth) },
    helpers: { ...built.helpers, [COLLECTOR_NAME]: COLLECTOR },
  }
}

export async function scriptCoverage(
  read: ReadReport,
  list: () => Promise<readonly string[]>,
  root: string,
): Promise<CoverageMap | undefined> {
  return readCollected(read, list, root)
}

const JEST_STATUS: Record<string, 'pass' | 'fail' | 'skip' | 'todo'> = {
  passed: 'pass',
  failed: 'fail',
  pending: 'skip',
  skipped: 'skip',
  disabled: 'skip',
  todo: 'todo',
  focused: 'pass',
}

/** The JSON format that jest defined and vitest writes as well. */
export function parseJestJson(input: { report: unknown; root: string; scope: string; exitCode: number | null }): TestReport {
  const report = createReport()
  const top = asRecord(input.report)
  const files = top['testResults']
  if (!Array.isArray(files)) return report.finish({ ended: false, exitCode: input.exitCode })
  for (const item of files) {
    const suite = asRecord(item)
    const file = relativeToTop(asText(suite['name']), input.root, input.scope)
    const found = asArray(suite['assertionResults'])
    for (const raw of found) {
      const test = asRecord(raw)
      const name = [...asArray(test['ancestorTitles']).map(asText), asText(test['title'])].filter((part) => part !== '').join(' > ')
      const status = JEST_STATUS[asText(test['status'])]
      if (status === undefined) report.problem(`unknown status ${asText(test['status'])} of ${name}`)
      report.add({
        file,
        name,
        status: status ?? 'error',
        ms: asNumber(test['duration']),
        message: asArray(test['failureMessages']).map(asText).join('\n'),
      })
    }
    const failed = found.some((raw) => asRecord(raw)['status'] === 'failed')
    // A file that dies while loading has no tests of its own: its tests are missing, and this says why.
    if (asText(suite['status']) === 'failed' && !failed)
      report.add({ file, name: '(file)', status: 'error', message: asText(suite['message']) })
  }
  if (top['wasInterrupted'] === true) report.problem('the run was interrupted')
  const total = asNumber(top['numTotalTests'])
  const counted = files.reduce((sum: number, item) => sum + asArray(asRecord(item)['assertionResults']).length, 0)
  if (total !== null && total !== counted) report.problem(`the report names ${counted} of ${total} tests`)
  return report.finish({ ended: true, exitCode: input.exitCode })
}
