import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createApprovals } from '../../../src/core/approvals/index.ts'
import { type ImproveRequest, createStore } from '../../../src/core/improvement/index.ts'
import { type Session, mayContinue } from '../../../src/core/improvement/session.ts'
import { type Database, STATE_MIGRATIONS, openDatabase } from '../../../src/core/storage/index.ts'

const DAY = 86_400_000

/** Two clocks that need not agree, as on a machine that sleeps or asks the network for the time. */
function jumpingClock() {
  const time = { wall: Date.parse('2026-03-01T12:00:00Z'), steady: 0 }
  return { time, clock: { now: () => time.wall, monotonic: () => time.steady } }
}

describe('a wall clock that jumps', () => {
  let folder: string
  let db: Database
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'singularity-clock-'))
    db = openDatabase({ path: join(folder, 'state.db'), applicationId: 1, migrations: STATE_MIGRATIONS })
  })
  afterEach(() => {
    db.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function open() {
    const { time, clock } = jumpingClock()
    const store = createStore({ db, clock })
    const approvals = createApprovals({ db, clock })
    const start = (): string =>
      store.startRun({
        base: 'a'.repeat(40),
        baseTree: 'b'.repeat(40),
        branch: 'work',
        request: { patch: null, exec: null } as unknown as ImproveRequest,
        process: { pid: 1, pidStart: '1', bootId: 'boot' },
      }).id
    const candidate = (): string =>
      store.addCandidate(
        start(),
        {
          title: 'a change',
          source: { kind: 'rules', id: 'js/x', version: '1' },
          fingerprint: 'f',
          scope: '',
          sites: [],
          changes: [],
          reason: '',
          safety: 'safe',
          explicit: false,
        },
        0,
      ).id
    return { time, clock, store, approvals, start, candidate }
  }
  const request = (candidateId: string, evidenceHash = 'e') => ({ candidateId, diffHash: 'd', evidenceHash, expiresInMs: 14 * DAY })

  test('the time limit of a run does not move with it', () => {
    const { time, clock } = jumpingClock()
    const signal = new AbortController().signal
    const session = { deps: { clock }, signal, stopSoon: signal, deadline: 60_000, limitReached: false } as unknown as Session
    time.wall += 365 * DAY
    expect(mayContinue(session)).toBe(true)
    time.wall -= 730 * DAY
    time.steady = 60_000
    expect([mayContinue(session), session.limitReached]).toEqual([false, true])
  })

  test('backwards: the newest request is still the one that counts', () => {
    const { time, approvals, candidate } = open()
    const id = candidate()
    approvals.request(request(id, 'first'))
    time.wall -= 30 * DAY
    approvals.request(request(id, 'second'))
    expect(approvals.latest(id)).toMatchObject({ status: 'open', evidence_hash: 'second' })
    expect(approvals.expire()).toEqual([])
  })

  test('backwards: the newest run is still listed first, and ids stay apart', () => {
    const { time, store, start } = open()
    const first = start()
    time.wall -= 30 * DAY
    const second = start()
    expect(store.runs(10).map(({ id }) => id)).toEqual([second, first])
  })

  test('forwards: a request expires, nothing is approved by it', () => {
    const { time, approvals, candidate } = open()
    const id = candidate()
    approvals.request(request(id))
    time.wall += 15 * DAY
    expect(approvals.expire()).toEqual([id])
    expect(approvals.latest(id)?.status).toBe('expired')
    time.wall -= 15 * DAY
    expect(approvals.expire()).toEqual([])
    expect(approvals.latest(id)?.status).toBe('expired')
  })
})
