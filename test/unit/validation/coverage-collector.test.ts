import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { COLLECTOR, COLLECTOR_NAME } from '../../../src/core/validation/v8-coverage.ts'

const folder = mkdtempSync(join(tmpdir(), 'singularity-collector-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs a program that is watched, and tells how it ended and how many reports it left. */
function watch(name: string, source: string): { status: number | null; signal: string | null; stdout: string; reports: number } {
  const root = join(folder, name)
  const coverage = join(root, 'coverage')
  mkdirSync(coverage, { recursive: true })
  writeFileSync(join(root, 'program.mjs'), source)
  writeFileSync(join(folder, COLLECTOR_NAME), COLLECTOR)
  const { status, signal, stdout } = spawnSync(process.execPath, ['program.mjs'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: `--import=${join(folder, COLLECTOR_NAME)}`, SINGULARITY_COVERAGE: coverage },
  })
  return { status, signal, stdout, reports: readdirSync(coverage).length }
}

describe('a program whose coverage is collected', () => {
  test('answers SIGTERM with its own listener', () => {
    const source =
      "process.on('SIGTERM', () => { console.log('goodbye'); process.exit(3) })\nprocess.kill(process.pid, 'SIGTERM')\nsetTimeout(() => {}, 5000)\n"
    expect(watch('listener', source)).toMatchObject({ status: 3, signal: null, stdout: 'goodbye\n', reports: 2 })
  })

  test('without one ends by that signal, and leaves its report', () => {
    const source = "process.kill(process.pid, 'SIGTERM')\nsetTimeout(() => {}, 5000)\n"
    expect(watch('bare', source)).toMatchObject({ status: null, signal: 'SIGTERM', reports: 1 })
  })
})
