// Our C and C++ sources without a warning of the compiler (headers of others do not count). Exit 3: nothing could be checked here.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { C, CPP, DEFINES, INCLUDES } from './native-sources.mjs'
import { root } from './setup.mjs'

const strict = ['-fsyntax-only', '-Wall', '-Wextra', '-Werror']
const common = [...strict, ...DEFINES.map((name) => `-D${name}`), ...INCLUDES.flatMap((path) => ['-isystem', path])]
const units = [
  { compiler: 'gcc', args: [...strict, join(root, 'native', 'launcher.c')] },
  ...[C, CPP].map(({ compiler, flags, sources }) => ({ compiler, args: [...flags, ...common, ...sources] })),
]
if (process.platform !== 'linux' || units.some(({ compiler }) => spawnSync(compiler, ['--version']).status !== 0)) {
  console.log('warnings of the compiler: needs gcc and g++ on Linux')
  process.exit(3)
}
process.exitCode = units.some(({ compiler, args }) => spawnSync(compiler, args, { stdio: 'inherit' }).status !== 0) ? 1 : 0
