import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { IsolationKind, Mount } from '../../src/core/sandbox/index.ts'
import { createIsolation } from '../../src/core/sandbox/machinery.ts'
import { findControlGroups } from '../../src/core/sandbox/isolations/control-groups.ts'
import { isolationDeps, jailRequest, temporaryFolder } from '../support/isolation.ts'

const folder = temporaryFolder()
afterAll(() => folder.remove())
const NODE = process.execPath

/** Burns `ms` of CPU time by the process's own clock and prints what it used in the end. */
const SPIN = (ms: number): string =>
  `const s=process.cpuUsage();while((u=process.cpuUsage(s),u.user+u.system)<${ms}*1000);const e=process.cpuUsage();console.log((e.user+e.system)/1000);var u`

for (const kind of ['bubblewrap', 'none'] as const satisfies readonly IsolationKind[]) {
  for (const controlGroups of [true, false]) {
    const isolation = createIsolation(kind, isolationDeps(join(folder.path, 'state'), { controlGroups }))
    describe(`${kind}, control groups ${controlGroups ? 'where writable' : 'off'}`, () => {
      it('is available here', async () => {
        expect(await isolation.probe()).toMatchObject({ available: true, capabilities: { cpuTime: 'launcher' } })
      })

      it('gives output and exit status back', async () => {
        const result = await isolation.run(jailRequest(['sh', '-c', 'echo out; echo err >&2; exit 7']))
        expect(result).toMatchObject({ exitCode: 7, signal: null, stdout: 'out\n', stderr: 'err\n', timedOut: false, leftovers: false })
      })

      it('names the signal that ended the command', async () => {
        expect(await isolation.run(jailRequest(['sh', '-c', 'kill -SEGV $$']))).toMatchObject({ exitCode: null, signal: 'SIGSEGV' })
      })

      it('answers 127 for a program that is not there', async () => {
        expect((await isolation.run(jailRequest(['no-such-program-here']))).exitCode).toBe(127)
      })

      it('passes only the given environment', async () => {
        process.env['SECRET_OF_THE_PARENT'] = 'x'
        const result = await isolation.run(jailRequest(['env'], { env: { PATH: '/usr/bin:/bin', MINE: '1' } }))
        delete process.env['SECRET_OF_THE_PARENT']
        expect(result.stdout).toContain('MINE=1')
        expect(result.stdout).not.toContain('SECRET_OF_THE_PARENT')
      })

      it('reads a known spin as the process itself does', async () => {
        const result = await isolation.run(jailRequest([NODE, '-e', SPIN(400)]))
        const own = Number(result.stdout)
        expect(own).toBeGreaterThan(390)
        expect(result.cpuMs).toBeGreaterThan(own * 0.95)
        expect(result.cpuMs).toBeLessThan(own * 1.1 + 30)
      })

      it('counts a grandchild', async () => {
        const script = `require('child_process').spawn('sh',['-c',${JSON.stringify(`${NODE} -e ${shell(SPIN(300))} & wait`)}],{stdio:'inherit'})`
        const result = await isolation.run(jailRequest([NODE, '-e', script]))
        expect(result.cpuMs).toBeGreaterThan(300)
        expect(result.leftovers).toBe(false)
      })

      it('voids the sample when processes are left over, and kills them', async () => {
        const marker = 314_000 + Math.floor(Math.random() * 1000)
        const result = await isolation.run(jailRequest(['sh', '-c', `setsid sleep ${marker} >/dev/null 2>&1 & exit 0`]))
        expect(result).toMatchObject({ exitCode: 0, leftovers: true })
        expect(processesWith(`sleep\0${marker}`)).toEqual([])
      })

      it('kills the whole tree at the time limit', async () => {
        const marker = 315_000 + Math.floor(Math.random() * 1000)
        const result = await isolation.run(
          jailRequest(['sh', '-c', `setsid sleep ${marker} & sleep ${marker}`], { limits: { timeoutMs: 400 } }),
        )
        expect(result.timedOut).toBe(true)
        expect(result.cpuMs).toBeNull()
        await gone(`sleep\0${marker}`)
      })

      it('stops when it is cancelled', async () => {
        const controller = new AbortController()
        const running = isolation.run(
          jailRequest(['sh', '-c', 'echo go; sleep 300'], { signal: controller.signal, onOutput: () => controller.abort() }),
        )
        expect((await running).cancelled).toBe(true)
      })

      it('ends a flood of output and keeps head and tail', async () => {
        const result = await isolation.run(
          jailRequest(['sh', '-c', 'echo first; yes'], { limits: { timeoutMs: 20_000, maxOutputBytes: 4096 } }),
        )
        expect(result.outputLimited).toBe(true)
        expect(result.stdout.startsWith('first\n')).toBe(true)
        expect(result.stdout.length).toBeLessThan(5000)
      })

      it('bounds the size of a file and the memory', async () => {
        const out = join(folder.path, `limits-${kind}-${controlGroups}`)
        mkdirSync(out)
        const mounts: Mount[] = [{ from: out, to: '/out', mode: 'rw' }]
        const limits = { timeoutMs: 20_000, maxFileBytes: 65_536, maxMemoryBytes: 300 * 1024 * 1024 }
        const file = await isolation.run(jailRequest(['sh', '-c', 'head -c 1000000 /dev/zero > /out/big'], { mounts, limits }))
        expect(file.exitCode === 0).toBe(false)
        expect(readFileSync(join(out, 'big')).length).toBe(65_536)
        const memory = await isolation.run(jailRequest([NODE, '-e', 'const a=[];for(;;)a.push(Buffer.alloc(1<<24,1))'], { limits }))
        expect(memory.exitCode === 0).toBe(false)
        expect(memory.timedOut).toBe(false)
      })

      it('gives copy-on-write: writes are seen, the lower folder stays', async () => {
        const lower = join(folder.path, `lower-${kind}-${controlGroups}`)
        const scratch = join(folder.path, `scratch-${kind}-${controlGroups}`)
        mkdirSync(lower)
        mkdirSync(scratch)
        writeFileSync(join(lower, 'file'), 'old')
        const mounts: Mount[] = [{ from: lower, to: '/layer', mode: 'overlay' }]
        await isolation.run(jailRequest(['sh', '-c', 'echo new > /layer/file; echo 1 > /layer/more'], { mounts, scratch }))
        const second = await isolation.run(jailRequest(['sh', '-c', 'cat /layer/file /layer/more'], { mounts, scratch }))
        expect(second.stdout).toBe('new\n1\n')
        expect(readFileSync(join(lower, 'file'), 'utf8')).toBe('old')
      })

      it('runs with low priority when asked', async () => {
        const command = ['sh', '-c', 'nice']
        expect((await isolation.run(jailRequest(command, { lowPriority: true }))).stdout.trim()).toBe('10')
        expect((await isolation.run(jailRequest(command))).stdout.trim()).toBe('0')
      })
    })
  }
}

describe('CPU time nobody can hide', () => {
  // a parent that ignores SIGCHLD is never charged for its children: only the control group sees them
  it.skipIf(findControlGroups() === undefined)('is read from the control group where one can be written', async () => {
    const isolation = createIsolation('bubblewrap', isolationDeps(join(folder.path, 'hidden')))
    const program = "$SIG{CHLD} = 'IGNORE'; my $child = fork; if (!$child) { exec @ARGV } waitpid($child, 0)"
    const command = ['perl', '-e', program, NODE, '-e', SPIN(400)]
    const result = await isolation.run(jailRequest(command))
    expect(result.cpuMs).toBeGreaterThan(390)
    const blind = createIsolation('bubblewrap', isolationDeps(join(folder.path, 'hidden'), { controlGroups: false }))
    expect((await blind.run(jailRequest(command))).cpuMs).toBeLessThan(200)
  })
})

describe('without the launcher (no compiler on the machine)', () => {
  for (const kind of ['bubblewrap', 'none'] as const) {
    const isolation = createIsolation(kind, isolationDeps(join(folder.path, 'bare'), { launcher: null }))
    it(`${kind} still runs, bounds and ends commands, and says that CPU time is not measured`, async () => {
      expect((await isolation.probe()).capabilities.cpuTime).toBeNull()
      const result = await isolation.run(jailRequest(['sh', '-c', 'echo out; exit 7'], { lowPriority: true }))
      expect(result).toMatchObject({ exitCode: 7, stdout: 'out\n', cpuMs: null, leftovers: false })
      const marker = 316_000 + Math.floor(Math.random() * 1000)
      const slow = await isolation.run(jailRequest(['sh', '-c', `sleep ${marker} & sleep ${marker}`], { limits: { timeoutMs: 300 } }))
      expect(slow).toMatchObject({ timedOut: true, cpuMs: null })
      await gone(`sleep\0${marker}`)
    })
  }
})

function shell(text: string): string {
  return `'${text.replace(/'/g, `'\\''`)}'`
}

function processesWith(text: string): string[] {
  return readdirSync('/proc').filter((name: string) => /^\d+$/.test(name) && read(`/proc/${name}/cmdline`).includes(text))
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

async function gone(text: string): Promise<void> {
  for (let turn = 0; turn < 100 && processesWith(text).length > 0; turn++) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(processesWith(text)).toEqual([])
}
