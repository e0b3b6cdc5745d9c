import type { TreeReader } from '../git/index.ts'

export type RunnerId = 'vitest' | 'jest' | 'mocha' | 'node-test' | 'tap' | 'ava' | 'pytest' | 'unittest' | 'go' | 'cargo' | 'ctest' | 'command'

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
  /** The program (found on PATH or a file in node_modules), called directly. */
  command: readonly string[]
  env: Readonly<Record<string, string>>
  timeoutMs: number
  /** Where it was found: 'package.json scripts.test', '--test', 'go.mod', ... */
  origin: string
  /** Globs of test files, snapshots and runner configuration, relative to the top: what a rule may never touch. */
  protectedPaths: readonly string[]
}

export type CommandStep = { id: string; kind: 'build' | 'types' | 'lint'; scope: string; command: readonly string[]; timeoutMs: number; origin: string }

export type Plan = { entries: readonly PlanEntry[]; steps: readonly CommandStep[]; /** Digest of everything above. */ hash: string }

export type RunSelection = {
  /** Only these test files (relative to the top); all when absent. */
  files?: readonly string[]
  /** Collect coverage where the runner can. */
  coverage?: boolean
  /** The runner's own caches off (measuring). */
  noCache?: boolean
}

/** The port: how one test runner is recognised, called and read. */
export type TestRunner = {
  readonly id: RunnerId
  detect(tree: TreeReader, scope: string): Promise<Omit<PlanEntry, 'id' | 'timeoutMs'> | undefined>
  /** The command line with a machine report below /out, and the files the parent reads afterwards. */
  command(entry: PlanEntry, selection: RunSelection): { command: readonly string[]; env: Readonly<Record<string, string>>; reports: readonly string[] }
  parse(input: { entry: PlanEntry; exitCode: number | null; stdout: string; stderr: string; read(name: string): Promise<Buffer | undefined>; root: string }): Promise<TestReport>
  /** Executed lines per file (relative path), when `coverage` was asked for. */
  coverage?(read: (name: string) => Promise<Buffer | undefined>, list: () => Promise<readonly string[]>, root: string): Promise<CoverageMap | undefined>
}

/** Lines (1-based) that were executed, and lines that could have been, per file relative to the top. */
export type CoverageMap = ReadonlyMap<string, { executed: ReadonlySet<number>; executable: ReadonlySet<number> }>
