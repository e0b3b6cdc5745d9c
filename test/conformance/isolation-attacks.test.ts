import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Sandbox } from '../../src/core/sandbox/index.ts'
import { openSandboxBench, type SandboxBench } from '../support/sandbox.ts'

/**
 * Each attack is a shell script as a hostile test could run it. It is tried twice: as a plain process in a plain
 * worktree, where it must succeed (or the test proves nothing), and in the jail, where it must fail.
 */
type Scene = {
  bench: SandboxBench
  sandbox: Sandbox
  root: string
  common: string
  home: string
  port: number
  marker: number
  output: string
  out: string
}
type Attack = {
  name: string
  script: (scene: Scene) => string
  /** What the host can see afterwards. */
  succeeded: (scene: Scene) => boolean | Promise<boolean>
}

const has = (path: string, text: string): boolean => existsSync(path) && readFileSync(path, 'utf8').includes(text)

const ATTACKS: Attack[] = [
  {
    name: 'a hook in the main repository',
    script: ({ common }) => `mkdir -p ${common}/hooks; echo pwned > ${common}/hooks/post-commit`,
    succeeded: ({ common }) => has(join(common, 'hooks/post-commit'), 'pwned'),
  },
  {
    name: 'a program in the main configuration',
    script: ({ common }) => `printf '[core]\\n\\tfsmonitor = touch pwned\\n' >> ${common}/config`,
    succeeded: ({ common }) => has(join(common, 'config'), 'pwned'),
  },
  {
    name: 'a moved branch',
    script: ({ common }) => `mkdir -p ${common}/refs/heads; echo 0000000000000000000000000000000000000001 > ${common}/refs/heads/main`,
    succeeded: ({ common }) => has(join(common, 'refs/heads/main'), '0000000000000001'),
  },
  {
    name: 'foreign objects by alternates',
    script: ({ common }) => `mkdir -p ${common}/objects/info; echo /tmp/evil > ${common}/objects/info/alternates`,
    succeeded: ({ common }) => has(join(common, 'objects/info/alternates'), 'evil'),
  },
  {
    name: "the admin folder of the sandbox's worktree",
    script: ({ common, sandbox }) =>
      `mkdir -p ${common}/worktrees/${sandbox.id}; echo /tmp/evil > ${common}/worktrees/${sandbox.id}/commondir`,
    succeeded: ({ common, sandbox }) => has(join(common, 'worktrees', sandbox.id, 'commondir'), 'evil'),
  },
  {
    name: 'a file of the main working tree',
    script: ({ root }) => `echo pwned > ${root}/a.txt`,
    succeeded: ({ root }) => has(join(root, 'a.txt'), 'pwned'),
  },
  {
    name: 'an installed dependency',
    script: ({ root }) => `echo pwned > ${root}/node_modules/dep/index.js`,
    succeeded: ({ root }) => has(join(root, 'node_modules/dep/index.js'), 'pwned'),
  },
  {
    name: 'the home folder',
    script: ({ home }) => `echo pwned >> ${home}/.bashrc`,
    succeeded: ({ home }) => has(join(home, '.bashrc'), 'pwned'),
  },
  {
    name: 'reading a private key',
    script: ({ home }) => `cat ${home}/.ssh/id_test`,
    succeeded: ({ output }) => output.includes('PRIVATE-KEY-CONTENT'),
  },
  {
    name: 'reading a secret of the environment',
    script: () => 'env; cat /proc/*/environ 2>/dev/null | tr "\\0" "\\n"',
    succeeded: ({ output }) => output.includes('SECRET-OF-THE-ENVIRONMENT'),
  },
  {
    name: 'seeing the processes of the machine',
    script: () => `test -d /proc/${process.pid} && tr '\\0' ' ' < /proc/${process.pid}/cmdline | grep -q . && echo SEEN`,
    succeeded: ({ output }) => output.includes('SEEN'),
  },
  {
    name: 'the network of the machine',
    script: ({ port }) =>
      `${process.execPath} -e "require('net').connect(${port},'127.0.0.1').on('data',d=>console.log(String(d))).on('error',()=>{})"`,
    succeeded: ({ output }) => output.includes('REACHED'),
  },
  {
    name: 'a daemon that outlives the run',
    script: ({ marker }) => `setsid nohup sleep ${marker} >/dev/null 2>&1 & exit 0`,
    succeeded: ({ marker }) => sleepers(marker).length > 0,
  },
  {
    name: 'a repository in place of the sandbox, for the next git command of the host',
    script: ({ root }) => `cd "$TREE" && rm -rf .git && git init -q . && git config core.fsmonitor 'touch ${root}/pwned-by-git; false'`,
    succeeded: async ({ bench, sandbox, root, output }) => {
      // the plain worktree is one a careless host looks at with discovery; ours is asked as the program asks it
      if (output === 'plain') spawnSync('git', ['-C', sandbox.path, 'status'])
      else {
        await sandbox.collectChanges()
        await sandbox.moveTo(bench.repository.git('rev-parse', 'HEAD'))
      }
      return existsSync(join(root, 'pwned-by-git'))
    },
  },
  {
    name: 'a link where the host reads the report',
    script: ({ home, out }) => `ln -s ${home}/.ssh/id_test ${out}/report.xml`,
    succeeded: async ({ sandbox, output, out }) => {
      const read = output === 'plain' ? readFileSync(join(out, 'report.xml')) : await sandbox.readOut('report.xml')
      return read?.includes('PRIVATE-KEY-CONTENT') ?? false
    },
  },
]

function sleepers(marker: number): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && commandOf(name).includes(`sleep\0${marker}\0`))
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

let bench: SandboxBench
let sandbox: Sandbox
let server: Server
let scene: Scene

beforeEach(async () => {
  bench = await openSandboxBench({ 'a.txt': 'a\n', 'package.json': '{}', '.gitignore': 'node_modules\n' })
  const { root } = bench.repository
  mkdirSync(join(root, 'node_modules/dep'), { recursive: true })
  writeFileSync(join(root, 'node_modules/dep/index.js'), 'ok')
  const home = join(bench.state, 'home')
  mkdirSync(join(home, '.ssh'), { recursive: true })
  writeFileSync(join(home, '.ssh/id_test'), 'PRIVATE-KEY-CONTENT')
  appendFileSync(join(home, '.bashrc'), '# mine\n')
  server = createServer((socket) => socket.end('REACHED\n'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  process.env['A_SECRET'] = 'SECRET-OF-THE-ENVIRONMENT'
  const profile = await bench.room.profile({ base: 'HEAD', binaries: ['node'], include: [], env: {}, git: 'none', services: [] })
  sandbox = await bench.room.create({ commit: 'HEAD', purpose: 'validate', profile })
  const port = (server.address() as { port: number }).port
  const marker = 400_000 + Math.floor(Math.random() * 100_000)
  scene = { bench, sandbox, root, common: bench.git.repository.commonDir, home, port, marker, output: '', out: sandbox.out }
})

afterEach(async () => {
  delete process.env['A_SECRET']
  for (const pid of sleepers(scene.marker)) process.kill(Number(pid), 'SIGKILL')
  await sandbox.discard()
  server.close()
  bench.cleanup()
})

/** Attacks that judge by what they left, not by what they printed, get the word 'plain' as their output. */
const leaves = (attack: Attack): boolean => /in place of|a link where/.test(attack.name)

describe('without a jail', () => {
  for (const attack of ATTACKS)
    it(`succeeds: ${attack.name}`, async () => {
      const { spawn } = await import('node:child_process')
      const child = spawn('sh', ['-c', attack.script(scene)], { cwd: sandbox.path, env: { ...process.env, TREE: sandbox.path } })
      let printed = ''
      child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
      await new Promise((resolve) => child.on('close', resolve))
      // what was left in the background may need a moment to start
      await expect.poll(() => attack.succeeded({ ...scene, output: leaves(attack) ? 'plain' : printed }), { timeout: 30_000 }).toBe(true)
      rmSync(join(scene.root, 'pwned-by-git'), { force: true })
    })
})

describe('in the jail', () => {
  for (const attack of ATTACKS)
    it(`fails: ${attack.name}`, async () => {
      const before = bench.repository.snapshot()
      const command = ['sh', '-c', attack.script({ ...scene, out: '/out' })]
      const result = await sandbox.run({ command, env: { TREE: scene.root }, timeoutMs: 30_000 })
      if (attack.name.startsWith('a link')) expect(lstatSync(join(sandbox.out, 'report.xml')).isSymbolicLink()).toBe(true)
      expect(await attack.succeeded({ ...scene, output: leaves(attack) ? 'jail' : result.stdout })).toBe(false)
      expect(bench.repository.snapshot()).toEqual(before)
    })

  it('has no capability, no further namespace, no writable root and no way to the launcher', async () => {
    const script = [
      'grep CapEff /proc/self/status',
      'unshare -Ur true 2>/dev/null && echo NAMESPACE',
      'touch /x 2>/dev/null && echo ROOT',
      'touch /usr/x 2>/dev/null && echo USR',
      '(echo forged > /proc/1/fd/3) 2>/dev/null && echo FD',
      'kill -9 1; echo alive',
      'ls /home /root 2>/dev/null | grep -q . && echo HOMES',
      'mount -t tmpfs x /tmp 2>/dev/null && echo MOUNT',
    ].join('; ')
    const result = await sandbox.run({ command: ['sh', '-c', script], timeoutMs: 20_000 })
    expect(result.stdout).toBe('CapEff:\t0000000000000000\nalive\n')
  })

  it('has a loopback network of its own', async () => {
    const script = `const s=require('net').createServer(c=>c.end('own'));s.listen(${scene.port},'127.0.0.1',()=>require('net').connect(${scene.port},'127.0.0.1').on('data',d=>{console.log(String(d));s.close()}))`
    expect((await sandbox.run({ command: ['node', '-e', script], timeoutMs: 20_000 })).stdout).toBe('own\n')
  })

  it('opens the network only where it is asked for (the edit phase of --exec)', async () => {
    const script = `require('net').connect(${scene.port},'127.0.0.1').on('data',d=>console.log(String(d)))`
    expect((await sandbox.run({ command: ['node', '-e', script], network: 'host', timeoutMs: 20_000 })).stdout).toContain('REACHED')
  })
})
