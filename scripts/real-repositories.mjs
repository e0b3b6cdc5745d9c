// Runs the main job on real repositories at pinned commits and prints a table.
// usage: node scripts/real-repositories.mjs FOLDER [NAME...]      FOLDER holds one clone per name of the list below.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const project = join(dirname(fileURLToPath(import.meta.url)), '..')
const [folder, ...names] = process.argv.slice(2)
if (!folder) {
  console.error('usage: node scripts/real-repositories.mjs FOLDER [NAME...]')
  process.exit(2)
}
const list = JSON.parse(readFileSync(join(project, 'scripts', 'real-repositories.json'), 'utf8'))
const clones = resolve(folder)
// Without a dot: suites about dot files would see it in their own path.
const work = join(clones, 'singularity-show')
mkdirSync(work, { recursive: true })

/** A clone at the pinned commit on a branch of its own, with its dependencies installed; done once per name. */
function prepare({ name, commit, setup }) {
  const target = join(work, name)
  const env = { ...process.env, CI: '1', HUSKY: '0', COREPACK_ENABLE_DOWNLOAD_PROMPT: '0' }
  if (!existsSync(join(target, '.git'))) {
    execFileSync('git', ['clone', '-q', '--no-hardlinks', join(clones, name), target], { stdio: 'inherit' })
    execFileSync('git', ['checkout', '-q', '-B', 'show', commit], { cwd: target, stdio: 'inherit' })
    for (const line of setup) {
      const result = spawnSync('sh', ['-c', line], { cwd: target, env, encoding: 'utf8' })
      if (result.status !== 0) console.error(`${name}: set-up step failed (${line}): ${result.stderr.split('\n').slice(-3).join(' ')}`)
    }
  }
  execFileSync('git', ['config', 'user.name', 'Show'], { cwd: target })
  execFileSync('git', ['config', 'user.email', 'show@example.com'], { cwd: target })
  return target
}

function state(cwd) {
  const git = (...args) => execFileSync('git', args, { cwd, maxBuffer: 1 << 28 })
  return createHash('sha256')
    .update(git('status', '--porcelain', '-z', '--untracked-files=all'))
    .update(git('for-each-ref', 'refs/heads', 'refs/tags'))
    .digest('hex')
}

function singularity(cwd, args) {
  const result = spawnSync(process.execPath, [join(project, 'bin', 'run.js'), ...args, '--json'], {
    cwd,
    env: { ...process.env, XDG_STATE_HOME: join(work, 'state'), XDG_CONFIG_HOME: join(work, 'config') },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  let answer
  try {
    answer = JSON.parse(result.stdout)
  } catch {
    answer = { ok: false, error: { code: 'NO_JSON', message: `${result.stdout.slice(0, 200)} ${result.stderr.slice(-400)}` } }
  }
  return { status: result.status, ...answer }
}

const rows = []
for (const repository of list.filter(({ name }) => names.length === 0 || names.includes(name))) {
  const { name, runner, language, land = false, args = [] } = repository
  const cwd = prepare(repository)
  const before = state(cwd)
  const started = performance.now()
  const cpu = process.resourceUsage()
  const run = singularity(cwd, ['improve', '--into', 'current', '--time-limit', '10m', ...args])
  const minutes = (performance.now() - started) / 60_000
  const used = process.resourceUsage()
  const untouched = state(cwd) === before
  let landed = ''
  if (land && run.ok) {
    const kept = run.data.candidates.find(({ state: at, verdict }) => at === 'awaiting_approval' && verdict === 'keep')
    if (kept) {
      const approved = singularity(cwd, ['approve', kept.id])
      const undone = singularity(cwd, ['undo', kept.id, '--yes'])
      landed =
        approved.data?.state === 'landed' && undone.data?.state === 'undone'
          ? 'landed and undone'
          : `failed: ${approved.error?.code ?? approved.data?.state} ${undone.error?.code ?? ''}`
      execFileSync('git', ['reset', '-q', '--hard', repository.commit], { cwd })
    } else landed = 'nothing kept'
  }
  const totals = run.data?.totals
  rows.push({
    name,
    commit: repository.commit.slice(0, 10),
    language,
    runner,
    found: totals?.found,
    kept: totals?.kept,
    'rolled back': totals?.rolled_back,
    undecided: totals?.cannot_decide,
    errored: totals?.errored,
    'not run': totals?.not_run,
    'blind spots': run.data?.blind_spots.length,
    minutes: minutes.toFixed(1),
    'CPU s': ((used.userCPUTime - cpu.userCPUTime + used.systemCPUTime - cpu.systemCPUTime) / 1e6).toFixed(0),
    exit: run.ok ? run.status : `${run.status} ${run.error.code}`,
    'tree untouched': untouched ? 'yes' : 'NO',
    landed,
  })
  writeFileSync(join(work, `${name}.json`), JSON.stringify(run, null, 2))
  console.error(JSON.stringify(rows.at(-1)))
  if (!run.ok) console.error(`  ${run.error.message}`)
}
const columns = Object.keys(rows[0] ?? {})
console.log(`| ${columns.join(' | ')} |\n|${columns.map(() => '---').join('|')}|`)
for (const row of rows) console.log(`| ${columns.map((column) => row[column] ?? '').join(' | ')} |`)
