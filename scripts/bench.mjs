// Figures of this machine as ratios within one run, kept in test/perf/baselines.json. Run it while nothing else runs.
// usage: npm run bench [-- --quick]
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, setup } from './setup.mjs'

setup({ tests: false })
const quick = process.argv.includes('--quick')
const rounds = quick ? 5 : 15
const folder = mkdtempSync(join(tmpdir(), 'singularity-bench-'))
const repository = join(folder, 'shop')
const env = {
  ...process.env,
  XDG_STATE_HOME: join(folder, 'state'),
  XDG_CONFIG_HOME: join(folder, 'config'),
  GIT_CONFIG_GLOBAL: '/dev/null',
}
const program = join(root, 'bin', 'run.js')
const git = (...args) => execFileSync('git', args, { cwd: repository, env, encoding: 'utf8' })
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

function time(args) {
  const started = performance.now()
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: repository, env, encoding: 'utf8', maxBuffer: 1 << 28 })
  return { ms: performance.now() - started, status, stdout }
}

/** Start-up of commands against an empty module, taken in turn so that drift hits all alike. */
function startUp() {
  const empty = join(folder, 'empty.mjs')
  writeFileSync(empty, '')
  const commands = {
    floor: [empty],
    version: [program, '--version'],
    help: [program, '--help'],
    runs: [program, 'runs', '--json'],
    status: [program, 'status', '--json'],
  }
  const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++)
    for (const [name, args] of Object.entries(commands)) {
      const { ms } = time(args)
      if (round > 0) times[name].push(ms)
    }
  const floor = median(times.floor)
  return {
    floor_ms: Math.round(floor),
    ...Object.fromEntries(
      Object.entries(times)
        .filter(([name]) => name !== 'floor')
        .map(([name, values]) => [`${name}_ratio`, Number((median(values) / floor).toFixed(2))]),
    ),
  }
}

/** Approve and undo through the command line on the example, as whole processes. */
function landing() {
  const { stdout } = time([program, 'improve', '--source', 'rules', '--json'])
  const waiting = JSON.parse(stdout).data.candidates.filter(({ state }) => state === 'awaiting_approval')
  const [approve, undo] = [[], []]
  for (const { id } of waiting) {
    approve.push(time([program, 'approve', id, '--json']).ms)
    undo.push(time([program, 'undo', id, '--json']).ms)
  }
  return { candidates: waiting.length, approve_with_validation_ms: Math.round(median(approve)), undo_ms: Math.round(median(undo)) }
}

try {
  cpSync(join(root, 'examples', 'shop'), repository, { recursive: true })
  git('init', '-q', '-b', 'work')
  git('config', 'user.name', 'Bench')
  git('config', 'user.email', 'bench@example.com')
  git('add', '-A')
  git('commit', '-q', '-m', 'feat: the shop')
  const sandbox = (files) =>
    JSON.parse(
      execFileSync(process.execPath, [join(root, 'bench', 'sandbox.mjs'), String(files), quick ? '3' : '7'], { encoding: 'utf8' }).replace(
        /^[^{]*/s,
        '',
      ),
    )
  const result = {
    node: process.version,
    startUp: startUp(),
    landing: landing(),
    sandboxSmall: sandbox(2000),
    ...(quick ? {} : { sandboxLarge: sandbox(20_000) }),
  }
  const statistics = spawnSync(
    process.execPath,
    [join(root, 'scripts', 'statistics-bench.mjs'), '--runs', quick ? '100' : '1000', '--json'],
    { encoding: 'utf8' },
  )
  if (statistics.status === 0) result.statistics = JSON.parse(statistics.stdout)
  console.log(JSON.stringify(result, null, 2))
  const file = join(root, 'test', 'perf', 'baselines.json')
  mkdirSync(join(root, 'test', 'perf'), { recursive: true })
  const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
  if (process.argv.includes('--write') || !before) writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
