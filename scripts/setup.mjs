// Everything `npm start` and `npm test` need, brought in when it is missing. Uses only what comes with Node, so that it runs on a
// fresh clone; run again it does nothing. As a program: `node scripts/setup.mjs [--tests]`.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, copyFileSync, existsSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** What a test or a jail calls, the Debian package that brings it, and how to see that it is there. */
const TOOLS = [
  { name: 'bubblewrap', wanted: 'isolation', present: () => onPath('bwrap') },
  { name: 'g++', wanted: 'the fast reader of sources', present: () => onPath('c++') || onPath('g++') || onPath('clang++') },
  { name: 'make', wanted: 'the fast reader of sources', present: () => onPath('make') },
  { name: 'gcc', wanted: 'CPU time of whole process trees', present: () => onPath('cc') || onPath('gcc') || onPath('clang') },
  { name: 'golang-go', wanted: 'tests of the Go runner', tests: true, present: () => onPath('go') },
  { name: 'python3-pytest', wanted: 'tests of the Python runners', tests: true, present: () => pythonHas('pytest') },
  { name: 'python3-coverage', wanted: 'tests of the Python runners', tests: true, present: () => pythonHas('coverage') },
  { name: 'python3-mccabe', wanted: 'comparison of metrics', tests: true, present: () => pythonHas('mccabe') },
  { name: 'cloc', wanted: 'comparison of metrics', tests: true, present: () => onPath('cloc') },
  { name: 'universal-ctags', wanted: 'comparison of metrics', tests: true, present: () => onPath('ctags') },
  { name: 'cmake', wanted: 'tests of the CTest runner', tests: true, present: () => onPath('cmake') },
]

function onPath(name) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Debian's packages serve Debian's Python, which need not be the first on the path. */
const pythonHas = (module) =>
  ['python3', '/usr/bin/python3'].some((python) => spawnSync(python, ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0)

/** Says what is done, does it, and ends the program when it fails. */
export function step(title, command, args, options = {}) {
  console.error(`> ${title}: ${[command, ...args].join(' ')}`)
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
    shell: process.platform === 'win32',
    ...options,
  })
  if (status === 0) return
  console.error(`${title} failed${error ? `: ${error.message}` : ` with exit code ${status}`}`)
  process.exit(status || 1)
}

/** True when every package of the lock file is installed in its version. Optional ones may be for other platforms. */
function isInstalled(folder) {
  try {
    const packages = (path) => JSON.parse(readFileSync(join(folder, path), 'utf8')).packages
    const installed = packages(join('node_modules', '.package-lock.json'))
    return Object.entries(packages('package-lock.json')).every(
      ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
    )
  } catch {
    return false
  }
}

function installPackages(folder, title, args) {
  // the runtime of embedding models is whole for the CPU; its script would fetch what a graphics card needs
  const env = { ONNXRUNTIME_NODE_INSTALL: 'skip', ...process.env }
  if (!isInstalled(folder)) step(title, 'npm', ['ci', '--no-audit', '--no-fund', ...args], { env })
}

/** The JavaScript runners that tests call for real; test/support/toolchain.ts reads the stamp. */
function installTestRunners() {
  const folder = join(root, 'test', 'fixtures', 'toolchain')
  const stamp = join(folder, 'node_modules', '.installed-lock.json')
  installPackages(folder, 'test runners', ['--ignore-scripts', '--prefix', folder])
  if (!existsSync(stamp)) copyFileSync(join(folder, 'package-lock.json'), stamp)
}

/** On Debian as root missing tools are installed; elsewhere they are named and everything goes on without them. */
function installTools(tests) {
  const missing = TOOLS.filter((tool) => (tests || !tool.tests) && !tool.present())
  if (missing.length === 0) return
  const names = missing.map(({ name }) => name)
  if (process.getuid?.() === 0 && existsSync('/etc/debian_version') && onPath('apt-get')) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const apt = (args) => {
      console.error(`> tools: apt-get ${args.join(' ')}`)
      return spawnSync('apt-get', args, { env, stdio: ['ignore', process.stderr, process.stderr] }).status === 0
    }
    if (apt(['update', '-q']) && apt(['install', '-y', '-q', '--no-install-recommends', ...names])) return
  }
  for (const { name, wanted, present } of missing)
    if (!present()) console.error(`! ${name} is not here: no ${wanted}. To get it: apt-get install ${name}`)
}

/** True when the jail can start here with what it needs: user and process namespaces. */
export function canIsolate() {
  const args = ['--unshare-all', '--die-with-parent', '--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', 'true']
  return spawnSync('bwrap', args, { stdio: 'ignore' }).status === 0
}

/** Brings in packages, tools, the launcher, the addon, grammars (the heavy ones for tests only) and the bundle. */
export function setup({ tests = false } = {}) {
  installPackages(root, 'packages', [])
  if (tests) installTestRunners()
  installTools(tests)
  step('launcher', process.execPath, ['scripts/build-launcher.mjs'])
  step('addon', process.execPath, ['scripts/build-native.mjs'])
  step('grammars', process.execPath, ['scripts/fetch-grammars.mjs', ...(tests ? ['--all'] : [])])
  step('bundle', process.execPath, ['scripts/build.mjs'])
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setup({ tests: process.argv.includes('--tests') })
