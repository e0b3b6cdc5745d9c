import { afterEach, describe, expect, it } from 'vitest'
import { runSuite, type PlanEntry, type SuiteRun } from '../../../src/core/validation/index.ts'
import { openSandboxBench, type SandboxBench } from '../../support/sandbox.ts'

let bench: SandboxBench | undefined
afterEach(() => {
  bench?.cleanup()
  bench = undefined
})

/** Runs a shell line in a real jail as a suite that prints TAP. */
async function tap(script: string): Promise<SuiteRun> {
  bench = await openSandboxBench({ 'a.txt': '' })
  const commit = (await bench.git.resolve('HEAD'))!
  const sandbox = await bench.room.create({ commit, purpose: 'validate', profile: bench.profile })
  const entry: PlanEntry = {
    id: 'tap',
    runner: 'tap',
    scope: '',
    command: ['sh', '-c', script],
    env: {},
    timeoutMs: 30_000,
    origin: '',
    protectedPaths: [],
  }
  const run = await runSuite({ sandbox, entry })
  await sandbox.discard()
  return run
}

describe('a suite whose output is its report', () => {
  it('is read whole, however much it prints', async () => {
    const run = await tap(
      `echo TAP version 13; i=0; while [ $i -lt 30000 ]; do i=$((i+1)); echo "ok $i a name that is long enough to matter $i"; done; echo 1..30000`,
    )
    expect(run.report.problems).toEqual([])
    expect(run.report.tests).toHaveLength(30_000)
    expect(run.report.complete).toBe(true)
  })

  it('names what the surroundings lack when it fails', async () => {
    const run = await tap('echo TAP version 13; echo "not ok 1 connects"; echo "# connect ECONNREFUSED 127.0.0.1:5432"; echo 1..1; exit 1')
    expect(run.report).toMatchObject({ complete: true, tests: [{ status: 'fail' }] })
    expect(run.causes[0]?.setting).toContain('sandbox.services')
  })

  it('tells of shims when its program is not there', async () => {
    const run = await tap('/home/somebody/.pyenv/libexec/pyenv exec python3')
    expect(run).toMatchObject({ unrun: 'start', report: { complete: false } })
    expect(run.causes[0]).toMatchObject({ what: expect.stringContaining('a shim'), setting: expect.stringContaining('plan.test') })
  })
})
