import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { PlanEntry } from '../../src/core/validation/index.ts'
import { runnerOf } from '../../src/core/validation/runners/index.ts'
import type { FileContent } from '../support/repository.ts'
import { CASES, type RunnerCase } from '../support/runner-cases/index.ts'
import { type ToolchainBench, hasProgram, openToolchainBench, statusList, toolchainModules } from '../support/toolchain.ts'

const HANG_MS = 4000
/** How the runners that keep results or transformed source between runs are told not to. */
const CACHE_OFF: Readonly<Record<string, string>> = {
  jest: '--no-cache',
  vitest: '--no-cache',
  go: '-count=1',
  pytest: '-p no:cacheprovider',
}
const open: ToolchainBench[] = []
const skipped: string[] = []

// On a fresh clone the installation takes longer than a test may.
beforeAll(() => void toolchainModules(), 600_000)
afterEach(() => {
  for (const bench of open.splice(0)) bench.cleanup()
})

async function bench(each: RunnerCase, suite: Record<string, FileContent>): Promise<{ made: ToolchainBench; entry: PlanEntry }> {
  const made = await openToolchainBench({ ...each.files, ...suite }, { modules: each.modules ?? false })
  open.push(made)
  const [entry, ...others] = await made.entries(each.test === undefined ? {} : { test: each.test })
  expect(others).toEqual([])
  expect(entry?.runner).toBe(each.runner)
  return { made, entry: entry! }
}

describe.each(CASES.map((each) => [each.name, each] as const))('%s', (name, each) => {
  const missing = !hasProgram(each.tool)
  if (missing) skipped.push(each.tool)
  const check = missing ? it.skip : it
  const title = (text: string): string => (missing ? `${text} (skipped: ${each.tool} is not installed)` : text)

  check(title('reports every test with its status, under one id each'), async () => {
    const { made, entry } = await bench(each, each.suite)
    const run = await made.run(entry)
    expect({ statuses: statusList(run), problems: run.report.problems }, run.tail).toEqual({ statuses: each.statuses, problems: [] })
    expect(run.report).toMatchObject({ complete: true, coarse: each.coarse ?? false })
  })

  if (CACHE_OFF[each.runner])
    check(title('reports the same with its own caches off, as it is measured'), async () => {
      const { made, entry } = await bench(each, each.suite)
      const run = await made.run(entry, { noCache: true })
      expect({ statuses: statusList(run), problems: run.report.problems }, run.tail).toEqual({ statuses: each.statuses, problems: [] })
      expect(runnerOf(entry.runner).command(entry, { noCache: true }).command.join(' ')).toContain(CACHE_OFF[each.runner])
    })

  if (each.selection)
    check(title('runs the selected files only'), async () => {
      const { made, entry } = await bench(each, each.suite)
      const run = await made.run(entry, { files: each.selection!.files })
      expect(Object.keys(statusList(run)).toSorted(), run.tail).toEqual(each.selection!.ids.toSorted())
      expect(run.report.complete).toBe(true)
    })

  if (each.coverage)
    check(title('tells executed lines from the others'), async () => {
      const { made, entry } = await bench(each, each.suite)
      const { coverage, report, tail } = await made.run(entry, { coverage: true })
      const lines = coverage?.get(each.coverage!.file)
      expect(statusList({ report } as never), tail).toEqual(each.statuses)
      expect({ executed: each.coverage!.executed.filter((line) => lines?.executed.has(line)) }).toEqual({
        executed: each.coverage!.executed,
      })
      expect(each.coverage!.not.filter((line) => lines!.executed.has(line))).toEqual([])
      expect(each.coverage!.not.filter((line) => !lines!.executable.has(line))).toEqual([])
    })

  if (each.dies)
    check(title('notices a file that dies while it is loaded'), async () => {
      const { made, entry } = await bench(each, each.dies!.suite)
      const run = await made.run(entry)
      const statuses = statusList(run)
      if (each.dies!.error) expect(statuses[each.dies!.error], run.tail).toBe('error')
      if (each.dies!.healthy) expect(statuses[each.dies!.healthy], run.tail).toBe('pass')
      expect(!run.report.complete || Object.values(statuses).some((status) => status === 'error' || status === 'fail')).toBe(true)
    })

  if (each.exits)
    check(title('does not take exit 0 in the middle for a pass'), async () => {
      const { made, entry } = await bench(each, each.exits!)
      const run = await made.run(entry)
      const statuses = Object.values(statusList(run))
      expect(!run.report.complete || statuses.includes('error') || statuses.includes('fail'), JSON.stringify(run.report)).toBe(true)
    })

  if (each.hangs)
    check(title('stops a suite that hangs'), async () => {
      const { made, entry } = await bench(each, each.hangs!)
      const run = await made.run(entry, undefined, HANG_MS)
      expect(run).toMatchObject({ timedOut: true, report: { complete: false } })
      expect(run.wallMs).toBeLessThan(HANG_MS * 4)
    })

  if (each.empty)
    check(title('passes no test where there is none'), async () => {
      const { made, entry } = await bench(each, each.empty!)
      const run = await made.run(entry)
      expect(Object.values(statusList(run)).filter((status) => status === 'pass')).toEqual([])
    })

  if (each.runner !== 'command')
    check(title('calls exit 0 without a report incomplete'), async () => {
      const { made, entry } = await bench(each, each.suite)
      const run = await made.run({ ...entry, command: ['true'] })
      expect(run.report).toMatchObject({ complete: false, tests: [] })
      expect(run.report.problems.join()).not.toBe('')
    })
})

afterAll(() => {
  const allowed = JSON.parse(readFileSync(new URL('skips.json', import.meta.url), 'utf8')) as { skips: string[] }
  // The list of tools that may be missing shrinks or stays: a new adapter is tested for real or not merged.
  expect(allowed.skips.length).toBeLessThanOrEqual(0)
  expect([...new Set(skipped)].filter((tool) => !allowed.skips.includes(tool))).toEqual([])
})
