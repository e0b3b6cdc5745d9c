import { posix } from 'node:path'
import type { FileChange, Git } from '../../git/index.ts'
import type { TestReport, TestResult, TestStatus } from '../runner.ts'
import { RUNNER_SECTIONS } from './compare-config.ts'

export type Overlay = {
  /** The candidate's source with the base's tests. The candidate itself where no test differs. */
  commit: string
  /** Test files brought back from the base. */
  restored: readonly string[]
  /** Test files the base does not have. */
  removed: readonly string[]
}

/**
 * Makes a commit with the candidate's source and the base's tests, so that the base's tests can judge the candidate.
 * A package.json keeps the candidate's dependencies and gets the base's scripts and runner settings.
 * Tests inside source files cannot be brought back: they are compared by syntax only.
 */
export async function baseTestsOverlay(options: {
  git: Pick<Git, 'reader' | 'commitChanges' | 'changedFiles'>
  candidateCommit: string
  baseCommit: string
  /** Tests, helpers, snapshots and runner configuration of the plan. */
  isTestFile(path: string): boolean
}): Promise<Overlay> {
  const { git, candidateCommit, baseCommit, isTestFile } = options
  const base = git.reader(baseCommit)
  const candidate = git.reader(candidateCommit)
  const paths = new Set((await git.changedFiles(baseCommit, candidateCommit)).flatMap((file) => [file.path, file.oldPath ?? file.path]))
  const changes: FileChange[] = []
  const restored: string[] = []
  const removed: string[] = []
  for (const path of [...paths].sort()) {
    const old = await base.entry(path)
    if (posix.basename(path) === 'package.json') {
      const merged = mergeManifest(await base.text(path), await candidate.text(path))
      if (merged === undefined) continue
      changes.push({ path, content: Buffer.from(merged) })
      restored.push(path)
      continue
    }
    if (!isTestFile(path) || old?.mode === '160000') continue
    const content = old === undefined ? undefined : await base.read(path)
    if (old === undefined || content === undefined) {
      changes.push({ path, content: null })
      removed.push(path)
    } else {
      changes.push({ path, content, mode: old.mode as '100644' | '100755' | '120000' })
      restored.push(path)
    }
  }
  if (changes.length === 0) return { commit: candidateCommit, restored, removed }
  const { commit } = await git.commitChanges({ base: candidateCommit, changes, message: 'base tests on the candidate source\n' })
  return { commit, restored, removed }
}

function mergeManifest(base: string | undefined, candidate: string | undefined): string | undefined {
  try {
    const old = JSON.parse(base ?? '') as Record<string, unknown>
    const next = JSON.parse(candidate ?? '') as Record<string, unknown>
    const merged = { ...next }
    for (const key of ['scripts', ...RUNNER_SECTIONS]) {
      if (key in old) merged[key] = old[key]
      else delete merged[key]
    }
    return JSON.stringify(merged) === JSON.stringify(next) ? undefined : `${JSON.stringify(merged, null, 2)}\n`
  } catch {
    return undefined
  }
}

export type BaseTestVerdicts = {
  /** Base tests that pass on the base, fail on the candidate's source, and have no changed version that passes. */
  regressed: readonly string[]
  /** Touched base tests: the old version fails, the new one passes. A person has to say whether the contract may change. */
  contract_changed: readonly string[]
  /** False when the base's tests could not be run on the candidate's source at all. */
  compiles: boolean
}

/**
 * Judges the base's tests on the candidate's source, one by one.
 * `touched` says whether a test (file and full name) differs between the trees: an untouched one that fails is a regression.
 */
export function classifyBaseTests(
  baseline: ReadonlyMap<string, TestStatus>,
  overlay: TestReport,
  candidate: TestReport,
  touched: (test: Pick<TestResult, 'id' | 'file' | 'name'>) => boolean,
): BaseTestVerdicts {
  const old = new Map(overlay.tests.map((test) => [test.id, test]))
  const next = new Map(candidate.tests.map((test) => [test.id, test]))
  const compiles = overlay.tests.length > 0 && (overlay.complete || overlay.tests.some((test) => test.status === 'pass'))
  const loaded = new Set(overlay.tests.filter((test) => test.status !== 'error').map((test) => test.file))
  const regressed: string[] = []
  const contract: string[] = []
  for (const [id, status] of baseline) {
    // Red and skipped tests of the base say nothing about the candidate.
    if (status !== 'pass') continue
    const on = old.get(id)
    if (on?.status === 'pass') continue
    const now = next.get(id)
    const test = on ?? now ?? { id, file: fileOf(id), name: id }
    if (!touched(test)) {
      // Where the overlay as a whole, or this file, does not load, the candidate's own run of the same test decides.
      const unknown = !compiles || (on === undefined && !loaded.has(test.file))
      if (!unknown || now?.status !== 'pass') regressed.push(id)
      continue
    }
    if (now?.status === 'pass' || (!compiles && now === undefined)) contract.push(id)
    else regressed.push(id)
  }
  return { regressed, contract_changed: contract, compiles }
}

/** Ids begin with the file. */
function fileOf(id: string): string {
  return /^[^\s:>]+/.exec(id)?.[0] ?? id
}
