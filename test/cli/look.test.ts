import { spawnSync } from 'node:child_process'
import { afterEach, expect, it } from 'vitest'
import { PROGRAM, type Playground, TINY, createPlayground } from './playground.ts'

let place: Playground
afterEach(() => place.cleanup())

/** The tiny repository with a suite that takes its time. */
function slow(seconds: number): Playground {
  const names = Array.from({ length: 12 }, (_value, index) => `f${index}`)
  const source = names.map((name) => `export function ${name}(a, b) {\n  return a < b && a + 1 < b * 2\n}\n`).join('\n')
  const wait = `test('slow', () => new Promise((done) => setTimeout(done, ${seconds * 1000})))\n`
  const tests = `import { test } from 'node:test'\nimport * as all from '../src/many.js'\n${wait}test('all', () => Object.values(all).map((each) => each(1, 2)))\n`
  return createPlayground({ 'package.json': TINY['package.json']!, 'src/many.js': source, 'test/slow.test.js': tests })
}

it('a look at a slow suite keeps its time: told before the work, one run, what was reached, exit 0', async () => {
  place = slow(4)
  const startedAt = performance.now()
  const answer = await place.run(['look', '--time-limit', '20s'])
  const seconds = (performance.now() - startedAt) / 1000
  expect(answer.exitCode, answer.stdout + answer.stderr).toBe(0)
  expect(seconds).toBeLessThan(30) // everything that is not cut off takes more than a minute
  const { baseline, notes, next } = answer.json.data
  expect(baseline.runs).toBe(1)
  const [, planted, wanted] = /^stopped after 20 s: (\d+) of (\d+) faults? planted$/m.exec(notes.join('\n')) ?? []
  expect(Number(planted)).toBe(baseline.control.planted)
  expect(Number(planted)).toBeLessThan(Number(wanted))
  expect(next).toEqual(['singularity improve'])

  // what a hurried look measured serves the next look, not a run that decides
  expect((await place.run(['look', '--time-limit', '12s'])).json.data.baseline.cached).toBe(true)
})

it.each([
  [
    'the first time, as soon as one run has been timed',
    [],
    /^baseline:.*\nestimate: .*one run of the tests takes 3.*the look ends within [\d.]+ s\ncontrol:/m,
  ],
  [
    'from then on before anything runs',
    ['--retry'],
    /^estimate: .*one run of the tests takes 3.*the look ends within [\d.]+ s\nbaseline:/m,
  ],
])('a look says what it takes, %s', (_name, flags, expected) => {
  place = slow(3)
  const look = (more: readonly string[]): string =>
    spawnSync(process.execPath, [PROGRAM, 'look', '--time-limit', '14s', ...more], { cwd: place.root, env: place.env, encoding: 'utf8' })
      .stderr
  if (flags.length > 0) look([])
  const told = look(flags)
  expect(told).toMatch(expected)
  expect(told).not.toContain('at most')
})

it('a look at a suite that takes longer than a look says so', async () => {
  place = slow(60)
  const answer = await place.run(['look', '--time-limit', '12s'])
  expect(answer.exitCode, answer.stdout + answer.stderr).toBe(0)
  expect(answer.json.data.baseline).toBe(null)
  expect(answer.json.data.notes.join('\n')).toContain('takes longer than a look')
})
