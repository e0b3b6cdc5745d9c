import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { detectPlan, runSuite, type Plan, type PlanOptions, type SuiteRun } from '../../src/core/validation/index.ts'
import type { RunSelection } from '../../src/core/validation/index.ts'
import type { Sandbox } from '../../src/core/sandbox/index.ts'
import type { FileContent } from './repository.ts'
import { openSandboxBench, type SandboxBench } from './sandbox.ts'

export type SuiteBench = {
  bench: SandboxBench
  plan: Plan
  sandbox: Sandbox
  run(selection?: RunSelection, options?: { entry?: string; timeoutMs?: number }): Promise<SuiteRun>
  close(): Promise<void>
}

/** A project in a real repository, its plan, and a real jail in which the plan's suites run. */
export async function openSuite(
  files: Record<string, FileContent>,
  options: { modules?: string; plan?: Partial<PlanOptions>; env?: Readonly<Record<string, string>>; binaries?: readonly string[] } = {},
): Promise<SuiteBench> {
  const bench = await openSandboxBench({ '.gitignore': 'node_modules\n', ...files })
  const { git, room } = bench
  const root = git.repository.root
  if (options.modules) placeholder(root)
  const plan = await detectPlan({
    reader: git.reader('HEAD'),
    root: options.modules ? join(options.modules, '..') : root,
    prefix: '',
    test: null,
    build: null,
    env: options.env ?? {},
    timeoutMs: 60_000,
    scopes: [],
    ...options.plan,
  })
  const binaries = [...new Set([...plan.entries, ...plan.steps].map(({ command }) => command[0]!)), ...(options.binaries ?? [])]
  const found = await room.profile({ base: 'HEAD', binaries, include: [], env: {}, git: 'none', services: [] })
  const own = options.modules ? [{ from: options.modules, to: join(root, 'node_modules'), mode: 'ro' as const }] : []
  const mounts = [...found.mounts.filter(({ to }) => to !== join(root, 'node_modules')), ...own]
  const commit = (await git.resolve('HEAD'))!
  const sandbox = await room.create({ commit, purpose: 'validate', profile: { ...found, mounts } })
  return {
    bench,
    plan,
    sandbox,
    run: (selection = {}, { entry, timeoutMs = 60_000 } = {}) =>
      runSuite({ sandbox, entry: plan.entries.find(({ id }) => entry === undefined || id === entry)!, selection, timeoutMs }),
    async close() {
      await sandbox.discard()
      bench.cleanup()
    },
  }
}

/** An ignored folder over which the real node_modules is mounted. */
function placeholder(root: string): void {
  mkdirSync(join(root, 'node_modules'))
  writeFileSync(join(root, 'node_modules', '.keep'), '')
}

/** 'name: status' of every test, sorted, without the file. */
export function outcomes(run: SuiteRun): string[] {
  return run.report.tests.map(({ name, status }) => `${name}: ${status}`).toSorted()
}
