import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Playground, createPlayground, refuses } from './playground.ts'

let place: Playground
beforeEach(() => {
  place = createPlayground()
})
afterEach(() => place.cleanup())

const state = (): string => join(place.root, '.git', 'singularity')
const checkOf = (answer: { json: { data?: { checks: { id: string; status: string; detail: string; fix: string[] }[] } } }, id: string) =>
  answer.json.data?.checks.find((check) => check.id === id)

/** A pid that was ours and is no one's now. */
async function deadProcess(): Promise<number> {
  const child = spawn('true')
  await once(child, 'close')
  return child.pid!
}

/** A run, and a sandbox with row and folder, whose process is gone. */
async function leaveBehind(): Promise<{ run: string; sandbox: string; folder: string }> {
  await place.run(['runs'])
  const pid = await deadProcess()
  const [run, sandbox] = ['r0000000dead', 's0000000dead']
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const base = join(place.folder, 'state', 'singularity')
  await place.run(['recover'])
  const repository = readdirSync(base).find((name) => /^[0-9a-f]{16}$/.test(name))!
  const folder = join(base, repository, 'sandboxes', sandbox)
  mkdirSync(folder)
  writeFileSync(join(folder, 'owner.json'), JSON.stringify({ pid, pidStart: '1', bootId: boot }))
  const db = new BetterSqlite3(join(state(), 'state.db'))
  db.prepare(
    "INSERT INTO run (id, status, started_at, base, base_tree, branch, request, pid, pid_start, boot_id) VALUES (?, 'running', ?, 'x', 'x', 'work', '{}', ?, '1', ?)",
  ).run(run, new Date(0).toISOString(), pid, boot)
  db.prepare(
    "INSERT INTO sandbox (id, run_id, path, admin_path, purpose, pid, pid_start, boot_id, created_at) VALUES (?, ?, ?, '', 'candidate', ?, '1', ?, ?)",
  ).run(sandbox, run, folder, pid, boot, new Date(0).toISOString())
  db.close()
  return { run, sandbox, folder }
}

describe('status', () => {
  it('has exactly these fields, and makes nothing', async () => {
    const before = place.frozen()
    const { exitCode, json } = await place.run(['status'])
    expect(Object.keys(json.data)).toEqual(['status', 'services', 'version'])
    expect(Object.keys(json.data.services)).toEqual(['database', 'queue', 'native', 'isolation', 'llm'])
    expect(json.data.services).toMatchObject({ database: 'not created', queue: 'not created', native: 'loaded', llm: 'not configured' })
    expect(exitCode).toBe(0)
    expect(place.frozen()).toEqual(before)
    expect(existsSync(state())).toBe(false)
  })

  it('sees a database that works and one that does not', async () => {
    await place.run(['runs'])
    expect((await place.run(['status'])).json.data.services.database).toBe('up')
    writeFileSync(join(state(), 'state.db'), 'this is no database, but long enough to be looked at as one '.repeat(100))
    const broken = await place.run(['status'])
    expect(broken.json.data).toMatchObject({ status: 'unhealthy', services: { database: 'down' } })
    expect(broken.exitCode).toBe(6)
  })

  it('sees a queue that works and one that does not', async () => {
    await place.run(['queue', 'list'])
    expect((await place.run(['status'])).json.data).toMatchObject({ services: { queue: 'up' } })
    writeFileSync(join(state(), 'queue.db'), 'this is no database, but long enough to be looked at as one '.repeat(100))
    expect((await place.run(['status'])).json.data).toMatchObject({ status: 'degraded', services: { queue: 'down' } })
  })

  it('answers outside a repository too', async () => {
    const { exitCode, json } = await place.run(['status'], { cwd: place.folder })
    expect({ exitCode, database: json.data.services.database }).toEqual({ exitCode: 0, database: 'no repository' })
  })
})

describe('doctor', () => {
  it('finds every part well here, and makes no state', async () => {
    const { exitCode, json } = await place.run(['doctor'])
    const failed = json.data.checks.filter(({ status }: { status: string }) => status === 'fail').map(({ id }: { id: string }) => id)
    // a machine without user namespaces may run these tests
    expect(failed.filter((id: string) => id !== 'isolation')).toEqual([])
    expect(exitCode).toBe(failed.length === 0 ? 0 : 6)
    for (const check of json.data.checks) expect(Object.keys(check)).toEqual(['id', 'status', 'detail', 'fix'])
    expect(existsSync(state())).toBe(false)
  })

  it('exit 6 and a command to copy where git is too old', async () => {
    const bin = join(place.folder, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'git'), '#!/bin/sh\necho git version 2.30.1\n')
    chmodSync(join(bin, 'git'), 0o755)
    const answer = await place.run(['doctor'], { env: { PATH: `${bin}:${place.env['PATH']}` } })
    expect(answer.exitCode).toBe(6)
    expect(checkOf(answer, 'git')).toMatchObject({ status: 'fail', detail: expect.stringContaining('2.30.1') })
    expect(checkOf(answer, 'git')!.fix.length).toBeGreaterThan(0)
  })

  it('names the jail that is missing, and how to get it', async () => {
    const bin = join(place.folder, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'bwrap'), '#!/bin/sh\necho "bwrap: setting up uid map: Permission denied" >&2\nexit 1\n')
    chmodSync(join(bin, 'bwrap'), 0o755)
    const answer = await place.run(['doctor'], { env: { PATH: `${bin}:${place.env['PATH']}` } })
    expect(answer.exitCode).toBe(6)
    expect(checkOf(answer, 'isolation')!.status).toBe('fail')
    expect(checkOf(answer, 'isolation')!.fix.join('\n')).toMatch(/apparmor|bubblewrap/)
  })

  it.each([
    ['singularity-ce version 4.1.0', 'warn'],
    ['singularity version 3.8.7', 'warn'],
    ['singularity 0.0.9', 'ok'],
  ])('a program of our name on the PATH that says "%s": %s', async (version, status) => {
    const bin = join(place.folder, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'singularity'), `#!/bin/sh\necho '${version}'\n`)
    chmodSync(join(bin, 'singularity'), 0o755)
    const answer = await place.run(['doctor'], { env: { PATH: `${bin}:${place.env['PATH']}` } })
    expect(checkOf(answer, 'name')!.status).toBe(status)
  })

  it.skipIf(process.platform !== 'linux')('sees what dead processes left; --fix reclaims it', async () => {
    const left = await leaveBehind()
    const seen = await place.run(['doctor'])
    expect([checkOf(seen, 'leftovers')!.status, checkOf(seen, 'runs')!.status]).toEqual(['warn', 'warn'])
    expect(existsSync(left.folder)).toBe(true)
    const fixed = await place.run(['doctor', '--fix'])
    expect(fixed.json.data.fixed).toEqual(['leftovers', 'runs'])
    expect([checkOf(fixed, 'leftovers')!.status, checkOf(fixed, 'runs')!.status]).toEqual(['ok', 'ok'])
    expect(existsSync(left.folder)).toBe(false)
  })
})

describe('recover', () => {
  it('has nothing to say where nothing was left', async () => {
    const { exitCode, json } = await place.run(['recover'])
    expect({ exitCode, data: json.data }).toEqual({ exitCode: 0, data: { landings: [], runs: [], expired: [], sandboxes: [] } })
  })

  it.skipIf(process.platform !== 'linux')('says what it did, once', async () => {
    const left = await leaveBehind()
    const first = await place.run(['recover'])
    expect(first.json.data).toMatchObject({ runs: [left.run], sandboxes: [left.sandbox] })
    const again = await place.run(['recover'])
    expect(again.json.data).toMatchObject({ runs: [], sandboxes: [] })
    const { runs } = (await place.run(['runs'])).json.data
    expect(runs).toMatchObject([{ id: left.run, status: 'interrupted' }])
  })
})

describe('uninstall', () => {
  it('asks to say which', async () => {
    await refuses(place, ['uninstall'], 'USAGE', 2)
    await refuses(place, ['uninstall', '--yes', '--dry-run'], 'USAGE', 2)
  })

  it('lists, then removes what is ours and nothing else', async () => {
    await place.run(['recover'])
    const head = place.git('rev-parse', 'HEAD')
    place.git('update-ref', 'refs/singularity/candidates/c1', head)
    place.git('branch', 'singularity/r1')
    place.write({ '.singularity/config.json': '{}\n' })
    const [files, branches] = [place.frozen(), place.git('branch')]
    const listed = await place.run(['uninstall', '--dry-run'])
    expect(listed.json.data).toMatchObject({ refs: ['refs/singularity/candidates/c1'], removed: false })
    expect(listed.json.data.folders).toEqual([state(), expect.stringContaining(join(place.folder, 'state', 'singularity'))])
    for (const folder of listed.json.data.folders) expect(existsSync(folder)).toBe(true)
    const removed = await place.run(['uninstall', '--yes'])
    expect(removed.exitCode).toBe(0)
    for (const folder of listed.json.data.folders) expect(existsSync(folder)).toBe(false)
    expect(place.git('for-each-ref', 'refs/singularity/')).toBe('')
    expect(place.git('branch')).toBe(branches)
    expect(place.frozen()).toEqual(files)
    expect((await place.run(['uninstall', '--dry-run'])).json.data).toEqual({ folders: [], refs: [], worktree_entries: [], removed: false })
  })

  it.skipIf(process.platform !== 'linux')('leaves a sandbox alone whose process lives', async () => {
    const { folder } = await leaveBehind()
    const stat = readFileSync(`/proc/${process.pid}/stat`, 'utf8')
    const pidStart = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    writeFileSync(join(folder, 'owner.json'), JSON.stringify({ pid: process.pid, pidStart, bootId }))
    await refuses(place, ['uninstall', '--yes'], 'RUN_IN_PROGRESS', 6)
    expect(existsSync(folder)).toBe(true)
    expect(existsSync(dirname(folder))).toBe(true)
  })
})

describe('outside a repository', () => {
  const needing: string[][] = [
    [],
    ['look'],
    ['improve'],
    ['runs'],
    ['show', 'r1'],
    ['diff', 'r1'],
    ['inbox'],
    ['approve', 'c1'],
    ['reject', 'c1', '--reason', 'x'],
    ['question', 'c1', 'why'],
    ['answer', 'q1', 'so'],
    ['undo', 'c1'],
    ['resume'],
    ['replay', 'r1'],
    ['why', 'a.js:1'],
    ['init'],
    ['uninstall', '--dry-run'],
    ['recover'],
  ]
  it.each(needing)('%j %j: NOT_A_REPOSITORY, exit 6, with a command to copy', async (...args) => {
    const { exitCode, json } = await place.run(
      args.filter((word) => word !== undefined),
      { cwd: place.folder },
    )
    expect({ exitCode, code: json.error?.code }).toEqual({ exitCode: 6, code: 'NOT_A_REPOSITORY' })
    expect(json.error!.hints.length).toBeGreaterThan(0)
  })

  it.each([['doctor'], ['config', 'list'], ['version'], ['rules', 'list'], ['completion', 'bash']])('%j %j works', async (...args) => {
    expect(
      (
        await place.run(
          args.filter((word) => word !== undefined),
          { cwd: place.folder },
        )
      ).exitCode,
    ).toBe(0)
  })
})
