import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createRepository, type TestRepository } from '../../support/repository.ts'

const made: TestRepository[] = []
const make = (...args: Parameters<typeof createRepository>): TestRepository => {
  const repository = createRepository(...args)
  made.push(repository)
  return repository
}
afterEach(() => made.splice(0).forEach((repository) => repository.cleanup()))

describe.each(['sha1', 'sha256'] as const)('git client (%s)', (objectFormat) => {
  it('reads trees without a working tree, by one process', async () => {
    const big = 'x'.repeat(1024 * 1024)
    const repository = make(
      { 'a.txt': 'one\n', 'dir/b \u00e9\n.txt': 'two', 'bin/tool': { text: '#!/bin/sh\n', mode: 0o755 }, link: { link: 'a.txt' }, big },
      { objectFormat },
    )
    const git = await repository.open()
    const reader = git.reader(await git.treeOf('HEAD'))
    expect((await reader.entries()).map((entry) => [entry.path, entry.mode, entry.size])).toEqual([
      ['a.txt', '100644', 4],
      ['big', '100644', 1024 * 1024],
      ['bin/tool', '100755', 10],
      ['dir/b \u00e9\n.txt', '100644', 3],
      ['link', '120000', 5],
    ])
    const [one, two, long, none] = await Promise.all([
      reader.text('a.txt'),
      reader.text('dir/b \u00e9\n.txt'),
      reader.text('big'),
      reader.read('missing'),
    ])
    expect([one, two, long, none]).toEqual(['one\n', 'two', big, undefined])
    await expect(git.reader('deadbeef').entries()).rejects.toMatchObject({ code: 'GIT_FAILED' })
  })

  it('commits changes by plumbing: nothing of the user moves', async () => {
    const repository = make({ 'keep.txt': 'k\n', 'old.txt': 'o\n', 'run.sh': { text: 'a\n', mode: 0o755 }, f: 'file' }, { objectFormat })
    repository.write({ 'keep.txt': 'dirty\n', 'new.txt': 'untracked\n' })
    repository.git('add', 'keep.txt')
    const before = repository.snapshot()
    const git = await repository.open()
    const base = repository.git('rev-parse', 'HEAD')
    const { commit, tree } = await git.commitChanges({
      base,
      message: 'try: ünïcode\n',
      changes: [
        { path: 'new\nline \u4e16.txt', content: Buffer.from([0, 255, 10]) },
        { path: 'old.txt', content: null },
        { path: 'run.sh', content: Buffer.from('b\n') },
        { path: 'f', content: null },
        { path: 'f/inner', content: Buffer.from('now a folder') },
        { path: 'ln', content: Buffer.from('keep.txt'), mode: '120000' },
      ],
    })
    expect(repository.snapshot()).toEqual(before)
    expect(repository.git('rev-parse', `${commit}^{tree}`)).toBe(tree)
    expect(repository.git('log', '-1', '--format=%an %s', commit)).toBe('Ada Example try: ünïcode')
    const changed = await git.changedFiles(base, commit)
    expect(changed.map((file) => [file.path, file.status, file.newMode])).toEqual([
      ['f', 'deleted', '000000'],
      ['f/inner', 'added', '100644'],
      ['ln', 'added', '120000'],
      ['new\nline \u4e16.txt', 'added', '100644'],
      ['old.txt', 'deleted', '000000'],
      ['run.sh', 'modified', '100755'],
    ])
    expect(await git.reader(commit).read('new\nline \u4e16.txt')).toEqual(Buffer.from([0, 255, 10]))
    expect(repository.git('fsck', '--no-dangling')).toBe('')
  })

  it('moves refs by compare-and-swap', async () => {
    const repository = make(undefined, { objectFormat })
    const git = await repository.open()
    const first = repository.git('rev-parse', 'HEAD')
    const second = repository.commit('feat: two', { 'two.txt': '2' })
    expect(await git.updateRef('refs/singularity/x', first, null, 'make')).toBe(true)
    expect(await git.updateRef('refs/singularity/x', second, null, 'make again')).toBe(false)
    expect(await git.updateRef('refs/singularity/x', second, second, 'wrong old')).toBe(false)
    expect(await git.updateRef('refs/singularity/x', second, first, 'move')).toBe(true)
    expect(await git.updateRef('refs/singularity/x', null, first, 'delete wrong')).toBe(false)
    expect(await git.updateRef('refs/singularity/x', null, second, 'delete')).toBe(true)
    expect(await git.resolve('refs/singularity/x')).toBeUndefined()
    writeFileSync(join(repository.root, '.git/refs/heads/main.lock'), '')
    await expect(git.updateRef('refs/heads/main', first, second, 'locked')).rejects.toMatchObject({ code: 'REPOSITORY_LOCKED' })
  })

  it('merges trees and names what conflicts', async () => {
    const repository = make({ 'a\n1': '1\n2\n3\n4\n5\n', b: 'b\n' }, { objectFormat })
    const git = await repository.open()
    const base = repository.git('rev-parse', 'HEAD')
    const edit = (content: string, path = 'a\n1') =>
      git.commitChanges({ base, message: 'x', changes: [{ path, content: Buffer.from(content) }] })
    const [one, two, other] = [await edit('1\n2\nX\n4\n5\n'), await edit('1\n2\nY\n4\n5\n'), await edit('B\n', 'b')]
    expect((await git.mergeTrees(one.commit, two.commit)).conflicts).toEqual(['a\n1'])
    const merged = await git.mergeTrees(one.commit, other.commit)
    expect(merged.conflicts).toEqual([])
    expect(await git.reader(merged.tree).text('a\n1')).toBe('1\n2\nX\n4\n5\n')
    expect(await git.reader(merged.tree).text('b')).toBe('B\n')
  })
})

describe('patches', () => {
  it('applies a diff to a commit, and says why where it cannot', async () => {
    const repository = make({ 'src/a.js': 'one\ntwo\n', 'b.bin': new Uint8Array([0, 1, 2]) })
    const git = await repository.open()
    const base = repository.git('rev-parse', 'HEAD')
    const next = await git.commitChanges({
      base,
      message: 'x',
      changes: [
        { path: 'src/a.js', content: Buffer.from('one\n2\n') },
        { path: 'b.bin', content: Buffer.from([9, 0]) },
      ],
    })
    const patch = Buffer.from(await git.diff(base, next.commit, { binary: true }))
    expect(await git.applyPatch(base, patch)).toEqual({ tree: next.tree })
    await expect(git.applyPatch(next.commit, patch)).rejects.toMatchObject({
      code: 'PATCH_INVALID',
      message: expect.stringContaining('src/a.js'),
    })
    await expect(git.applyPatch(base, Buffer.from(' \n'))).rejects.toMatchObject({ code: 'PATCH_INVALID' })
    await expect(git.applyPatch(base, Buffer.from('hello\n'))).rejects.toMatchObject({ code: 'PATCH_INVALID' })
    const evil = 'diff --git a/.git/config b/.git/config\nnew file mode 100644\n--- /dev/null\n+++ b/.git/config\n@@ -0,0 +1 @@\n+x\n'
    await expect(git.applyPatch(base, Buffer.from(evil))).rejects.toMatchObject({ code: 'PATCH_INVALID' })
    expect(repository.git('status', '--porcelain')).toBe('')
  })
})

describe('hardening', () => {
  it('ignores GIT_* of the caller, hooks, fsmonitor and external diffs', async () => {
    const repository = make({ a: '1\n' })
    const other = make({ z: 'z\n' })
    const trap = join(repository.root, '..', 'trap.sh')
    const mark = join(repository.root, '..', 'sprung')
    writeFileSync(trap, `#!/bin/sh\ntouch '${mark}'\n`, { mode: 0o755 })
    repository.git('config', 'core.fsmonitor', trap)
    repository.git('config', 'diff.external', trap)
    writeFileSync(join(repository.root, '.git/hooks/reference-transaction'), readFileSync(trap), { mode: 0o755 })
    const git = await repository.open({
      GIT_DIR: join(other.root, '.git'),
      GIT_INDEX_FILE: '/nowhere',
      GIT_EXTERNAL_DIFF: trap,
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'core.fsmonitor',
      GIT_CONFIG_VALUE_0: trap,
    })
    const base = (await git.resolve('HEAD'))!
    expect(git.repository.root).toBe(repository.root)
    const { commit } = await git.commitChanges({ base, message: 'x', changes: [{ path: 'a', content: Buffer.from('2\n') }] })
    expect(await git.diff(base, commit)).toContain('+2')
    await git.run(['status', '--porcelain'])
    await git.updateRef('refs/singularity/x', commit, null, 'x')
    expect(() => readFileSync(mark)).toThrow()
  })

  it('tells the identity, also from author.*, and its absence', async () => {
    const repository = make({ a: '1' }, { identity: false })
    expect(await (await repository.open()).identity()).toBeUndefined()
    repository.git('config', 'user.name', 'Bo')
    repository.git('config', 'author.email', 'bo@example.org')
    expect(await (await repository.open()).identity()).toEqual({ name: 'Bo', email: 'bo@example.org' })
    expect(await (await repository.open({ GIT_AUTHOR_NAME: 'Cy' })).identity()).toEqual({ name: 'Cy', email: 'bo@example.org' })
  })

  it('names worktrees with their branches and git directories', async () => {
    const repository = make()
    const path = join(repository.root, '..', 'other tree')
    repository.git('worktree', 'add', '--quiet', '-b', 'feature', path)
    const git = await repository.open()
    expect(await git.worktrees()).toMatchObject([
      { path: repository.root, branch: 'main', gitDir: join(repository.root, '.git') },
      { path, branch: 'feature', gitDir: join(repository.root, '.git/worktrees/other-tree') },
    ])
  })
})
