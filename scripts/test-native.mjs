// `npm run test:native`: builds the addon with the address and undefined-behaviour sanitizers and reads mutated sources with it.
// usage: npm run test:native [-- ROUNDS [SEED]]. Needs gcc on Linux; ends with 1 on the first finding.
import { buildSync } from 'esbuild'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { root, setup } from './setup.mjs'

const require = createRequire(import.meta.url)
const [rounds = '60', seed = '12345'] = process.argv.slice(2)
if (process.platform !== 'linux' || spawnSync('g++', ['--version']).status !== 0) {
  console.error('skipped: the sanitizers are used with gcc on Linux')
  process.exit(0)
}
setup({ tests: false })
const folder = mkdtempSync(join(tmpdir(), 'singularity-sanitize-'))
const library = join(dirname(require.resolve('tree-sitter/package.json')), 'vendor', 'tree-sitter', 'lib')
const headers = [join(dirname(process.execPath), '..', 'include', 'node'), '/usr/include/node'].find((path) =>
  existsSync(join(path, 'node_api.h')),
)
const includes = [join(library, 'include'), join(library, 'src'), dirname(require.resolve('node-addon-api/package.json')), headers ?? '.']
const flags = ['-g', '-O1', '-fPIC', '-w', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer']
const defines = ['NAPI_VERSION=8', 'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', 'TREE_SITTER_HIDE_SYMBOLS', '_GNU_SOURCE']
const common = [...flags, ...defines.map((name) => `-D${name}`), ...includes.flatMap((path) => ['-I', path])]

function run(command, args, options = {}) {
  const { status } = spawnSync(command, args, { cwd: folder, stdio: 'inherit', ...options })
  if (status !== 0) {
    rmSync(folder, { recursive: true, force: true })
    process.exit(1)
  }
}

const source = (name) => join(root, 'native', 'src', name)
run('gcc', ['-std=c11', ...common, '-c', source('core.c')])
run('g++', [
  '-std=c++17',
  '-fno-exceptions',
  '-fno-rtti',
  ...common,
  '-c',
  ...['arena.cc', 'walk.cc', 'kept_trees.cc', 'batch.cc', 'addon.cc'].map(source),
])
const objects = ['core.o', 'arena.o', 'walk.o', 'batch.o', 'addon.o']
run('g++', ['-shared', '-fsanitize=address,undefined', '-o', 'code.node', ...objects, '-ldl', '-lpthread'])
mkdirSync(join(root, 'tmp'), { recursive: true })
const program = join(root, 'tmp', `fuzz-${process.pid}.mjs`)
buildSync({
  entryPoints: [join(root, 'test', 'support', 'programs', 'fuzz-addon.ts')],
  outfile: program,
  bundle: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
})
const runtime = (name) => spawnSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim()
const { status } = spawnSync(process.execPath, [program, join(folder, 'code.node'), rounds, seed], {
  cwd: root,
  stdio: 'inherit',
  // Node itself does not give everything back at its end: leaks are looked for elsewhere.
  env: { ...process.env, LD_PRELOAD: `${runtime('libasan.so')} ${runtime('libubsan.so')}`, ASAN_OPTIONS: 'detect_leaks=0' },
})
rmSync(program, { force: true })
rmSync(folder, { recursive: true, force: true })
process.exit(status === 0 ? 0 : 1)
