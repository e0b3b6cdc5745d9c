import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../src/core/kernel/index.ts'
import { createAccount } from '../../src/core/llm/index.ts'
import { createProcessInfo } from '../../src/core/process/index.ts'
import { temporaryFolder } from '../support/isolation.ts'
import { buildProgram } from '../support/supervisor.ts'

const CAP = 30_000
const KILLS = 40

const folder = temporaryFolder()
let program: string
let gate: string
beforeAll(() => {
  program = buildProgram('spend')
  gate = buildProgram('pass-gate')
})
afterAll(() => {
  rmSync(program, { force: true })
  rmSync(gate, { force: true })
  folder.remove()
})

it('eight processes, two repositories, skewed clocks, kills after the bill: what was billed never exceeds the cap', async () => {
  const [path, meter] = [join(folder.path, 'account.db'), join(folder.path, 'meter')]
  writeFileSync(meter, '')
  let [kills, bills] = [0, 0]

  /** Spends until the cap is reached; a killed one is followed by another. */
  async function spender(index: number): Promise<void> {
    for (;;) {
      const child: ChildProcess = fork(program)
      await once(child, 'message')
      child.on('message', (message) => {
        if (message === 'billed' && ++bills % 4 === 0 && kills < KILLS) {
          kills++
          child.kill('SIGKILL')
        }
      })
      child.send({ path, meter, repository: `repository-${index % 2}`, capNusd: CAP, skewMs: index % 3 === 0 ? -3_600_000 : 0 })
      const [code] = (await once(child, 'exit')) as [number | null]
      // it ends by itself when the cap is reached
      if (code === 0) return
      expect(code, 'only a kill ends it early').toBeNull()
    }
  }
  await Promise.all(Array.from({ length: 8 }, (_each, index) => spender(index)))

  const processes = createProcessInfo()
  const account = createAccount({ path, clock: systemClock, processes })
  try {
    account.recover((owner) => processes.isAlive(owner))
    const billed = readFileSync(meter, 'utf8').trim().split('\n').map(Number)
    const total = billed.reduce((sum, each) => sum + each, 0)
    const [state] = account.budget([{ scope: 'run', key: 'everybody', capNusd: CAP }])
    expect(kills).toBe(KILLS)
    expect(total).toBeLessThanOrEqual(CAP)
    // nothing that was billed is forgotten, and the cap was really used up
    expect(state!.spent_nusd).toBeGreaterThanOrEqual(total)
    expect(state!.spent_nusd).toBeLessThanOrEqual(CAP)
    expect(state!.spent_nusd).toBeGreaterThan(CAP - 150)
    expect(state!.reserved_nusd).toBe(0)
    expect(account.verify()).toEqual([])
  } finally {
    account.close()
  }
})

it('six processes at once: one gets the probe of a breaker, and all together no more than the bucket holds', async () => {
  const path = join(folder.path, 'gates.db')
  const now = systemClock.now()
  const account = createAccount({ path, clock: { now: () => now, monotonic: () => now }, processes: createProcessInfo() })
  for (let index = 0; index < 5; index++) account.report('openai', 'x', { ok: false, countable: true, costNusd: 0 })
  account.close()
  const children = Array.from({ length: 6 }, () => fork(gate))
  try {
    await Promise.all(children.map((child) => once(child, 'message')))
    const answers = children.map(async (child) => ((await once(child, 'message')) as [{ probes: number; taken: number }])[0])
    for (const child of children) child.send({ path, now: now + 30_000 })
    const all = await Promise.all(answers)
    const sum = (values: number[]): number => values.reduce((total, each) => total + each, 0)
    expect(sum(all.map(({ probes }) => probes))).toBe(1)
    expect(sum(all.map(({ taken }) => taken))).toBe(17)
  } finally {
    for (const child of children) child.kill()
  }
})
