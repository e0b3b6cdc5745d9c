import type { TreeReader } from '../git/index.ts'
import type { ToolFinder } from './tools.ts'

export type RunnerId =
  | 'vitest'
  | 'jest'
  | 'mocha'
  | 'node-test'
  | 'tap'
  | 'ava'
  | 'pytest'
  | 'unittest'
  | 'go'
  | 'cargo'
  | 'ctest'
  | 'command'

export type TestStatus = 'pass' | 'fail' | 'skip' | 'todo' | 'error'

/** One test. `id` is file, full name and occurrence number: equal names in one file stay apart. */
export type TestResult = { id: string; file: string; name: string; status: TestStatus; ms: number | null; message?: string }

export type TestReport = {
  tests: readonly TestResult[]
  /** False when the report is missing, cut, or contradicts the exit code: never a pass. */
  complete: boolean
  /** The runner can only say pass or fail for the whole suite. */
  coarse: boolean
  problems: readonly string[]
}

/** One suite of the plan: a runner in one package. */
export type PlanEntry = {
  id: string
  runner: RunnerId
  /** Folder of the package relative to the repository's top, '' at the top. */
  scope: string
  /** The program (found on PATH or a file in node_modules, relative to the scope), called directly, with its flags. */
  command: readonly string[]
  /** Files, globs or packages the runner is pointed at by default; a selection of files takes their place. */
  targets?: readonly string[]
  env: Readonly<Record<string, string>>
  timeoutMs: number
  /** Where it was found: 'package.json scripts.test', '--test', 'go.mod', ... */
  origin: string
  /** Globs of test files, snapshots and runner configuration, relative to the top: what a rule may never touch. */
  protectedPaths: readonly string[]
  /** What the adapter has to know later about the base tree (the Go module's path, ...). */
  details?: Readonly<Record<string, string>>
}

export type CommandStep = {
  id: string
  kind: 'build' | 'types' | 'lint'
  scope: string
  command: readonly string[]
  env?: Readonly<Record<string, string>>
  timeoutMs: number
  origin: string
}

/**
 * A package of the workspace and the scopes of the packages it depends on. One that stands alone has a manifest below
 * the top which no workspace declares: it only matters to changes of its own folder, and counts if it has tests.
 */
export type PackageNode = { scope: string; name: string; dependsOn: readonly string[]; alone?: true }

export type Plan = {
  entries: readonly PlanEntry[]
  steps: readonly CommandStep[]
  packages: readonly PackageNode[]
  /** What a person should know: scripts that were not understood, dependencies that are not installed. */
  notes: readonly string[]
  /** Digest of entries, steps and packages. */
  hash: string
}

export type RunSelection = {
  /** Only these test files (relative to the top); all when absent. A runner that cannot select runs more, never less. */
  files?: readonly string[]
  /** Collect coverage where the runner can. */
  coverage?: boolean
  /** The runner's own caches off (measuring). */
  noCache?: boolean
}

/** What a runner may look at to recognise itself: the base commit, and the installed tools for the path of a program. */
export type DetectContext = { tree: TreeReader; scope: string; tools: ToolFinder }

export type Detection = Omit<PlanEntry, 'id' | 'timeoutMs'>

/** A command line of the project, taken apart: environment, program name, arguments. */
export type ScriptCommand = { env: Readonly<Record<string, string>>; program: string; args: readonly string[]; text: string }

export type RunnerCommand = {
  command: readonly string[]
  env: Readonly<Record<string, string>>
  /** Files below /out that the parent reads afterwards. */
  reports: readonly string[]
  /** Small programs of ours that are written below /out before the run: name -> text. */
  helpers?: Readonly<Record<string, string>>
}

export type ReadReport = (name: string) => Promise<Buffer | undefined>

export type ParseInput = {
  entry: PlanEntry
  exitCode: number | null
  stdout: string
  stderr: string
  read: ReadReport
  /** The top of the tree as the suite saw it, an absolute path. */
  root: string
}

/** The port: how one test runner is recognised, called and read. */
export type TestRunner = {
  readonly id: RunnerId
  /** Recognises a command of the project (`scripts.test`, `--test`): undefined where it is not this runner. */
  recognise(command: ScriptCommand, context: DetectContext): Promise<Detection | undefined>
  /** Recognises configuration files and manifests where no script names the runner. */
  detect(context: DetectContext): Promise<Detection | undefined>
  /** The command line with a machine report below /out. */
  command(entry: PlanEntry, selection: RunSelection): RunnerCommand
  parse(input: ParseInput): Promise<TestReport>
  /** Executed lines per file (relative path), when `coverage` was asked for; undefined where the runner has none. */
  coverage?(read: ReadReport, list: () => Promise<readonly string[]>, root: string, entry: PlanEntry): Promise<CoverageMap | undefined>
}

/** Lines (1-based) of one file. */
export type FileCoverage = {
  executed: ReadonlySet<number>
  executable: ReadonlySet<number>
  /** Executed lines on which some code was never reached (`if (a) return b`): not enough to call a site exercised. */
  partial?: ReadonlySet<number>
  /** Executed lines of which the runner cannot tell whether every part ran: a lambda's body, the other side of an `or`. */
  unsure?: ReadonlySet<number>
}

/** Lines that were executed, and lines that could have been, per file relative to the top. */
export type CoverageMap = ReadonlyMap<string, FileCoverage>
