import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mayMount, mountTiny, seal, unmount } from '../support/mounts.ts'
import {
  type Answer,
  GOOD_PATCH,
  type Playground,
  TINY,
  candidateOf,
  createPlayground,
  expectProven,
  judge,
  patchOf,
  refuses,
} from './playground.ts'

const PATCH = ['improve', '--patch', '-', '--dry-run']

/** The sandbox folders of the repositories of a playground. */
function sandboxes(place: Playground): string[] {
  const home = join(place.env['XDG_STATE_HOME']!, 'singularity')
  if (!existsSync(home)) return []
  const folders = readdirSync(home).map((name) => join(home, name, 'sandboxes'))
  return folders.filter((folder) => existsSync(folder)).flatMap((folder) => readdirSync(folder))
}

describe.skipIf(!mayMount)('disks that are full or cannot be written', () => {
  let place: Playground
  const mounts: string[] = []
  const mount = (path: string, options: string): void => {
    expect(mountTiny(path, options)).toBe(true)
    mounts.push(path)
  }
  beforeAll(() => {
    place = createPlayground()
  })
  afterAll(() => {
    for (const path of mounts.reverse()) unmount(path)
    place.cleanup()
  })

  it('the disk of the sandboxes is full', async () => {
    const state = join(place.folder, 'full')
    mount(state, 'size=16k,nr_inodes=16')
    await refuses(place, PATCH, 'DISK_FULL', 6, { input: GOOD_PATCH, env: { XDG_STATE_HOME: state } })
    expect(place.git('worktree', 'list').split('\n')).toHaveLength(1)
  })

  it('the disk of the sandboxes is nearly full: no test is blamed for failing on it', async () => {
    const state = join(place.folder, 'nearly')
    mount(state, 'size=4m')
    await refuses(place, PATCH, 'DISK_FULL', 6, { input: GOOD_PATCH, env: { XDG_STATE_HOME: state } })
  })

  it('the folder of the sandboxes is read-only', async () => {
    const state = join(place.folder, 'sealed')
    mount(state, 'size=1m,ro')
    await refuses(place, PATCH, 'READ_ONLY', 6, { input: GOOD_PATCH, env: { XDG_STATE_HOME: state } })
  })

  it('the same command works once there is room', async () => {
    expectProven(await judge(place, GOOD_PATCH), 3)
  })

  it('the disk of the repository is full', async () => {
    const small = createPlayground(null)
    const root = join(small.folder, 'small')
    mount(root, 'size=600k')
    execFileSync('git', ['clone', '--quiet', place.root, root], { env: place.env })
    try {
      execFileSync('sh', ['-c', `head -c 600k /dev/zero > '${root}/ballast'`], { stdio: 'ignore' })
    } catch {
      // as full as it gets
    }
    const branches = (): string => execFileSync('git', ['for-each-ref'], { cwd: root, env: place.env, encoding: 'utf8' })
    const before = branches()
    const answer = await small.run(PATCH, { cwd: root, input: GOOD_PATCH })
    expect({ code: answer.json.error?.code, exitCode: answer.exitCode }, answer.stdout + answer.stderr).toEqual({
      code: 'DISK_FULL',
      exitCode: 6,
    })
    expect(branches()).toBe(before)
    unmount(root)
    mounts.splice(mounts.indexOf(root), 1)
    small.cleanup()
  })

  it('the repository is read-only', async () => {
    const copy = join(place.folder, 'read-only')
    execFileSync('git', ['clone', '--quiet', place.root, copy], { env: place.env })
    seal(copy)
    mounts.push(copy)
    const answer = await place.run(PATCH, { cwd: copy, input: GOOD_PATCH })
    expect({ code: answer.json.error?.code, exitCode: answer.exitCode }, answer.stdout + answer.stderr).toEqual({
      code: 'READ_ONLY',
      exitCode: 6,
    })
  })
})

describe('runs that are cut off or meet each other', () => {
  let place: Playground
  beforeAll(() => {
    place = createPlayground()
  })
  afterAll(() => place.cleanup())

  /** Nothing of a dead run is left once the next command has ended. */
  const expectClean = (): void => {
    expect(place.git('worktree', 'list').split('\n')).toHaveLength(1)
    expect(place.git('branch', '--list').split('\n')).toHaveLength(1)
    const locks = readdirSync(join(place.root, '.git')).filter((name) => name.endsWith('.lock'))
    expect(locks).toEqual([])
    expect(sandboxes(place)).toEqual([])
  }

  it('two runs at once give the same answer each and leave nothing behind', async () => {
    const before = place.frozen()
    const answers = await Promise.all([place.run(PATCH, { input: GOOD_PATCH }), place.run(PATCH, { input: GOOD_PATCH })])
    for (const answer of answers) expectProven(answer, 3)
    expect(place.frozen()).toEqual(before)
    expectClean()
  })

  it('two runs at once that land: both changes are on the branch, the same one only once', async () => {
    const own = createPlayground()
    try {
      const text = String(TINY['src/list.js'])
      const other = patchOf('src/list.js', text, (source) => source.replace('list[list.length - 1]', 'list.at(-1)'))
      const env = { SINGULARITY_APPROVALS_AUTO_RISK: 'medium' }
      const land = (patch: string): Promise<Answer> => own.run(['improve', '--patch', '-', '--yes'], { input: patch, env })
      const answers = await Promise.all([GOOD_PATCH, GOOD_PATCH, other].map(land))
      const states = answers.map((answer) => candidateOf(answer).state as string)
      expect(states.slice(0, 2).sort(), JSON.stringify(answers.map(({ json }) => json.data?.notes))).toEqual(['abandoned', 'landed'])
      expect(states[2]).toBe('landed')
      expect(answers.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0])
      expect(own.git('show', 'HEAD:src/list.js')).toContain('list.includes(item)')
      expect(own.git('show', 'HEAD:src/list.js')).toContain('list.at(-1)')
      expect(own.git('rev-list', '--count', 'HEAD')).toBe('3')
      expect(own.git('status', '--porcelain')).toBe('')
      expect(own.git('for-each-ref', 'refs/singularity/candidates')).toBe('')
    } finally {
      own.cleanup()
    }
  })

  it('SIGKILL at any moment: the next command finds everything in order', async () => {
    const before = place.frozen()
    const seed = Number(process.env['SINGULARITY_TEST_SEED'] ?? Math.floor(Math.random() * 1e6))
    let state = seed
    const random = (): number => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648
    for (let round = 0; round < 8; round++) {
      const delay = Math.round(100 + random() * 2400)
      const { child, done } = place.start(['improve', '--source', 'rules', '--dry-run', '--retry'], { detached: true })
      const timer = setTimeout(() => process.kill(child.pid!, 'SIGKILL'), delay)
      const answer = await done
      clearTimeout(timer)
      const text = `seed ${seed}, round ${round}, killed after ${delay} ms`
      expect(answer.signal === 'SIGKILL' || answer.exitCode === 0, text).toBe(true)
      const next = await place.run(['runs'])
      expect(next.exitCode, text + next.stdout).toBe(0)
      for (const run of next.json.data.runs) expect(run.finished_at, text).not.toBeNull()
    }
    expectProven(await judge(place, GOOD_PATCH), 3)
    expect(place.frozen()).toEqual(before)
    expectClean()
  })

  /** Starts a run and signals it once its first sandbox is there; answers what came of it. */
  async function interrupted(args: readonly string[], signals: number): Promise<{ exitCode: number | null; ms: number; json: unknown }> {
    const { child, done } = place.start(args, { input: GOOD_PATCH })
    const ended = done.then(() => 'ended' as const)
    while (sandboxes(place).length === 0) if ((await Promise.race([ended, new Promise((next) => setImmediate(next))])) === 'ended') break
    const started = performance.now()
    for (let signal = 0; signal < signals; signal++) {
      child.kill('SIGINT')
      await new Promise((next) => setTimeout(next, 50)) // two equal signals at once are one
    }
    const answer = await done
    return { exitCode: answer.exitCode, ms: performance.now() - started, json: answer.json }
  }

  it('Ctrl-C once: what runs is finished, what is decided is kept, exit 130', async () => {
    const before = place.frozen()
    const { exitCode, json } = await interrupted(['improve', '--source', 'rules', '--dry-run', '--retry'], 1)
    expect(exitCode, JSON.stringify(json)).toBe(130)
    expect(json).toMatchObject({ ok: true, data: { run: { finished_at: expect.any(String) } } })
    expect(place.frozen()).toEqual(before)
    expect((await place.run(['runs'])).exitCode).toBe(0)
    expectClean()
  })

  it('Ctrl-C twice: stops at once, exit 130', async () => {
    const before = place.frozen()
    const { exitCode, ms, json } = await interrupted(['improve', '--patch', '-', '--dry-run', '--retry', '--test', 'sleep 60'], 2)
    expect(exitCode, JSON.stringify(json)).toBe(130)
    expect(ms).toBeLessThan(5000)
    expect(place.frozen()).toEqual(before)
    expect((await place.run(['runs'])).exitCode).toBe(0)
    expectClean()
  })

  it('SIGTERM: stops at once, exit 143', async () => {
    const { child, done } = place.start(['improve', '--patch', '-', '--dry-run', '--test', 'sleep 60'], { input: GOOD_PATCH })
    while (sandboxes(place).length === 0) await new Promise((next) => setImmediate(next))
    child.kill('SIGTERM')
    const answer = await done
    expect(answer.exitCode, answer.stdout).toBe(143)
    expect((await place.run(['runs'])).exitCode).toBe(0)
    expectClean()
  })

  it('a candidate that waits is the same after a kill, and lands', async () => {
    const proven = await place.run(['improve', '--patch', '-'], { input: GOOD_PATCH })
    const { id } = candidateOf(proven)
    const { child, done } = place.start(['improve', '--source', 'rules'], {})
    setTimeout(() => child.kill('SIGKILL'), 1200)
    await done
    const landed = await place.run(['approve', id])
    expect(landed.json.data?.state, landed.stdout).toBe('landed')
    const undone = await place.run(['undo', id, '--yes'])
    expect(undone.json.data?.state, undone.stdout).toBe('undone')
    expectClean()
  })
})
