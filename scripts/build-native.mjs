// Compiles the addon native/src to native/build/code.node: the parser's core from the installed tree-sitter package with our walk.
// Without a compiler the program works without it: files are then read by WebAssembly. Never fails an installation.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const native = join(dirname(fileURLToPath(import.meta.url)), '..', 'native')
const target = join(native, 'build', 'code.node')
const stamp = join(native, 'build', 'code.stamp')

/** What the addon is made of: its sources, the parser's version, Node's ABI. */
function inputs() {
  const hash = createHash('sha256')
  for (const name of [
    'binding.gyp',
    ...readdirSync(join(native, 'src'))
      .sort()
      .map((each) => join('src', each)),
  ])
    hash.update(`${name}\n`).update(readFileSync(join(native, name)))
  hash.update(readFileSync(require.resolve('tree-sitter/package.json')))
  return hash.update(`${process.versions.modules} ${process.platform} ${process.arch}`).digest('hex')
}

/** The node-gyp that npm brings, or the one of this project. */
function findNodeGyp() {
  const given = process.env['npm_config_node_gyp']
  if (given && existsSync(given)) return given
  try {
    return require.resolve('node-gyp/bin/node-gyp.js')
  } catch {
    // npm's own, beside node
  }
  const beside = join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'node_modules', 'node-gyp', 'bin', 'node-gyp.js')
  return existsSync(beside) ? beside : undefined
}

function build() {
  if (!existsSync(join(native, 'src'))) return 'addon: skipped, native/src is not here'
  let made
  try {
    made = inputs()
  } catch {
    return 'addon: skipped, the package tree-sitter is not installed'
  }
  if (existsSync(target) && existsSync(stamp) && readFileSync(stamp, 'utf8') === made) return undefined
  const gyp = findNodeGyp()
  if (!gyp) return 'addon: skipped, node-gyp was not found (files are then read by WebAssembly, at about half the speed)'
  // Headers beside node are the right ones, and need no download.
  const root = join(dirname(process.execPath), '..')
  const headers = existsSync(join(root, 'include', 'node', 'node_api.h')) ? [`--nodedir=${root}`] : []
  const result = spawnSync(process.execPath, [gyp, 'configure', 'build', '--directory', native, '--loglevel=error', ...headers], {
    encoding: 'utf8',
    env: { ...process.env, MAKEFLAGS: process.env['MAKEFLAGS'] ?? '-j2' },
  })
  const built = join(native, 'build', 'Release', 'code.node')
  if (result.status !== 0 || !existsSync(built)) {
    const why = `${result.stderr ?? ''}${result.stdout ?? ''}`.trim().split('\n').slice(-6).join('\n  ')
    return `addon: skipped, it could not be compiled (files are then read by WebAssembly):\n  ${why}\n  To get it: a C++ compiler, make and python3, then npm rebuild`
  }
  mkdirSync(dirname(target), { recursive: true })
  const temporary = `${target}.${process.pid}`
  copyFileSync(built, temporary)
  renameSync(temporary, target) // a loaded one is never written over
  writeFileSync(stamp, made)
  for (const rest of ['Release', 'Makefile', 'binding.Makefile', 'code.target.mk', 'config.gypi'])
    rmSync(join(native, 'build', rest), { recursive: true, force: true })
  return `addon: built native/build/code.node (${Math.round(statSync(target).size / 1024)} KB)`
}

const message = build()
if (message) console.error(message)
