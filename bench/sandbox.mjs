// Ratios in one run: sandbox create and discard against `git worktree add` and `remove`, and what the jail costs a run.
//   node bench/sandbox.mjs [files=2000] [rounds=7]
import { buildSync } from 'esbuild'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const [files, rounds] = [Number(process.argv[2] ?? 2000), Number(process.argv[3] ?? 7)]
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'singularity-bench-')))
const program = join(root, 'tmp', `bench-${process.pid}.mjs`)
mkdirSync(dirname(program), { recursive: true })
const rooms = ['git', 'kernel', 'process', 'sandbox', 'storage']
  .map((room) => `export * as ${room} from './src/core/${room}/index.ts'`)
  .join('\n')
buildSync({
  stdin: { contents: rooms, resolveDir: root },
  outfile: program,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
})
const { git: gits, kernel, process: programs, sandbox: sandboxes, storage } = await import(pathToFileURL(program).href)

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
const timed = async (body) => {
  const started = performance.now()
  const value = await body()
  return [performance.now() - started, value]
}

try {
  const repository = join(folder, 'repository')
  for (let index = 0; index < files; index++) {
    const path = join(repository, `d${index % 50}`, `f${index}.txt`)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, `file ${index}\n`.repeat(100))
  }
  const env = { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }
  const plain = (...args) => execFileSync('git', ['-c', 'user.name=b', '-c', 'user.email=b@localhost', ...args], { cwd: repository, env })
  plain('init', '-q')
  plain('add', '-A')
  plain('commit', '-q', '-m', 'start')
  const git = gits.createGit(await gits.discoverRepository({ cwd: repository, env }), { env })
  const db = storage.openDatabase({ path: join(folder, 'state.db'), applicationId: 1, migrations: storage.STATE_MIGRATIONS })
  const deps = {
    path: env.PATH,
    launcher: join(root, 'native/build/launcher'),
    stateDir: join(folder, 'isolation'),
    uid: process.getuid(),
    gid: process.getgid(),
  }
  const isolation = sandboxes.createIsolation('bubblewrap', deps)
  const processes = programs.createProcessInfo()
  const room = sandboxes.createSandboxRoom({
    git,
    db,
    clock: kernel.systemClock,
    isolation,
    processes,
    stateHome: folder,
    path: env.PATH,
    home: folder,
  })
  const profile = { mounts: [], path: '/usr/bin:/bin', env: {}, include: [], git: 'none', services: [] }
  const head = await git.resolve('HEAD')
  const times = { add: [], create: [], remove: [], discard: [], bare: [], jailed: [] }
  const note = async (name, body) => {
    const [ms, value] = await timed(body)
    times[name].push(ms)
    return value
  }
  for (let round = 0; round < rounds; round++) {
    const path = join(folder, `plain-${round}`)
    await note('add', () => plain('worktree', 'add', '-q', '--detach', path))
    const sandbox = await note('create', () => room.create({ commit: head, purpose: 'validate', profile }))
    await note('bare', () => spawnSync('true'))
    await note('jailed', () => sandbox.run({ command: ['true'], timeoutMs: 10_000, measuring: true }))
    await note('remove', () => plain('worktree', 'remove', '--force', path))
    await note('discard', () => sandbox.discard())
  }
  const of = Object.fromEntries(Object.entries(times).map(([name, values]) => [name, Number(median(values).toFixed(2))]))
  const ratios = { create: of.create / of.add, discard: of.discard / of.remove, jailMs: of.jailed - of.bare }
  console.log(
    JSON.stringify(
      {
        files,
        rounds,
        medianMs: of,
        ratios: Object.fromEntries(Object.entries(ratios).map(([name, value]) => [name, Number(value.toFixed(2))])),
      },
      null,
      2,
    ),
  )
  git.close()
  db.close()
} finally {
  rmSync(folder, { recursive: true, force: true })
  rmSync(program, { force: true })
}
