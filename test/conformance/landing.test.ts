/** Landing and undo over every kind of repository and checkout people have. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createGit, discoverRepository } from '../../src/core/git/index.ts'
import { systemClock } from '../../src/core/kernel/index.ts'
import { createLanding } from '../../src/core/landing/index.ts'
import { createProcessInfo } from '../../src/core/process/index.ts'
import { file, openLanding } from '../support/landing.ts'
import { createRepository, hashFiles, testEnvironment, type TestRepository } from '../support/repository.ts'

type Case = {
  name: string
  make(): TestRepository
  /** Brings the repository into the shape; runs after the first commit. */
  shape?(repository: TestRepository): void
  /** What must be on disk after the landing, besides a clean status. */
  landed?(repository: TestRepository): void
}

const FILES = { 'src/a.txt': '1\n2\n3\n', 'lib/b.txt': 'b\n', 'c.txt': 'c\n' }
const text = (repository: TestRepository, path: string): string => readFileSync(join(repository.root, path), 'utf8')

const CASES: Case[] = [
  { name: 'plain', make: () => createRepository(FILES) },
  { name: 'sha256', make: () => createRepository(FILES, { objectFormat: 'sha256' }) },
  { name: 'a newline and unicode in its own path', make: () => createRepository(FILES, { name: 'né\nw "x"' }) },
  {
    name: 'packed refs and objects',
    make: () => createRepository(FILES),
    shape: (r) => (r.git('gc', '--quiet'), r.git('pack-refs', '--all')),
  },
  {
    name: 'split index and untracked cache',
    make: () => createRepository(FILES),
    shape: (r) => (r.git('update-index', '--split-index'), r.git('update-index', '--force-untracked-cache')),
  },
  { name: 'index version 4', make: () => createRepository(FILES), shape: (r) => r.git('update-index', '--index-version', '4') },
  {
    name: 'sparse checkout',
    make: () => createRepository(FILES),
    shape: (r) => r.git('sparse-checkout', 'set', 'lib'),
    landed: (r) => expect([existsSync(join(r.root, 'src')), text(r, 'lib/b.txt')]).toEqual([false, 'B\n']),
  },
  {
    name: 'a clean and smudge filter of the user',
    make: () => createRepository({ ...FILES, '.gitattributes': 'src/*.txt filter=upper\n' }),
    shape(r) {
      r.git('config', 'filter.upper.smudge', 'tr a-z A-Z')
      r.git('config', 'filter.upper.clean', 'tr A-Z a-z')
      r.git('rm', '--quiet', '-r', '--cached', '.')
      r.git('reset', '--quiet', '--hard')
    },
    landed: (r) => expect(text(r, 'src/a.txt')).toBe('1\nTWO\n3\n'),
  },
  {
    name: 'line endings of Windows',
    make: () => createRepository(FILES),
    shape(r) {
      r.git('config', 'core.autocrlf', 'true')
      r.git('rm', '--quiet', '-r', '--cached', '.')
      r.git('reset', '--quiet', '--hard')
    },
    landed: (r) => expect(text(r, 'src/a.txt')).toBe('1\r\ntwo\r\n3\r\n'),
  },
  {
    name: 'a submodule, and a nested repository nobody tracks',
    make: () => createRepository(FILES),
    shape(r) {
      r.git('init', '--quiet', join(r.root, '..', 'inner'))
      r.git('-C', join(r.root, '..', 'inner'), 'commit', '--quiet', '--allow-empty', '-m', 'inner')
      r.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', join(r.root, '..', 'inner'), 'sub')
      r.commit('submodule')
      r.git('init', '--quiet', 'nested')
      r.write({ 'nested/mine.txt': 'mine\n' })
    },
    landed: (r) => expect([existsSync(join(r.root, 'sub/.git')), text(r, 'nested/mine.txt')]).toEqual([true, 'mine\n']),
  },
  {
    name: 'hooks and signing that would refuse everything',
    make: () => createRepository(FILES),
    shape(r) {
      for (const hook of ['pre-commit', 'commit-msg', 'reference-transaction', 'post-checkout', 'post-index-change'])
        writeFileSync(join(r.root, '.git/hooks', hook), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
      r.git('config', 'commit.gpgSign', 'true')
      r.git('config', 'gpg.program', '/bin/false')
    },
  },
  {
    name: 'settings that change what git prints',
    make: () => createRepository(FILES),
    shape(r) {
      for (const [name, value] of [
        ['status.short', 'true'],
        ['status.branch', 'true'],
        ['diff.noprefix', 'true'],
        ['diff.renames', 'copies'],
        ['color.ui', 'always'],
        ['core.quotePath', 'true'],
        ['status.relativePaths', 'false'],
        ['merge.conflictStyle', 'diff3'],
        ['merge.renames', 'false'],
        ['core.abbrev', '5'],
        ['log.showSignature', 'true'],
        ['status.showUntrackedFiles', 'no'],
        ['blame.showEmail', 'true'],
      ])
        r.git('config', name!, value!)
    },
  },
]

const made: TestRepository[] = []
afterEach(() => made.splice(0).forEach((repository) => repository.cleanup()))

describe.each(CASES)('landing in a repository with: $name', ({ make, shape, landed }) => {
  it('lands and undoes, and leaves the rest as it was', async () => {
    const repository = make()
    made.push(repository)
    shape?.(repository)
    repository.write({ 'c.txt': 'dirty\n', 'new.txt': 'untracked\n' })
    const before = repository.snapshot()
    const { landing, propose } = await openLanding(repository)
    const result = await landing.land(
      await propose([file('src/a.txt', '1\ntwo\n3\n'), file('lib/b.txt', 'B\n'), file('lib/ñ\n.txt', 'n\n')]),
    )
    expect(result).toMatchObject({ status: 'landed' })
    const after = repository.snapshot()
    expect(after.status).toBe(before.status)
    expect(text(repository, 'lib/ñ\n.txt')).toMatch(/^n\r?\n$/)
    landed?.(repository)
    const undone = await landing.undo({
      candidateId: 'c1',
      landedCommit: (result as { commit: string }).commit,
      targetRef: 'refs/heads/main',
      sign: false,
    })
    expect(undone.status).toBe('undone')
    expect({ ...repository.snapshot(), refs: '' }).toEqual({ ...before, refs: '' })
    expect(repository.git('fsck', '--no-dangling')).toBe('')
  })
})

describe('landing from elsewhere', () => {
  const openAt = async (repository: TestRepository, cwd: string) => {
    const env = testEnvironment(repository.root)
    const { db } = await openLanding(repository)
    const git = createGit(await discoverRepository({ cwd, env }), { env })
    const landing = createLanding({ git, db, clock: systemClock, processInfo: createProcessInfo(), settle: () => {} })
    return { git, landing }
  }

  it('a linked worktree moves the main one, and a bare main repository has worktrees only', async () => {
    const repository = createRepository(FILES)
    made.push(repository)
    const linked = join(repository.root, '..', 'linked')
    repository.git('worktree', 'add', '--quiet', '--detach', linked)
    const { git, landing } = await openAt(repository, linked)
    const before = hashFiles(linked)
    const base = (await git.resolve('HEAD'))!
    const { commit, tree } = await git.commitChanges({ base, message: 'x', changes: [file('c.txt', 'C\n')] })
    const request = { candidateId: 'c1', commit, base, targetRef: 'refs/heads/main', message: 'X\n', validatedTree: tree, sign: false }
    expect(await landing.land(request)).toMatchObject({ status: 'landed' })
    expect([text(repository, 'c.txt'), repository.git('status', '--porcelain')]).toEqual(['C\n', ''])
    expect(hashFiles(linked)).toEqual(before)
    repository.git('config', 'core.bare', 'true')
    expect(await landing.land({ ...request, targetRef: 'refs/heads/next', createAt: base })).toMatchObject({ status: 'landed' })
    git.close()
  })

  it('a branch checked out in a worktree whose folder is gone', async () => {
    const repository = createRepository(FILES)
    made.push(repository)
    const linked = join(repository.root, '..', 'linked')
    repository.git('worktree', 'add', '--quiet', '-b', 'feature', linked)
    const { landing, propose } = await openLanding(repository)
    const request = await propose([file('c.txt', 'C\n')], { targetRef: 'refs/heads/feature' })
    rmSync(linked, { recursive: true })
    expect(await landing.land(request)).toMatchObject({ status: 'landed' })
    expect(existsSync(linked)).toBe(false)
  })

  it('a shallow clone', async () => {
    const repository = createRepository(FILES)
    made.push(repository)
    repository.commit('second', { 'c.txt': 'c2\n' })
    const shallow = join(repository.root, '..', 'shallow')
    repository.git('clone', '--quiet', '--depth=1', `file://${repository.root}`, shallow)
    const { git, landing } = await openAt(repository, shallow)
    const base = (await git.resolve('HEAD'))!
    const { commit, tree } = await git.commitChanges({ base, message: 'x', changes: [file('c.txt', 'C\n')] })
    const me = { author: { name: 'A', email: 'a@b.c' }, sign: false, targetRef: 'refs/heads/main', candidateId: 'c1' }
    const result = await landing.land({ ...me, commit, base, message: 'X\n', validatedTree: tree })
    expect(result.status).toBe('landed')
    expect(await landing.undo({ ...me, landedCommit: (result as { commit: string }).commit })).toMatchObject({ status: 'undone' })
    expect(readFileSync(join(shallow, 'c.txt'), 'utf8')).toBe('c2\n')
    git.close()
  })
})
