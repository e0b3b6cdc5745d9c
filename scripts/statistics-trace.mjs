// Records a real A/A trace: the same program run again and again, CPU and wall time of each run in milliseconds.
// node scripts/statistics-trace.mjs [RUNS] > test/fixtures/traces/node-parse.json
import { spawnSync } from 'node:child_process'

const runs = Number(process.argv[2] ?? 300)
// Parsing, sorting and garbage: what a unit-test process does most of its time.
const program = `
const words = Array.from({ length: 4000 }, (_, index) => 'w' + ((index * 7919) % 4001))
let total = 0
for (let round = 0; round < 12; round++) total += JSON.parse(JSON.stringify(words.toSorted())).length
const { user, system } = process.cpuUsage()
console.log((user + system) / 1000)
`
const cpu = []
const wall = []
for (let run = 0; run < runs; run++) {
  const started = process.hrtime.bigint()
  const { stdout } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' })
  wall.push(Number((Number(process.hrtime.bigint() - started) / 1e6).toFixed(2)))
  cpu.push(Number(Number(stdout).toFixed(2)))
}
process.stdout.write(
  `${JSON.stringify({ program: 'parse, sort and serialise in a fresh node process', node: process.version, platform: process.platform, cpu, wall })}\n`,
)
