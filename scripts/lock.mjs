// Writes package-lock.json (here and for the test runners) anew, after a change of dependencies. Two things npm does not do by itself:
// no address of a registry is kept, and optional packages of other platforms stand in it even where the registry at hand does not
// carry them. `npm ci` refuses a lock file without them, on every platform.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32', 'aix']
const PROCESSORS = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el', 'wasm32']

/** What a platform package runs on, as its name says. */
function platformOf(name) {
  const words = name.split(/[/-]/)
  const os = SYSTEMS.find((each) => words.includes(each))
  const cpu = PROCESSORS.find((each) => words.includes(each))
  const libc =
    words.includes('musl') || words.includes('musleabihf')
      ? 'musl'
      : words.includes('gnu') || words.includes('gnueabihf')
        ? 'glibc'
        : undefined
  return os && cpu ? { cpu: [cpu], ...(os === 'linux' && libc && { libc: [libc] }), os: [os] } : undefined
}

for (const folder of ['.', 'test/fixtures/toolchain']) {
  const cwd = join(root, folder)
  const path = join(cwd, 'package-lock.json')
  if (!process.argv.includes('--complete'))
    execFileSync(
      'npm',
      ['install', '--package-lock-only', '--ignore-scripts', '--omit-lockfile-registry-resolved', '--no-audit', '--no-fund'],
      { cwd, stdio: 'inherit' },
    )
  const lock = JSON.parse(readFileSync(path, 'utf8'))
  let added = 0
  for (const parent of Object.values(lock.packages)) {
    delete parent.resolved
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const platform = platformOf(name)
      if (!platform || !/^\d/.test(version) || lock.packages[`node_modules/${name}`]) continue
      lock.packages[`node_modules/${name}`] = { version, ...platform, ...(parent.dev && { dev: true }), optional: true }
      added += 1
    }
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`${folder}: ${Object.keys(lock.packages).length} packages, ${added} of other platforms added`)
}
