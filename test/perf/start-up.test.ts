import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PROGRAM, type Playground, createPlayground } from '../cli/playground.ts'
import { loadedFiles } from '../support/loaded-files.ts'

type StartUp = { bare: { cpuRatios: Record<string, number> }; files: Record<string, number>; targets: Record<string, number> }
type FalseAccepts = Record<'tampering' | 'behaviour', { faults: number; accepted: number; acceptedByTests: number }>
const { parts } = JSON.parse(readFileSync(join(import.meta.dirname, 'baselines.json'), 'utf8')) as {
  parts: { startUp: StartUp; falseAccepts: FalseAccepts }
}
/** Other tests run at the same time: only what is far off is caught here, `npm run bench` tells the rest. */
const GENEROUS = 1.5
const LAUNCHER = join(import.meta.dirname, '..', '..', 'native', 'build', 'launcher')
const TURNS = 7

let place: Playground
let commands: Record<string, string[]>
beforeAll(async () => {
  place = createPlayground()
  const empty = join(place.folder, 'empty.mjs')
  writeFileSync(empty, '')
  // makes the state, so that reading has something to open
  expect((await place.run(['resume'])).exitCode).toBe(0)
  commands = {
    floor: [empty],
    version: [PROGRAM, '--version'],
    runs: [PROGRAM, 'runs', '--json'],
    status: [PROGRAM, 'status', '--json'],
    why: [PROGRAM, 'why', 'src/list.js:2', '--json'],
  }
})
afterAll(() => place.cleanup())

/** CPU time of the whole process tree in ms: unlike wall-clock time it hardly depends on what else runs. */
function cpuTime(args: readonly string[]): number {
  const { status, stderr, output } = spawnSync(LAUNCHER, ['run', '--report-fd', '3', '--', process.execPath, ...args], {
    cwd: place.root,
    env: place.env,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    encoding: 'utf8',
  })
  expect(status, `${args.join(' ')}: ${stderr}`).toBe(0)
  const used = JSON.parse(output[3]!) as { user_us: number; system_us: number }
  return (used.user_us + used.system_us) / 1000
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

describe('start-up against an empty Node process, in one run', () => {
  it.skipIf(!existsSync(LAUNCHER))('stays near the baseline (needs the launcher: a C compiler)', () => {
    const times: Record<string, number[]> = Object.fromEntries(Object.keys(commands).map((name) => [name, []]))
    for (let turn = 0; turn < TURNS; turn++) for (const [name, args] of Object.entries(commands)) times[name]!.push(cpuTime(args))
    const floor = median(times['floor']!)
    const { bare, targets } = parts.startUp
    for (const name of Object.keys(commands).filter((each) => each !== 'floor')) {
      const most = Math.max(bare.cpuRatios[name]!, targets[name]!) * GENEROUS
      expect(median(times[name]!) / floor, `${name}, at most ${most}`).toBeLessThanOrEqual(most)
    }
  })

  it('queue list loads neither Ink nor what speaks to models', async () => {
    const files = loadedFiles([PROGRAM, 'queue', 'list', '--json'], { cwd: place.root, env: place.env })
    const packages = ['ink', 'react', 'openai', '@anthropic-ai/sdk', 'undici', 'ajv', 'jsonrepair', 'handlebars']
    const loaded = packages.filter((name) => files.some(({ file, text }) => `${file}\n${text}`.includes(`node_modules/${name}/`)))
    expect(loaded).toEqual([])
    // the comments of the bundle do name what is in it
    expect(files.some(({ text }) => text.includes('// src/core/queue/service.ts'))).toBe(true)
    expect(files.some(({ text }) => text.includes('// src/core/llm/'))).toBe(false)
  })

  it.each(['version', 'runs', 'status', 'why'])('%s loads no more files than the baseline', (name) => {
    const files = loadedFiles(commands[name]!, { cwd: place.root, env: place.env })
    expect(files.length, files.map(({ file }) => file).join('\n')).toBeLessThanOrEqual(parts.startUp.files[name]!)
  })
})

describe('the baseline that is kept', () => {
  it('has no cheat accepted, and of the faults half of what the tests alone let through', () => {
    const { tampering, behaviour } = parts.falseAccepts
    expect(tampering.faults).toBeGreaterThan(0)
    expect(tampering.accepted).toBe(0)
    expect(behaviour.accepted * 2).toBeLessThanOrEqual(behaviour.acceptedByTests)
  })
})
