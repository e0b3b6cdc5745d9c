import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { IsolationKind } from '../../../src/core/sandbox/index.ts'
import { createSandboxRoom } from '../../../src/core/sandbox/machinery.ts'
import { hashFiles } from '../../support/repository.ts'
import { openSandboxBench, type SandboxBench } from '../../support/sandbox.ts'

let bench: SandboxBench
afterEach(() => bench.cleanup())

const worktreeAdmins = (): string[] => {
  const folder = join(bench.git.repository.commonDir, 'worktrees')
  return existsSync(folder) ? readdirSync(folder) : []
}
const folders = (): string[] => {
  const top = join(bench.state, 'singularity')
  return readdirSync(top).flatMap((name) => readdirSync(join(top, name, 'sandboxes')))
}
const rows = (): number => bench.db.all('SELECT id FROM sandbox').length

for (const kind of ['bubblewrap', 'none'] as const satisfies readonly IsolationKind[])
  describe(`a sandbox (${kind})`, () => {
    it('holds exactly the commit, and leaves nothing behind', async () => {
      bench = await openSandboxBench(
        { 'a.txt': 'a\n', 'bin/x': { text: '#!/bin/sh\n', mode: 0o755 }, link: { link: 'a.txt' }, 'd é\n/f': 'x' },
        { kind },
      )
      const before = bench.repository.snapshot()
      const sandbox = await bench.room.create({
        commit: bench.repository.git('rev-parse', 'HEAD'),
        purpose: 'validate',
        profile: bench.profile,
      })
      expect(hashFiles(sandbox.path)).toEqual(hashFiles(bench.repository.root))
      expect(existsSync(join(sandbox.path, '.git'))).toBe(false)
      expect([worktreeAdmins().length, folders().length, rows()]).toEqual([1, 1, 1])
      await sandbox.discard()
      await sandbox.discard()
      expect([worktreeAdmins(), folders(), rows()]).toEqual([[], [], 0])
      expect(bench.repository.snapshot()).toEqual(before)
      expect(existsSync(join(bench.git.repository.commonDir, 'worktrees'))).toBe(false)
    })

    it('runs at the path of the repository and is read through /out', async () => {
      bench = await openSandboxBench(undefined, { kind })
      const sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'validate', profile: bench.profile })
      const { root } = bench.repository
      const result = await sandbox.run({
        command: ['sh', '-c', `pwd; cat ${root}/src/b.txt; pwd > /out/where; mkdir -p /out/deep; echo 1 > /out/deep/r`],
        timeoutMs: 20_000,
      })
      expect(result.stdout).toBe(`${root}\nb\n`)
      expect((await sandbox.readOut('where'))?.toString()).toBe(`${root}\n`)
      expect((await sandbox.readOut('deep/r'))?.toString()).toBe('1\n')
      expect(await sandbox.readOut('none')).toBeUndefined()
      const below = await sandbox.run({ command: ['cat', 'b.txt'], cwd: 'src', timeoutMs: 20_000 })
      expect(below.stdout).toBe('b\n')
      await sandbox.clearOut()
      expect(await sandbox.readOut('where')).toBeUndefined()
    })

    it('moves to another commit whatever a run did to the tree', async () => {
      bench = await openSandboxBench(
        { 'a.txt': 'a\n', 'src/b.txt': 'b\n', 'src/c.txt': 'c\n', 'f.txt': 'f', 'g.txt': 'g', '.gitignore': 'dist\n' },
        { kind },
      )
      const first = bench.repository.git('rev-parse', 'HEAD')
      const second = bench.repository.commit('next', { 'a.txt': 'a2\n', 'src/c.txt': null, 'new/d.txt': 'd\n' })
      const expected = hashFiles(bench.repository.root)
      const sandbox = await bench.room.create({ commit: first, purpose: 'validate', profile: bench.profile })
      const mess = [
        'rm -r src && ln -s /etc src; echo x > a.txt; mkdir -p dist/deep nested/.git; touch dist/deep/f nested/.git/config',
        'printf z > same.tmp; touch -r f.txt same.tmp; cat same.tmp > f.txt; touch -r same.tmp f.txt; rm g.txt; mkdir g.txt; touch g.txt/x',
        'mkdir locked; touch locked/f; chmod 000 locked; mkfifo pipe; chmod 777 a.txt',
      ].join('; ')
      await sandbox.run({ command: ['sh', '-c', mess], timeoutMs: 20_000 })
      await sandbox.moveTo(second)
      expect(hashFiles(sandbox.path)).toEqual(expected)
      expect(sandbox.commit).toBe(second)
      expect(existsSync('/etc/passwd')).toBe(true)
      await sandbox.moveTo(first)
      expect(readFileSync(join(sandbox.path, 'src/c.txt'), 'utf8')).toBe('c\n')
      expect(existsSync(join(sandbox.path, 'new'))).toBe(false)
    })

    it('collects what an edit phase changed, as data', async () => {
      bench = await openSandboxBench(
        { 'a.txt': 'a\n', 'b.txt': 'b\n', 'c.txt': 'c\n', 'm.sh': 'x\n', '.gitignore': 'dist\n.env\n' },
        { kind },
      )
      writeFileSync(join(bench.repository.root, '.env'), 'S=1')
      const profile = { ...bench.profile, include: ['.env', '.git', '.GIT/config', '../outside'] }
      const sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'edit', profile })
      expect(await sandbox.collectChanges()).toEqual([])
      expect(readdirSync(sandbox.path).toSorted()).toEqual(['.env', '.gitignore', 'a.txt', 'b.txt', 'c.txt', 'm.sh'])
      const script = [
        'cat .env',
        'echo a2 > a.txt',
        'rm b.txt',
        'chmod +x m.sh',
        'mkdir -p dist new nested/.git; echo 1 > dist/x; echo 2 > new/f',
        'echo evil > nested/.git/config',
        'rm c.txt; ln -s /etc/passwd c.txt',
        'mkfifo pipe',
        'mkdir node_modules; echo 1 > node_modules/x',
        'echo S=2 > .env',
      ].join('; ')
      expect((await sandbox.run({ command: ['sh', '-c', script], timeoutMs: 20_000 })).stdout).toBe('S=1')
      const changes = await sandbox.collectChanges()
      expect(changes.map((each) => [each.path, each.mode, each.content === null ? null : Buffer.from(each.content).toString()])).toEqual([
        ['a.txt', '100644', 'a2\n'],
        ['b.txt', '100644', null],
        ['c.txt', '120000', '/etc/passwd'],
        ['m.sh', '100755', 'x\n'],
        ['new/f', '100644', '2\n'],
      ])
    })

    it('stores changed files as git add would: line ends and $Id$ by the attributes of the base', async () => {
      const files = {
        '.gitattributes': '*.txt text eol=crlf\n*.auto text=auto eol=crlf\n*.id ident\n*.w text working-tree-encoding=UTF-16LE eol=lf\n',
        'always.txt': 'a\nb\n',
        'same.txt': 'a\n',
        'new.auto': 'a\n',
        'plain.js': 'a\n',
        'a.id': '$Id$ a\n',
        'wide.w': Buffer.from('a\n', 'utf16le'),
        'binary.auto': Buffer.from([0, 13, 10]),
      }
      bench = await openSandboxBench(files, { kind })
      // a file that was committed with CRLF before there was an attribute
      const raw = join(bench.state, 'raw')
      writeFileSync(raw, 'a\r\nb\r\n')
      const oid = bench.repository.git('hash-object', '-w', '--no-filters', raw)
      bench.repository.git('update-index', '--add', '--cacheinfo', `100644,${oid},old.auto`)
      bench.repository.git('commit', '--quiet', '-m', 'old')
      const sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'edit', profile: bench.profile })
      expect(await sandbox.collectChanges()).toEqual([])
      const script = [
        "printf 'more\\r\\n' >> always.txt",
        'touch same.txt',
        "printf 'x\\r\\n' > made.txt",
        "printf 'a\\r\\nb\\r\\n' > new.auto",
        "printf 'c\\r\\n' >> old.auto",
        "printf '\\000\\r\\n\\r\\n' > binary.auto",
        "printf 'b\\r\\n' >> plain.js",
        'echo b >> a.id',
        "printf 'b\\000\\n\\000' >> wide.w",
      ].join('; ')
      await sandbox.run({ command: ['sh', '-c', script], timeoutMs: 20_000 })
      const changes = await sandbox.collectChanges()
      expect(Object.fromEntries(changes.map(({ path, content }) => [path, Buffer.from(content!).toString()]))).toEqual({
        'a.id': '$Id$ a\nb\n',
        'always.txt': 'a\nb\nmore\n',
        'binary.auto': '\0\r\n\r\n',
        'made.txt': 'x\n',
        'new.auto': 'a\nb\n',
        'old.auto': 'a\r\nb\r\nc\r\n',
        'plain.js': 'a\nb\r\n',
        'wide.w': 'a\nb\n',
      })
    })

    it('reads no link, no FIFO and nothing too large as a report', async () => {
      bench = await openSandboxBench(undefined, { kind })
      const sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'validate', profile: bench.profile })
      await sandbox.run({
        command: ['sh', '-c', 'cd /out; ln -s /etc/passwd link; mkfifo pipe; ln -s /etc dir; mkdir folder; head -c 2000 /dev/zero > big'],
        timeoutMs: 20_000,
      })
      for (const name of ['link', 'pipe', 'dir/passwd', 'folder', '../owner.json', '/etc/passwd', ''])
        expect(await sandbox.readOut(name)).toBeUndefined()
      expect(await sandbox.readOut('big', 1000)).toBeUndefined()
      expect((await sandbox.readOut('big', 2000))?.length).toBe(2000)
    })

    it('gives a repository of its own to suites that call git', async () => {
      bench = await openSandboxBench(undefined, { kind })
      const sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'validate', profile: { ...bench.profile, git: 'synthetic' } })
      const status = await sandbox.run({
        command: ['sh', '-c', 'git status --porcelain && git log --format=%s && git ls-files'],
        timeoutMs: 20_000,
      })
      expect(status.stdout).toBe('snapshot\na.txt\nsrc/b.txt\n')
      const second = bench.repository.commit('next', { 'z.txt': 'z\n' })
      await sandbox.moveTo(second)
      const moved = await sandbox.run({ command: ['sh', '-c', 'git status --porcelain && git ls-files'], timeoutMs: 20_000 })
      expect(moved.stdout).toBe('a.txt\nsrc/b.txt\nz.txt\n')
    })

    it('has node_modules at its place, and the original cannot be written', async () => {
      bench = await openSandboxBench(
        {
          'package.json': '{}',
          'packages/one/package.json': '{}',
          'packages/one/index.js': 'module.exports = "sandbox"\n',
          '.gitignore': 'node_modules\n',
        },
        { kind },
      )
      const { root } = bench.repository
      mkdirSync(join(root, 'node_modules/dep'), { recursive: true })
      mkdirSync(join(root, 'packages/one/node_modules/own'), { recursive: true })
      writeFileSync(join(root, 'node_modules/dep/index.js'), 'module.exports = "dep"\n')
      writeFileSync(join(root, 'packages/one/node_modules/own/index.js'), 'module.exports = "own"\n')
      symlinkSync('../packages/one', join(root, 'node_modules/one'))
      const profile = await bench.room.profile({ base: 'HEAD', binaries: ['node'], include: [], env: {}, git: 'none', services: [] })
      const sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'validate', profile })
      // a workspace link must lead to the sandbox's own package, not to the person's
      writeFileSync(join(root, 'packages/one/index.js'), 'module.exports = "live"\n')
      const script = "console.log(require('dep'), require('one'), require('./packages/one/node_modules/own'))"
      const result = await sandbox.run({ command: ['node', '-e', script], timeoutMs: 20_000 })
      expect(result.stderr).toBe('')
      expect(result.stdout).toBe('dep sandbox own\n')
      await sandbox.run({
        command: ['sh', '-c', 'echo hacked > node_modules/dep/index.js; echo hacked > packages/one/node_modules/own/index.js'],
        timeoutMs: 20_000,
      })
      expect(readFileSync(join(root, 'node_modules/dep/index.js'), 'utf8')).toContain('dep')
      expect(readFileSync(join(root, 'packages/one/node_modules/own/index.js'), 'utf8')).toContain('own')
      expect(await sandbox.collectChanges()).toEqual([])
    })

    it('starts services in the same network before the command, and ends them', async () => {
      bench = await openSandboxBench(
        { 'server.js': "require('net').createServer((s)=>s.end('hello')).listen(Number(process.argv[2]),'127.0.0.1')\n" },
        { kind },
      )
      const port = 20_000 + (process.pid % 20_000)
      const services = [`tcp:${port} node server.js ${port}`]
      const sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'validate', profile: { ...bench.profile, services } })
      const client = `require('net').connect(${port},'127.0.0.1').on('data',(d)=>console.log(String(d)))`
      const result = await sandbox.run({ command: ['node', '-e', client], timeoutMs: 20_000 })
      expect(result).toMatchObject({ exitCode: 0, stdout: 'hello\n', leftovers: false })
      const broken = await bench.room.create({
        commit: 'HEAD',
        purpose: 'validate',
        profile: { ...bench.profile, services: ['echo no luck; exit 1'] },
      })
      const failed = await broken.run({ command: ['echo', 'never'], timeoutMs: 20_000 })
      expect(failed).toMatchObject({ exitCode: 125, stdout: '' })
      expect(failed.stderr).toContain('no luck')
    })

    it('ends a run that fills the disk', async () => {
      bench = await openSandboxBench(undefined, { kind, deps: { limits: { maxDiskBytes: 8 * 1024 ** 2 } } })
      const sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'validate', profile: bench.profile })
      const result = await sandbox.run({
        command: ['sh', '-c', 'i=0; while :; do i=$((i+1)); head -c 1000000 /dev/zero > f$i; sleep 0.01; done'],
        timeoutMs: 30_000,
      })
      expect(result).toMatchObject({ limit: 'disk', timedOut: false, cancelled: false })
    })
  })

const canMount = process.getuid?.() === 0 && process.platform === 'linux'

describe('a disk that does not do', () => {
  const onTmpfs = async (options: string, body: (stateHome: string) => Promise<void>): Promise<void> => {
    bench = await openSandboxBench({ 'big.bin': Buffer.alloc(3 * 1024 * 1024, 7) })
    const mountPoint = join(bench.state, 'small')
    mkdirSync(mountPoint)
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', mountPoint])
    try {
      await body(mountPoint)
    } finally {
      execFileSync('umount', ['-l', mountPoint])
    }
  }

  it.skipIf(!canMount)('is named when it is full, and nothing is left on it', async () => {
    await onTmpfs('size=1m', async (stateHome) => {
      const before = bench.repository.snapshot()
      const room = createSandboxRoom({ ...bench.deps, stateHome })
      await expect(room.create({ commit: 'HEAD', purpose: 'validate', profile: bench.profile })).rejects.toMatchObject({
        code: 'DISK_FULL',
        exitCode: 6,
      })
      expect([worktreeAdmins(), rows()]).toEqual([[], 0])
      expect(bench.repository.snapshot()).toEqual(before)
    })
  })

  it.skipIf(!canMount)('is named when it is read-only', async () => {
    await onTmpfs('size=8m', (stateHome) => {
      const room = createSandboxRoom({ ...bench.deps, stateHome })
      execFileSync('mount', ['-o', 'remount,ro', stateHome])
      return expect(room.create({ commit: 'HEAD', purpose: 'validate', profile: bench.profile })).rejects.toMatchObject({
        code: 'READ_ONLY',
        exitCode: 6,
      })
    })
  })
})

describe('worktrees', () => {
  it('runs no hook and writes no configuration', async () => {
    bench = await openSandboxBench()
    const { root } = bench.repository
    const mark = join(bench.state, 'hook-ran')
    writeFileSync(join(root, '.git/hooks/post-checkout'), `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 })
    const before = readFileSync(join(root, '.git/config'), 'utf8')
    writeFileSync(join(root, '.git/config.lock'), '')
    const sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'validate', profile: bench.profile })
    await sandbox.moveTo(bench.repository.git('rev-parse', 'HEAD'))
    await sandbox.discard()
    expect(existsSync(mark)).toBe(false)
    expect(readFileSync(join(root, '.git/config'), 'utf8')).toBe(before)
  })

  it('survives eight creations at once', async () => {
    bench = await openSandboxBench()
    const sandboxes = await Promise.all(
      Array.from({ length: 8 }, () => bench.room.create({ commit: 'HEAD', purpose: 'validate', profile: bench.profile })),
    )
    expect(new Set(sandboxes.map((each) => each.path)).size).toBe(8)
    for (const each of sandboxes) expect(hashFiles(each.path)).toEqual(hashFiles(bench.repository.root))
    await Promise.all(sandboxes.map((each) => each.discard()))
    expect([worktreeAdmins(), folders(), rows()]).toEqual([[], [], 0])
  })

  it('is not pruned by the person, and does not disturb his own worktrees', async () => {
    bench = await openSandboxBench()
    const own = join(bench.state, 'own')
    bench.repository.git('worktree', 'add', '-q', own, '-b', 'side')
    const sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'validate', profile: bench.profile })
    bench.repository.git('worktree', 'prune', '--expire=now')
    expect(worktreeAdmins().length).toBe(2)
    expect(execFileSync('git', ['status', '--porcelain'], { cwd: own, encoding: 'utf8' })).toBe('')
    await sandbox.discard()
    expect(worktreeAdmins()).toEqual(['own'])
  })

  it('leaves submodules empty and their entry unchanged', async () => {
    bench = await openSandboxBench({ 'a.txt': 'a\n' })
    const head = bench.repository.git('rev-parse', 'HEAD')
    bench.repository.git('update-index', '--add', '--cacheinfo', `160000,${head},sub`)
    bench.repository.git('commit', '-q', '-m', 'sub')
    const sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'edit', profile: bench.profile })
    expect(readdirSync(join(sandbox.path, 'sub'))).toEqual([])
    expect(await sandbox.collectChanges()).toEqual([])
    await sandbox.run({ command: ['touch', 'sub/left'], timeoutMs: 20_000 })
    await sandbox.moveTo('HEAD')
    expect(readdirSync(join(sandbox.path, 'sub'))).toEqual([])
    await sandbox.moveTo(head)
    expect(existsSync(join(sandbox.path, 'sub'))).toBe(false)
  })

  it('says what is wrong with an unknown commit, and leaves nothing', async () => {
    bench = await openSandboxBench()
    await expect(bench.room.create({ commit: 'nope', purpose: 'validate', profile: bench.profile })).rejects.toMatchObject({
      code: 'REV_INVALID',
    })
    const absent = bench.repository.git('rev-parse', 'HEAD').replace(/./g, '1')
    await expect(bench.room.create({ commit: absent, purpose: 'validate', profile: bench.profile })).rejects.toMatchObject({
      code: 'GIT_FAILED',
    })
    expect([worktreeAdmins(), folders(), rows()]).toEqual([[], [], 0])
  })
})
