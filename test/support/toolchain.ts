import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { JailProfile } from '../../src/core/sandbox/index.ts'
import { type PlanEntry, type RunSelection, type SuiteRun, detectPlan, runSuite } from '../../src/core/validation/index.ts'
import type { FileContent } from './repository.ts'
import { type SandboxBench, openSandboxBench } from './sandbox.ts'

const FOLDER = fileURLToPath(new URL('../fixtures/toolchain', import.meta.url))
export const TOOLCHAIN_LOCK = join(FOLDER, 'package-lock.json')

let installed: string | undefined

/**
 * The node_modules folder with the real runners and linters, installed from the committed lock when it is not there yet.
 * Test files run side by side: a file lock lets one of them install and the others wait for it.
 */
export function toolchainModules(): string {
  if (installed) return installed
  const wanted = createHash('sha256').update(readFileSync(TOOLCHAIN_LOCK)).digest('hex')
  const modules = join(FOLDER, 'node_modules')
  const marker = join(modules, '.singularity-lock-hash')
  const script = `[ "$(cat '${marker}' 2>/dev/null)" = ${wanted} ] && exit 0
npm ci --prefix '${FOLDER}' --ignore-scripts --no-audit --no-fund >&2 && printf %s ${wanted} > '${marker}'`
  const lock = join(FOLDER, 'node_modules.lock')
  const command = hasProgram('flock') ? ['flock', lock, 'sh', '-c', script] : ['sh', '-c', script]
  execFileSync(command[0]!, command.slice(1), { stdio: ['ignore', 'ignore', 'pipe'], timeout: 600_000 })
  return (installed = modules)
}

/** Whether a program is on the PATH of the tests. */
export function hasProgram(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

export type ToolchainBench = SandboxBench & {
  base: string
  /** The profile as a run works it out, with the toolchain as the checkout's installed dependencies. */
  profileFor(binaries: readonly string[]): Promise<JailProfile>
  /** The plan's entries of the base commit. */
  entries(options?: { test?: string; prefix?: string }): Promise<readonly PlanEntry[]>
  /** Runs one suite in a fresh sandbox. */
  run(entry: PlanEntry, selection?: RunSelection, timeoutMs?: number): Promise<SuiteRun>
}

/**
 * A repository whose installed dependencies are the toolchain: `node_modules` is ignored and linked, as `npm link` or a
 * shared store would do it. `links` puts the folder below other packages.
 */
export async function openToolchainBench(
  files: Record<string, FileContent>,
  options: { modules?: boolean; links?: readonly string[] } = {},
): Promise<ToolchainBench> {
  const bench = await openSandboxBench({ '.gitignore': 'node_modules\n__pycache__\ntarget\n', ...files }, { guarded: true })
  const { repository, git, room } = bench
  if (options.modules ?? true)
    for (const folder of options.links ?? ['']) {
      const place = join(repository.root, folder, 'node_modules')
      if (existsSync(place)) continue
      mkdirSync(dirname(place), { recursive: true })
      symlinkSync(toolchainModules(), place)
    }
  const base = repository.git('rev-parse', 'HEAD')
  const profileFor = (binaries: readonly string[]): Promise<JailProfile> =>
    room.profile({ base, binaries: [...binaries], include: [], env: {}, git: 'none', services: [] })
  return {
    ...bench,
    base,
    profileFor,
    async entries({ test, prefix = '' } = {}) {
      const plan = await detectPlan({
        reader: git.reader(base),
        root: repository.root,
        prefix,
        test: test ?? null,
        build: null,
        env: {},
        timeoutMs: null,
        scopes: [],
      })
      return plan.entries
    },
    async run(entry, selection, timeoutMs = 60_000) {
      const profile = await profileFor([entry.command[0]!, 'sh', 'node'])
      const sandbox = await room.create({ commit: base, purpose: 'baseline', profile })
      try {
        return await runSuite({ sandbox, entry, timeoutMs, ...(selection && { selection }) })
      } finally {
        await sandbox.discard()
      }
    },
  }
}

/** `file::name` -> status of a report, sorted. */
export function statusList(run: SuiteRun): Record<string, string> {
  return Object.fromEntries(run.report.tests.map(({ id, status }) => [id, status] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
