import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createBell } from '../../../src/core/queue/bell.ts'
import { newJob, openQueueBench, until } from '../../support/queue.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bell-'))
  path = join(folder, 'run', 'bell')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Listens until the self-test is over and its own noise has died down. */
async function quietEar(bell: ReturnType<typeof createBell>, deafMs = 60_000): Promise<() => number> {
  let wakes = 0
  bell.listen(() => wakes++, deafMs)
  await until(() => bell.deaf !== undefined, 'the self-test ends')
  const start = wakes
  return () => wakes - start
}

describe('the bell', () => {
  it('is heard by another listener without the fallback', async () => {
    const listening = createBell(path, () => 0, { tickMs: 60_000 })
    const wakes = await quietEar(listening)
    expect(listening.deaf).toBe(false)
    createBell(path, () => 0).ring()
    await until(() => wakes() > 0, 'the ring is heard')
    listening.close()
  })

  it('finds by the version of the data what did not ring', async () => {
    let version = 1
    const bell = createBell(path, () => version, { tickMs: 5 })
    const wakes = await quietEar(bell)
    version++
    await until(() => wakes() > 0, 'the change is found')
    bell.close()
  })

  it('listens to the new file where somebody has replaced the old one', async () => {
    const bell = createBell(path, () => 0, { tickMs: 5, testMs: 1000 })
    const wakes = await quietEar(bell)
    writeFileSync(`${path}.new`, '')
    renameSync(`${path}.new`, path)
    await until(() => bell.deaf === false && wakes() > 0, 'the watch is armed again')
    rmSync(join(folder, 'run'), { recursive: true })
    await until(() => existsSync(path), 'the folder is made again')
    const before = wakes()
    createBell(path, () => 0).ring()
    await until(() => wakes() > before, 'the new file is heard')
    bell.close()
  })

  it('knows that it is deaf, and then wakes at the given pace', async () => {
    writeFileSync(join(folder, 'blocked'), '')
    const bell = createBell(join(folder, 'blocked', 'bell'), () => 0, { tickMs: 20 })
    const wakes = await quietEar(bell, 10)
    expect(bell.deaf).toBe(true)
    await until(() => wakes() >= 3, 'three wakes')
    expect(() => bell.ring()).not.toThrow()
    bell.close()
  })
})

it('wakes a subscriber in another connection for what was written', async () => {
  const bench = openQueueBench()
  const [ours, theirs] = [bench.open({ tickMs: 60_000 }), bench.open()]
  let wakes = 0
  await ours.subscribe(['work'], () => wakes++)
  const before = wakes
  await theirs.enqueue([newJob()])
  await until(() => wakes > before, 'the subscriber wakes')
  bench.cleanup()
})
