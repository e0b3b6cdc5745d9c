// Whether the tests that a planted fault turns red are among the affected tests, and how many of all tests those are.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { environment, makeRepository, percent, root, round, withFolder } from './common.mjs'

/** Each answers the test files (of Go the folders) that are red; null where nothing was built, or the tests did not end. */
const RUNNERS = {
  'node:test': (cwd, tests) => tests.filter((file) => run(cwd, process.execPath, ['--test', file]).status !== 0),
  vitest: (cwd, tests) => fromJest(cwd, ['vitest', 'run', '--reporter=json'], tests),
  jest: (cwd, tests) => fromJest(cwd, ['jest', '--json', '--silent'], tests),
  mocha(cwd, tests) {
    const output = join(cwd, '.affected.json')
    const { stdout } = run(cwd, 'npx', [
      '--no-install',
      'mocha',
      '--exit',
      '--reporter',
      'json',
      '--reporter-option',
      `output=${output}`,
      ...tests,
    ])
    const report = readReport(output)
    // one file that does not load ends them all
    if (report === undefined) return tests.filter((file) => run(cwd, 'npx', ['--no-install', 'mocha', '--exit', file]).status !== 0)
    return [...new Set(report.failures.map(({ file }) => relative(cwd, file)))].filter((file) => tests.includes(file) || stdout === null)
  },
  pytest(cwd, tests) {
    const { stdout } = run(cwd, 'python3', ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-rfE', '--no-header', '--tb=no', ...tests])
    return [...new Set([...stdout.matchAll(/^(?:FAILED|ERROR) ([^:\s]+\.py)/gm)].map(([, file]) => file))]
  },
  go(cwd, tests) {
    const { stdout } = run(cwd, 'go', ['test', '-json', '-vet=off', './...'])
    if (/build failed|setup failed/.test(stdout)) return null
    const module = /^module\s+(\S+)/m.exec(readFileSync(join(cwd, 'go.mod'), 'utf8'))[1]
    const failed = stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
      .filter(({ Action, Test }) => Action === 'fail' && Test === undefined)
      .map(({ Package }) => Package.slice(module.length + 1))
    return [...new Set(failed)].filter((folder) => tests.includes(folder))
  },
}

/** A fault that makes tests hang tells nothing about which of them it reaches. */
const HANGS = new Error('the tests do not end')
let longest = 240_000

function run(cwd, command, args) {
  const env = {
    ...process.env,
    CI: '1',
    NODE_ENV: 'test',
    NODE_TEST_CONTEXT: undefined,
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONPATH: join(cwd, 'src'),
  }
  const { status, stdout, signal } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: longest,
    killSignal: 'SIGKILL',
  })
  if (signal !== null) throw HANGS
  return { status, stdout: stdout ?? '' }
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  } finally {
    rmSync(file, { force: true })
  }
}

function fromJest(cwd, [command, ...args], tests) {
  const output = join(cwd, '.affected.json')
  run(cwd, 'npx', ['--no-install', command, ...args, `--outputFile=${output}`, ...tests])
  const report = readReport(output)
  return (report?.testResults ?? []).filter(({ status }) => status === 'failed').map(({ name }) => relative(cwd, name))
}

function ask(runner, cwd, tests) {
  try {
    return RUNNERS[runner](cwd, tests)
  } catch (error) {
    if (error !== HANGS) throw error
    return null
  }
}

/** The same order for the same seed. */
function shuffled(items, seed) {
  let state = seed >>> 0
  const next = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
  return items
    .map((item) => ({ item, at: next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

/**
 * Plants up to `faults` faults, one after the other, into files of a clone that is clean. `recall` counts the red test files that were
 * selected, over faults whose answer was complete and over all of them; `share` is how many of the test files were selected.
 */
export async function measureAffected(
  core,
  { cwd, runner, tests: testPattern, sources: sourcePattern, faults, mostTests = Infinity, mostMs = Infinity },
) {
  const git = core.git.createGit(await core.git.discoverRepository({ cwd, env: process.env }), { env: process.env })
  const reader = core.parsing.createFactReader(readerDeps())
  const graphs = core.analysis.createModuleGraphs({ reader: async () => reader })
  const base = core.analysis.moduleTreeOf(git.reader(await git.resolve('HEAD^{tree}')))
  const paths = (await base.list()).map(({ path }) => path)
  const named = paths.filter((path) => new RegExp(testPattern).test(path))
  const all = runner === 'go' ? [...new Set(named.map((path) => path.split('/').slice(0, -1).join('/')))] : named
  const tests = shuffled(all, 7).slice(0, mostTests).toSorted()
  // of a choice of the tests, what lies beside them is changed: the others would notice nothing
  const folders = new Set(tests.map((test) => test.split('/').slice(0, -1).join('/')))
  const isNear = (path) => tests.length === all.length || folders.has(path.split('/').slice(0, -1).join('/'))
  const sources = shuffled(
    paths.filter((path) => new RegExp(sourcePattern).test(path) && !named.includes(path) && isNear(path)),
    11,
  )
  const before = performance.now()
  const red = new Set(RUNNERS[runner](cwd, tests) ?? tests)
  longest = Math.round(15_000 + 4 * (performance.now() - before))
  const green = tests.filter((test) => !red.has(test))
  const started = performance.now()
  const found = {
    planted: 0,
    noticed: 0,
    complete: 0,
    completeNoticed: 0,
    failing: 0,
    hit: 0,
    completeFailing: 0,
    completeHit: 0,
    share: 0,
    completeShare: 0,
    missed: [],
  }
  const times = []
  for (const path of sources) {
    if (found.noticed >= faults || performance.now() - started > mostMs) break
    const text = readFileSync(join(cwd, path), 'utf8')
    const language = core.parsing.languageOf(path)
    const [fault] = shuffled(core.faults.plantFaults({ text, language, seed: 3, max: 5, compiled: runner === 'go' }), 5)
    if (!fault) continue
    const since = performance.now()
    const answer = await core.analysis.affectedTests(graphs, base, { paths: [path], tests: green })
    times.push(performance.now() - since)
    writeFileSync(join(cwd, path), text.slice(0, fault.start) + fault.text + text.slice(fault.end))
    const failed = ask(runner, cwd, green)
    execFileSync('git', ['checkout', '-q', '--', path], { cwd })
    if (failed === null) continue
    const selected = new Set(answer.tests.filter(({ distance }) => distance !== null).map((each) => each.path))
    const failing = failed.filter((test) => green.includes(test))
    const hit = failing.filter((test) => selected.has(test))
    found.planted++
    found.share += selected.size / green.length
    found.failing += failing.length
    found.hit += hit.length
    if (failing.length > 0) found.noticed++
    if (answer.complete) {
      found.complete++
      found.completeShare += selected.size / green.length
      found.completeFailing += failing.length
      found.completeHit += hit.length
      if (failing.length > 0) found.completeNoticed++
    }
    for (const test of failing) if (!selected.has(test)) found.missed.push({ path, line: fault.line, test, complete: answer.complete })
  }
  git.close()
  return { ...found, tests: green.length, firstMs: round(times[0] ?? 0, 0) }
}

export function readerDeps() {
  return {
    tableFolders: [join(root, 'templates_data', 'languages')],
    manifestFile: join(root, 'native', 'grammars.json'),
    grammarFolders: [join(root, 'native', 'grammars')],
    addonFile: join(root, 'native', 'build', 'code.node'),
    threads: 2,
  }
}

/** The bundled examples, in a few seconds: for `npm test`. */
export const measureBundled = (core) =>
  withFolder(async (folder) => {
    const results = []
    for (const [index, source] of [join(root, 'examples', 'shop'), join(root, 'bench', 'fixture')].entries()) {
      const { path } = makeRepository(folder, source, `repository-${index}`)
      Object.assign(process.env, { GIT_CONFIG_GLOBAL: environment(folder).GIT_CONFIG_GLOBAL })
      results.push(
        await measureAffected(core, {
          cwd: path,
          runner: 'node:test',
          tests: String.raw`^test/.*\.test\.js$`,
          sources: String.raw`^src/.*\.js$`,
          faults: 4,
        }),
      )
    }
    return results
  })

/** A row of the page. */
export function rowOf({ name, commit, language }, found) {
  const mean = (sum, count) => (count === 0 ? '' : `${round((100 * sum) / count, 0)} %`)
  return {
    name,
    commit: commit.slice(0, 10),
    language,
    'test files': found.tests,
    'faults noticed': `${found.noticed} of ${found.planted}`,
    'answers complete': found.complete,
    'recall where complete': found.complete === 0 ? '' : percent(found.completeHit, found.completeFailing),
    'share where complete': mean(found.completeShare, found.complete),
    'recall of all': percent(found.hit, found.failing),
    'share of all': mean(found.share, found.planted),
    'first answer ms': found.firstMs,
  }
}
