import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { findToolchains, locate, outermost, toolchainRoot } from '../../../src/core/sandbox/toolchains.ts'
import { openSandboxBench, type SandboxBench } from '../../support/sandbox.ts'
import { temporaryFolder } from '../../support/isolation.ts'

let bench: SandboxBench | undefined
afterEach(() => {
  bench?.cleanup()
  bench = undefined
})
const PATH = process.env['PATH'] ?? ''
const HOME = process.env['HOME'] ?? '/root'
const has = (name: string): boolean => locate(name, { path: PATH }) !== undefined
const profileFor = (binaries: string[], extra = {}) =>
  bench!.room.profile({ base: 'HEAD', binaries, include: [], env: {}, git: 'none', services: [], ...extra })

describe('tool chains', () => {
  it('binds a version folder, never a home', () => {
    expect(toolchainRoot('/home/ada/.nvm/versions/node/v20.1.0/bin/node', '/home/ada')).toBe('/home/ada/.nvm/versions/node/v20.1.0')
    expect(toolchainRoot('/home/ada/.local/bin/tool', '/home/ada')).toBe('/home/ada/.local/bin/tool')
    expect(toolchainRoot('/home/ada/bin/tool', '/home/ada')).toBe('/home/ada/bin/tool')
    expect(toolchainRoot('/nix/store/abc-node/bin/node', '/home/ada')).toBe('/nix/store')
    expect(toolchainRoot('/home/ada/.volta/tools/image/node/20/bin/node', '/home/ada')).toBe('/home/ada/.volta/tools/image/node/20')
    expect(outermost(['/a/b/c', '/a/b', '/a/bc'])).toEqual(['/a/b', '/a/bc'])
  })

  it('follows links and scripts to the interpreter, and names what is missing', async () => {
    const folder = temporaryFolder()
    const bin = (name: string): string => join(folder.path, name, 'bin')
    for (const name of ['node', 'tool', 'path']) mkdirSync(bin(name), { recursive: true })
    writeFileSync(join(bin('node'), 'mynode'), '#!/bin/sh\nexec node "$@"\n')
    writeFileSync(join(bin('tool'), 'tool'), '#!/usr/bin/env mynode\n')
    for (const path of [join(bin('node'), 'mynode'), join(bin('tool'), 'tool')]) chmodSync(path, 0o755)
    symlinkSync(join(bin('tool'), 'tool'), join(bin('path'), 'tool'))
    const found = await findToolchains(['tool', 'nowhere'], {
      path: `${bin('path')}:${bin('node')}:/usr/bin:/bin`,
      home: '/home/x',
      cwd: '/',
    })
    expect(found.missing).toEqual(['nowhere'])
    expect(found.mounts.map((mount) => mount.to)).toEqual([join(folder.path, 'node'), join(bin('path'), 'tool'), join(folder.path, 'tool')])
    expect(found.mounts.every((mount) => mount.mode === 'ro')).toBe(true)
    folder.remove()
  })

  it('follows a program of the repository to its interpreter only', async () => {
    const folder = temporaryFolder()
    const repository = join(folder.path, 'repository')
    mkdirSync(join(repository, 'node_modules/.bin'), { recursive: true })
    mkdirSync(join(folder.path, 'chain/bin'), { recursive: true })
    writeFileSync(join(folder.path, 'chain/bin/mynode'), '')
    writeFileSync(join(repository, 'node_modules/.bin/x'), '#!/usr/bin/env mynode\n')
    for (const path of ['chain/bin/mynode', 'repository/node_modules/.bin/x']) chmodSync(join(folder.path, path), 0o755)
    for (const name of ['node_modules/.bin/x', join(repository, 'node_modules/.bin/x')]) {
      const found = await findToolchains([name], { path: join(folder.path, 'chain/bin'), home: '/home/x', cwd: repository })
      expect(found.mounts.map((mount) => mount.to)).toEqual([join(folder.path, 'chain')])
    }
    folder.remove()
  })

  /** A manager that knows its versions only where this variable names its folder, and only for its owner's home. */
  const manager = (variable: string, root: string, home: string): string =>
    `#!/bin/sh\n[ "$${variable}" = "${root}" ] && [ "$HOME" = "${home}" ] && [ "$1" = which ] && echo "${root}/versions/1/bin/$2"\n`
  const envShim = (root: string, command: string): string =>
    `#!/bin/sh\nset -e\nexport PYENV_ROOT="${root}"\nexec "${command}" exec "\${0##*/}" "$@"\n`

  it.each([
    ['pyenv', '.pyenv/shims/python3', '.pyenv/bin/pyenv', 'PYENV_ROOT', ''],
    ['pyenv in a folder of another name', 'py/shims/python3', 'py/libexec/pyenv', 'PYENV_ROOT', 'py/libexec/pyenv'],
    ['rbenv', '.rbenv/shims/ruby', '.rbenv/bin/rbenv', 'RBENV_ROOT', ''],
    ['volta', '.volta/bin/node', '.volta/bin/volta', 'VOLTA_HOME', ''],
    ['asdf', '.asdf/shims/node', '.asdf/bin/asdf', 'ASDF_DATA_DIR', ''],
    ['mise', '.local/share/mise/shims/node', 'bin/mise', 'MISE_DATA_DIR', ''],
    ['rustup', '.cargo/bin/cargo', '.cargo/bin/rustup', 'CARGO_HOME', ''],
    ['rustup for all', 'cargo/bin/cargo', 'cargo/bin/rustup', 'CARGO_HOME', ''],
  ])('asks the manager behind a shim where the shim lies, not in HOME: %s', async (_name, shim, command, variable, inside) => {
    const folder = temporaryFolder()
    try {
      const home = realpathSync(folder.path)
      const [path, root] = [join(home, shim), join(home, shim.split(/\/(?:shims|bin)\//)[0]!)]
      const name = path.split('/').at(-1)!
      const put = (at: string, text: string): void => {
        mkdirSync(join(at, '..'), { recursive: true })
        writeFileSync(at, text, { mode: 0o755 })
      }
      put(path, inside === '' ? '#!/bin/sh\nexit 9\n' : envShim(root, join(home, inside)))
      put(join(home, command), manager(variable, root, home))
      put(join(root, 'versions/1/bin', name), '')
      const found = await findToolchains([name], {
        path: `${join(path, '..')}:${join(home, 'bin')}:/usr/bin:/bin`,
        home: '/home/somebody-else',
        cwd: '/',
      })
      expect(found.folders[0]).toBe(join(root, 'versions/1/bin'))
      expect(found.mounts).toEqual([{ from: join(root, 'versions/1'), to: join(root, 'versions/1'), mode: 'ro' }])
    } finally {
      folder.remove()
    }
  })

  it("never opens the home of somebody else, nor a manager's folder with what it knows", () => {
    for (const program of ['/home/eve/bin/tool', '/Users/eve/bin/tool', '/home/eve/.cargo/bin/rustup', '/srv/x/.volta/bin/volta-shim'])
      expect(toolchainRoot(program, '/home/ada')).toBe(program)
  })

  it('needs nothing for programs of the system', async () => {
    expect(await findToolchains(['sh', '/usr/bin/env'], { path: '/usr/bin:/bin', home: '/home/x', cwd: '/' })).toMatchObject({
      mounts: [],
      missing: [],
    })
  })
})

describe('the profile in a jail', () => {
  it.skipIf(!has('python3'))(
    'runs the Python the person runs, shims resolved, and an editable install leads into the sandbox',
    async () => {
      bench = await openSandboxBench({
        'pyproject.toml': '[project]\nname="mine"\n',
        'src/mine/__init__.py': 'WHO = "sandbox"\n',
        '.gitignore': '.venv\n',
      })
      const { root } = bench.repository
      execFileSync('python3', ['-m', 'venv', '--without-pip', join(root, '.venv')])
      const site = join(root, '.venv/lib', readdirSync(join(root, '.venv/lib'))[0]!, 'site-packages')
      writeFileSync(join(site, '__editable__.mine.pth'), `${root}/src\n`)
      writeFileSync(join(root, '.venv/bin/mine'), `#!${root}/.venv/bin/python\nimport mine\nprint(mine.WHO, mine.__file__)\n`, {
        mode: 0o755,
      })
      const profile = await profileFor(['python3'])
      const sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'validate', profile })
      writeFileSync(join(root, 'src/mine/__init__.py'), 'WHO = "live"\n')
      const result = await sandbox.run({ command: ['mine'], timeoutMs: 20_000 })
      expect(result.stderr).toBe('')
      expect(result.stdout).toBe(`sandbox ${root}/src/mine/__init__.py\n`)
      const version = await sandbox.run({ command: ['python3', '-c', 'import sys; print(sys.prefix); open("x","w")'], timeoutMs: 20_000 })
      expect(version.stdout).toBe(`${root}/.venv\n`)
      const write = await sandbox.run({ command: ['touch', '.venv/x'], timeoutMs: 20_000 })
      expect(write.exitCode).not.toBe(0)
    },
  )

  it.skipIf(!has('go'))('runs go with a build cache that is warmed once and then only read', async () => {
    bench = await openSandboxBench({
      'go.mod': 'module example.org/m\n\ngo 1.19\n',
      'm.go': 'package m\n\nfunc One() int { return 1 }\n',
      'm_test.go': 'package m\n\nimport "testing"\n\nfunc TestOne(t *testing.T) {\n\tif One() != 1 {\n\t\tt.Fatal()\n\t}\n}\n',
    })
    const profile = await profileFor(['go'])
    const layer = profile.mounts.find((mount) => mount.mode === 'overlay')!
    const first = await bench.room.create({ commit: 'HEAD', purpose: 'baseline', profile })
    const command = { command: ['go', 'test', './...'], timeoutMs: 120_000 }
    const cold = await first.run(command)
    expect(cold).toMatchObject({ exitCode: 0 })
    const warmed = readdirSync(layer.from).length
    expect(warmed).toBeGreaterThan(10)
    const second = await bench.room.create({ commit: 'HEAD', purpose: 'validate', profile })
    const warm = await second.run(command)
    expect(warm).toMatchObject({ exitCode: 0 })
    expect(warm.cpuMs!).toBeLessThan(cold.cpuMs! / 2)
    await second.run({ command: ['sh', '-c', 'rm -rf "$GOCACHE"/*; echo bad > "$GOCACHE/bad"'], timeoutMs: 20_000 })
    expect(readdirSync(layer.from).length).toBe(warmed)
    expect(existsSync(join(layer.from, 'bad'))).toBe(false)
  })

  it.skipIf(!has('cargo'))('runs cargo from the real tool chain behind rustup', async () => {
    bench = await openSandboxBench({
      'Cargo.toml': '[package]\nname = "m"\nversion = "0.1.0"\nedition = "2021"\n',
      'Cargo.lock': 'version = 3\n\n[[package]]\nname = "m"\nversion = "0.1.0"\n',
      'src/lib.rs': '#[test]\nfn one() { assert_eq!(1, 1) }\n',
    })
    const profile = await profileFor(['cargo'])
    expect(profile.mounts.some((mount) => mount.to === HOME || mount.to === join(HOME, '.cargo'))).toBe(false)
    const sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'validate', profile })
    const result = await sandbox.run({ command: ['cargo', 'test', '--offline'], timeoutMs: 120_000 })
    expect(result.stderr + result.stdout).toContain('1 passed')
    expect(existsSync(join(sandbox.path, 'target'))).toBe(false)
  })

  it('gives node_modules copy-on-write where a suite must write', async () => {
    bench = await openSandboxBench({ 'package.json': '{}', '.gitignore': 'node_modules\n' })
    const modules = join(bench.repository.root, 'node_modules')
    mkdirSync(modules)
    writeFileSync(join(modules, 'x'), 'x')
    const profile = await profileFor(['node'], { dependencies: 'overlay' })
    const sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'validate', profile })
    expect((await sandbox.run({ command: ['sh', '-c', 'echo y > node_modules/x; cat node_modules/x'], timeoutMs: 20_000 })).stdout).toBe(
      'y\n',
    )
    expect(readFileSync(join(modules, 'x'), 'utf8')).toBe('x')
    await sandbox.moveTo('HEAD')
    expect((await sandbox.run({ command: ['cat', 'node_modules/x'], timeoutMs: 20_000 })).stdout).toBe('x')
  })

  it('binds an outside node_modules where a link leads to it, and empties its caches', async () => {
    bench = await openSandboxBench({ 'package.json': '{}', '.gitignore': 'node_modules\n' })
    const real = join(bench.state, 'elsewhere/node_modules')
    mkdirSync(join(real, '.vite'), { recursive: true })
    mkdirSync(join(real, 'dep'))
    writeFileSync(join(real, 'dep/index.js'), 'module.exports = 1\n')
    writeFileSync(join(real, '.vite/stale'), '')
    symlinkSync(real, join(bench.repository.root, 'node_modules'))
    const sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'validate', profile: await profileFor(['node']) })
    const result = await sandbox.run({
      command: ['sh', '-c', 'node -p "require(\'dep\')"; ls -A node_modules/.vite; touch node_modules/.vite/new && echo written'],
      timeoutMs: 20_000,
    })
    expect(result.stdout).toBe('1\nwritten\n')
    expect(readdirSync(join(real, '.vite'))).toEqual(['stale'])
  })

  it('lets Vite make its folder in a fresh node_modules, in memory, and keeps the rest read-only', async () => {
    bench = await openSandboxBench({ 'package.json': '{}', '.gitignore': 'node_modules\n' })
    const modules = join(bench.repository.root, 'node_modules')
    mkdirSync(join(modules, '.store/vite'), { recursive: true })
    writeFileSync(join(modules, '.store/vite/index.js'), 'module.exports = __filename')
    writeFileSync(join(modules, '.modules.yaml'), 'kept')
    symlinkSync('.store/vite', join(modules, 'vite'))
    const sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'validate', profile: await profileFor(['node']) })
    const steps = [
      'mkdir node_modules/.vite-temp && echo x > node_modules/.vite-temp/config.mjs && echo made',
      'readlink node_modules/vite',
      'node -p "require(\'vite\')"',
      'cat node_modules/.modules.yaml; echo',
      'touch node_modules/vite/new 2>/dev/null || echo refused',
      'echo y > node_modules/.modules.yaml 2>/dev/null || echo refused',
    ]
    const { stdout } = await sandbox.run({ command: ['sh', '-c', steps.join('; ')], timeoutMs: 20_000 })
    expect(stdout.trim().split('\n')).toEqual(['made', '.store/vite', `${modules}/.store/vite/index.js`, 'kept', 'refused', 'refused'])
    expect(readdirSync(modules).toSorted()).toEqual(['.modules.yaml', '.store', 'vite'])
  })

  it('runs a real vitest, and a test that fails when the source changes', async () => {
    bench = await openSandboxBench({
      'package.json': '{"type":"module"}',
      '.gitignore': 'node_modules\n',
      'one.js': 'export const one = () => 1\n',
      'one.test.js': "import { expect, it } from 'vitest'\nimport { one } from './one.js'\nit('is one', () => expect(one()).toBe(1))\n",
    })
    symlinkSync(fileURLToPath(new URL('../../../node_modules', import.meta.url)), join(bench.repository.root, 'node_modules'))
    const good = bench.repository.git('rev-parse', 'HEAD')
    const bad = bench.repository.commit('worse', { 'one.js': 'export const one = () => 2\n' })
    const sandbox = await bench.room.create({ commit: good, purpose: 'validate', profile: await profileFor(['node_modules/.bin/vitest']) })
    const command = ['node', 'node_modules/vitest/vitest.mjs', 'run', '--reporter=json', '--outputFile.json=/out/t.json', '--no-cache']
    const counts = async (): Promise<unknown> => {
      const result = await sandbox.run({ command, timeoutMs: 60_000 })
      expect(result.leftovers).toBe(false)
      const report = JSON.parse(String(await sandbox.readOut('t.json'))) as {
        numPassedTests: number
        numFailedTests: number
        testResults: { name: string }[]
      }
      return [result.exitCode, report.numPassedTests, report.numFailedTests, report.testResults[0]?.name]
    }
    const name = join(bench.repository.root, 'one.test.js')
    expect(await counts()).toEqual([0, 1, 0, name])
    await sandbox.moveTo(bad)
    await sandbox.clearOut()
    expect(await counts()).toEqual([1, 0, 1, name])
  })

  it('does not mount over a link that a commit or a run put in the way', async () => {
    bench = await openSandboxBench({ 'package.json': '{}', 'packages/a/package.json': '{}', '.gitignore': 'node_modules\n' })
    mkdirSync(join(bench.repository.root, 'packages/a/node_modules'))
    const victim = join(bench.state, 'victim')
    mkdirSync(victim)
    const profile = await profileFor(['node'])
    const sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'validate', profile })
    await sandbox.run({
      command: ['sh', '-c', `mv packages old; mkdir packages; ln -s ${realpathSync(victim)} packages/a`],
      timeoutMs: 20_000,
    })
    expect((await sandbox.run({ command: ['true'], timeoutMs: 20_000 })).exitCode).toBe(0)
    expect(readdirSync(victim)).toEqual([])
  })
})
