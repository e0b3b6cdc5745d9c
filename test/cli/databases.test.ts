import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CACHE_APPLICATION_ID, CACHE_MIGRATIONS } from '../../src/core/answering/index.ts'
import { ACCOUNT_APPLICATION_ID, ACCOUNT_MIGRATIONS } from '../../src/core/llm/index.ts'
import { loadSqlite, openDatabase } from '../../src/core/storage/index.ts'
import { DAMAGE, fold, pagesOf, spoil } from '../support/damage.ts'
import { mayMount, mountFuse, mountTiny, seal, unmount, whyNoFuse } from '../support/mounts.ts'
import {
  type ModelsProcess,
  accountFile,
  createPaidPlace,
  expectSound,
  queueFile,
  rows,
  startModelsProcess,
} from '../support/paid-queue.ts'
import { until } from '../support/queue.ts'
import { enqueue, requestLine, runPlain, startPlain } from '../support/queue-runs.ts'
import { buildProgram } from '../support/supervisor.ts'
import { type Answer, GOOD_PATCH, type Playground, createPlayground, refuses } from './playground.ts'

let mock: ModelsProcess
let place: Playground
beforeAll(async () => {
  mock = await startModelsProcess({ fallback: { text: 'forty-two' } })
})
afterAll(() => mock.close())
beforeEach(() => {
  place = createPaidPlace(mock.origin)
})
afterEach(() => place.cleanup())

const ask = ['ask', 'Why is the sky blue?', '--no-cache']
const check = ({ json }: Answer, id: string) =>
  (json.data.checks as { id: string; status: string; detail: string; fix: string[] }[]).find((each) => each.id === id)!
const stateFile = (name: string): string => join(place.root, '.git', 'singularity', name)
const asideOf = (path: string): string[] => readdirSync(dirname(path)).filter((name) => /\.corrupt-\d+T\d+$/.test(name))

/** Requests that fill pages: those in the middle of the file hold what was asked. */
const many = (count: number): string[] => Array.from({ length: count }, (_, n) => requestLine(`question ${n} ${'x'.repeat(3000)}`))

describe('a damaged queue.db', () => {
  it('left by a killed worker is told by every command, mended by doctor --fix alone, and keeps what could be read', async () => {
    const ids = await enqueue(place, ...many(60))
    await mock.script({ text: 'late', delayMs: 5000, match: 'question 0' })
    const worker = startPlain(place, ['queue', 'work', '--concurrency', '1'])
    await until(() => rows(queueFile(place), `SELECT 1 FROM attempt WHERE phase = 'calling'`).length === 1, 'the call is under way')
    worker.child.kill('SIGKILL')
    await once(worker.child, 'close')
    const path = queueFile(place)
    const middle = Math.floor(pagesOf(path) / 2)
    spoil(path, [middle, middle + 1, middle + 2])
    const { json } = await refuses(place, ['queue', 'list'], 'STATE_UNUSABLE', 6)
    expect(json.error).toMatchObject({ message: expect.stringContaining('damaged'), hints: ['singularity doctor --fix'] })
    await refuses(place, ['queue', 'enqueue', '-'], 'STATE_UNUSABLE', 6, { input: requestLine() })
    const told = await place.run(['doctor'])
    expect(check(told, 'databases')).toMatchObject({ status: 'fail', fix: ['singularity doctor --fix'] })
    expect([told.exitCode, asideOf(path)]).toEqual([6, []])

    const fixed = await place.run(['doctor', '--fix'])
    expect(check(fixed, 'databases')).toMatchObject({ status: 'ok' })
    expect(fixed.json.data.fixed).toContain('databases')
    expect(fixed.json.data.notes.join()).toMatch(/queue\.db was saved row by row \(\d+ rows/)
    expect(asideOf(path)).toHaveLength(1)
    const left = rows<{ id: string; state: string; reason: string | null }>(path, 'SELECT id, state, reason FROM job')
    expect(left.length).toBeGreaterThan(50)
    expect(left.every(({ id }) => ids.includes(id))).toBe(true)
    for (const { state, reason } of left) if (state === 'dead') expect(reason).toBe('payload_lost')
    const { completed } = (await place.run(['queue', 'work', '--drain'])).json.data as { completed: number }
    expect(completed).toBe(left.filter(({ state }) => state !== 'dead').length)
    expect(completed).toBeGreaterThan(40)
  })

  it('of which nothing is left comes back as a copy of an earlier day, whose requests nobody runs again unasked', async () => {
    const [id] = await enqueue(place, requestLine())
    const path = queueFile(place)
    fold(path)
    expect(readdirSync(stateFile('backups')).filter((name) => name.startsWith('queue.db'))).toHaveLength(1)
    expect((await place.run(['queue', 'work', '--drain'])).json.data).toMatchObject({ completed: 1 })
    fold(path)
    DAMAGE[0]![1](path)
    const { calls } = await mock.meter()
    const fixed = await place.run(['doctor', '--fix'])
    expect(fixed.json.data.notes.join()).toContain('restored from a copy')
    expect((await place.run(['queue', 'work', '--drain'])).json.data).toMatchObject({ completed: 0 })
    expect((await mock.meter()).calls).toBe(calls)
    expect((await place.run(['queue', 'show', id!])).json.data.request).toMatchObject({ status: 'failed' })
    expect(rows(path, 'SELECT state, reason FROM job')).toEqual([{ state: 'cancelled', reason: 'restored' }])
    expect((await place.run(['queue', 'retry', id!])).exitCode).toBe(0)
    expect((await place.run(['queue', 'work', '--drain'])).json.data).toMatchObject({ completed: 1 })
  })

  it('is not mended under a program that has it open', async () => {
    await enqueue(place, ...many(20))
    const path = queueFile(place)
    spoil(path, [Math.floor(pagesOf(path) / 2)])
    const broken = readFileSync(path)
    // from here on this process must not open the file by itself: closing it would give up the locks of SQLite
    const other = new (loadSqlite())(path)
    other.prepare('SELECT count(*) FROM job').get()
    const { json, exitCode } = await place.run(['doctor', '--fix'])
    expect([exitCode, json.data.notes.join(), asideOf(path)]).toEqual([6, expect.stringContaining('another program has it open'), []])
    other.close()
    expect(readFileSync(path).equals(broken)).toBe(true)
    expect((await place.run(['doctor', '--fix'])).json.data.fixed).toContain('databases')
  })
})

describe('a damaged account.db', () => {
  it.each(DAMAGE.slice(0, 2))('%s: once mended it pays for nothing until a person has confirmed its sums', async (_name, damage) => {
    expect((await place.run(ask)).exitCode).toBe(0)
    const spent = (answer: Answer): number => answer.json.data.caps.find((cap: { scope: string }) => cap.scope === 'day').spent_nusd
    const before = spent(await place.run(['llm', 'budget']))
    expect(before).toBeGreaterThan(0)
    const path = accountFile(place)
    fold(path)
    damage(path)
    await refuses(place, ask, 'LEDGER_UNUSABLE', 6)
    expect((await place.run(['doctor', '--fix'])).json.data.notes.join()).toContain('account.db was restored from a copy')
    expect(check(await place.run(['doctor']), 'databases')).toMatchObject({
      status: 'warn',
      fix: expect.arrayContaining(['singularity llm budget confirm']),
    })
    const { calls } = await mock.meter()
    const { json } = await refuses(place, ask, 'LEDGER_UNUSABLE', 6)
    expect(json.error!.message).toMatch(/mended at .*singularity llm budget confirm/)
    expect((await mock.meter()).calls).toBe(calls)
    const [id] = await enqueue(place, requestLine())
    await place.run(['queue', 'work', '--drain'])
    expect((await place.run(['queue', 'show', id!])).json.data.request).toMatchObject({ status: 'pending' })
    const shown = await runPlain(place, ['llm', 'budget'])
    expect(shown.stdout).toContain('singularity llm budget confirm')
    expect(spent(await place.run(['llm', 'budget', 'confirm']))).toBe(before)
    expect((await place.run(ask)).exitCode).toBe(0)
    expect(asideOf(path)).toHaveLength(1)
  })

  it('with bad pages keeps every sum it can read, and none becomes lower than its rows say', async () => {
    for (let n = 0; n < 3; n++) expect((await place.run(['ask', `Why ${n}?`, '--no-cache'])).exitCode).toBe(0)
    const path = accountFile(place)
    fold(path)
    const [{ spent }] = rows<{ spent: number }>(path, `SELECT spent_nusd AS spent FROM balance WHERE scope = 'day'`) as [{ spent: number }]
    // the table of the reservations, so that only the sums know what was spent
    const [{ page }] = rows<{ page: number }>(path, `SELECT rootpage AS page FROM sqlite_schema WHERE name = 'reservation'`) as [
      { page: number },
    ]
    spoil(path, [page - 1])
    expect((await place.run(['doctor', '--fix'])).json.data.notes.join()).toContain('account.db was saved row by row')
    expect(rows(path, `SELECT spent_nusd AS spent FROM balance WHERE scope = 'day'`)).toEqual([{ spent }])
    await refuses(place, ask, 'LEDGER_UNUSABLE', 6)
    expect((await place.run(['llm', 'budget', 'confirm'])).json.data.doubt).toBeNull()
    expect((await place.run(ask)).exitCode).toBe(0)
  })
})

describe('the next version of the program', () => {
  it('that migrates account.db between calls: each is paid for or refused, none half', async () => {
    expect((await place.run(ask)).exitCode).toBe(0)
    const { calls } = await mock.meter()
    const asking = Array.from({ length: 4 }, (_, n) => place.run(['ask', `Why ${n}?`, '--no-cache']))
    await Promise.race(asking)
    openDatabase({
      path: accountFile(place),
      applicationId: ACCOUNT_APPLICATION_ID,
      migrations: [...ACCOUNT_MIGRATIONS, 'CREATE TABLE later (x TEXT) STRICT'],
    }).close()
    const said = await Promise.all(asking)
    for (const { exitCode, json } of said) if (exitCode !== 0) expect([exitCode, json.error?.code]).toEqual([6, 'STATE_NEWER'])
    const paid = said.filter(({ exitCode }) => exitCode === 0).length
    expect((await mock.meter()).calls - calls).toBe(paid)
    expect(rows(accountFile(place), `SELECT 1 FROM reservation WHERE phase = 'settled'`)).toHaveLength(paid + 1)
    await refuses(place, ask, 'STATE_NEWER', 6)
  })

  it('that migrates cache.db: answers are given all the same', async () => {
    expect((await place.run(['ask', 'Why is the sky blue?'])).exitCode).toBe(0)
    const asking = Array.from({ length: 3 }, (_, n) => place.run(['ask', `Why ${n}?`]))
    await Promise.race(asking)
    const later = [...CACHE_MIGRATIONS, 'CREATE TABLE later (x TEXT) STRICT']
    openDatabase({ path: stateFile('cache.db'), applicationId: CACHE_APPLICATION_ID, migrations: later }).close()
    expect((await Promise.all(asking)).map(({ exitCode }) => exitCode)).toEqual([0, 0, 0])
    // it is the newer one's now: kept, and done without
    expect((await place.run(['ask', 'Why is the sky blue?'])).json).toMatchObject({ ok: true, data: { source: 'llm' } })
    expect(rows(stateFile('cache.db'), 'PRAGMA user_version')).toEqual([{ user_version: later.length }])
  })
})

describe('state.db', () => {
  it('comes back as a whole copy, and the message says what is not in it', async () => {
    const own = createPlayground()
    try {
      expect((await own.run(['improve', '--patch', '-'], { input: GOOD_PATCH })).json.ok).toBe(true)
      const path = join(own.root, '.git', 'singularity', 'state.db')
      fold(path)
      const known = (await own.run(['runs'])).json.data
      DAMAGE[0]![1](path)
      await refuses(own, ['runs'], 'STATE_UNUSABLE', 6)
      const { json } = await own.run(['doctor', '--fix'])
      expect(json.data.notes.join()).toMatch(/state\.db was restored from a copy .*; what happened since is not in it/)
      expect((await own.run(['runs'])).json.data).toEqual(known)
    } finally {
      own.cleanup()
    }
  })
})

describe('cache.db', () => {
  it.each(DAMAGE)('%s: answers are given all the same', async (_name, damage) => {
    expect((await place.run(ask)).exitCode).toBe(0)
    const path = stateFile('cache.db')
    fold(path)
    damage(path)
    expect((await place.run(ask)).json).toMatchObject({ ok: true, data: { answer: 'forty-two' } })
  })

  it('locked by another program: answers are given all the same, and the file stays', async () => {
    expect((await place.run(['ask', 'Why is the sky blue?'])).exitCode).toBe(0)
    const locked = new (loadSqlite())(stateFile('cache.db'))
    locked.exec('BEGIN EXCLUSIVE')
    expect((await place.run(['ask', 'Why is the grass green?'])).json).toMatchObject({ ok: true, data: { answer: 'forty-two' } })
    locked.exec('COMMIT')
    expect(locked.prepare('SELECT count(*) FROM cached_results').pluck().get()).toBe(1)
    locked.close()
    expect((await place.run(['ask', 'Why is the sky blue?'])).json.data).toMatchObject({ source: 'cache' })
  })

  it.skipIf(!mayMount)('in a folder that is read-only: told, and nothing is paid for', async () => {
    expect((await place.run(ask)).exitCode).toBe(0)
    const folder = stateFile('')
    seal(folder)
    try {
      const { calls } = await mock.meter()
      await refuses(place, ask, 'READ_ONLY', 6)
      expect((await mock.meter()).calls).toBe(calls)
    } finally {
      unmount(folder)
    }
  })
})

describe.skipIf(!mayMount)('a disk with less room than the floor', () => {
  it.each([
    ['of the repository', () => stateFile(''), 'DISK_FULL'],
    ['of the ledger', () => dirname(accountFile(place)), 'LEDGER_UNUSABLE'],
  ])('%s: nothing new is asked for and nothing is paid', async (_name, folderOf, code) => {
    const folder = folderOf()
    expect(mountTiny(folder, 'size=8m')).toBe(true)
    try {
      const { calls } = await mock.meter()
      const { json } = await refuses(place, ask, code, 6)
      expect(json.error!.message).toContain('Less than 32 MiB are free')
      expect((await mock.meter()).calls).toBe(calls)
    } finally {
      unmount(folder)
    }
  })
})

describe('a repository on a network or shared file system', () => {
  it('is worked with from several processes at once, with a warning; the ledger is not used there', async (context) => {
    const reason = whyNoFuse()
    if (reason) return context.skip(reason)
    mountFuse(place.root, place.root)
    try {
      const said = await runPlain(place, ['queue', 'enqueue', '-'], { input: requestLine() })
      expect([said.exitCode, said.stderr]).toEqual([0, expect.stringMatching(/warning: .* is on FUSE/)])
      expect((await runPlain(place, ['queue', 'list', '--quiet'])).stderr).toBe('')
      const added = (
        await Promise.all(Array.from({ length: 4 }, (_, n) => enqueue(place, requestLine(`a ${n}`), requestLine(`b ${n}`))))
      ).flat()
      expect(existsSync(`${queueFile(place)}-wal`)).toBe(false)
      const done = await Promise.all([1, 2].map(() => place.run(['queue', 'work', '--drain', '--concurrency', '2'])))
      expect(done.map(({ exitCode }) => exitCode)).toEqual([0, 0])
      const jobs = expectSound(place, new Set(added))
      expect(jobs.map(({ state, token }) => `${state} ${token}`)).toEqual(Array(9).fill('completed 1'))
      expect(check(await place.run(['doctor']), 'file-system')).toMatchObject({ status: 'warn', detail: expect.stringContaining('FUSE') })

      const { calls } = await mock.meter()
      const env = { SINGULARITY_LEDGER: join(place.root, 'account.db') }
      const { json } = await refuses(place, ask, 'LEDGER_UNUSABLE', 6, { env })
      expect(json.error!.hints.join()).toContain('SINGULARITY_LEDGER')
      expect((await mock.meter()).calls).toBe(calls)
    } finally {
      unmount(place.root)
    }
  })
})

describe('clocks an hour apart', () => {
  let preload: string
  beforeAll(() => {
    preload = buildProgram('shift-clock')
  })
  afterAll(() => rmSync(preload, { force: true }))

  it('a request that a fast clock put back is tried again when it should be, not an hour later', async () => {
    const fast = { NODE_OPTIONS: `--import=${preload}`, TEST_CLOCK_OFFSET_MS: String(3_600_000) }
    const [id] = await enqueue(place, requestLine('fails once'))
    await mock.script({ failure: { kind: 'http', status: 500 }, match: 'fails once' })
    await place.run(['queue', 'work', '--once'], { env: fast })
    const [{ ahead }] = rows<{ ahead: number }>(queueFile(place), 'SELECT run_at - ? AS ahead FROM job', Date.now()) as [{ ahead: number }]
    expect(ahead).toBeGreaterThan(3_000_000)
    const worker = startPlain(place, ['queue', 'work'])
    expect((await place.run(['queue', 'await', id!, '--timeout', '60s'])).json.data.responses).toMatchObject([{ status: 'completed' }])
    worker.child.kill('SIGTERM')
    await worker.done
  })
})
