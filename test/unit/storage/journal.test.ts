import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadSqlite, openDatabase, sharedFileSystem } from '../../../src/core/storage/index.ts'
import { whyNoFuse, mountFuse, unmount } from '../../support/mounts.ts'

let folder = ''
let warnings: string[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-'))
  warnings = []
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

type More = Partial<Parameters<typeof openDatabase>[0]>
const open = (more: More = {}) =>
  openDatabase({
    path: join(folder, 'a.db'),
    applicationId: 7,
    migrations: ['CREATE TABLE t (x INTEGER) STRICT'],
    onWarning: (text) => warnings.push(text),
    ...more,
  })
const NFS: More = { fileSystem: () => 'NFS' }
const modeOf = (path: string): unknown => {
  const native = new (loadSqlite())(path)
  const mode = native.pragma('journal_mode', { simple: true })
  native.close()
  return mode
}

describe('a database', () => {
  it('on a local file system has a write-ahead log, and nobody is warned', () => {
    const db = open()
    expect([db.journal, existsSync(`${db.path}-wal`), warnings]).toEqual(['wal', true, []])
    db.close()
  })

  it('on a shared one has a rollback journal and waits for the disk, whatever was asked for, and says so', () => {
    const db = open(NFS)
    db.setSynchronous('NORMAL')
    db.run('INSERT INTO t VALUES (1)')
    expect([db.journal, existsSync(`${db.path}-wal`)]).toEqual(['rollback', false])
    expect(db.get('PRAGMA synchronous')).toEqual({ synchronous: 2 })
    expect(warnings).toEqual([expect.stringContaining('NFS')])
    db.close()
    expect(modeOf(join(folder, 'a.db'))).toBe('delete')
  })

  it('that came from a local disk gives up its write-ahead log once nobody uses it, and keeps its rows', () => {
    const local = open()
    local.run('INSERT INTO t VALUES (1)')
    expect(() => open(NFS)).toThrow(expect.objectContaining({ code: 'STATE_UNUSABLE', exitCode: 6 }) as Error)
    expect(local.get('PRAGMA journal_mode')).toEqual({ journal_mode: 'wal' })
    local.close()
    const shared = open(NFS)
    expect([shared.journal, shared.get('SELECT x FROM t')]).toEqual(['rollback', { x: 1 }])
    shared.close()
    const back = open()
    expect([back.journal, back.get('SELECT x FROM t')]).toEqual(['wal', { x: 1 }])
    back.close()
  })

  it('is refused where its owner cannot do without a write-ahead log, and nothing is made', () => {
    expect(() => open({ ...NFS, onShared: 'refuse' })).toThrow(expect.objectContaining({ code: 'STATE_UNUSABLE', exitCode: 6 }) as Error)
    expect(existsSync(join(folder, 'a.db'))).toBe(false)
  })

  it('on a real FUSE mount is found to be on one', (context) => {
    const reason = whyNoFuse()
    if (reason) return context.skip(reason)
    const [behind, mount] = [join(folder, 'behind'), join(folder, 'mount')]
    for (const path of [behind, mount]) mkdirSync(path)
    mountFuse(behind, mount)
    try {
      expect(sharedFileSystem(join(mount, 'not', 'yet'))).toContain('FUSE')
      expect(sharedFileSystem(behind)).toBeUndefined()
      const db = open({ path: join(mount, 'a.db') })
      db.run('INSERT INTO t VALUES (1)')
      expect([db.journal, warnings.length]).toEqual(['rollback', 1])
      db.close()
      expect(modeOf(join(behind, 'a.db'))).toBe('delete')
      expect(execFileSync('ls', [behind]).toString().trim()).toBe('a.db')
    } finally {
      unmount(mount)
    }
  })
})
