#!/usr/bin/env node
// How often is the measuring wrong? Simulated CPU times and resampled real traces go through the product's own measureClaim:
// first round, base against itself, second round of a claim.
//   node scripts/statistics-bench.mjs [--runs N] [--write] [--json]
// Fixed seeds: the same source gives the same table. --write puts it into docs/benchmarks/statistics.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

const top = dirname(dirname(fileURLToPath(import.meta.url)))
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '1000' }, write: { type: 'boolean' }, json: { type: 'boolean' } },
})
const runs = Number(values.runs)
const bundle = join(top, 'dist', 'statistics-bench', 'statistics.mjs')
await build({
  entryPoints: [join(top, 'src/core/validation/statistics/index.ts')],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'error',
})
const { measureClaim, measureInstrument, measurePaired, wilsonInterval } = await import(pathToFileURL(bundle).href)

/** mulberry32: small, fast, good enough for simulation. */
function uniform(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** The times of a machine, one run after the other: first-order autocorrelation, drift per run, rare spikes. */
const simulated =
  ({ noise, correlation = 0, drift = 0, spikes = 0 }) =>
  (seed) => {
    const random = uniform(seed)
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    let state = normal() * noise
    let step = 0
    return () => {
      state = correlation * state + normal() * noise * Math.sqrt(1 - correlation ** 2)
      return 1000 * Math.exp(state + drift * step++ + (random() < spikes ? 0.25 : 0))
    }
  }

/** A real trace played from a random place on, in its own order, so that its drift and its autocorrelation stay. */
const replayed = (trace) => (seed) => {
  let at = Math.floor(uniform(seed)() * trace.length)
  return () => trace[at++ % trace.length]
}

const trace = JSON.parse(readFileSync(join(top, 'test/fixtures/traces/node-parse.json'), 'utf8'))
const describe = (series) => {
  const logs = series.map(Math.log)
  const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length
  const square = logs.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const lag = logs.slice(1).reduce((sum, value, index) => sum + (value - mean) * (logs[index] - mean), 0)
  return `CV ${(Math.sqrt(square / (logs.length - 1)) * 100).toFixed(1)} %, lag-1 autocorrelation ${(lag / square).toFixed(2)}`
}

const machines = [
  ['simulated, noise 2.8 %', simulated({ noise: 0.028 })],
  ['simulated, noise 2.8 %, AR(1) 0.5', simulated({ noise: 0.028, correlation: 0.5 })],
  ['simulated, noise 2.8 %, AR(1) 0.5, drift +0.2 % a run', simulated({ noise: 0.028, correlation: 0.5, drift: 0.002 })],
  ['simulated, noise 5 %, AR(1) 0.5, drift', simulated({ noise: 0.05, correlation: 0.5, drift: 0.002 })],
  ['simulated, noise 2.8 %, 3 % of runs 28 % slower', simulated({ noise: 0.028, spikes: 0.03 })],
  ['simulated wall clock, noise 16.5 %, AR(1) 0.5', simulated({ noise: 0.165, correlation: 0.5 })],
  [`real CPU trace (${describe(trace.cpu)})`, replayed(trace.cpu)],
  [`real wall-clock trace (${describe(trace.wall)})`, replayed(trace.wall)],
]
const effects = [0, 0.03, 0.05, 0.1, 0.2, -0.1]

async function experiment(machine, effect, seed) {
  const next = machine(seed)
  let runsOfProgram = 0
  const run = (factor) => async () => {
    runsOfProgram++
    return { value: next() * factor }
  }
  const common = { margin: 0.05, mayContinue: () => true, base: run(1) }
  let first
  const metric = await measureClaim({
    margin: 0.05,
    measure: async (round) => {
      const name = { name: 'cpu', unit: 'ms', direction: 'lower' }
      const found = await measurePaired({ ...common, ...name, candidate: run(1 + effect), seed: `${seed} ${round}` })
      first ??= found.verdict
      return found
    },
    control: () => measureInstrument({ ...common, candidate: run(1), seed: `${seed} itself`, at: '2026-01-01T00:00:00.000Z' }),
  })
  return { verdict: metric.verdict, first, runs: runsOfProgram }
}

const rows = []
for (const [name, machine] of machines)
  for (const effect of effects) {
    // On the margin a share of 5 % is claimed: there the table has to be sharper.
    const times = effect === 0.05 ? 4 * runs : runs
    const counts = { improved: 0, not_worse: 0, worse: 0, unclear: 0, not_measured: 0 }
    let [total, passed] = [0, 0]
    for (let run = 1; run <= times; run++) {
      const result = await experiment(machine, effect, run * 1_000_003 + Math.round(effect * 1000))
      counts[result.verdict]++
      if (result.first === 'improved' || result.first === 'not_worse') passed++
      total += result.runs
    }
    rows.push({ machine: name, effect, ...counts, first_round_passed: passed, program_runs: total / times, times })
  }

if (values.json) {
  console.log(JSON.stringify({ runs, rows }, null, 2))
} else {
  const percent = (count, times) => `${((count / times) * 100).toFixed(1)} %`
  const signed = (effect) => (effect === 0 ? 'none (A/A)' : `${effect > 0 ? '+' : ''}${effect * 100} %`)
  const table = [
    '| machine | true change | improved | not worse | worse | unclear | not measured | first round alone passes | runs of the program |',
    '|---|---|---|---|---|---|---|---|---|',
    ...rows.map(
      (row) =>
        `| ${row.machine} | ${signed(row.effect)} | ${percent(row.improved, row.times)} | ${percent(row.not_worse, row.times)} | ${percent(row.worse, row.times)} | ${percent(row.unclear, row.times)} | ${percent(row.not_measured, row.times)} | ${percent(row.first_round_passed, row.times)} | ${row.program_runs.toFixed(0)} |`,
    ),
  ].join('\n')
  const { upper } = wilsonInterval(0, runs)
  const page = `# How often the measuring is wrong

\`node scripts/statistics-bench.mjs --write\` made this page: ${runs} experiments per row (${4 * runs} at +5 %) with fixed seeds, each through the product's own
\`measureClaim\`: pairs in random order, looks after 10, 20 and 30 at Pocock's level, margin 5 %; then the base against itself, which has to be
equivalent (else "not measured"); then, for "worse" and "improved", a second round, and both together are judged by the paired t on logs and
the sign-flip test. A share of 0.0 % means less than ${(upper * 100).toFixed(2)} % (one-sided 95 % Wilson bound).

${table}

## How to read it

- False alarm: the share of "worse" in the A/A rows. Missed regression: the share of "not worse" and "improved" at +10 %; "unclear" there is
  a doubt that is told, and never lands by itself. "Not measured" is told as well, passes nothing and blocks nothing.
- A true change of +5 % stands on the margin. The design lets 5 % of such candidates pass in the first round ("first round alone passes").
- Until now the pairs ran in the fixed order AB BA AB BA. With an autocorrelation r of the runs neighbouring differences then have the
  covariance r(1 - r)^2, the interval is too short, and 6.5 to 7.3 % of the +5 % rows passed. A fair coin per pair (Fisher 1935; Abedi & Brecht
  2017) makes them uncorrelated; the alternative, an effective sample size from the estimated autocorrelation, was tried on the same
  machines and gave 5.5 to 5.9 % and more "unclear" at k = 10, because the estimate of r from ten differences is poor.
- A true change of +3 % lies inside the margin. It is called "worse" where the estimate happens to lie beyond the margin in both rounds.
- "Runs of the program" counts everything, warm-up and the base against itself included. The product keeps a passed check of the base for a
  day, so later runs on the same base save its 22 or more.
- The real trace is ${trace.cpu.length} runs of one program (${trace.program}, Node ${trace.node}) on a shared two-core machine, recorded by
  \`scripts/statistics-trace.mjs\` and played back in its own order from random places, so drift and autocorrelation are the machine's own.

## What this does not prove

- One trace from one machine: windows of it overlap, so its rows hold far fewer independent experiments than the number says.
- The effect is put in by multiplication. A change that acts only on some runs has more noise than that.
- Where single runs are much slower than the rest (the spike rows), the base does not always compare equal with itself in 30 pairs: 13 to 15 % of
  the regressions stay "not measured" there. That is told as a guard without an answer, and does not keep a change from landing.
- Wall-clock rows are here to show why CPU time is measured; the product does not judge by wall clock.
`
  if (values.write) writeFileSync(join(top, 'docs/benchmarks/statistics.md'), page)
  console.log(table)
}
