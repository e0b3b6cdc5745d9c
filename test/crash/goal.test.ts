import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Playground, createPlayground } from '../cli/playground.ts'
import { NO_REQUEST } from '../support/app.ts'
import { launcherPath } from '../support/isolation.ts'
import { buildProgram } from '../support/supervisor.ts'

let program: string
let place: Playground
let paid: string

beforeAll(() => {
  launcherPath()
  program = buildProgram('improve-goal')
})
beforeEach(() => {
  place = createPlayground()
  paid = join(place.folder, 'paid')
  mkdirSync(paid)
})
afterEach(() => place.cleanup())

function improve(killAt: string, when: string) {
  const goal = { text: 'Use includes', budgetNusd: 1_000_000_000, model: null, maxIterations: 25, n: 1 }
  const given = {
    root: place.root,
    env: place.env,
    packageRoot: join(import.meta.dirname, '../..'),
    request: { ...NO_REQUEST, goal, dryRun: true },
  }
  return spawnSync(process.execPath, [program, JSON.stringify(given), paid, killAt, when], { encoding: 'utf8', timeout: 60_000 })
}

describe('a goal whose process is killed', () => {
  it.each([
    ['0', 'after'],
    ['1', 'before'],
    ['2', 'after'],
    ['3', 'after'],
    ['proof', 'after'],
  ])('in %s, %s the answer is paid: the next run goes on there and pays nothing twice', (turn, when) => {
    const before = place.frozen()
    expect(improve(turn, when).signal).toBe('SIGKILL')
    const ended = improve('none', when)
    expect(ended.stdout, ended.stderr).toBe('[{"verdict":"keep","files":["src/list.js"]}]\n')
    expect(readdirSync(paid)).toHaveLength(4)
    expect(place.frozen()).toEqual(before)
  })
})
