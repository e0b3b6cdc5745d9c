import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ACCOUNT_APPLICATION_ID, ACCOUNT_MIGRATIONS } from '../../src/core/llm/account/sql.ts'
import { QUEUE_APPLICATION_ID, QUEUE_MIGRATIONS } from '../../src/core/queue/engines/sqlite/migrations.ts'
import { loadSqlite, openDatabase } from '../../src/core/storage/index.ts'
import { DAMAGE, fold } from '../support/damage.ts'
import { mayMount, mountTiny, seal, unmount } from '../support/mounts.ts'
import {
  type ModelsProcess,
  accountFile,
  createNeighbour,
  createPaidPlace,
  queueFile,
  rows,
  startModelsProcess,
} from '../support/paid-queue.ts'
import { until } from '../support/queue.ts'
import { enqueue, requestLine, startPlain } from '../support/queue-runs.ts'
import { type Playground, refuses } from './playground.ts'

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

describe('queue.db', () => {
  it.each(DAMAGE)('%s: every command says so and touches nothing', async (_name, damage, code) => {
    const [id] = await enqueue(place, requestLine())
    const path = queueFile(place)
    fold(path)
    copyFileSync(path, `${path}.kept`)
    damage(path)
    const broken = readFileSync(path)
    for (const args of [
      ['queue', 'list'],
      ['queue', 'await', id!],
      ['queue', 'work', '--drain'],
    ]) {
      const { json } = await refuses(place, args, code, 6)
      expect(json.error!.message).toContain(path)
      expect(json.error!.hints.length).toBeGreaterThan(0)
    }
    await refuses(place, ['queue', 'enqueue', '-'], code, 6, { input: requestLine() })
    for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true })
    expect(readFileSync(path).equals(broken)).toBe(true)
    // whoever has a copy goes on as if nothing had been
    copyFileSync(`${path}.kept`, path)
    expect((await place.run(['queue', 'work', '--drain'])).json.data).toMatchObject({ completed: 1 })
  })

  it('and the account, locked by another program: reading goes on, writing gives up after a while and has done nothing', async () => {
    await enqueue(place, requestLine())
    await place.run(ask)
    const locked = [queueFile(place), accountFile(place)].map((path) => new (loadSqlite())(path))
    for (const db of locked) db.exec('BEGIN IMMEDIATE')
    const writing = Promise.all([place.run(['queue', 'enqueue', '-'], { input: requestLine() }), createNeighbour(place).run(ask)])
    expect((await place.run(['queue', 'list'])).json.data.requests).toHaveLength(2)
    const [queue, account] = await writing
    expect(queue).toMatchObject({ exitCode: 6, json: { error: { code: 'STATE_UNUSABLE', message: expect.stringContaining('locked') } } })
    expect(account).toMatchObject({ exitCode: 6, json: { error: { code: 'LEDGER_UNUSABLE', message: expect.stringContaining('locked') } } })
    for (const db of locked) db.close()
    expect((await place.run(['queue', 'list'])).json.data.requests).toHaveLength(2)
    expect((await place.run(ask)).exitCode).toBe(0)
  })
})

describe.skipIf(!mayMount)('disks that are full or cannot be written', () => {
  const mounts: string[] = []
  afterEach(() => {
    for (const path of mounts.splice(0)) unmount(path)
  })

  it('queue.db on a disk with no room for more: what is there is read, nothing new is taken', async () => {
    const folder = dirname(queueFile(place))
    expect(mountTiny(folder, 'size=8m')).toBe(true)
    mounts.push(folder)
    await refuses(place, ['queue', 'enqueue', '-'], 'DISK_FULL', 6, { input: requestLine() })
    expect((await place.run(['queue', 'list'])).json.data.requests).toEqual([])
    expect((await place.run(['queue', 'verify'])).json.data).toEqual({ violations: [] })
  })

  it('queue.db in a folder that is read-only: every command says so', async () => {
    const [id] = await enqueue(place, requestLine())
    const folder = dirname(queueFile(place))
    seal(folder)
    mounts.push(folder)
    await refuses(place, ['queue', 'enqueue', '-'], 'READ_ONLY', 6, { input: requestLine() })
    await refuses(place, ['queue', 'work', '--drain'], 'READ_ONLY', 6)
    unmount(mounts.pop()!)
    expect((await place.run(['queue', 'work', '--drain'])).json.data).toMatchObject({ completed: 1 })
    expect((await place.run(['queue', 'show', id!])).json.data.request.status).toBe('completed')
  })

  it.each([
    ['full', (path: string) => mountTiny(path, 'size=4k,nr_inodes=2')],
    ['read-only', (path: string) => mountTiny(path, 'size=1m,ro')],
  ])('account.db on a disk that is %s: nothing is paid for', async (_name, make) => {
    const folder = dirname(accountFile(place))
    expect(make(folder)).toBe(true)
    mounts.push(folder)
    const { calls } = await mock.meter()
    await refuses(place, ask, 'LEDGER_UNUSABLE', 6)
    expect((await mock.meter()).calls).toBe(calls)
  })
})

describe('two versions at once', () => {
  /** What the next version of the program does when it starts. */
  const migrate = (): void =>
    openDatabase({
      path: queueFile(place),
      applicationId: QUEUE_APPLICATION_ID,
      migrations: [...QUEUE_MIGRATIONS, 'CREATE TABLE later (x TEXT) STRICT'],
    }).close()

  it('many that make the file at once make one', async () => {
    const runs = await Promise.all(
      Array.from({ length: 6 }, (_, n) => place.run(['queue', 'enqueue', '-'], { input: requestLine(`first ${n}`) })),
    )
    expect(runs.map(({ exitCode, stderr }) => (exitCode === 0 ? '' : stderr))).toEqual(Array(6).fill(''))
    expect((await place.run(['queue', 'list'])).json.data.requests).toHaveLength(6)
    expect((await place.run(['queue', 'verify'])).json.data).toEqual({ violations: [] })
  })

  it('a worker brings what it runs to its end and leaves the rest to the newer one; enqueuers are taken or refused, never half', async () => {
    await mock.script({ text: 'late, and paid for', delayMs: 1500, match: 'slow' })
    const [slow] = await enqueue(place, requestLine('slow'))
    const worker = startPlain(place, ['queue', 'work', '--concurrency', '1'])
    await until(() => rows(queueFile(place), `SELECT 1 FROM attempt WHERE phase = 'calling'`).length === 1, 'the call is under way')
    const enqueuing = Array.from({ length: 4 }, (_, n) =>
      place.run(['queue', 'enqueue', '-'], { input: `${requestLine(`a ${n}`)}\n${requestLine(`b ${n}`)}` }),
    )
    await Promise.race(enqueuing)
    migrate()
    const said = await Promise.all(enqueuing)
    const taken = said.filter(({ exitCode }) => exitCode === 0).flatMap(({ json }) => json.data.requests as { id: string }[])
    for (const { exitCode, json } of said.filter((each) => each.exitCode !== 0))
      expect({ exitCode, code: json.error?.code }).toEqual({ exitCode: 6, code: 'STATE_NEWER' })
    expect(await worker.done).toMatchObject({ exitCode: 6, stderr: expect.stringContaining('newer version') })
    const all = rows<{ id: string; state: string }>(queueFile(place), 'SELECT id, state FROM job')
    expect(all.find(({ id }) => id === slow)).toMatchObject({ state: 'completed' })
    expect(all.map(({ id }) => id).sort()).toEqual([slow, ...taken.map(({ id }) => id)].sort())
    await refuses(place, ['queue', 'list'], 'STATE_NEWER', 6)
  })
})

describe('account.db', () => {
  it.each(DAMAGE)('%s: nothing is paid for, and what waits goes on waiting', async (_name, damage, code) => {
    expect((await place.run(ask)).exitCode).toBe(0)
    const path = accountFile(place)
    fold(path)
    copyFileSync(path, `${path}.kept`)
    damage(path)
    const { calls } = await mock.meter()
    const { json } = await refuses(place, ask, code === 'STATE_UNUSABLE' ? 'LEDGER_UNUSABLE' : code, 6)
    expect(json.error!.message).toContain(path)
    expect(json.error!.hints.length).toBeGreaterThan(0)
    const [id] = await enqueue(place, requestLine())
    await refuses(place, ['queue', 'work', '--drain'], code === 'STATE_UNUSABLE' ? 'LEDGER_UNUSABLE' : code, 6)
    expect((await mock.meter()).calls).toBe(calls)
    expect((await place.run(['queue', 'show', id!])).json.data.request).toMatchObject({ status: 'pending' })
    for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true })
    copyFileSync(`${path}.kept`, path)
    expect((await place.run(['queue', 'work', '--drain'])).json.data).toMatchObject({ completed: 1 })
  })

  it('cannot be made where its folder is a file', async () => {
    const env = { SINGULARITY_LEDGER: `${place.root}/package.json/account.db` }
    writeFileSync(`${place.root}/package.json`, '{}')
    const answer = await place.run(ask, { env })
    expect({ exitCode: answer.exitCode, code: answer.json.error?.code }).toEqual({ exitCode: 6, code: 'LEDGER_UNUSABLE' })
  })

  it('many that make it at once make one', async () => {
    const runs = await Promise.all(Array.from({ length: 5 }, (_, n) => place.run(['ask', `Why ${n}?`, '--no-cache'])))
    expect(runs.map(({ exitCode, stdout }) => (exitCode === 0 ? '' : stdout))).toEqual(Array(5).fill(''))
    const known = openDatabase({ path: accountFile(place), applicationId: ACCOUNT_APPLICATION_ID, migrations: ACCOUNT_MIGRATIONS })
    known.close()
    expect(rows(accountFile(place), `SELECT 1 FROM reservation WHERE phase = 'settled'`)).toHaveLength(5)
  })
})
