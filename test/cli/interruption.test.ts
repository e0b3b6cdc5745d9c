import { spawn } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PROGRAM, type Playground, createPlayground } from './playground.ts'

let place: Playground
beforeEach(() => {
  place = createPlayground(undefined, { measured: true })
})
afterEach(() => place.cleanup())

type End = { exitCode: number | null; signal: string | null; stderr: string; reached: boolean }

/** Starts a run in a process group of its own and signals the whole group, as a terminal does, once a phase is told. */
async function interrupt(phase: string, signal: 'SIGINT' | 'SIGTERM', times = 1): Promise<End> {
  const child = spawn(process.execPath, [PROGRAM, 'improve', '--source', 'rules', '--retry'], {
    cwd: place.root,
    env: place.env,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let [stderr, reached] = ['', false]
  let sent = 0
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8')
    reached ||= stderr.split('\n').some((line) => line.startsWith(phase))
    // two equal signals at once are one: the second follows the answer to the first
    const isAnswered = sent === 0 || stderr.includes('Once more stops at once.')
    if (!reached || !isAnswered || sent === times || child.exitCode !== null) return
    sent++
    process.kill(-child.pid!, signal)
  })
  return new Promise((resolve) => child.on('close', (exitCode, by) => resolve({ exitCode, signal: by, stderr, reached })))
}

const PHASES = ['plan', 'baseline', 'control', 'train', 'measure']

describe('a signal to the whole process group', () => {
  it.each([
    ['SIGINT', 1, 130],
    ['SIGINT', 2, 130],
    ['SIGTERM', 1, 143],
  ] as const)('%s, %i times: exit %i at every moment, nothing is blamed on git or on a candidate', async (signal, times, code) => {
    for (const phase of PHASES) {
      const { exitCode, signal: by, stderr, reached } = await interrupt(phase, signal, times)
      expect({ phase, reached, exitCode, by }, stderr).toEqual({ phase, reached: true, exitCode: code, by: null })
      expect(stderr, phase).not.toContain('GIT_FAILED')
      const { runs } = (await place.run(['runs'])).json.data
      expect(runs[0].finished_at, phase).not.toBeNull()
      expect(runs[0].totals, phase).toMatchObject({ rolled_back: 0, errored: 0 })
    }
    expect(place.git('status', '--porcelain')).toBe('')
  })
})
