// Reading sources: facts of our engines beside the bare parse of the same bytes in the same process, rounds interleaved.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { builtNodeTreeSitter, measurePeers } from './code-peers.mjs'
import { bundleSources, loadSources, median, root, round } from './common.mjs'

export const CODE_TARGETS = { againstParse: 0.9, twoThreads: 1.7 }

/** The sources of packages that every installation has, and Debian's Python library where it is here. */
const CORPORA = [
  { name: 'TypeScript (our own)', command: ['git', ['ls-files', 'src/*.ts']] },
  {
    name: 'JavaScript (packages)',
    command: ['find', ['node_modules/undici/lib', 'node_modules/yaml/dist', 'node_modules/zod', '-name', '*.js']],
  },
  {
    name: 'Python (library)',
    command: ['find', ['/usr/lib/python3.11/asyncio', '/usr/lib/python3.11/email', '/usr/lib/python3.11/unittest', '-name', '*.py']],
  },
]

const PARSING = ['fact-engines/native', 'fact-engines/node', 'fact-engines/wasm', 'grammar-files', 'tables']
  .map((name) => `export * from './src/core/parsing/${name}.ts'`)
  .join('\n')

async function timed(body) {
  const cpu = process.cpuUsage()
  const started = performance.now()
  await body()
  const { user, system } = process.cpuUsage(cpu)
  return { wall: performance.now() - started, cpu: (user + system) / 1000 }
}

const READING = `import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createFactReader } from './src/core/parsing/index.ts'
const { root, files } = JSON.parse(readFileSync(0, 'utf8'))
const reader = createFactReader({ tableFolders: [join(root, 'templates_data', 'languages')], manifestFile: join(root, 'native', 'grammars.json'),
  grammarFolders: [join(root, 'native', 'grammars')], addonFile: join(root, 'native', 'build', 'code.node'), threads: 2 })
await reader.language('javascript')
await reader.readRecords(files.map((path) => ({ path, bytes: readFileSync(path) })))
// what getrusage calls the maximum is handed down by the parent: the kernel's own figure is of this program
console.log(Math.round(Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024))`

/** Largest resident memory of a process that reads the files once, and of one that only loads what reading needs. */
function measureMemory(paths) {
  const program = bundleSources('memory', READING)
  const peak = (files) => {
    const request = JSON.stringify({ root, files })
    const result = spawnSync(process.execPath, [program], { input: request, encoding: 'utf8', maxBuffer: 1 << 26 })
    if (result.status !== 0) throw new Error(result.stderr)
    return Number(result.stdout)
  }
  try {
    return { peakMegabytes: peak(paths), emptyMegabytes: peak([]) }
  } finally {
    rmSync(program, { force: true })
  }
}

/**
 * Ratios per corpus: speed of reading all facts on one thread over the bare parse (CPU time, 1 is as fast), wall time of one thread
 * over that of two, and how much faster than WebAssembly.
 */
export async function measureCode({ rounds = 7 } = {}) {
  const { createNativeEngine, createNodeEngine, createWasmEngine, createGrammarFiles, loadTables } = await loadSources('parsing', PARSING)
  const tables = loadTables([join(root, 'templates_data', 'languages')])
  const grammars = createGrammarFiles(join(root, 'native', 'grammars.json'), [join(root, 'native', 'grammars')])
  const addonFile = join(root, 'native', 'build', 'code.node')
  const [one, two] = [1, 2].map((threads) => createNativeEngine({ tables, grammars, addonFile, threads }))
  if ('reason' in one) throw new Error(`the addon is not built: ${one.reason}`)
  const wasm = createWasmEngine({ tables, grammars })
  const moduleFile = builtNodeTreeSitter()
  const cursor = moduleFile === undefined ? undefined : createNodeEngine({ tables, grammars, moduleFile })
  const limits = { deadlineMs: 60_000, maxBytes: 2 ** 30 }
  const corpora = []
  let scripts
  for (const { name, command } of CORPORA) {
    const paths = execFileSync(command[0], command[1], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\n')
      .filter(Boolean)
    const files = paths.flatMap((path) => {
      const language = tables.detect(path)
      const full = join(path.startsWith('/') ? '/' : root, path)
      return language === undefined ? [] : [{ language, path: full, bytes: readFileSync(full) }]
    })
    if (files.every(({ language }) => language === 'javascript')) scripts = files
    for (const language of new Set(files.map((file) => file.language)))
      for (const engine of [one, two, wasm]) await engine.support(language)
    const runs = { parse: [], read: [], both: [] }
    for (let i = 0; i < rounds; i++) {
      runs.parse.push(await timed(() => one.parse(files, 1)))
      runs.read.push(await timed(() => one.read(files, limits)))
      runs.both.push(await timed(() => two.read(files, limits)))
    }
    const byWasm = await timed(() => wasm.read(files, limits))
    const ratio = (a, b, key) => round(median(a.map((run, i) => run[key] / b[i][key])))
    const megabytes = files.reduce((sum, { bytes }) => sum + bytes.length, 0) / 1e6
    corpora.push({
      name,
      files: files.length,
      megabytes: round(megabytes, 1),
      megabytesPerSecond: round((megabytes / median(runs.read.map(({ cpu }) => cpu))) * 1000, 1),
      filesPerSecond: Math.round((files.length / median(runs.read.map(({ cpu }) => cpu))) * 1000),
      againstParse: ratio(runs.parse, runs.read, 'cpu'),
      twoThreads: ratio(runs.read, runs.both, 'wall'),
      againstWasm: round(byWasm.cpu / median(runs.read.map(({ cpu }) => cpu))),
    })
  }
  await cursor?.support('javascript')
  const peers = await measurePeers(
    scripts,
    () => one.read(scripts, limits),
    {
      WebAssembly: () => wasm.read(scripts, limits),
      'node-tree-sitter, walk in JavaScript': cursor && (() => cursor.read(scripts, limits)),
    },
    Math.min(rounds, 5),
  )
  const memory = existsSync('/proc/self/status') ? measureMemory(scripts.map(({ path }) => path)) : undefined
  return { targets: CODE_TARGETS, corpora, peers, ...(memory && { memory }) }
}
