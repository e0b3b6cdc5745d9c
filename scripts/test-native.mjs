// `npm run test:native`: builds the addon with the address and undefined-behaviour sanitizers and reads mutated sources with it.
// usage: npm run test:native [-- ROUNDS [SEED]]. Needs gcc on Linux; ends with 1 on the first finding.
import { buildSync } from 'esbuild'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { C, CPP, DEFINES, INCLUDES } from './native-sources.mjs'
import { root, setup } from './setup.mjs'

const [rounds = '60', seed = '12345'] = process.argv.slice(2)
if (process.platform !== 'linux' || spawnSync('g++', ['--version']).status !== 0) {
  console.error('skipped: the sanitizers are used with gcc on Linux')
  process.exit(0)
}
setup({ tests: false })
const folder = mkdtempSync(join(tmpdir(), 'singularity-sanitize-'))
const flags = ['-g', '-O1', '-fPIC', '-w', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer']
const common = [...flags, ...DEFINES.map((name) => `-D${name}`), ...INCLUDES.flatMap((path) => ['-I', path])]

function run(command, args, options = {}) {
  const { status } = spawnSync(command, args, { cwd: folder, stdio: 'inherit', ...options })
  if (status !== 0) {
    rmSync(folder, { recursive: true, force: true })
    process.exit(1)
  }
}

for (const { compiler, flags: own, sources } of [C, CPP]) run(compiler, [...own, ...common, '-c', ...sources])
const objects = ['core.o', 'arena.o', 'walk.o', 'kept_trees.o', 'batch.o', 'addon.o']
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
