// Holds our figures against independent programs: node scripts/metrics-conformance.mjs --oracles FOLDER [--only NAME,NAME] [--most BYTES] [--verbose] [--json]
// FOLDER has eslint and eslint-plugin-sonarjs installed (test/fixtures/toolchain); python3-mccabe, cloc, universal-ctags, checkstyle and pmccabe
// are found on the machine; --sources FOLDER has one folder per package for the last two. The table stands in docs/metrics.md.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { byLineWithInner, byLineWithLambdas, byPlace, count, createTally, summarize, utf16Of } from './conformance/compare.mjs'
import { loadRooms, readerDeps, root } from './conformance/readers.mjs'
import { openScriptOracles } from './conformance/script-oracles.mjs'
import {
  C_PACKAGES,
  GO_PACKAGES,
  PYTHON_PACKAGES,
  SCRIPT_PACKAGES,
  TYPED_PACKAGES,
  TYPESCRIPT_PACKAGES,
  chooseSources,
} from './conformance/sources.mjs'
import { askCheckstyle, askPmccabe } from './conformance/program-oracles.mjs'
import { askCloc, askCtags } from './conformance/text-oracles.mjs'

const { values } = parseArgs({
  options: {
    oracles: { type: 'string', default: join(root, 'test', 'fixtures', 'toolchain') },
    python: { type: 'string', default: '/usr/bin/python3' },
    sources: { type: 'string' },
    only: { type: 'string' },
    most: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const wants = (name) => values.only === undefined || values.only.split(',').includes(name)
const { createFactReader } = await loadRooms()
const reader = createFactReader(readerDeps)
const results = {}
/** Most bytes of one package. */
const most = (bytes) => Math.min(bytes, Number(values.most ?? bytes))

/** Of Debian's python3, the standard library of its own version. */
const PYTHON_FOLDER = readdirSync('/usr/lib')
  .filter((name) => /^python3\.\d+$/.test(name))
  .map((name) => join('/usr/lib', name))
  .at(-1)

const SOURCES = {
  javascript: () =>
    chooseSources({
      root: join(root, 'node_modules'),
      packages: SCRIPT_PACKAGES,
      extensions: ['.js', '.cjs', '.mjs'],
      bytes: most(150_000),
    }),
  typescript: () =>
    chooseSources({ root: join(root, 'node_modules'), packages: TYPED_PACKAGES, extensions: ['.ts', '.mts', '.cts'], bytes: most(45_000) }),
  /** TypeScript with code in it, not only declarations. */
  sources: () =>
    chooseSources({
      root: join(root, 'node_modules'),
      packages: TYPESCRIPT_PACKAGES,
      extensions: ['.ts', '.mts', '.cts'],
      bytes: most(30_000),
    }).filter(({ path }) => !/\.d\.[cm]?ts$/.test(path)),
  python: () => chooseSources({ root: PYTHON_FOLDER, packages: PYTHON_PACKAGES, extensions: ['.py'], bytes: most(150_000) }),
  go: () =>
    chooseSources({
      root: join(spawnSync('go', ['env', 'GOROOT'], { encoding: 'utf8' }).stdout?.trim() || '/usr/lib/go', 'src'),
      packages: GO_PACKAGES,
      extensions: ['.go'],
      bytes: most(100_000),
    }),
  c: () => chooseSources({ root: '/usr/include', packages: C_PACKAGES, extensions: ['.h', '.c'], bytes: most(30_000) }),
}

function report(name, tally) {
  results[name] = summarize(tally)
  if (!values.verbose) return
  for (const each of tally.unequal.slice(0, 60)) console.error(`${name} ${each.path}:${each.line} oracle ${each.oracle} ours ${each.ours}`)
}

for (const language of ['javascript', 'typescript']) {
  const asked = ['eslint', 'sonar'].filter((oracle) => wants(oracle) || wants(`${oracle} ${language}`))
  if (asked.length === 0) continue
  const sources = language === 'javascript' ? SOURCES.javascript() : SOURCES.sources()
  const facts = await reader.read(sources.map(({ path, bytes }) => ({ path, language, bytes })))
  const oracles = await openScriptOracles(values.oracles)
  const tallies = new Map()
  const tallyOf = (name) => tallies.get(name) ?? tallies.set(name, createTally()).get(name)
  for (const [i, { package: name, path, bytes }] of sources.entries()) {
    // Parsers in JavaScript do not see a byte order mark; their places would be one off.
    if (bytes[0] === 0xef) continue
    const text = bytes.toString('utf8')
    const unit = utf16Of(bytes)
    const fields = new Map(facts[i].initializers.map((each) => [`${unit(each.start)} ${unit(each.end)}`, each.cyclomatic]))
    const figures = {
      eslint: byPlace(facts[i], bytes, (each) => each.cyclomatic.eslint),
      sonar: byPlace(facts[i], bytes, (each) => each.cognitiveOwn),
    }
    for (const oracle of asked)
      for (const { start, end, sort, line, value } of oracles[oracle](text, language) ?? [])
        count(tallyOf(`${oracle} ${language}`), {
          name,
          path,
          line,
          oracle: value,
          ours: (sort === 'field initializer' ? fields : figures[oracle]).get(`${start} ${end}`),
        })
  }
  for (const [name, tally] of tallies) report(name, tally)
}

if (wants('mccabe')) {
  const sources = SOURCES.python()
  const facts = await reader.read(sources.map(({ path, bytes }) => ({ path, language: 'python', bytes })))
  const run = spawnSync(values.python, [join(root, 'scripts', 'conformance', 'ask_mccabe.py')], {
    input: sources.map(({ full }) => full).join('\n'),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  if (run.status !== 0) throw new Error(run.stderr)
  const [, ...answers] = run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const tally = createTally()
  for (const [i, { functions }] of answers.entries()) {
    const ours = byLineWithInner(facts[i])
    for (const { line, value } of functions ?? [])
      count(tally, { name: sources[i].package, path: sources[i].path, line, oracle: value, ours: ours.get(line) })
  }
  report('mccabe', tally)
}

/** Programs that read languages npm and Debian bring few sources of: every folder of --sources is a package. */
const PROGRAMS = {
  checkstyle: { language: 'java', extensions: ['.java'], ask: askCheckstyle },
  'pmccabe c': { language: 'c', extensions: ['.c'], ask: askPmccabe },
  'pmccabe cpp': { language: 'cpp', extensions: ['.cc', '.cpp', '.cxx'], ask: askPmccabe },
}
for (const [name, { language, extensions, ask }] of Object.entries(PROGRAMS)) {
  if (values.sources === undefined || !wants(name)) continue
  const sources = chooseSources({ root: values.sources, packages: readdirSync(values.sources), extensions, bytes: most(400_000) })
  const facts = await reader.read(sources.map(({ path, bytes }) => ({ path, language, bytes })))
  // lambdas belong to the function around them
  const ours = new Map(sources.map(({ full, bytes }, i) => [full, byLineWithLambdas(facts[i], bytes)]))
  const packages = new Map(sources.map((source) => [source.full, source]))
  // pmccabe follows one branch of an #if, a grammar reads both: functions without one are counted by themselves as well
  const [all, plain] = [createTally(), createTally()]
  for (const { path, line, value } of ask(sources.map(({ full }) => full))) {
    const found = ours.get(path).get(line)
    const row = { name: packages.get(path).package, path, line, oracle: value, ours: found?.value }
    count(all, row)
    if (found?.conditional === false) count(plain, row)
  }
  report(name, all)
  if (name !== 'checkstyle') report(`${name}, no #if inside`, plain)
}

const FUNCTIONS_AND_TYPES =
  /^(function|method|constructor|getter|setter|lambda|class|interface|enum|type|struct|union|module|namespace|macro|trait)$/

for (const [language, choose] of Object.entries(SOURCES)) {
  if (language === 'sources') continue
  if (![`cloc ${language}`, `ctags ${language}`, 'cloc', 'ctags'].some(wants)) continue
  const sources = choose()
  if (sources.length === 0) continue
  const facts = await reader.read(sources.map(({ path, bytes }) => ({ path, language, bytes })))
  if (wants('cloc') || wants(`cloc ${language}`)) {
    const answers = askCloc(sources.map(({ full }) => full))
    const tally = { files: 0, equal: 0, lines: 0, apart: 0 }
    for (const [i, { full, path }] of sources.entries()) {
      const answer = answers.get(full)
      if (answer === undefined) continue
      const { source, comment, blank } = facts[i].lines
      const apart = (Math.abs(answer.code - source) + Math.abs(answer.comment - comment) + Math.abs(answer.blank - blank)) / 2
      tally.files += 1
      tally.lines += answer.code + answer.comment + answer.blank
      tally.apart += apart
      if (apart === 0) tally.equal += 1
      else if (values.verbose)
        console.error(`cloc ${path} code ${answer.code} ${source} comment ${answer.comment} ${comment} blank ${answer.blank} ${blank}`)
    }
    results[`cloc ${language}`] = {
      files: tally.files,
      files_equal: tally.equal / tally.files,
      lines: tally.lines,
      lines_equal: 1 - tally.apart / tally.lines,
    }
  }
  if (wants('ctags') || wants(`ctags ${language}`)) {
    const answers = askCtags(sources.map(({ full }) => full))
    const tally = { theirs: 0, found: 0, ours: 0, confirmed: 0 }
    const packages = new Map()
    for (const [i, { full, path, package: name }] of sources.entries()) {
      const tags = answers.get(full)
      const bare = (text) => text.replace(/^.*[.#]/, '').replace(/^['"](.*)['"]$/, '$1')
      const ours = facts[i].definitions.map((each) => ({ ...each, key: `${bare(each.name)} ${each.nameRow + 1}` }))
      const theirs = new Set(tags.map((tag) => `${bare(tag.name)} ${tag.line}`))
      const known = new Set(ours.map(({ key }) => key))
      for (const tag of tags.filter(({ counts }) => counts)) {
        tally.theirs += 1
        packages.set(name, (packages.get(name) ?? 0) + 1)
        if (known.has(`${bare(tag.name)} ${tag.line}`)) tally.found += 1
        else if (values.verbose) console.error(`ctags ${language} only theirs ${path}:${tag.line} ${tag.name}`)
      }
      for (const each of ours.filter(({ kind }) => FUNCTIONS_AND_TYPES.test(kind))) {
        tally.ours += 1
        if (theirs.has(each.key)) tally.confirmed += 1
        else if (values.verbose) console.error(`ctags ${language} only ours ${path}:${each.nameRow + 1} ${each.name} ${each.kind}`)
      }
    }
    results[`ctags ${language}`] = {
      packages: packages.size,
      largest_share: Math.max(...packages.values()) / tally.theirs,
      files: sources.length,
      functions: tally.theirs,
      recall: tally.found / tally.theirs,
      precision: tally.confirmed / tally.ours,
    }
  }
}

if (values.json) console.log(JSON.stringify(results, null, 2))
else console.table(results)
