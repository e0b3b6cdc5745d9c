import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { file, openLanding } from '../../support/landing.ts'
import { createRepository, hashFiles, type TestRepository } from '../../support/repository.ts'

const made: TestRepository[] = []
const make = (...args: Parameters<typeof createRepository>): TestRepository => {
  const repository = createRepository(...args)
  made.push(repository)
  return repository
}
afterEach(() => made.splice(0).forEach((repository) => repository.cleanup()))

const START = { 'a.txt': '1\n2\n3\n4\n5\n6\n7\n8\n', 'b.txt': 'b\n', 'c.txt': 'c\n' }
const EDIT = file('a.txt', '1\nTWO\n3\n4\n5\n6\n7\n8\n')

describe.each(['sha1', 'sha256'] as const)('land and undo (%s)', (objectFormat) => {
  it('moves the checked-out branch and its files, and leaves all other work alone', async () => {
    const repository = make(START, { objectFormat })
    repository.write({ 'b.txt': 'staged\n', 'c.txt': 'dirty\n', 'mine.txt': 'untracked\n' })
    repository.git('add', 'b.txt')
    const before = repository.snapshot()
    const { landing, propose, settled, db } = await openLanding(repository)
    const request = await propose([EDIT], {
      trailers: [
        ['Singularity-Change', 'c1'],
        ['Singularity-Rule', 'x/y\nEvil: z'],
      ],
    })
    const result = await landing.land(request)
    expect(result.status).toBe('landed')
    const commit = (result as { commit: string }).commit
    const after = repository.snapshot()
    expect(after.status).toBe(before.status)
    expect(after.files).toEqual({ ...before.files, 'a.txt': after.files['a.txt'] })
    expect(readFileSync(join(repository.root, 'a.txt'), 'utf8')).toContain('TWO')
    expect(repository.git('rev-parse', 'main')).toBe(commit)
    expect(repository.git('log', '-1', '--format=%an|%cn|%B')).toBe(
      'Ada Example|Ada Example|Improve it\n\nSingularity-Change: c1\nSingularity-Rule: x/y Evil: z\n',
    )
    expect(repository.git('for-each-ref', '--format=%(refname)', 'refs/singularity')).toBe('refs/singularity/landed/c1')
    expect(settled).toMatchObject([{ outcome: 'landed', detail: null }])
    expect(db.all('SELECT state FROM op')).toEqual([{ state: 'done' }])
    expect(db.all('SELECT * FROM lease')).toEqual([])

    const undone = await landing.undo({ candidateId: 'c1', landedCommit: commit, targetRef: 'refs/heads/main', sign: false })
    expect(undone.status).toBe('undone')
    const back = repository.snapshot()
    expect({ ...back, refs: '' }).toEqual({ ...before, refs: '' })
    expect(repository.git('log', '-1', '--format=%B')).toBe(`Revert "Improve it"\n\nThis reverts commit ${commit}.\n`)
    expect(await landing.undo({ candidateId: 'c1', landedCommit: commit, targetRef: 'refs/heads/main', sign: false })).toMatchObject({
      status: 'unchanged',
    })
    expect(repository.git('fsck', '--no-dangling')).toBe('')
  })

  it('asks to validate again what differs from the validated tree, then lands it', async () => {
    const repository = make(START, { objectFormat })
    const { landing, propose } = await openLanding(repository)
    const request = await propose([EDIT])
    const tip = repository.commit('work goes on', { 'a.txt': '1\n2\n3\n4\n5\n6\n7\nEIGHT\n' })
    const answer = await landing.land(request)
    expect(answer).toMatchObject({ status: 'revalidate', onto: tip })
    expect(repository.git('rev-parse', 'main')).toBe(tip)
    expect((await landing.land({ ...request, validatedTree: (answer as { tree: string }).tree })).status).toBe('landed')
    expect(readFileSync(join(repository.root, 'a.txt'), 'utf8')).toBe('1\nTWO\n3\n4\n5\n6\n7\nEIGHT\n')
  })
})

describe('refusals change nothing', () => {
  const unchanged = async (repository: TestRepository, body: () => Promise<unknown>): Promise<unknown> => {
    const before = repository.snapshot()
    const answer = await body()
    expect(repository.snapshot()).toEqual(before)
    return answer
  }

  it('conflict, undo_conflict, unchanged, no identity, no branch', async () => {
    const repository = make(START)
    const { landing, propose, git } = await openLanding(repository)
    const request = await propose([EDIT])
    const landed = await landing.land(request)
    expect(await unchanged(repository, () => landing.land(request))).toMatchObject({ status: 'unchanged' })
    repository.commit('edit the same line', { 'a.txt': '1\n2 again\n3\n4\n5\n6\n7\n8\n' })
    const undo = { candidateId: 'c1', landedCommit: (landed as { commit: string }).commit, targetRef: 'refs/heads/main', sign: false }
    expect(await unchanged(repository, () => landing.undo(undo))).toEqual({ status: 'undo_conflict', paths: ['a.txt'] })
    expect(await unchanged(repository, () => landing.land(request))).toEqual({ status: 'conflict', paths: ['a.txt'] })
    await expect(landing.land({ ...request, targetRef: 'refs/heads/none' })).rejects.toMatchObject({ code: 'REV_INVALID' })
    repository.git('config', '--unset', 'user.name')
    const next = await propose([file('b.txt', 'B\n')])
    await expect(landing.land(next)).rejects.toMatchObject({ code: 'IDENTITY_MISSING', exitCode: 6 })
    expect(await git.resolve('refs/singularity/candidates/c1')).toBe(next.commit)
  })

  it('signing that does not work', async () => {
    const repository = make(START)
    repository.git('config', 'gpg.program', '/bin/false')
    const { landing, propose } = await openLanding(repository)
    const request = await propose([EDIT], { sign: true })
    expect(await unchanged(repository, () => landing.land(request))).toMatchObject({ status: 'unsigned' })
  })

  it.skipIf(spawnSync('ssh-keygen', ['-?']).error !== undefined)('signing that works signs landing and undo', async () => {
    const repository = make(START)
    const key = join(repository.root, '..', 'key')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
    writeFileSync(`${key}.allowed`, `ada@example.org ${readFileSync(`${key}.pub`, 'utf8')}`)
    for (const [name, value] of [
      ['gpg.format', 'ssh'],
      ['user.signingKey', `${key}.pub`],
      ['gpg.ssh.allowedSignersFile', `${key}.allowed`],
    ])
      repository.git('config', name!, value!)
    const { landing, propose } = await openLanding(repository)
    const landed = await landing.land(await propose([EDIT], { sign: true }))
    expect(landed).toMatchObject({ status: 'landed' })
    repository.git('verify-commit', 'main')
    const { commit } = landed as { commit: string }
    expect(await landing.undo({ candidateId: 'c1', landedCommit: commit, targetRef: 'refs/heads/main', sign: true })).toMatchObject({
      status: 'undone',
    })
    repository.git('verify-commit', 'main')
  })

  it('a dry run', async () => {
    const repository = make(START)
    const { landing, propose, db } = await openLanding(repository)
    const request = await propose([EDIT], { dryRun: true })
    expect(await unchanged(repository, () => landing.land(request))).toMatchObject({ status: 'ready', paths: ['a.txt'] })
    expect(db.all('SELECT * FROM op')).toEqual([])
  })

  it.each<[string, (repository: TestRepository) => void, string]>([
    ['modified', (r) => r.write({ 'a.txt': 'mine\n' }), 'a.txt'],
    ['staged', (r) => (r.write({ 'a.txt': 'mine\n' }), r.git('add', 'a.txt')), 'a.txt'],
    [
      'staged and taken back',
      (r) => (r.write({ 'a.txt': 'mine\n' }), r.git('add', 'a.txt'), r.write({ 'a.txt': START['a.txt'] })),
      'a.txt',
    ],
    ['deleted', (r) => r.write({ 'a.txt': null }), 'a.txt'],
    ['assume-unchanged', (r) => (r.git('update-index', '--assume-unchanged', 'a.txt'), r.write({ 'a.txt': 'mine\n' })), 'a.txt'],
    ['skip-worktree', (r) => (r.git('update-index', '--skip-worktree', 'a.txt'), r.write({ 'a.txt': 'mine\n' })), 'a.txt'],
    ['untracked in the way', (r) => r.write({ 'new/file.txt': 'mine\n' }), 'new/file.txt'],
    [
      'ignored in the way',
      (r) => (appendFileSync(join(r.root, '.git/info/exclude'), 'new\n'), r.write({ 'new/file.txt': 'mine\n' })),
      'new/file.txt',
    ],
    ['a file where a folder is needed', (r) => r.write({ new: 'mine\n' }), 'new'],
    ['a link where a folder is needed', (r) => r.write({ new: { link: '/tmp' } }), 'new'],
    ['a folder where a file is needed', (r) => r.write({ 'new/file.txt/mine': 'x' }), 'new/file.txt/mine'],
    ['intent to add', (r) => (r.write({ 'new/file.txt': '' }), r.git('add', '-N', 'new/file.txt')), 'new/file.txt'],
  ])('dirty: %s', async (_name, spoil, path) => {
    const repository = make(START)
    const { landing, propose, db } = await openLanding(repository)
    const request = await propose([EDIT, file('new/file.txt', 'theirs\n')])
    spoil(repository)
    expect(await unchanged(repository, () => landing.land(request))).toEqual({ status: 'dirty', paths: [path] })
    expect(db.all('SELECT * FROM op')).toEqual([])
  })

  it('busy: operations, locks, another landing', async () => {
    const repository = make(START)
    const { landing, propose, db } = await openLanding(repository)
    const request = await propose([EDIT])
    for (const name of ['index.lock', 'HEAD.lock', 'refs/heads/main.lock', 'MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD']) {
      const path = join(repository.root, '.git', name)
      writeFileSync(path, name.endsWith('lock') ? '' : `${request.base}\n`)
      expect(await landing.land(request), name).toMatchObject({ status: 'busy' })
      expect(existsSync(path)).toBe(true)
      rmSync(path)
    }
    db.run(
      `INSERT INTO lease VALUES ('landing', 'other', ${process.ppid}, '', '${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}', 'now')`,
    )
    expect(await landing.land(request)).toEqual({ status: 'busy', reason: 'another landing is in progress' })
    db.run(`UPDATE lease SET boot_id = 'before the restart'`)
    expect((await landing.land(request)).status).toBe('landed')
  })
})

describe('where the branch is', () => {
  it('updates the worktree that has the branch checked out, not the one it is called from', async () => {
    const repository = make(START)
    const other = join(repository.root, '..', 'other')
    repository.git('worktree', 'add', '--quiet', '-b', 'feature', other)
    const here = repository.snapshot()
    const { landing, propose } = await openLanding(repository)
    const request = await propose([EDIT, file('c.txt', null)], { targetRef: 'refs/heads/feature' })
    writeFileSync(join(other, 'b.txt'), 'dirty there\n')
    expect((await landing.land(request)).status).toBe('landed')
    expect(readFileSync(join(other, 'a.txt'), 'utf8')).toContain('TWO')
    expect(Object.keys(hashFiles(other))).toEqual(['a.txt', 'b.txt'])
    expect(repository.git('-C', other, 'status', '--porcelain')).toBe(' M b.txt')
    expect(repository.snapshot()).toMatchObject({ status: here.status, files: here.files, head: here.head })
  })

  it('a branch nobody has checked out, also while this head is detached and config.lock is held', async () => {
    const repository = make(START)
    repository.git('branch', 'feature')
    repository.git('checkout', '--quiet', '--detach')
    writeFileSync(join(repository.root, '.git/config.lock'), '')
    const before = repository.snapshot()
    const { landing, propose } = await openLanding(repository)
    const request = await propose([EDIT], { targetRef: 'refs/heads/feature' })
    expect((await landing.land(request)).status).toBe('landed')
    expect(repository.snapshot()).toMatchObject({ status: before.status, files: before.files, head: before.head })
    expect(repository.git('rev-parse', 'feature^')).toBe(repository.git('rev-parse', 'HEAD'))
  })

  it('refuses a branch that a rebase or bisect in progress comes back to', async () => {
    const repository = make(START)
    const { landing, propose } = await openLanding(repository)
    const request = await propose([EDIT])
    repository.git('checkout', '--quiet', '-b', 'side')
    repository.commit('side', { 'a.txt': 'side\n' })
    repository.git('checkout', '--quiet', 'main')
    repository.commit('main', { 'a.txt': 'main\n' })
    expect(() => repository.git('rebase', 'side')).toThrow()
    expect(await landing.land({ ...request, validatedTree: '' })).toMatchObject({ status: 'conflict' })
    const fits = await propose([file('b.txt', 'B\n')], { base: repository.git('rev-parse', 'main') })
    expect(await landing.land(fits)).toMatchObject({ status: 'busy', reason: expect.stringContaining('rebase') })
    repository.git('rebase', '--abort')
    repository.git('bisect', 'start')
    repository.git('bisect', 'bad')
    repository.git('checkout', '--quiet', '--detach', 'HEAD~1')
    expect(await landing.land(fits)).toMatchObject({ status: 'busy', reason: expect.stringContaining('bisect') })
  })

  it('creates a proposal branch with one commit per candidate', async () => {
    const repository = make(START)
    const before = repository.snapshot()
    const { landing, propose, git } = await openLanding(repository)
    const base = repository.git('rev-parse', 'HEAD')
    const target = { targetRef: 'refs/heads/singularity/r1', createAt: base }
    const first = await propose([EDIT], { ...target, candidateId: 'c1', message: 'One\n' })
    // The second of a train sits on the first candidate commit, not on the landed one.
    const second = await propose([file('b.txt', 'B\n')], { ...target, base: first.commit, candidateId: 'c2', message: 'Two\n' })
    expect((await landing.land(first)).status).toBe('landed')
    expect((await landing.land(second)).status).toBe('landed')
    expect(repository.git('log', '--format=%s', 'singularity/r1')).toBe('Two\nOne\nchore: start')
    expect(repository.snapshot()).toMatchObject({ status: before.status, files: before.files, head: before.head })
    // Without the first, the second brings only its own step.
    const alone = await landing.land({ ...second, targetRef: 'refs/heads/singularity/r2', candidateId: 'c3' })
    expect(alone.status).toBe('revalidate')
    expect((await git.changedFiles(base, (alone as { tree: string }).tree)).map((each) => each.path)).toEqual(['b.txt'])
  })

  it('serialises landings of one process', async () => {
    const repository = make(START)
    const { landing, propose } = await openLanding(repository)
    const one = await propose([EDIT], { candidateId: 'c1' })
    const two = await propose([file('b.txt', 'B\n')], { candidateId: 'c2' })
    const results = await Promise.all([landing.land(one), landing.land(two)])
    expect(results.map((result) => result.status)).toEqual(['landed', 'revalidate'])
    expect(repository.git('status', '--porcelain')).toBe('')
  })
})

describe('kinds of change', () => {
  it('renames, deletions, modes, links, odd names, file to folder and back; stale times do not matter', async () => {
    const repository = make({
      'old name.txt': 'one\ntwo\nthree\nfour\n',
      gone: 'x',
      'run.sh': '#!/bin/sh\n',
      'to-link': 'text',
      link: { link: 'a' },
      swap: 'file',
      'dir/inner': 'i',
      'weird\n\u00e9\t".txt': '1\n',
      keep: 'k',
    })
    const before = repository.snapshot()
    const { landing, propose, git } = await openLanding(repository)
    const request = await propose([
      file('old name.txt', null),
      file('new/näme.txt', 'one\ntwo\nthree\nfour\n'),
      file('gone', null),
      file('run.sh', '#!/bin/sh\n', '100755'),
      file('to-link', 'keep', '120000'),
      file('link', 'now a file', '100644'),
      file('swap', null),
      file('swap/inner', 's'),
      file('dir/inner', null),
      file('dir', 'd'),
      file('weird\n\u00e9\t".txt', '2\n'),
    ])
    for (const name of ['run.sh', 'gone', 'keep']) utimesSync(join(repository.root, name), 1, 1)
    const result = await landing.land(request)
    expect(result.status).toBe('landed')
    expect(repository.git('status', '--porcelain')).toBe('')
    for (const entry of await git.reader((result as { commit: string }).commit).entries())
      expect(existsSync(join(repository.root, entry.path)) || entry.mode === '120000', entry.path).toBe(true)
    expect(readFileSync(join(repository.root, 'weird\n\u00e9\t".txt'), 'utf8')).toBe('2\n')
    expect(
      (
        await landing.undo({
          candidateId: 'c1',
          landedCommit: (result as { commit: string }).commit,
          targetRef: 'refs/heads/main',
          sign: false,
        })
      ).status,
    ).toBe('undone')
    expect({ ...repository.snapshot(), refs: '' }).toEqual({ ...before, refs: '' })
  })

  it('writes the line endings the user checks out', async () => {
    const repository = make({ 'a.txt': '1\n2\n', '.gitattributes': '*.txt text\n' })
    repository.git('config', 'core.autocrlf', 'true')
    repository.git('rm', '--quiet', '--cached', '-r', '.')
    repository.git('reset', '--quiet', '--hard')
    expect(readFileSync(join(repository.root, 'a.txt'), 'utf8')).toBe('1\r\n2\r\n')
    const { landing, propose } = await openLanding(repository)
    expect((await landing.land(await propose([file('a.txt', '1\ntwo\n')]))).status).toBe('landed')
    expect(readFileSync(join(repository.root, 'a.txt'), 'utf8')).toBe('1\r\ntwo\r\n')
    expect(repository.git('status', '--porcelain')).toBe('')
  })
})

describe('candidate refs', () => {
  it('drops those whose commit is old', async () => {
    const repository = make(START)
    const { landing, propose, git } = await openLanding(repository)
    await propose([EDIT], { candidateId: 'c1' })
    expect(await landing.dropCandidateRefs(Date.now() - 86_400_000, new Set())).toEqual([])
    expect(await landing.dropCandidateRefs(Date.now() + 86_400_000, new Set(['c1']))).toEqual([])
    expect(await landing.dropCandidateRefs(Date.now() + 86_400_000, new Set())).toEqual(['c1'])
    expect(await git.resolve('refs/singularity/candidates/c1')).toBeUndefined()
  })
})
