import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { expect } from 'vitest'
import { createRepository, testEnvironment, type TestRepository } from '../support/repository.ts'
import { openLanding, work, type Job } from './driver.ts'

const runFile = promisify(execFile)

/** Layout of `struct shared` in shim.c: count, target, torn, owner_only, disk_full, dead, npids, pids[1000]. */
const SHARED_BYTES = 4 * (7 + 1000)

export type CrashPoint = { target: number; torn: boolean; ownerOnly: boolean; index: 'fresh' | 'stale'; diskFull?: boolean }

export type Bench = {
  /** How many calls the operation makes when it is not killed. */
  count(kind: 'land' | 'undo'): number
  /** Kills the operation at a point (and, where given, the recovery too), recovers and asserts that nothing is lost. */
  crash(kind: 'land' | 'undo', point: CrashPoint, recoveryTarget?: number): Promise<'done' | 'rolled_back' | 'nothing'>
  /** Two processes do the same at once; their answers, after the repository was checked. */
  race(kind: 'land' | 'undo'): Promise<string[]>
  cleanup(): void
}

/** Compiles the shim; null where there is no C compiler or no LD_PRELOAD. */
function compileShim(folder: string): string | null {
  if (process.platform !== 'linux') return null
  const library = join(folder, 'shim.so')
  const compiled = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, join(import.meta.dirname, 'shim.c'), '-ldl'], {
    encoding: 'utf8',
  })
  if (compiled.error) return null
  if (compiled.status !== 0) throw new Error(compiled.stderr)
  return library
}

const USER_FILES = ['dirty.txt', 'staged.txt', 'both.txt', 'mine/untracked.txt', 'empty-untracked']

export async function createBench(): Promise<Bench | null> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'singularity-crash-')))
  const shim = compileShim(folder)
  if (shim === null) {
    rmSync(folder, { recursive: true, force: true })
    return null
  }
  const project = resolve(import.meta.dirname, '../..')
  const driver = join(project, 'tmp', `crash-driver-${process.pid}.mjs`)
  mkdirSync(join(project, 'tmp'), { recursive: true })
  await build({
    stdin: { contents: `import { main } from './driver.ts'\nawait main()\n`, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    outfile: driver,
    logLevel: 'silent',
  })
  const env = testEnvironment(folder)
  const made = new Map<string, { repository: TestRepository; job: Job }>()
  for (const kind of ['land', 'undo'] as const) made.set(kind, await template(kind, env))
  const place = join(folder, 'run')
  const shared = join(folder, 'shared')

  const prepare = (kind: string, index: CrashPoint['index']): TestRepository => {
    const { repository } = made.get(kind)!
    rmSync(place, { recursive: true, force: true })
    cpSync(repository.root, place, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: place, env: env as NodeJS.ProcessEnv, encoding: 'utf8' })
    if (index === 'fresh') spawnSync('git', ['update-index', '-q', '--refresh'], { cwd: place, env: env as NodeJS.ProcessEnv })
    return { ...repository, root: place, git: (...args) => git(...args).replace(/\n$/, '') }
  }
  const runKilled = (job: Job, point: CrashPoint): { signal: string | null; count: number; out: string } => {
    const memory = Buffer.alloc(SHARED_BYTES)
    memory.writeInt32LE(point.target, 4)
    memory.writeInt32LE(point.torn ? 1 : 0, 8)
    memory.writeInt32LE(point.ownerOnly ? 1 : 0, 12)
    memory.writeInt32LE(point.diskFull ? 1 : 0, 16)
    writeFileSync(shared, memory)
    writeFileSync(join(folder, 'job.json'), JSON.stringify(job))
    const ran = spawnSync(process.execPath, [driver, place, join(folder, 'job.json')], {
      env: { ...(env as NodeJS.ProcessEnv), LD_PRELOAD: shim, CRASH_SHM: shared },
      encoding: 'utf8',
      timeout: 60_000,
    })
    if (ran.signal === null && ran.status !== 0 && !point.diskFull) throw new Error(`the driver failed: ${ran.stderr}`)
    return { signal: ran.signal, count: readFileSync(shared).readInt32LE(0), out: ran.stdout }
  }

  return {
    count(kind) {
      prepare(kind, 'fresh')
      const { signal, count, out } = runKilled(made.get(kind)!.job, { target: 0, torn: false, ownerOnly: false, index: 'fresh' })
      expect([signal, JSON.parse(out).status]).toEqual([null, kind === 'land' ? 'landed' : 'undone'])
      return count
    },
    async crash(kind, point, recoveryTarget) {
      const { job } = made.get(kind)!
      const copy = prepare(kind, point.index)
      const before = look(copy)
      const label = `${kind} ${JSON.stringify(point)} ${recoveryTarget ?? ''}`
      runKilled(job, point)
      if (recoveryTarget !== undefined)
        runKilled({ kind: 'recover' }, { target: recoveryTarget, torn: point.torn, ownerOnly: false, index: point.index })
      const opened = await openLanding(place, env)
      try {
        await opened.landing.recover()
        const outcome = check(
          copy,
          before,
          opened.db.all<{ id: string; state: string }>('SELECT id, state FROM op'),
          opened.db.all<{ name: string; data: string }>('SELECT name, data FROM event'),
          label,
        )
        // Whoever comes back to it finds an ordinary repository.
        const again = (await work(opened, job)) as { status: string }
        expect(again.status, label).toBe(outcome === 'done' ? 'unchanged' : kind === 'land' ? 'landed' : 'undone')
        expect(look(copy).status, label).toBe(before.status)
        return outcome
      } finally {
        opened.close()
      }
    },
    async race(kind) {
      const copy = prepare(kind, 'fresh')
      const before = look(copy)
      writeFileSync(join(folder, 'job.json'), JSON.stringify(made.get(kind)!.job))
      const start = () => runFile(process.execPath, [driver, place, join(folder, 'job.json')], { env: env as NodeJS.ProcessEnv })
      const answers = (await Promise.all([start(), start()])).map(({ stdout }) => (JSON.parse(stdout) as { status: string }).status)
      const opened = await openLanding(place, env)
      try {
        check(
          copy,
          before,
          opened.db.all<{ id: string; state: string }>('SELECT id, state FROM op'),
          opened.db.all<{ name: string; data: string }>('SELECT name, data FROM event'),
          'race',
        )
      } finally {
        opened.close()
      }
      return answers.sort()
    },
    cleanup() {
      for (const { repository } of made.values()) repository.cleanup()
      rmSync(folder, { recursive: true, force: true })
      rmSync(driver, { force: true })
    },
  }
}

/** A repository with work in progress of every kind, and a candidate with changes of every kind. */
async function template(kind: 'land' | 'undo', env: Record<string, string | undefined>): Promise<{ repository: TestRepository; job: Job }> {
  const long = Array.from({ length: 3000 }, (_, index) => `line ${index}\n`).join('')
  const repository = createRepository({
    'long.txt': long,
    'gone.txt': 'gone\n',
    'run.sh': '#!/bin/sh\n',
    'name.txt': 'a\nb\nc\nd\n',
    swap: 'file\n',
    link: { link: 'gone.txt' },
    'dirty.txt': 'd\n',
    'staged.txt': 's\n',
    'both.txt': 'b\n',
  })
  repository.write({ 'staged.txt': 'staged\n', 'both.txt': 'staged\n' })
  repository.git('add', 'staged.txt', 'both.txt')
  repository.write({ 'dirty.txt': 'dirty\n', 'both.txt': 'staged and dirty\n', 'mine/untracked.txt': 'mine\n', 'empty-untracked': '' })
  const opened = await openLanding(repository.root, env)
  const git = await repository.open()
  const base = repository.git('rev-parse', 'HEAD')
  const bytes = (text: string): Uint8Array => Buffer.from(text)
  const { commit, tree } = await git.commitChanges({
    base,
    message: 'candidate\n',
    changes: [
      { path: 'long.txt', content: bytes(long.replaceAll('line 2', 'LINE 2')) },
      { path: 'gone.txt', content: null },
      { path: 'run.sh', content: bytes('#!/bin/sh\n'), mode: '100755' },
      { path: 'name.txt', content: null },
      { path: 'fresh/dir/näme\n.txt', content: bytes('a\nb\nc\nd\n') },
      { path: 'fresh/other.txt', content: bytes(long) },
      { path: 'swap', content: null },
      { path: 'swap/inner', content: bytes('inner\n') },
      { path: 'link', content: bytes('run.sh'), mode: '120000' },
    ],
  })
  await opened.landing.keepCandidate('c1', commit)
  const request = { candidateId: 'c1', commit, base, targetRef: 'refs/heads/main', message: 'Improve\n', validatedTree: tree, sign: false }
  let job: Job = { kind: 'land', request }
  if (kind === 'undo') {
    const landed = await opened.landing.land(request)
    if (landed.status !== 'landed') throw new Error(`the template does not land: ${JSON.stringify(landed)}`)
    opened.db.run('DELETE FROM op')
    opened.db.run('DELETE FROM event')
    job = { kind: 'undo', request: { candidateId: 'c1', landedCommit: landed.commit, targetRef: 'refs/heads/main', sign: false } }
  }
  opened.close()
  git.close()
  return { repository, job }
}

type Look = { main: string; status: string; staged: string; user: string[]; folders: string[]; reflog: number }

function look(repository: TestRepository): Look {
  return {
    main: repository.git('rev-parse', 'main'),
    status: repository.git('--no-optional-locks', 'status', '--porcelain', '-z', '--untracked-files=all', '--ignored'),
    staged: repository.git('diff-index', '--cached', '--raw', '-z', 'HEAD'),
    user: USER_FILES.map((name) => readFileSync(join(repository.root, name), 'latin1')),
    folders: foldersBelow(repository.root),
    reflog: repository.git('reflog', 'main').split('\n').length,
  }
}

function check(
  repository: TestRepository,
  before: Look,
  rows: { id: string; state: string }[],
  events: { name: string; data: string }[],
  label: string,
): 'done' | 'rolled_back' | 'nothing' {
  const after = look(repository)
  const moved = after.main !== before.main
  const apart = { main: '', reflog: 0, ...(moved && { folders: [] }) }
  expect({ ...after, ...apart }, label).toEqual({ ...before, ...apart })
  if (moved) expect(repository.git('rev-parse', 'main^'), label).toBe(before.main)
  expect(
    rows.map((row) => row.state),
    label,
  ).toEqual(rows.length === 0 ? [] : [moved ? 'done' : 'rolled_back'])
  if (moved) expect(rows, label).toHaveLength(1)
  // Settled exactly once, with the row.
  expect(
    events.map((event) => (JSON.parse(event.data) as { op: string }).op),
    label,
  ).toEqual(rows.map((row) => row.id))
  expect(leftovers(join(repository.root, '.git')), label).toEqual([])
  expect(repository.git('fsck', '--no-dangling'), label).toBe('')
  if (moved) expect(repository.git('for-each-ref', '--format=%(refname)', 'refs/singularity'), label).not.toContain('candidates')
  return rows.length === 0 ? 'nothing' : moved ? 'done' : 'rolled_back'
}

function foldersBelow(root: string): string[] {
  const items = readdirSync(root, { recursive: true, withFileTypes: true })
  return items
    .filter((item) => item.isDirectory())
    .map((item) => relative(root, join(item.parentPath, item.name)))
    .filter((path) => !/^\.git($|\/)/.test(path))
    .sort()
}

function leftovers(gitDir: string): string[] {
  const names = readdirSync(gitDir, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => /\.lock$|^singularity\/tmp\/./.test(name))
}
