// How often the measuring is wrong on this machine: an example's suite in the jail against itself, and with ten percent more work.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeRepository, median, openSandboxes, root, round, withFolder } from './common.mjs'

const MARGIN = 0.05
const MOST_MS = 60_000

/** Plays recorded times from a random place on, in their own order, so that drift and autocorrelation stay. */
function replay(trace, seed) {
  let at = Math.imul(seed, 2_654_435_761) >>> 0
  return () => trace[at++ % trace.length]
}

async function comparison(core, { base, candidate, mostMs }) {
  const started = performance.now()
  const metric = await core.statistics.measurePaired({
    name: 'cpu',
    unit: 'ms',
    direction: 'lower',
    margin: MARGIN,
    base,
    candidate,
    mayContinue: () => mostMs === undefined || performance.now() - started < mostMs,
  })
  return { verdict: metric.verdict, pairs: metric.samples.length, estimate: metric.estimate, seconds: (performance.now() - started) / 1000 }
}

function count(results) {
  const verdicts = {}
  for (const { verdict } of results) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1
  return { comparisons: results.length, ...verdicts, pairs: round(median(results.map(({ pairs }) => pairs)), 1) }
}

/** Work at the top of a source file that costs `ms` of CPU time: a calibrated number of turns, so that it is the same in every run. */
function spin(turns) {
  return `let spun = 0\nfor (let turn = 0; turn < ${turns}; turn++) spun = (spun * 31 + turn) | 0\nexport const checksum = spun\n\n`
}

/**
 * `comparisons` of resampled recorded runs, then live ones: `trials` of the unchanged commit against itself, and `trials` of a commit
 * with ten percent more CPU time. What is counted is one `measurePaired`; the product repeats what it finds worse before it counts.
 */
export const measureStatistics = (core, { runs, comparisons, trials, onTrial = () => {} }) =>
  withFolder(async (folder) => {
    const repository = makeRepository(folder, join(root, 'examples', 'shop'))
    const sandboxes = await openSandboxes(core, repository, folder)
    try {
      const open = async (revision) => sandboxes.create(await sandboxes.git.resolve(revision))
      const sampler = (sandbox) => async () => {
        const run = await sandbox.run({ command: ['node', '--test'], timeoutMs: 60_000, measuring: true })
        return { value: run.exitCode === 0 && !run.leftovers ? run.cpuMs : null }
      }
      const [one, other] = [await open('HEAD'), await open('HEAD')]
      const recorded = []
      while (recorded.length < runs) {
        const { value } = await sampler(one)()
        if (value === null) throw new Error('The suite of the example failed in the jail.')
        recorded.push(value)
      }
      const suiteMs = median(recorded)

      // the same work as in the suite: calibrated in the jail, until the difference of medians is a tenth
      const source = join(repository.path, 'src', 'price.js')
      const text = readFileSync(source, 'utf8')
      let turns = 5_000_000
      let slower
      let added = 0
      for (let attempt = 0; attempt < 4; attempt++) {
        await slower?.discard()
        writeFileSync(source, spin(turns) + text)
        repository.commit(`perf: ${turns} turns`)
        slower = await open('HEAD')
        const pairs = []
        for (let pair = 0; pair < 8; pair++) {
          const before = (await sampler(one)()).value
          pairs.push((await sampler(slower)()).value / before - 1)
        }
        added = median(pairs)
        if (added > 0.09 && added < 0.115) break
        turns = Math.max(100_000, Math.round(turns * Math.min(20, Math.max(0.05, 0.1 / Math.max(added, 0.005)))))
      }

      const resampled = []
      const known = JSON.parse(readFileSync(join(root, 'test/fixtures/traces/node-parse.json'), 'utf8')).cpu
      for (const [trace, share] of [
        [recorded, 0.5],
        [known, 0.5],
      ])
        for (let index = 0; index < Math.ceil(comparisons * share); index++) {
          const next = replay(trace, index + 1)
          const sample = async () => ({ value: next() })
          resampled.push(await comparison(core, { base: sample, candidate: sample }))
        }

      const live = { same: [], slower: [] }
      for (let trial = 0; trial < trials; trial++) {
        live.same.push(await comparison(core, { base: sampler(one), candidate: sampler(other), mostMs: MOST_MS }))
        live.slower.push(await comparison(core, { base: sampler(one), candidate: sampler(slower), mostMs: MOST_MS }))
        onTrial(trial + 1)
      }
      const falseAlarms = [...resampled, ...live.same].filter(({ verdict }) => verdict === 'worse').length
      const detected = live.slower.filter(({ verdict, seconds }) => verdict === 'worse' && seconds <= MOST_MS / 1000).length
      return {
        suiteCpuMs: round(suiteMs, 1),
        recordedRuns: recorded.length,
        falseAlarmRate: round(falseAlarms / (resampled.length + live.same.length), 4),
        detectionRate: round(detected / live.slower.length, 3),
        plantedShare: round(added, 3),
        secondsToDetect: round(median(live.slower.map(({ seconds }) => seconds)), 1),
        resampled: count(resampled),
        same: count(live.same),
        slower: count(live.slower),
      }
    } finally {
      sandboxes.close()
    }
  })
