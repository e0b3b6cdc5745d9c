// Holds our figures against independent programs: node scripts/metrics-conformance.mjs --oracles FOLDER [--verbose] [--json]
// FOLDER has eslint and eslint-plugin-sonarjs installed (test/fixtures/toolchain); python3-mccabe, cloc and universal-ctags are found
// on the machine. The table stands in docs/metrics.md.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { byLineWithInner, byPlace, count, createTally, summarize } from './conformance/compare.mjs'
import { loadRooms, readerDeps, root } from './conformance/readers.mjs'
import { openScriptOracles } from './conformance/script-oracles.mjs'
import { PYTHON_PACKAGES, SCRIPT_PACKAGES, chooseSources } from './conformance/sources.mjs'

const { values } = parseArgs({
  options: {
    oracles: { type: 'string', default: join(root, 'test', 'fixtures', 'toolchain') },
    python: { type: 'string', default: '/usr/bin/python3' },
    only: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const wants = (name) => values.only === undefined || values.only.split(',').includes(name)
const { createFactReader } = await loadRooms()
const reader = createFactReader(readerDeps)
const results = {}

function report(name, tally) {
  results[name] = summarize(tally)
  if (!values.verbose) return
  for (const each of tally.unequal.slice(0, 60)) console.error(`${name} ${each.path}:${each.line} oracle ${each.oracle} ours ${each.ours}`)
}

if (wants('eslint') || wants('sonar')) {
  const sources = chooseSources({ root: join(root, 'node_modules'), packages: SCRIPT_PACKAGES, extensions: ['.js', '.cjs', '.mjs'], bytes: 150_000 })
  const facts = await reader.read(sources.map(({ path, bytes }) => ({ path, language: 'javascript', bytes })))
  const oracles = await openScriptOracles(values.oracles)
  const tallies = { eslint: createTally(), 'eslint, field initialisers': createTally(), sonar: createTally() }
  for (const [i, { package: name, path, bytes }] of sources.entries()) {
    // Parsers in JavaScript do not see a byte order mark; their places would be one off.
    if (bytes[0] === 0xef) continue
    const text = bytes.toString('utf8')
    const figures = { eslint: byPlace(facts[i], bytes, (each) => each.cyclomatic.eslint), sonar: byPlace(facts[i], bytes, (each) => each.cognitiveOwn) }
    for (const oracle of ['eslint', 'sonar'].filter(wants))
      for (const { start, end, sort, line, value } of oracles[oracle](text) ?? [])
        count(tallies[sort === 'field initializer' ? 'eslint, field initialisers' : oracle], {
          name,
          path,
          line,
          oracle: value,
          ours: figures[oracle].get(`${start} ${end}`),
        })
  }
  for (const [name, tally] of Object.entries(tallies)) report(name, tally)
}

if (wants('mccabe')) {
  const sources = chooseSources({ root: '/usr/lib/python3.11', packages: PYTHON_PACKAGES, extensions: ['.py'], bytes: 150_000 })
  const facts = await reader.read(sources.map(({ path, bytes }) => ({ path, language: 'python', bytes })))
  const run = spawnSync(values.python, [join(root, 'scripts', 'conformance', 'ask_mccabe.py')], {
    input: sources.map(({ full }) => full).join('\n'),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  if (run.status !== 0) throw new Error(run.stderr)
  const [, ...answers] = run.stdout.trim().split('\n').map((line) => JSON.parse(line))
  const tally = createTally()
  for (const [i, { functions }] of answers.entries()) {
    const ours = byLineWithInner(facts[i])
    for (const { line, value } of functions ?? []) count(tally, { name: sources[i].package, path: sources[i].path, line, oracle: value, ours: ours.get(line) })
  }
  report('mccabe', tally)
}

if (values.json) console.log(JSON.stringify(results, null, 2))
else console.table(results)
