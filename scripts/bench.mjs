// Figures of this machine as ratios within one run: test/perf/baselines.json and docs/benchmarks.md. Run it while nothing else runs.
// usage: npm run bench [-- --quick] [--only PART ...] [--dry-run]
//   --quick    a few minutes, fewer repetitions     --only PART   these parts, the others stay as they were
//   --dry-run  prints, writes nothing               --fresh       forgets what an interrupted run had judged
//   --accept   takes figures for the baseline that fell by more than a fifth; else their part stays as it was and the exit code is 1
//   --section NAME   of the queue: plainjob, wakeUp, idle, contention, seeds, postgres; the others stay as they were
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, totalmem, release } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { alertsOf } from '../bench/alerts.mjs'
import { measureCode } from '../bench/code.mjs'
import { measureGrowth } from '../bench/growth.mjs'
import { measureFalseAccepts } from '../bench/faults.mjs'
import { measureLanding, measureRejection } from '../bench/landing.mjs'
import { loadCore } from '../bench/common.mjs'
import { writePage } from '../bench/page.mjs'
import { QUEUE_SECTIONS, measureQueue } from '../bench/queue.mjs'
import { measureCommits } from '../bench/commit-search.mjs'
import { measureRetrieval } from '../bench/retrieval.mjs'
import { measureSearchSpeed } from '../bench/search-speed.mjs'
import { measureJail, measureSandboxes } from '../bench/sandbox.mjs'
import { measureStartUp } from '../bench/start-up.mjs'
import { measureStatistics } from '../bench/statistics.mjs'
import { root, setup } from './setup.mjs'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    section: { type: 'string', multiple: true, default: [] },
    'dry-run': { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    accept: { type: 'boolean', default: false },
  },
})
const { quick } = values
const memory = join(root, 'tmp', 'bench', 'faults.json')
const file = join(root, 'test', 'perf', 'baselines.json')

setup({ tests: false })
if (values.fresh) rmSync(memory, { force: true })
const core = await loadCore()
const identity = execFileSync('git', ['ls-files', '-s', 'src', 'native', 'bench'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 })
const minutes = (count) => count * 60_000

const PARTS = {
  startUp: () => measureStartUp({ rounds: quick ? 9 : 25 }),
  sandboxSmall: () => measureSandboxes(core, { files: 200, rounds: quick ? 3 : 9 }),
  sandboxLarge: () => measureSandboxes(core, { files: 20_000, rounds: quick ? 2 : 5 }),
  jail: () => measureJail(core, { rounds: quick ? 5 : 15 }),
  landing: () => measureLanding(core, { rounds: quick ? 3 : 9 }),
  rejection: () => measureRejection(core, { rounds: quick ? 2 : 7 }),
  statistics: () => measureStatistics(core, { runs: quick ? 30 : 100, comparisons: 60, trials: quick ? 3 : 10, onTrial: tell('trial') }),
  queue: () => measureQueue(core, { quick, only: values.section, before: before.parts?.queue }),
  code: () => measureCode({ rounds: quick ? 5 : 15 }),
  growth: () => measureGrowth({ sizes: quick ? [500, 2000] : [1000, 10_000, 50_000] }),
  retrieval: () => measureRetrieval({ quick }),
  commits: () => measureCommits({ quick }),
  searchSpeed: () => measureSearchSpeed({ quick }),
  falseAccepts: () =>
    measureFalseAccepts(core, {
      behaviour: quick ? 3 : 28,
      cheats: quick ? 3 : Infinity,
      mostMs: minutes(quick ? 3 : 12),
      memory,
      identity,
      onFault: ({ fixture, kind, fault, testsOnly, verdict }) =>
        console.error(`  ${fixture}, ${kind}, ${fault}: tests ${testsOnly ? 'accept' : 'refuse'}, verdict ${verdict}`),
    }),
}

function tell(what) {
  return (number) => console.error(`  ${what} ${number}`)
}

const unknown = values.only.find((name) => !(name in PARTS)) ?? values.section.find((name) => !QUEUE_SECTIONS.includes(name))
if (unknown !== undefined) {
  console.error(`There is no part ${unknown}. Parts: ${Object.keys(PARTS).join(', ')}; sections: ${QUEUE_SECTIONS.join(', ')}`)
  process.exit(2)
}
const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
const result = {
  ...before,
  measured: new Date().toISOString(),
  machine: {
    node: process.version,
    kernel: `${process.platform} ${release()}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    git: execFileSync('git', ['--version'], { encoding: 'utf8' }).trim().replace('git version ', ''),
  },
  parts: { ...before.parts },
}
let failed = 0
const alerts = []
for (const [name, measure] of Object.entries(PARTS)) {
  if (values.only.length > 0 && !values.only.includes(name)) continue
  console.error(`> ${name}`)
  const started = performance.now()
  try {
    const figures = await measure()
    const part = { mode: quick ? 'quick' : 'full', tookSeconds: Math.round((performance.now() - started) / 1000), ...figures }
    const worse = alertsOf(name, before.parts?.[name], part)
    alerts.push(...worse)
    for (const line of worse) console.error(`${process.env.GITHUB_ACTIONS === 'true' ? '::error title=benchmark::' : 'ALERT '}${line}`)
    if (worse.length > 0 && !values.accept) continue // a worse figure must not become what the next run is held against
    result.parts[name] = part
  } catch (error) {
    failed++ // the other parts still count
    console.error(`  ${name} failed: ${error.stack}`)
    continue
  }
  if (values['dry-run']) continue
  // after each part: an interrupted run has not measured for nothing
  mkdirSync(join(root, 'test', 'perf'), { recursive: true })
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`)
}
console.log(writePage(result, { write: !values['dry-run'] }))
if (alerts.length > 0)
  console.error(
    `${alerts.length} figures fell by more than 20 %${values.accept ? ', and are the baseline now' : '; measure again, or take them with --accept'}`,
  )
process.exit(failed > 0 || (alerts.length > 0 && !values.accept) ? 1 : 0)
