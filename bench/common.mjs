// What the parts of `npm run bench` share.
import { buildSync } from 'esbuild'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..')
export const program = join(root, 'bin', 'run.js')

export const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
export const round = (value, digits = 2) => Number(value.toFixed(digits))
export const percent = (part, whole) => (whole === 0 ? 'none measured' : `${round((part / whole) * 100, 1)} % (${part} of ${whole})`)

/** Runs `body` with a folder that is gone afterwards. */
export async function withFolder(body) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'singularity-bench-')))
  try {
    return await body(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What a measured process sees: a home of its own, no settings of the person's. */
export const environment = (folder) => ({
  PATH: process.env.PATH,
  HOME: folder,
  CI: '1',
  XDG_STATE_HOME: join(folder, 'state'),
  XDG_CONFIG_HOME: join(folder, 'config'),
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
})

/** Copies a project into a new repository with one commit. */
export function makeRepository(folder, source, name = 'repository') {
  const path = join(folder, name)
  const env = environment(folder)
  const git = (...args) =>
    execFileSync('git', args, { cwd: path, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 })
  if (source === null) mkdirSync(path, { recursive: true })
  else cpSync(source, path, { recursive: true })
  git('init', '-q', '-b', 'work')
  git('config', 'user.name', 'Bench')
  git('config', 'user.email', 'bench@example.com')
  const commit = (message) => {
    git('add', '-A')
    git('commit', '-q', '-m', message)
  }
  if (source !== null) commit('feat: start')
  return { path, env, git, commit }
}

/** The program as a person starts it; `json` is undefined where it printed none. */
export function singularity(repository, args, options = {}) {
  const started = performance.now()
  const result = spawnSync(process.execPath, [program, ...args, '--json'], {
    cwd: repository.path,
    env: repository.env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...options,
  })
  const ms = performance.now() - started
  try {
    return { ms, status: result.status, json: JSON.parse(result.stdout) }
  } catch {
    return { ms, status: result.status, json: undefined, text: `${result.stdout}${result.stderr}` }
  }
}

/** One process, in ms of wall clock and of the CPU time of its whole tree. */
export function timed(command, repository, { input, accept = [0] } = {}) {
  const started = performance.now()
  const { status, stdout, stderr, output } = spawnSync(
    join(root, 'native', 'build', 'launcher'),
    ['run', '--report-fd', '3', '--', ...command],
    {
      cwd: repository.path,
      env: repository.env,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      input,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    },
  )
  const wall = performance.now() - started
  if (!accept.includes(status)) throw new Error(`${command.join(' ')} ended with ${status}: ${stderr}`)
  const used = JSON.parse(output[3])
  return { wall, cpu: (used.user_us + used.system_us) / 1000, stdout }
}

/** Sources as one module; answers its file, which the caller deletes. It lies in the project, so that packages resolve. */
export function bundleSources(name, contents) {
  const outfile = join(root, 'tmp', `bench-${name}-${process.pid}.mjs`)
  mkdirSync(dirname(outfile), { recursive: true })
  buildSync({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'silent',
  })
  return outfile
}

/** The same as a module of this process. */
export async function loadSources(name, contents) {
  const outfile = bundleSources(name, contents)
  try {
    return await import(pathToFileURL(outfile).href)
  } finally {
    rmSync(outfile, { force: true })
  }
}

function coreSources() {
  const doors = [
    'app',
    'analysis/index',
    'git/index',
    'kernel/index',
    'parsing/index',
    'process/index',
    'queue/index',
    'sandbox/index',
    'sandbox/machinery',
    'storage/index',
    'validation/statistics/index',
  ]
  const names = ['app', 'analysis', 'git', 'kernel', 'parsing', 'process', 'queue', 'sandbox', 'machinery', 'storage', 'statistics']
  return [
    ...doors.map((door, index) => `export * as ${names[index]} from './src/core/${door}.ts'`),
    `export * as faults from './src/core/validation/faults/faults.ts'`,
  ].join('\n')
}

/** Rooms of the core as one module; answers its file, which the caller deletes. */
export const bundleCore = (name = 'core') => bundleSources(name, coreSources())

/** Rooms of the core as one module of this process. */
export const loadCore = () => loadSources('core', coreSources())

/** The composition root over a repository, in this process. Call `close` when done. */
export function openApp(core, repository) {
  return core.app.createApp({
    cwd: repository.path,
    env: repository.env,
    home: repository.env.HOME,
    stateHome: repository.env.XDG_STATE_HOME,
    configHome: join(repository.env.XDG_CONFIG_HOME, 'singularity'),
    clock: core.kernel.systemClock,
    version: '0.0.0-bench',
    ci: false,
    packageRoot: root,
  })
}

/** Sandboxes over a repository without the rest of the program: `create(commit)` makes one whose jail has node. */
export async function openSandboxes(core, repository, folder) {
  const git = core.git.createGit(await core.git.discoverRepository({ cwd: repository.path, env: repository.env }), { env: repository.env })
  const db = core.storage.openDatabase({ path: join(folder, 'bench.db'), applicationId: 1, migrations: core.storage.STATE_MIGRATIONS })
  const path = [dirname(process.execPath), '/usr/bin', '/bin'].join(':')
  const room = core.machinery.createSandboxRoom({
    git,
    db,
    clock: core.kernel.systemClock,
    isolation: core.machinery.createIsolation('bubblewrap', {
      path: process.env.PATH,
      launcher: join(root, 'native', 'build', 'launcher'),
      stateDir: join(folder, 'isolation'),
      uid: process.getuid(),
      gid: process.getgid(),
    }),
    processes: core.process.createProcessInfo(),
    stateHome: join(folder, 'sandbox-state'),
    path: process.env.PATH,
    home: folder,
  })
  const profile = { mounts: [], path, env: {}, include: [], git: 'none', services: [] }
  return {
    git,
    create: (commit) => room.create({ commit, purpose: 'validate', profile }),
    close() {
      git.close()
      db.close()
    },
  }
}
