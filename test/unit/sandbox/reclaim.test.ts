import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type ProcessIdentity, createProcessInfo } from '../../../src/core/process/index.ts'
import { createSandboxRoom } from '../../../src/core/sandbox/machinery.ts'
import { openSandboxBench, type SandboxBench } from '../../support/sandbox.ts'

let bench: SandboxBench
afterEach(() => bench.cleanup())

const real = createProcessInfo()
/** A process that has really lived and ended. */
const deadOwner = (): ProcessIdentity => ({ pid: spawnSync('true').pid, pidStart: '1', bootId: real.self.bootId })

type Parts = { folder: boolean; admin: boolean; row: boolean }
const ALL: Parts[] = [false, true].flatMap((folder) =>
  [false, true].flatMap((admin) => [false, true].map((row) => ({ folder, admin, row }))),
)

/** Leaves any subset of a sandbox's three parts, made by a real creation. */
async function leave(owner: ProcessIdentity, parts: Parts): Promise<string> {
  const room = createSandboxRoom({ ...bench.deps, processes: { self: owner, isAlive: real.isAlive } })
  const sandbox = await room.create({ commit: 'HEAD', purpose: 'validate', profile: bench.profile })
  const folder = join(sandbox.path, '..')
  if (!parts.folder) rmSync(folder, { recursive: true })
  if (!parts.admin) rmSync(join(bench.git.repository.commonDir, 'worktrees', sandbox.id), { recursive: true })
  if (!parts.row) bench.db.run('DELETE FROM sandbox WHERE id = ?', sandbox.id)
  return sandbox.id
}

const state = (): { folders: string[]; admins: string[]; rows: string[] } => {
  const top = join(bench.state, 'singularity')
  const worktrees = join(bench.git.repository.commonDir, 'worktrees')
  return {
    folders: readdirSync(top).flatMap((name) => readdirSync(join(top, name, 'sandboxes'))),
    admins: existsSync(worktrees) ? readdirSync(worktrees) : [],
    rows: bench.db.all<{ id: string }>('SELECT id FROM sandbox').map((row) => row.id),
  }
}

describe('reclaim', () => {
  for (const parts of ALL)
    it(`takes ${JSON.stringify(parts)} of a dead process`, async () => {
      bench = await openSandboxBench()
      const before = bench.repository.snapshot()
      const id = await leave(deadOwner(), parts)
      const any = parts.folder || parts.admin || parts.row
      expect((await bench.room.reclaim()).reclaimed).toEqual(any ? [id] : [])
      expect(state()).toEqual({ folders: [], admins: [], rows: [] })
      expect((await bench.room.reclaim()).reclaimed).toEqual([])
      expect(bench.repository.snapshot()).toEqual(before)
    })

  it('takes a folder whose maker died before it wrote its name into it', async () => {
    bench = await openSandboxBench()
    const id = await leave(deadOwner(), { folder: true, admin: false, row: true })
    const top = join(bench.state, 'singularity')
    for (const name of readdirSync(top)) rmSync(join(top, name, 'sandboxes', id, 'owner.json'))
    expect((await bench.room.reclaim()).reclaimed).toEqual([id])
    expect(state()).toEqual({ folders: [], admins: [], rows: [] })
  })

  for (const left of ['worktrees', 'worktrees and an entry'])
    it(`takes the empty ${left} of a git that died before it wrote the lock`, async () => {
      bench = await openSandboxBench()
      const id = await leave(deadOwner(), { folder: true, admin: false, row: true })
      const worktrees = join(bench.git.repository.commonDir, 'worktrees')
      mkdirSync(left === 'worktrees' ? worktrees : join(worktrees, id), { recursive: true })
      await bench.room.reclaim()
      expect(existsSync(worktrees)).toBe(false)
    })

  for (const parts of ALL.filter((each) => each.folder || each.admin || each.row))
    it(`leaves ${JSON.stringify(parts)} of a living process alone`, async () => {
      bench = await openSandboxBench()
      const id = await leave(real.self, parts)
      const before = state()
      expect((await bench.room.reclaim()).reclaimed).toEqual([])
      expect(state()).toEqual(before)
      expect([...before.folders, ...before.admins, ...before.rows]).toContain(id)
    })

  it('is not deceived by a reused process id or an earlier boot', async () => {
    bench = await openSandboxBench()
    const self = real.self
    const reused = await leave({ ...self, pidStart: '12345' }, { folder: true, admin: true, row: true })
    const earlier = await leave({ ...self, bootId: 'another-boot' }, { folder: true, admin: true, row: true })
    expect((await bench.room.reclaim()).reclaimed.sort()).toEqual([reused, earlier].sort())
  })

  it('never touches worktrees and locks of the person, whatever they are called', async () => {
    bench = await openSandboxBench()
    const { git } = bench.repository
    const own = join(bench.state, 'own')
    git('worktree', 'add', '-q', '--detach', own)
    git('worktree', 'lock', '--reason', `singularity:sfake:${deadOwner().pid}:1:x`, own)
    const gone = join(bench.state, 'gone')
    git('worktree', 'add', '-q', '--detach', gone)
    rmSync(gone, { recursive: true })
    await leave(deadOwner(), { folder: true, admin: true, row: true })
    await bench.room.reclaim()
    expect(state().admins.sort()).toEqual(['gone', 'own'])
    expect(readFileSync(join(own, 'a.txt'), 'utf8')).toBe('a\n')
  })

  it('keeps a folder that is just being made, and takes it when it is old', async () => {
    bench = await openSandboxBench()
    const top = join(bench.state, 'singularity')
    const folder = join(top, readdirSync(top)[0]!, 'sandboxes', 'shalf')
    mkdirSync(folder)
    writeFileSync(join(folder, 'x'), '')
    expect((await bench.room.reclaim()).reclaimed).toEqual([])
    const later = createSandboxRoom({ ...bench.deps, clock: { now: () => Date.now() + 120_000, monotonic: () => 0 } })
    expect((await later.reclaim()).reclaimed).toEqual(['shalf'])
  })
})
