import { fork } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type RepairReport, listBackups, loadSqlite, openDatabase, repairDatabase } from '../../../src/core/storage/index.ts'
import { spoil } from '../../support/damage.ts'
import { buildProgram } from '../../support/supervisor.ts'

const MIGRATIONS = [
  `CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT NOT NULL UNIQUE) STRICT;
   CREATE TABLE part (t INTEGER NOT NULL REFERENCES t (id), n INTEGER NOT NULL, y TEXT, PRIMARY KEY (t, n)) STRICT, WITHOUT ROWID;
   CREATE TABLE seen (id INTEGER PRIMARY KEY, t INTEGER NOT NULL) STRICT;
   CREATE TRIGGER t_came AFTER INSERT ON t BEGIN INSERT INTO seen (t) VALUES (new.id); END;`,
]
const NOON = Date.UTC(2026, 10, 20, 12)
const DAY = 86_400_000
const damaged = expect.objectContaining({ code: 'STATE_UNUSABLE', exitCode: 6, hints: ['singularity doctor --fix'] }) as Error

let folder = ''
let path = ''
let now = NOON
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'damage-'))
  path = join(folder, 'a.db')
  now = NOON
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = () => openDatabase({ path, applicationId: 7, migrations: MIGRATIONS, backups: { clock: { now: () => now } } })
const repair = (prefer: 'salvage' | 'backup' = 'salvage'): RepairReport =>
  repairDatabase({ path, applicationId: 7, migrations: MIGRATIONS, now, prefer })

/** 2000 rows of half a page, two parts to each tenth. */
function fill(count = 2000): void {
  const db = open()
  db.transaction(() => {
    for (let id = 1; id <= count; id++) {
      db.run('INSERT INTO t VALUES (?, ?)', id, `${id} ${'x'.repeat(1500)}`)
      if (id % 10 === 0) for (const n of [1, 2]) db.run('INSERT INTO part VALUES (?, ?, ?)', id, n, 'y'.repeat(200))
    }
  })
  db.close()
}

describe('a file that was not closed', () => {
  it('is sound after a SIGKILL, and what was committed is there', async () => {
    const program = buildProgram('write-rows')
    const writer = fork(program, [path])
    await once(writer, 'message')
    writer.kill('SIGKILL')
    await once(writer, 'exit')
    rmSync(program)
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0)
    const db = openDatabase({ path, applicationId: 7, migrations: ['-- made by the writer'] })
    expect(db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 200 })
    db.close()
  })

  it('is looked through: damage is told when it is opened, and not row by row later', () => {
    fill(400)
    const writer = new (loadSqlite())(path)
    writer.pragma('journal_mode = WAL')
    writer.exec('INSERT INTO seen (t) VALUES (1)')
    const [left, wal] = [readFileSync(path), readFileSync(`${path}-wal`)]
    writer.close()
    spoil(path, [40, 41, 42])
    // closed in order: nobody looks, and the damage waits for who reads it
    open().close()
    writeFileSync(path, left)
    spoil(path, [40, 41, 42])
    writeFileSync(`${path}-wal`, wal)
    expect(open).toThrow(damaged)
    // looking at it has folded the log into the file: the mark is what the next one sees
    expect(existsSync(`${path}-wal`)).toBe(false)
    expect(open).toThrow(damaged)
    writeFileSync(path, left)
    open().close()
    expect(existsSync(`${path}.damaged`)).toBe(false)
  })

  it('is not looked through while its writer lives', () => {
    fill(400)
    const writer = new (loadSqlite())(path)
    writer.exec('INSERT INTO seen (t) VALUES (1)')
    const db = open()
    expect(db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 400 })
    db.close()
    writer.close()
  })
})

describe('mending', () => {
  it('saves what can be read of pages in between, and keeps the damaged file as it was', () => {
    fill()
    const pages = statSync(path).size / 4096
    const bad = Array.from({ length: 40 }, (_, n) => 20 + Math.floor((n * (pages - 40)) / 40))
    spoil(path, bad)
    const broken = readFileSync(path)
    const report = repair()
    expect(report).toMatchObject({ how: 'salvaged', backup: null, aside: join(folder, 'a.db.corrupt-20261120T120000') })
    expect(readFileSync(report.aside).equals(broken)).toBe(true)
    // forty pages of two rows each, and what hung on inner pages that are gone
    expect(report.rows['t']!.kept).toBeGreaterThan(1800)
    expect(report.rows['t']!.kept).toBeLessThan(2000)
    const db = open()
    expect(db.get('PRAGMA integrity_check')).toEqual({ integrity_check: 'ok' })
    expect(db.all('PRAGMA foreign_key_check')).toEqual([])
    expect(db.get<{ n: number }>('SELECT count(*) AS n FROM t')!.n).toBe(report.rows['t']!.kept)
    expect(db.get('SELECT count(*) AS n FROM t WHERE x NOT LIKE id || $1', { 1: ` ${'x'.repeat(1500)}` })).toEqual({ n: 0 })
    // copying is no coming: the trigger that tells of new rows was silent, and works again
    expect(db.get<{ n: number }>('SELECT count(*) AS n FROM seen')!.n).toBeLessThanOrEqual(2000)
    db.run('INSERT INTO t VALUES (5000, ?)', 'new')
    expect(db.get('SELECT t FROM seen ORDER BY id DESC')).toEqual({ t: 5000 })
    db.close()
  })

  it.each([
    ['is no database', () => writeFileSync(path, 'damaged '.repeat(4000))],
    ['has lost all pages but the first', () => writeFileSync(path, readFileSync(path).fill(0x5a, 4096))],
    ['was cut off', () => writeFileSync(path, readFileSync(path).subarray(0, 3000))],
  ])('takes the newest copy that is sound where a file %s', (_name, ruin) => {
    fill(100)
    now += 2 * DAY
    const db = open()
    db.run('DELETE FROM t WHERE id = 1')
    db.close()
    const [newest, older] = listBackups(path)
    spoil(newest!, [3, 4])
    ruin()
    const report = repair()
    expect(report).toMatchObject({ how: 'restored', backup: older })
    const after = open()
    expect(after.get('SELECT count(*) AS n FROM t')).toEqual({ n: 100 })
    after.close()
  })

  it('starts anew where there is no copy either, and says so', () => {
    writeFileSync(path, 'damaged '.repeat(4000))
    expect(repair()).toMatchObject({ how: 'new', backup: null })
    const db = open()
    expect(db.get('SELECT count(*) AS n FROM t')).toEqual({ n: 0 })
    db.close()
    expect(readFileSync(join(folder, 'a.db.corrupt-20261120T120000'), 'utf8')).toBe('damaged '.repeat(4000))
  })

  it('prefers a whole copy to a part where that is asked for', () => {
    fill(400)
    spoil(path, [40, 41])
    expect(repair('backup')).toMatchObject({ how: 'restored', backup: listBackups(path)[0] })
  })

  it('is refused while a program has the file open, and changes nothing', () => {
    fill(400)
    const writer = new (loadSqlite())(path)
    writer.prepare('SELECT count(*) FROM t').get()
    const before = readdirSync(folder)
    expect(() => repair()).toThrow(expect.objectContaining({ code: 'STATE_UNUSABLE', message: expect.stringContaining('open') }) as Error)
    expect(readdirSync(folder)).toEqual(before)
    writer.close()
  })
})

describe('copies', () => {
  const days = (): string[] => listBackups(path).map((file) => basename(file))

  it('are made once a day of files that were written to, are sound, and three are kept', () => {
    fill(10)
    fill(0)
    expect(days()).toEqual(['a.db.20261120T120000'])
    now += DAY - 1
    const db = open()
    db.run('DELETE FROM seen')
    db.close()
    expect(days()).toHaveLength(1)
    now += 1
    open().close()
    expect(days()).toHaveLength(1)
    for (let day = 0; day < 4; day++) {
      const again = open()
      again.run('INSERT INTO seen (t) VALUES (1)')
      again.close()
      now += DAY
    }
    expect(days().sort()).toEqual(['a.db.20261122T120000', 'a.db.20261123T120000', 'a.db.20261124T120000'])
    expect(readdirSync(folder).sort()).toEqual(['a.db', 'backups'])
  })

  it('are not made of a damaged file', () => {
    fill(400)
    rmSync(join(folder, 'backups'), { recursive: true })
    copyFileSync(path, `${path}.kept`)
    spoil(path, [40, 41])
    const db = open()
    db.run('INSERT INTO seen (t) VALUES (1)')
    db.close()
    expect(days()).toEqual([])
  })
})
