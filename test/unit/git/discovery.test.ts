import { chownSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { discoverRepository, headCommit, repositoryState } from '../../../src/core/git/index.ts'
import { createRepository, testEnvironment, type TestRepository } from '../../support/repository.ts'

const made: TestRepository[] = []
const folders: string[] = []
const make = (...args: Parameters<typeof createRepository>): TestRepository => {
  const repository = createRepository(...args)
  made.push(repository)
  return repository
}
const folder = (): string => {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'singularity-test-')))
  folders.push(path)
  return path
}
const find = (cwd: string, env: Record<string, string | undefined> = {}) =>
  discoverRepository({ cwd, env: { ...testEnvironment(cwd), ...env } })
afterEach(() => {
  made.splice(0).forEach((repository) => repository.cleanup())
  folders.splice(0).forEach((path) => rmSync(path, { recursive: true, force: true }))
})

describe('discoverRepository', () => {
  it('works in a folder of the tree, through a symbolic link, with odd names', async () => {
    const repository = make({ 'a/b/c.txt': '1' }, { name: 'odd\nname' })
    const link = join(repository.root, '..', 'link')
    symlinkSync(repository.root, link)
    expect(await find(join(link, 'a/b'))).toEqual({
      root: repository.root,
      gitDir: join(repository.root, '.git'),
      commonDir: join(repository.root, '.git'),
      objectFormat: 'sha1',
      prefix: 'a/b',
      shallow: false,
    })
    const git = await repository.open()
    const { tree } = await git.commitChanges({ base: 'HEAD', message: 'x', changes: [{ path: 'n', content: Buffer.from('1') }] })
    expect(await git.reader(tree).text('n')).toBe('1')
  })

  it('works in linked worktrees, submodules, shallow clones and sha256 repositories', async () => {
    const repository = make({ a: '1' }, { objectFormat: 'sha256' })
    repository.commit('two', { a: '2' })
    const linked = join(repository.root, '..', 'linked')
    repository.git('worktree', 'add', '--quiet', '--detach', linked)
    expect(await find(linked)).toMatchObject({
      root: linked,
      gitDir: join(repository.root, '.git/worktrees/linked'),
      commonDir: join(repository.root, '.git'),
      objectFormat: 'sha256',
    })
    const shallow = join(repository.root, '..', 'shallow')
    repository.git('clone', '--quiet', '--depth=1', `file://${repository.root}`, shallow)
    expect(await find(shallow)).toMatchObject({ root: shallow, shallow: true })
    const outer = make()
    const inner = make({ s: '1' })
    outer.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.root, 'sub')
    expect(await find(join(outer.root, 'sub'))).toMatchObject({
      root: join(outer.root, 'sub'),
      gitDir: join(outer.root, '.git/modules/sub'),
    })
  })

  it('refuses what is no working tree of ours', async () => {
    const empty = folder()
    await expect(find(empty)).rejects.toMatchObject({ code: 'NOT_A_REPOSITORY', exitCode: 6 })
    await expect(find(join(make().root, '.git'))).rejects.toMatchObject({ code: 'NOT_A_REPOSITORY' })
    const bare = make()
    bare.git('clone', '--quiet', '--bare', bare.root, join(bare.root, '..', 'bare.git'))
    await expect(find(join(bare.root, '..', 'bare.git'))).rejects.toMatchObject({ code: 'BARE_REPOSITORY', exitCode: 6 })
  })

  it.skipIf(process.getuid?.() !== 0)("reports another user's repository and adds nothing to safe.directory", async () => {
    const repository = make()
    chownSync(repository.root, 12345, 12345)
    chownSync(join(repository.root, '.git'), 12345, 12345)
    await expect(find(repository.root)).rejects.toMatchObject({
      code: 'WRONG_OWNER',
      exitCode: 6,
      hints: [expect.stringContaining('safe.directory')],
    })
  })

  it('reports a missing and an old git', async () => {
    const repository = make()
    const bin = folder()
    await expect(find(repository.root, { PATH: bin })).rejects.toMatchObject({ code: 'GIT_MISSING', exitCode: 6 })
    writeFileSync(
      join(bin, 'git'),
      '#!/bin/sh\nfor a; do case $a in version) echo git version 2.37.9; exit;; esac; done\nexec /usr/bin/git "$@"\n',
      { mode: 0o755 },
    )
    await expect(find(repository.root, { PATH: bin })).rejects.toMatchObject({
      code: 'GIT_MISSING',
      message: expect.stringContaining('2.37.9'),
    })
  })
})

describe('repositoryState', () => {
  it('tells an unborn branch apart', async () => {
    const git = await make(null).open()
    expect(await repositoryState(git)).toEqual({ operation: null, locks: [], detached: false, unborn: true })
    await expect(headCommit(git)).rejects.toMatchObject({ code: 'NO_COMMIT', exitCode: 6 })
  })

  it('sees operations, locks and a detached head', async () => {
    const repository = make({ a: '1\n' })
    repository.git('checkout', '--quiet', '-b', 'side')
    repository.commit('side', { a: '2\n' })
    repository.git('checkout', '--quiet', 'main')
    repository.commit('main', { a: '3\n' })
    const git = await repository.open()
    const started = (...args: string[]) => expect(() => repository.git(...args)).toThrow()
    started('merge', 'side')
    expect((await repositoryState(git)).operation).toBe('merge')
    repository.git('merge', '--abort')
    started('rebase', 'side')
    expect(await repositoryState(git)).toMatchObject({ operation: 'rebase', detached: true })
    repository.git('rebase', '--abort')
    started('cherry-pick', 'side')
    expect((await repositoryState(git)).operation).toBe('cherry-pick')
    repository.git('cherry-pick', '--abort')
    repository.git('bisect', 'start')
    expect((await repositoryState(git)).operation).toBe('bisect')
    repository.git('bisect', 'reset')
    for (const name of ['index.lock', 'config.lock']) writeFileSync(join(repository.root, '.git', name), '')
    expect(await repositoryState(git)).toMatchObject({
      operation: null,
      locks: [join(repository.root, '.git/index.lock'), join(repository.root, '.git/config.lock')],
    })
  })
})
