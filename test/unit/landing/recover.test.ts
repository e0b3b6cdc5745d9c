import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { SingularityError, systemClock } from '../../../src/core/kernel/index.ts'
import { createLanding } from '../../../src/core/landing/index.ts'
import { createProcessInfo } from '../../../src/core/process/index.ts'
import { journalPaths } from '../../../src/core/landing/merge.ts'
import { locksOf } from '../../../src/core/landing/references.ts'
import { SQL } from '../../../src/core/landing/sql.ts'
import { file, openLanding, type LandingBench } from '../../support/landing.ts'
import { createRepository, hashFiles, writeFiles, type TestRepository } from '../../support/repository.ts'

const made: TestRepository[] = []
afterEach(() => made.splice(0).forEach((repository) => repository.cleanup()))

const LONG = 'a line of text\n'.repeat(500)
const BOOT = createProcessInfo().self.bootId
/** Above every kernel's largest pid. */
const NOBODY = 4_194_305

type Crashed = LandingBench & { repository: TestRepository; base: string; commit: string; lock: string; path(name: string): string }

/** What a landing killed after its journal row leaves behind; the test adds how far the files came. */
async function crashed(options: { pid?: number; bootId?: string; worktree?: string } = {}): Promise<Crashed> {
  const repository = createRepository({ 'a.txt': 'old a\n', 'b.txt': 'old b\n', 'gone.txt': 'gone\n', 'mine.txt': 'm\n' })
  made.push(repository)
  const bench = await openLanding(repository)
  const { commit, base } = await bench.propose([
    file('a.txt', LONG),
    file('b.txt', 'new b\n'),
    file('gone.txt', null),
    file('fresh/c.txt', LONG),
  ])
  const checkout = { path: repository.root, gitDir: join(repository.root, '.git') }
  if (options.worktree) {
    repository.git('checkout', '--quiet', '--detach')
    repository.git('worktree', 'add', '--quiet', options.worktree, 'main')
    checkout.path = options.worktree
    checkout.gitDir = repository.git('-C', options.worktree, 'rev-parse', '--absolute-git-dir')
  }
  const paths = journalPaths(await bench.git.changedFiles(base, commit))
  const locks = locksOf(bench.git, { candidateId: 'c1', targetRef: 'refs/heads/main', checkout })
  bench.db.run(
    SQL.insertOperation,
    'o1',
    'c1',
    'land',
    'refs/heads/main',
    base,
    commit,
    checkout.path,
    JSON.stringify(paths),
    JSON.stringify(locks),
    checkout.gitDir,
    options.pid ?? NOBODY,
    '',
    options.bootId ?? BOOT,
    new Date().toISOString(),
  )
  return { ...bench, repository, base, commit, lock: join(checkout.gitDir, 'index.lock'), path: (name) => join(repository.root, name) }
}

const open = (bench: Crashed): unknown[] => bench.db.all(`SELECT id FROM op WHERE state = 'intent'`)

describe('recover', () => {
  it('takes back half-written files and stale locks, once', async () => {
    const bench = await crashed()
    const before = bench.repository.snapshot()
    bench.repository.write({ 'a.txt': LONG.slice(0, 100), 'b.txt': null, 'gone.txt': null, 'fresh/c.txt': '' })
    writeFileSync(bench.lock, 'half an index')
    expect(await bench.landing.recover()).toMatchObject([{ outcome: 'rolled_back', detail: null }])
    expect(bench.repository.snapshot()).toEqual(before)
    expect([existsSync(bench.lock), existsSync(bench.path('fresh'))]).toEqual([false, false])
    expect(await bench.landing.recover()).toEqual([])
    expect(bench.settled).toHaveLength(1)
    expect(bench.db.all('SELECT state FROM op')).toEqual([{ state: 'rolled_back' }])
  })

  it('takes back files and index that were complete when the ref had not moved', async () => {
    const bench = await crashed()
    const before = bench.repository.snapshot()
    bench.repository.git('read-tree', '-m', '-u', bench.base, bench.commit)
    expect(bench.repository.snapshot()).not.toEqual(before)
    await bench.landing.recover()
    expect(bench.repository.snapshot()).toEqual(before)
  })

  it.skipIf(!existsSync('/dev/shm'))('works in a linked worktree on another file system', async () => {
    const folder = mkdtempSync('/dev/shm/singularity-test-')
    try {
      const worktree = join(folder, 'linked')
      const bench = await crashed({ worktree })
      const before = hashFiles(worktree)
      writeFiles(worktree, { 'a.txt': LONG.slice(0, 100), 'b.txt': null, 'gone.txt': null, 'fresh/c.txt': '', 'own.txt': 'mine\n' })
      const lock = join(bench.repository.root, '.git/worktrees/linked/index.lock')
      writeFileSync(lock, '')
      expect(await bench.landing.recover()).toMatchObject([{ outcome: 'rolled_back', detail: null }])
      expect(hashFiles(worktree)).toEqual({ ...before, 'own.txt': hashFiles(worktree)['own.txt'] })
      expect(bench.repository.git('-C', worktree, 'status', '--porcelain')).toBe('?? own.txt')
      expect(existsSync(lock)).toBe(false)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('gives up on a worktree that was removed meanwhile', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'singularity-test-'))
    const bench = await crashed({ worktree: join(folder, 'linked') })
    rmSync(folder, { recursive: true })
    expect(await bench.landing.recover()).toMatchObject([{ outcome: 'rolled_back' }])
  })

  it('leaves alone and reports what the user edited since', async () => {
    const bench = await crashed()
    bench.repository.write({ 'a.txt': 'my own words\n', 'b.txt': 'new b\n', 'mine.txt': 'edited\n' })
    expect(await bench.landing.recover()).toMatchObject([{ outcome: 'rolled_back', detail: expect.stringContaining('a.txt') }])
    expect(readFileSync(bench.path('a.txt'), 'utf8')).toBe('my own words\n')
    expect(readFileSync(bench.path('b.txt'), 'utf8')).toBe('old b\n')
    expect(bench.repository.git('status', '--porcelain')).toBe(' M a.txt\n M mine.txt')
  })

  it('finishes what had moved the ref, and keeps later edits', async () => {
    const bench = await crashed()
    bench.repository.git('read-tree', '-m', '-u', bench.base, bench.commit)
    bench.repository.git('update-ref', 'refs/heads/main', bench.commit)
    bench.repository.write({ 'a.txt': null, 'b.txt': 'edited after\n' })
    expect(await bench.landing.recover()).toMatchObject([{ outcome: 'landed' }])
    expect(bench.repository.git('status', '--porcelain')).toBe(' D a.txt\n M b.txt')
    expect(bench.repository.git('for-each-ref', '--format=%(refname)', 'refs/singularity')).toBe('refs/singularity/landed/c1')
  })

  it('brings back what a power cut took from files whose ref had moved', async () => {
    const bench = await crashed({ bootId: 'before the cut' })
    bench.repository.git('read-tree', '-m', '-u', bench.base, bench.commit)
    bench.repository.git('update-ref', 'refs/heads/main', bench.commit)
    bench.repository.write({ 'a.txt': '', 'fresh/c.txt': null })
    expect(await bench.landing.recover()).toMatchObject([{ outcome: 'landed', detail: null }])
    expect(bench.repository.git('status', '--porcelain')).toBe('')
  })

  it('counts a commit on top of the landed one as landed', async () => {
    const bench = await crashed()
    bench.repository.git('read-tree', '-m', '-u', bench.base, bench.commit)
    bench.repository.git('update-ref', 'refs/heads/main', bench.commit)
    const top = bench.repository.commit('on top', { 'b.txt': 'later\n' })
    expect(await bench.landing.recover()).toMatchObject([{ outcome: 'landed' }])
    expect(bench.repository.git('rev-parse', 'main')).toBe(top)
    expect(bench.repository.git('status', '--porcelain')).toBe('')
  })

  it.each([
    ['half-written', { 'b.txt': 'new b\n' }, 'needs_attention'],
    ['untouched', {}, 'rolled_back'],
  ] as const)('touches nothing when the branch went elsewhere (%s)', async (_name, files, outcome) => {
    const bench = await crashed()
    bench.repository.commit('elsewhere', { 'mine.txt': 'x\n' })
    bench.repository.write(files)
    const before = bench.repository.snapshot()
    expect(await bench.landing.recover()).toMatchObject([{ outcome }])
    expect(bench.repository.snapshot()).toEqual(before)
  })

  it('waits while a git command of the user is at work', async () => {
    const bench = await crashed()
    const theirs = spawn('git', ['hash-object', '--stdin'], { cwd: bench.repository.root, stdio: ['pipe', 'ignore', 'ignore'] })
    await once(theirs, 'spawn')
    writeFileSync(bench.lock, '')
    expect(await bench.landing.recover()).toEqual([])
    expect(existsSync(bench.lock)).toBe(true)
    expect(open(bench)).toHaveLength(1)
    const request = await bench.propose([file('b.txt', 'B\n')], { candidateId: 'c2' })
    expect(await bench.landing.land(request)).toMatchObject({ status: 'busy' })
    theirs.stdin.end()
    await once(theirs, 'close')
    expect(await bench.landing.recover()).toMatchObject([{ outcome: 'rolled_back' }])
    expect(existsSync(bench.lock)).toBe(false)
  })

  it('does not wait for a command that only reads', async () => {
    const bench = await crashed()
    const reader = spawn('git', ['-c', 'core.quotePath=false', '-C', '.', 'cat-file', '--batch'], {
      cwd: bench.repository.root,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    await once(reader, 'spawn')
    writeFileSync(bench.lock, '')
    expect(await bench.landing.recover()).toMatchObject([{ outcome: 'rolled_back' }])
    reader.stdin.end()
    await once(reader, 'close')
  })

  it('leaves the operation of a living process alone', async () => {
    const bench = await crashed({ pid: process.ppid })
    expect(await bench.landing.recover()).toEqual([])
    expect(open(bench)).toHaveLength(1)
  })

  it('ends git children that outlived their owner', async () => {
    const bench = await crashed()
    const child = spawn('sleep', ['600'], { env: { PATH: process.env['PATH'], SINGULARITY_OPERATION: 'o1' } })
    await once(child, 'spawn')
    const ended = once(child, 'close')
    expect(await bench.landing.recover()).toMatchObject([{ outcome: 'rolled_back' }])
    expect((await ended)[1]).toBe('SIGKILL')
  })

  it('is done by the next landing too', async () => {
    const bench = await crashed()
    bench.repository.write({ 'b.txt': 'new b\n' })
    const { commit, base } = bench
    const validatedTree = await bench.git.treeOf(commit)
    const result = await bench.landing.land({
      candidateId: 'c1',
      commit,
      base,
      targetRef: 'refs/heads/main',
      message: 'Again\n',
      validatedTree,
      sign: false,
    })
    expect(result.status).toBe('landed')
    expect(bench.settled.map((each) => each.outcome)).toEqual(['rolled_back', 'landed'])
    expect(bench.repository.git('status', '--porcelain')).toBe('')
  })
})

describe('a landing that cannot move the ref', () => {
  const attempt = async (updateRef: () => Promise<boolean>) => {
    const repository = createRepository({ 'a.txt': 'a\n', 'b.txt': 'b\n' })
    made.push(repository)
    repository.write({ 'b.txt': 'dirty\n' })
    const bench = await openLanding(repository)
    const request = await bench.propose([file('a.txt', 'A\n'), file('new/c.txt', 'c\n')])
    const outcomes: string[] = []
    const landing = createLanding({
      git: { ...bench.git, updateRef },
      db: bench.db,
      clock: systemClock,
      processInfo: createProcessInfo(),
      settle: (_operation, outcome) => void outcomes.push(outcome),
    })
    const before = repository.snapshot()
    const result = await landing.land(request).catch((error: unknown) => error)
    expect(repository.snapshot()).toEqual(before)
    expect(existsSync(join(repository.root, 'new'))).toBe(false)
    expect(outcomes).toEqual(['rolled_back'])
    return result
  }

  it('takes its files back: moved by another, locked, disk full', async () => {
    expect(await attempt(async () => false)).toMatchObject({ status: 'busy', reason: expect.stringContaining('moved') })
    expect(await attempt(() => Promise.reject(new SingularityError('REPOSITORY_LOCKED', 'main.lock')))).toMatchObject({ status: 'busy' })
    expect(await attempt(() => Promise.reject(new SingularityError('DISK_FULL', 'full')))).toMatchObject({ code: 'DISK_FULL' })
  })
})
