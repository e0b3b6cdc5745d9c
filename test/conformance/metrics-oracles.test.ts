import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hasProgram, toolchainModules } from '../support/toolchain.ts'

// A small part of the sources of docs/metrics.md; `node scripts/metrics-conformance.mjs` compares all of them.
const SCRIPT = join(import.meta.dirname, '..', '..', 'scripts', 'metrics-conformance.mjs')

type Figures = {
  packages: number
  largest_share: number
  functions: number
  equal: number
  functions_5: number
  equal_5: number
  recall: number
  precision: number
  lines_equal: number
  lines: number
}

function compare(only: string, most: number): Record<string, Figures> {
  const oracles = dirname(toolchainModules())
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [SCRIPT, '--json', '--only', only, '--most', String(most), '--oracles', oracles],
    { encoding: 'utf8', maxBuffer: 2 ** 26 },
  )
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return JSON.parse(stdout) as Record<string, Figures>
}

function expectEqualFigures(figures: Figures | undefined): void {
  expect(figures?.packages).toBeGreaterThanOrEqual(20)
  expect(figures?.largest_share).toBeLessThanOrEqual(0.1)
  expect(figures?.functions).toBeGreaterThan(900)
  expect(figures?.functions_5).toBeGreaterThan(60)
  expect(figures?.equal).toBeGreaterThanOrEqual(0.995)
  expect(figures?.equal_5).toBeGreaterThanOrEqual(0.98)
}

const hasMccabe = spawnSync('/usr/bin/python3', ['-c', 'import mccabe']).status === 0

describe('figures of functions', () => {
  it.each(['javascript', 'typescript'])('of %s are those of eslint and eslint-plugin-sonarjs', (language) => {
    const figures = compare(`eslint ${language},sonar ${language}`, 40_000)
    expectEqualFigures(figures[`eslint ${language}`])
    expectEqualFigures(figures[`sonar ${language}`])
  })

  it.skipIf(!hasMccabe)('of Python are those of mccabe (python3-mccabe)', () => {
    const { mccabe } = compare('mccabe', 150_000)
    expectEqualFigures(mccabe)
  })
})

describe.skipIf(!hasProgram('ctags'))('definitions (universal-ctags)', () => {
  it('of Python are found by name and line', () => {
    const figures = compare('ctags python', 150_000)['ctags python']
    expect(figures?.packages).toBeGreaterThanOrEqual(20)
    expect(figures?.functions).toBeGreaterThan(1000)
    expect(figures?.recall).toBeGreaterThanOrEqual(0.97)
    expect(figures?.precision).toBeGreaterThanOrEqual(0.97)
  })
})

describe.skipIf(!hasProgram('cloc'))('lines (cloc)', () => {
  it.each(['javascript', 'typescript'])('of %s are of the same sort', (language) => {
    const figures = compare(`cloc ${language}`, 40_000)[`cloc ${language}`]
    expect(figures?.lines).toBeGreaterThan(5000)
    expect(figures?.lines_equal).toBeGreaterThanOrEqual(0.99)
  })
})
