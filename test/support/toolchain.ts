import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const HOME = fileURLToPath(new URL('../fixtures/toolchain', import.meta.url))
const MODULES = join(HOME, 'node_modules')
const STAMP = join(MODULES, '.installed-lock.json')

/**
 * The node_modules with the real JavaScript runners, installed once from the committed lock file. Only one test file may
 * call this: two installations side by side would remove each other's files.
 */
export function installToolchain(): string {
  const lock = readFileSync(join(HOME, 'package-lock.json'), 'utf8')
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lock) return MODULES
  // The package manager beside this node: the one on PATH may be a shim that needs the network.
  const manager = join(dirname(process.execPath), 'npm')
  execFileSync(existsSync(manager) ? manager : 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', HOME], {
    cwd: HOME,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  writeFileSync(STAMP, lock)
  return MODULES
}
