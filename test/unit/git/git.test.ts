import { chmodSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Git, createGit, discoverRepository, repositoryState } from '../../../src/core/git/index.ts'
import { type TestRepository, createRepository } from '../../support/repository.ts'

describe('git', () => {
  let repository: TestRepository
  let git: Git

  beforeEach(async () => {
    repository = createRepository({ 'a.txt': 'one\ntwo\nthree\n', 'src/ü b.txt': 'x\n', 'line\nbreak.txt': 'n\n' })
    git = createGit(await discoverRepository({ cwd: repository.root, env: repository.env }), { env: repository.env })
  })
  afterEach(() => {
    git.close()
    repository.cleanup()
  })

  test('finds the repository from a folder below its top', async () => {
    const found = await discoverRepository({ cwd: join(repository.root, 'src'), env: repository.env })
    expect(found).toMatchObject({ root: repository.root, prefix: 'src', commonDir: join(repository.root, '.git'), objectFormat: 'sha1', shallow: false })
  })

  test('ignores GIT_DIR of an outer hook', async () => {
    const env = { ...repository.env, GIT_DIR: '/nonexistent', GIT_INDEX_FILE: '/nonexistent' }
    expect((await discoverRepository({ cwd: repository.root, env })).root).toBe(repository.root)
  })

  test('says what is wrong with a folder that is no repository, bare, or a .git', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'singularity-test-'))
    await expect(discoverRepository({ cwd: empty, env: repository.env })).rejects.toMatchObject({ code: 'NOT_A_REPOSITORY', exitCode: 6 })
    repository.git('clone', '-q', '--bare', '.', join(empty, 'bare.git'))
    await expect(discoverRepository({ cwd: join(empty, 'bare.git'), env: repository.env })).rejects.toMatchObject({ code: 'BARE_REPOSITORY' })
    await expect(discoverRepository({ cwd: join(repository.root, '.git'), env: repository.env })).rejects.toMatchObject({ code: 'NOT_A_REPOSITORY' })
  })

  test('reads trees with odd names', async () => {
    const reader = git.reader('HEAD')
    expect((await reader.entries()).map(({ path }) => path).toSorted()).toEqual(['a.txt', 'line\nbreak.txt', 'src/ü b.txt'])
    expect(await reader.text('line\nbreak.txt')).toBe('n\n')
    expect(await reader.read('nowhere')).toBeUndefined()
  })

  test('commits changes without touching anything of the user', async () => {
    repository.write('dirty.txt', 'mine')
    const before = repository.snapshot()
    const base = (await git.resolve('HEAD'))!
    const { commit, tree } = await git.commitChanges({
      base,
      changes: [
        { path: 'a.txt', content: Buffer.from('one\n2\nthree\n') },
        { path: 'src/ü b.txt', content: null },
        { path: 'new\nfile', content: Buffer.from('new'), mode: '100755' },
      ],
      message: 'change',
    })
    expect(repository.snapshot()).toEqual(before)
    expect(await git.treeOf(commit)).toBe(tree)
    expect((await git.changedFiles(base, commit)).map(({ path, status, newMode }) => [path, status, newMode])).toEqual([
      ['a.txt', 'modified', '100644'],
      ['new\nfile', 'added', '100755'],
      ['src/ü b.txt', 'deleted', '000000'],
    ])
  })

  test('applies a patch to a tree, or says why not', async () => {
    const base = (await git.resolve('HEAD'))!
    const { commit } = await git.commitChanges({ base, changes: [{ path: 'a.txt', content: Buffer.from('one\n2\nthree\n') }], message: 'm' })
    const patch = Buffer.from(await git.diff(base, commit))
    expect((await git.applyPatch(base, patch)).tree).toBe(await git.treeOf(commit))
    await expect(git.applyPatch(commit, patch)).rejects.toMatchObject({ code: 'PATCH_INVALID', message: expect.stringContaining('a.txt') })
    await expect(git.applyPatch(base, Buffer.from('  \n'))).rejects.toMatchObject({ code: 'PATCH_INVALID' })
    await expect(git.applyPatch(base, Buffer.from('not a patch'))).rejects.toMatchObject({ code: 'PATCH_INVALID' })
  })

  test('moves a ref only from the value it was told', async () => {
    const base = (await git.resolve('HEAD'))!
    const { commit } = await git.commitChanges({ base, changes: [{ path: 'z', content: Buffer.from('z') }], message: 'm' })
    expect(await git.updateRef('refs/singularity/x', base, null, 'make')).toBe(true)
    expect(await git.updateRef('refs/singularity/x', commit, null, 'make')).toBe(false)
    expect(await git.updateRef('refs/singularity/x', base, commit, 'swap')).toBe(false)
    expect(await git.updateRef('refs/singularity/x', commit, base, 'swap')).toBe(true)
    expect(await git.updateRef('refs/singularity/x', null, commit, 'drop')).toBe(true)
    expect(await git.resolve('refs/singularity/x')).toBeUndefined()
  })

  test('merges trees and names the conflicts', async () => {
    const base = (await git.resolve('HEAD'))!
    const change = async (text: string) => (await git.commitChanges({ base, changes: [{ path: 'a.txt', content: Buffer.from(text) }], message: 'm' })).commit
    const [first, last, other] = [await change('1\ntwo\nthree\n'), await change('one\ntwo\n3\n'), await change('eins\ntwo\nthree\n')]
    const clean = await git.mergeTrees(first!, last!)
    expect(clean.conflicts).toEqual([])
    expect(await git.reader(clean.tree).text('a.txt')).toBe('1\ntwo\n3\n')
    expect((await git.mergeTrees(first!, other!)).conflicts).toEqual(['a.txt'])
  })

  test('runs no hook, no monitor and no external diff of the repository', async () => {
    repository.write('.git/hooks/reference-transaction', '#!/bin/sh\ntouch hook-ran\n')
    chmodSync(join(repository.root, '.git/hooks/reference-transaction'), 0o755)
    mkdirSync(join(repository.root, 'bin'))
    repository.git('config', 'core.fsmonitor', 'touch monitor-ran')
    repository.git('config', 'diff.external', 'touch diff-ran')
    const base = (await git.resolve('HEAD'))!
    const { commit } = await git.commitChanges({ base, changes: [{ path: 'z', content: Buffer.from('z') }], message: 'm' })
    await git.diff(base, commit)
    await git.updateRef('refs/singularity/x', base, null, 'make')
    expect(readdirSync(repository.root).filter((name) => name.endsWith('-ran'))).toEqual([])
    repository.git('status') // the trap is armed: the user's own git does fall into it
    expect(readdirSync(repository.root).filter((name) => name.endsWith('-ran'))).toEqual(['monitor-ran'])
  })

  test('lists worktrees and what the user is in the middle of', async () => {
    const other = join(mkdtempSync(join(tmpdir(), 'singularity-test-')), 'other')
    repository.git('worktree', 'add', '-q', '-b', 'side', other)
    expect((await git.worktrees()).map(({ branch }) => branch)).toEqual(['work', 'side'])
    expect(repositoryState(git.repository)).toEqual({ operation: null, locks: [] })
    repository.write('.git/MERGE_HEAD', 'x')
    symlinkSync('x', join(repository.root, '.git', 'index.lock.not'))
    repository.write('.git/index.lock', '')
    expect(repositoryState(git.repository)).toEqual({ operation: 'merge', locks: [join(repository.root, '.git', 'index.lock')] })
    expect((await discoverRepository({ cwd: other, env: repository.env })).commonDir).toBe(join(repository.root, '.git'))
  })
})
