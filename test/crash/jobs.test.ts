import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Playground, GOOD_PATCH, createPlayground } from '../cli/playground.ts'
import type { App } from '../../src/core/app.ts'
import type { ImproveRequest, ImprovementService, JobResult } from '../../src/core/improvement/index.ts'
import { NO_REQUEST, openApp } from '../support/app.ts'
import { launcherPath } from '../support/isolation.ts'

const JOB = { id: '01970000-0000-7000-8000-000000000001', branch: 'work' }
const REQUEST: ImproveRequest = { ...NO_REQUEST, patch: { name: 'my.patch', bytes: Buffer.from(GOOD_PATCH) } }
const RULE: ImproveRequest = { ...NO_REQUEST, sources: ['rules'], rules: ['js/prefer-includes'], yes: true }

let place: Playground
const opened: App[] = []
beforeAll(() => void launcherPath())
beforeEach(() => {
  place = createPlayground()
})
afterEach(async () => {
  for (const app of opened.splice(0)) await app.close()
  place.cleanup()
})

/** An attempt by a worker of its own, whose process is gone before the job could be settled. */
async function attempt(request = REQUEST): Promise<Awaited<ReturnType<ImprovementService['attemptJob']>>> {
  const app = openApp(place, {})
  opened.push(app)
  return (await app.improvement()).attemptJob(JOB, request, () => {}, new AbortController().signal)
}

const resultOf = async (request = REQUEST): Promise<JobResult> => {
  const end = await attempt(request)
  if (end.to !== 'ended') throw new Error(`${end.reason}: ${end.message}`)
  return end.result
}

/** As if the process had died before it could close the run. */
async function reopenRun(owner: { pid: number; pidStart: string; bootId: string }): Promise<void> {
  const db = await opened[0]!.database()
  db.run(
    "UPDATE run SET status = 'running', finished_at = NULL, exit_code = NULL, pid = ?, pid_start = ?, boot_id = ?",
    owner.pid,
    owner.pidStart,
    owner.bootId,
  )
}
const GONE = { pid: 2 ** 30, pidStart: '1', bootId: 'another' }

const runs = async () => (await (await opened[0]!.improvement()).runs({ limit: 9 })).map(({ status }) => status)
const waiting = async () => (await (await opened[0]!.improvement()).waiting()).total

describe('a second attempt at a run', () => {
  it('takes the result of a run that was finished before the worker could say so', async () => {
    const first = await resultOf()
    expect(first).toMatchObject({ exit_code: 4, needs_person: true, candidates: [{ state: 'awaiting_approval' }] })
    expect(await resultOf()).toEqual(first)
    expect(await runs()).toEqual(['finished'])
  })

  it('asks nobody twice for what the killed one had asked for', async () => {
    const { candidates } = await resultOf()
    await reopenRun(GONE)
    const second = await resultOf()
    expect(second).toMatchObject({ exit_code: 4, candidates: [{ id: candidates[0]!.id, state: 'awaiting_approval' }] })
    expect(second.notes.join()).toContain('1 candidate of an earlier attempt at this job')
    expect([await waiting(), await runs()]).toEqual([1, ['finished', 'interrupted']])
  })

  it('lands nothing twice', async () => {
    expect(await resultOf(RULE)).toMatchObject({ exit_code: 0, candidates: [{ state: 'landed' }] })
    await reopenRun(GONE)
    expect(await resultOf(RULE)).toMatchObject({ exit_code: 0, candidates: [{ state: 'landed' }] })
    expect(place.git('log', '--format=%s', 'work').split('\n')).toHaveLength(2)
  })

  it('does not hand in again what a person has declined meanwhile', async () => {
    const { candidates } = await resultOf()
    await reopenRun(GONE)
    await (await opened[0]!.improvement()).reject(candidates[0]!.id, { name: 'ada', via: 'command' }, 'no')
    expect(await resultOf()).toMatchObject({ exit_code: 0, needs_person: false, candidates: [{ state: 'declined' }] })
    expect(await waiting()).toBe(0)
  })

  it('waits for a run that another process still makes', async () => {
    await resultOf()
    const { createProcessInfo } = await import('../../src/core/process/index.ts')
    await reopenRun(createProcessInfo(process.ppid).self)
    expect(await attempt()).toMatchObject({ to: 'waits', reason: 'run_elsewhere' })
    expect(await waiting()).toBe(1)
  })
})
