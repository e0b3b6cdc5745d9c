import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { launcherPath, temporaryFolder } from '../support/isolation.ts'
import { openSandboxBench, type SandboxBench } from '../support/sandbox.ts'
import { buildProgram } from '../support/supervisor.ts'

const folder = temporaryFolder()
let jailProgram: string
let sandboxProgram: string
beforeAll(() => {
  jailProgram = buildProgram('run-in-jail')
  sandboxProgram = buildProgram('create-sandboxes')
})
afterAll(() => {
  folder.remove()
  rmSync(jailProgram, { force: true })
  rmSync(sandboxProgram, { force: true })
})

/** Processes that name a text on their command line, or work in one of the folders: one that has just begun has no command line yet. */
function holders(text: string, folders: readonly string[] = []): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      if (!/^\d+$/.test(pid)) return false
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text)) return true
      const cwd = folders.length === 0 ? '' : readlinkSync(`/proc/${pid}/cwd`)
      return folders.some((folder) => cwd === folder || cwd.startsWith(`${folder}/`))
    } catch {
      return false
    }
  })
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let turn = 0; turn < 500; turn++) {
    if (condition()) return
    await delay(10)
  }
  throw new Error(`never: ${what}`)
}

for (const kind of ['bubblewrap', 'none'] as const)
  describe(`kill -9 of the supervisor (${kind})`, () => {
    it('leaves no process of the whole tree', async () => {
      const marker = 500_000 + Math.floor(Math.random() * 100_000)
      const script = `setsid nohup sleep ${marker} >/dev/null 2>&1 & (sleep ${marker} & sleep ${marker}) & echo started; sleep ${marker}`
      const child = spawn(process.execPath, [jailProgram, kind, join(folder.path, kind), launcherPath(), script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await once(child.stdout, 'data')
      await until(() => holders(`sleep\0${marker}`).length >= 4, 'four sleepers')
      child.kill('SIGKILL')
      await until(() => holders(String(marker)).length === 0, 'nobody left')
    })
  })

describe('limits', () => {
  // The bomb runs inside a program of its own; the control group and the watchdog hold it to 64 processes.
  it('defuses a fork bomb', async () => {
    const script = 'bomb() { bomb | bomb & }; bomb; sleep 20'
    const child = spawn(process.execPath, [jailProgram, 'bubblewrap', join(folder.path, 'bomb'), launcherPath(), script], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let printed = ''
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
    await once(child, 'close')
    const result = JSON.parse(printed.trim().split('\n').at(-1)!) as { limit: string | null; timedOut: boolean; wallMs: number }
    expect(result).toMatchObject({ limit: 'processes', timedOut: false })
    expect(result.wallMs).toBeLessThan(10_000)
  })
})

describe('kill -9 at any moment of a sandbox', () => {
  let bench: SandboxBench
  afterEach(() => bench.cleanup())

  it('is repaired by the next reclaim, 25 times', async () => {
    bench = await openSandboxBench({ 'a.txt': 'a\n', 'b.txt': 'b\n' })
    bench.repository.commit('next', { 'a.txt': 'a2\n', 'c/d.txt': 'd\n' })
    const before = bench.repository.snapshot()
    let seed = 20_240_101
    const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31
    let interrupted = 0
    for (let round = 0; round < 25; round++) {
      const child = spawn(process.execPath, [sandboxProgram, bench.repository.root, bench.state, launcherPath()], {
        detached: true,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const closed = once(child, 'close')
      await once(child.stdout, 'data')
      await delay(random() * 250)
      child.kill('SIGKILL')
      expect((await closed)[1]).toBe('SIGKILL')
      // git children of the dead end within their own few milliseconds
      const folders = [realpathSync(bench.repository.root), realpathSync(bench.state)]
      await until(() => holders(bench.state, folders).every((pid) => pid === String(process.pid)), 'no child left')
      interrupted += (await bench.room.reclaim()).reclaimed.length
      const top = join(bench.state, 'singularity')
      expect(readdirSync(top).flatMap((name) => readdirSync(join(top, name, 'sandboxes')))).toEqual([])
      expect(existsSync(join(bench.git.repository.commonDir, 'worktrees'))).toBe(false)
      expect(bench.db.all('SELECT id FROM sandbox')).toEqual([])
      expect(bench.repository.snapshot()).toEqual(before)
    }
    expect(interrupted).toBeGreaterThan(5)
  }, 120_000)
})
